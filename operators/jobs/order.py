"""Several photos at once, of many people or of one: what the operators for both share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import bpy

from ...ml.batch import plan
from ...ml.errors import HeadError
from ...ml.results.report import summary, write_report
from ..paths import build
from ..runtime import engine, engine_python
from .job import Job, ReconstructionJob
from .person import PersonJob

_NAMED = 5  # how many photos a message names


@dataclass(frozen=True)
class Order:
    """What is wanted of several photos.

    Attributes
    ----------
    output: folder for the results and report.json.
    same_person: whether all show one person, who then becomes one head.
    collection: for the heads; empty: the scene's own.
    """

    photos: list[Path]
    output: Path
    same_person: bool = False
    collection: str = ""
    preview: bool = False


def several_job(context: bpy.types.Context, order: Order) -> Job:
    """The job that does it. Raises HeadError."""
    executable = engine_python().executable
    request = {"settings": context.scene.effigy.as_request(), "preview": order.preview}

    def on_head(directory: Path) -> None:
        build(context, directory, order.collection)

    if order.same_person:
        return PersonJob(
            lambda data: engine.submit(executable, "person", data),
            order.photos,
            order.output,
            request,
            on_head,
        )
    job = ReconstructionJob(
        lambda data: engine.submit(executable, "reconstruct", data),
        plan(order.photos, order.output),
        request,
        on_head,
        # After every photo, so that the record is there even if Blender is closed.
        lambda row: write_report(job.rows, order.output),
    )
    return job


def conclude_several(operator: bpy.types.Operator, job: Job, output: Path) -> set[str]:
    """Write the report and tell what came of the photos. Raises HeadError where no head did."""
    path = write_report(job.rows, output)
    told = f"{summary(job.rows)} ({path})"
    failed = [Path(row.photo).name for row in job.rows if row.status != "ok"]
    if len(failed) == len(job.rows) and job.error is not None:
        raise HeadError(f"{told}. {job.error.message}", job.error.hint)
    if failed:
        more = f" and {len(failed) - _NAMED} more" if len(failed) > _NAMED else ""
        told += f". No head from {', '.join(failed[:_NAMED])}{more}"
    # A warning, not an error: scripts go on, and the report says which photos failed.
    operator.report({"WARNING"} if failed else {"INFO"}, told)
    return {"FINISHED"}
