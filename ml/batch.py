"""Many photos: reconstruct, write, and go on when one of them fails."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from .errors import HeadError, Unexpected, explained
from .pipeline.cluster import Cluster, run_on_cluster
from .pipeline.processes import ProcessEnded, run_in_processes
from .results.files import PERSON_NAME, sweep
from .results.folder import (
    Wanted,
    finished_heads,
    head_record,
    recorded_digest,
    stage,
    write_failure,
    write_heads,
)
from .results.person import SamePerson, save_index
from .results.plan import Task
from .results.reconstruction import Reconstruction
from .results.report import Row, failed_row, head_row, skipped_row
from .settings import Settings

logger = logging.getLogger(__name__)
Result = TypeVar("Result")

Reconstruct = Callable[[Path, Settings], Sequence[Reconstruction]]
ReconstructPerson = Callable[[Sequence[Path], Settings], SamePerson]


@dataclass(frozen=True)
class BatchOptions:
    """How a batch is run.

    Attributes
    ----------
    jobs: processes at a time; 1 works in this process.
    preview: also write preview.png and turntable.js beside every head.
    cluster: work there instead.
    """

    settings: Settings
    jobs: int = 1
    preview: bool = False
    cluster: Cluster | None = None


def process(task: Task, options: BatchOptions, reconstruct: Reconstruct) -> Row:
    """Reconstruct one photo and write its heads. Never raises for what a photo can cause."""
    begun = time.perf_counter()
    with failures(task.folder) as errors:
        if skipped := row_if_finished(task, options.settings, preview=options.preview):
            return skipped
        heads = reconstruct(task.photo, options.settings)
        folders = write_heads(heads, task.folder, preview=options.preview)
        return head_row(task.photo, heads[0], folders, time.perf_counter() - begun)
    return failed_task(task, errors[0], time.perf_counter() - begun)


def row_if_finished(task: Task, settings: Settings, *, preview: bool = False) -> Row | None:
    """The row of a photo whose heads are finished; None where it is to be reconstructed."""
    if not settings.skip_existing:
        return None
    finished = finished_heads(task.folder, Wanted(task.photo, settings, preview))
    if not finished:
        return None
    about = head_record(finished[0])
    known = {**about, "photo_sha256": recorded_digest(about)}
    return skipped_row(task.photo, known, finished)


def process_person(
    tasks: Sequence[Task], out: Path, options: BatchOptions, reconstruct: ReconstructPerson
) -> list[Row]:
    """Reconstruct one person and write the heads. Never raises for what photos can cause."""
    with failures(out) as errors:
        person = reconstruct([task.photo for task in tasks], options.settings)
        return write_person(person, tasks, out, preview=options.preview)
    return [failed_row(task.photo, errors[0]) for task in tasks]


def write_person(
    person: SamePerson, tasks: Sequence[Task], out: Path, *, preview: bool = False
) -> list[Row]:
    """Write every head into its task's folder and ``person.json`` into ``out``.

    Returns one row per task, in their order. The folders of the tasks lie in ``out``.
    """
    folder_of = {task.photo: task.folder for task in tasks}
    folders = [folder_of[photo] for photo in person.photos]
    begun = time.perf_counter()
    with contextlib.ExitStack() as stack:
        waiting = stage(person.heads, folders, stack, preview=preview)
        # The earlier index must not vouch for heads that are being replaced.
        (out / PERSON_NAME).unlink(missing_ok=True)
        for replacement in waiting:
            replacement.commit()
    save_index(person, folders, out)
    writing = (time.perf_counter() - begun) / len(folders)
    rows: dict[Path, Row] = {}
    for photo, head, folder in zip(person.photos, person.heads, folders, strict=True):
        seconds = sum(head.timings.steps.values()) / 1000 + writing
        rows[photo] = head_row(photo, head, [folder], seconds)
    for doubt in person.doubts:
        rows[doubt.photo] = replace(rows[doubt.photo], warning=doubt.message)
    for item in person.left_out:
        rows[item.photo] = failed_row(item.photo, item.error)
    return [rows[task.photo] for task in tasks]


@contextlib.contextmanager
def failures(target: Path) -> Iterator[list[HeadError]]:
    """Collect, as errors with a remedy, what goes wrong while ``target`` is made and written.

    Only KeyboardInterrupt goes on: it ends the batch.
    """
    failed: list[HeadError] = []
    try:
        yield failed
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - every photo gets a row
        failed.append(_cause(error, target))


def _cause(error: BaseException, target: Path) -> HeadError:
    """What went wrong while ``target`` was made and written; the unknown goes to the log."""
    cause = explained(error, target, "above")
    if isinstance(cause, Unexpected) and cause is not error:
        logger.error("unexpected error while making %s", target, exc_info=error)
    return cause


def failed_task(task: Task, error: HeadError, seconds: float = 0.0) -> Row:
    """The row of a failed photo; its folder says so too."""
    # Where nothing can be written the report alone says what happened.
    with contextlib.suppress(OSError, ValueError):
        write_failure(task.photo, error, task.folder)
    return failed_row(task.photo, error, seconds)


def run_batch(
    tasks: Sequence[Task], options: BatchOptions, reconstruct: Reconstruct
) -> Iterator[Row]:
    """Rows in the order in which photos are finished."""
    work = partial(process, options=replace(options, cluster=None), reconstruct=reconstruct)
    for task, outcome in outcomes(tasks, options, work):
        yield outcome if isinstance(outcome, Row) else failed_task(task, no_row(task, outcome))


def outcomes(
    tasks: Sequence[Task], options: BatchOptions, work: Callable[[Task], Result]
) -> Iterator[tuple[Task, Result | BaseException]]:
    """Every task with the result of ``work``, or why there is none, as they are finished."""
    if options.cluster is None and options.jobs == 1:
        yield from ((task, work(task)) for task in tasks)
        return
    if options.cluster is not None:
        done = run_on_cluster(tasks, options.cluster, work)
    else:
        done = run_in_processes(tasks, options.jobs, work)
    waiting = dict.fromkeys(tasks)
    try:
        for task, outcome in done:
            del waiting[task]
            if isinstance(outcome, ProcessEnded):
                sweep(task.folder)
            yield task, outcome
    finally:
        # Their processes were ended while they wrote.
        for task in waiting:
            sweep(task.folder)


def no_row(task: Task, error: BaseException) -> HeadError:
    """Why the process working on ``task`` gave no row."""
    if not isinstance(error, ProcessEnded):
        return _cause(error, task.folder)
    hint = "It may have run out of memory: use fewer --jobs, or a smaller photo"
    return HeadError(f"The photo {task.photo} has no result: {error}", hint)
