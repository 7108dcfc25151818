"""Photos become heads: what is ordered, and the job that has the engine do it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import bpy

from ...ml.errors import EngineUnavailable, HeadError, UsageError
from ...ml.results.plan import Task
from ...ml.results.report import Row, RowLog, conclusion, failed_row, write_report
from ...ml.settings import Settings
from ..engine.client import Request
from ..engine.warming import warm_up_again
from ..runtime import engine, engine_python

_NAMED = 5  # how many photos a message names


@dataclass(frozen=True)
class _Finished:
    """What the engine has done and Blender not yet built: rows from ``first``, and folders."""

    first: int
    rows: list[Row]
    heads: list[Path]


@dataclass(frozen=True)
class Order:
    """What is to be reconstructed.

    Attributes
    ----------
    tasks: the photos, each with the folder for its first head.
    settings: for all photos.
    out: folder for report.json and, of one person, for person.json; None: no report.
    same_person: whether all photos show one person, who becomes one head. Needs ``out``.
    preview: whether preview.png is written beside each head.
    pins: the contents of pins.json, which the heads of its photos follow; None: none do.
    """

    tasks: Sequence[Task]
    settings: Settings
    out: Path | None = None
    same_person: bool = False
    preview: bool = False
    pins: dict[str, Any] | None = None


class ReconstructionJob:
    """Fulfil an order: one request per photo, or one for all photos of a person.

    A photo that fails does not stop the others. Heads are built when the person does nothing else
    with the scene (``waits_for``); the engine goes on meanwhile. Rows are kept in report.jsonl as
    they come, so that they are there even if Blender is closed; the report is written in the end.

    Parameters
    ----------
    submit: sends a request of this kind with this data to the engine.
    on_head: called with the folder of each finished head, or of a person; None: only the results
        are wanted.
    on_row: called with the row of each photo that is done.

    Attributes
    ----------
    rows: one per photo, in the order of the tasks; "cancelled" until it is done.
    error: of the last photo that failed.
    waits_for: gives what the person has to end before the scene may be changed, in words; empty
        where nothing is in the way. Beside a window it is set from outside.
    """

    def __init__(
        self,
        order: Order,
        submit: Callable[[str, dict[str, Any]], Request],
        on_head: Callable[[Path], None] | None,
        on_row: Callable[[Row], None] = lambda row: None,
    ) -> None:
        self.order = order
        self.rows = [Row(str(task.photo), "cancelled") for task in order.tasks]
        self.error: HeadError | None = None
        self.fraction, self.message = 0.0, "Starting"
        self.waits_for: Callable[[], str] = lambda: ""
        self._submit, self._on_head, self._on_row = submit, on_head, on_row
        self._parts = [order.tasks] if order.same_person else [(task,) for task in order.tasks]
        self._done = 0
        self._log: RowLog | None = None
        self._unbuilt: list[_Finished] = []
        self._request: Request | None = None
        self._asked = 0.0

    def step(self) -> bool:
        if self._done < len(self._parts):
            self._compute(self._parts[self._done])
        while self._unbuilt and (self._on_head is None or not self.waits_for()):
            self._build(self._unbuilt.pop(0))
        self._show_progress()
        return self._done == len(self._parts) and not self._unbuilt

    def cancel(self) -> None:
        if self._request is not None:
            self._request.cancel()
            warm_up_again()  # the next photo shall not wait for a cold engine
        for finished in self._unbuilt:  # the results are on disk all the same
            self._close(finished.first, finished.rows)
        self._unbuilt.clear()
        self.write_report()

    def write_report(self) -> Path | None:
        """Write what became of each photo so far; None where no report is ordered."""
        order = self.order
        if order.out is None:
            return None
        return write_report(self.rows, order.out, consent=order.settings.consent)

    def _compute(self, tasks: Sequence[Task]) -> None:
        """Ask the engine, or look for its answer."""
        first = sum(len(part) for part in self._parts[: self._done])
        try:
            finished = self._advance(tasks, first)
        except HeadError as error:
            if self._engine_is_missing(error):
                raise
            self._fail(first, tasks, error)
        else:
            if finished is None:
                return
            self._unbuilt.append(finished)
        self._done, self._request = self._done + 1, None

    def _advance(self, tasks: Sequence[Task], first: int) -> _Finished | None:
        if self._request is None:
            self._asked = time.monotonic()
            self._request = self._submit(*self._question(tasks))
        if not self._request.poll():
            return None
        answer = self._request.result["rows"]
        rows = [Row(**{**values, "heads": tuple(values["heads"])}) for values in answer]
        if len(rows) == 1:
            # What the person waited for, with the engine's start.
            rows = [replace(rows[0], seconds=round(time.monotonic() - self._asked, 3))]
        folders = [self.order.out] if self.order.same_person else rows[0].heads
        return _Finished(first, rows, [Path(folder) for folder in folders])

    def _build(self, finished: _Finished) -> None:
        try:
            for folder in finished.heads if self._on_head is not None else ():
                self._on_head(folder)
        except HeadError as error:
            tasks = self.order.tasks[finished.first : finished.first + len(finished.rows)]
            self._fail(finished.first, tasks, error)
        else:
            self._close(finished.first, finished.rows)

    def _fail(self, first: int, tasks: Sequence[Task], error: HeadError) -> None:
        self.error = error
        self._close(first, [failed_row(task.photo, error) for task in tasks])

    def _question(self, tasks: Sequence[Task]) -> tuple[str, dict[str, Any]]:
        how = {"settings": asdict(self.order.settings), "preview": self.order.preview}
        if self.order.pins is not None:
            how["pins"] = self.order.pins
        if self.order.same_person:
            photos = [str(task.photo) for task in tasks]
            return "person", {"photos": photos, "out": str(self.order.out), **how}
        return "reconstruct", {"photo": str(tasks[0].photo), "out": str(tasks[0].folder), **how}

    def _close(self, first: int, rows: list[Row]) -> None:
        self.rows[first : first + len(rows)] = rows
        if self._log is None and self.order.out is not None:
            self._log = RowLog(self.order.out)
        for row in rows:
            if self._log is not None:
                self._log.add(row)
            self._on_row(row)

    def _show_progress(self) -> None:
        total, number = len(self._parts), self._done
        if self._request is not None:
            self.fraction = (number + self._request.fraction) / total
            photo = self._parts[number][0].photo.name
            place = f"{number + 1}/{total} {photo}: " if total > 1 else ""
            self.message = place + self._request.message
        else:
            self.fraction = number / total
        if self._unbuilt:
            heads = sum(len(finished.heads) for finished in self._unbuilt)
            made = "1 finished head waits" if heads == 1 else f"{heads} finished heads wait"
            self.message = f"{made} for {self.waits_for()}"

    def _engine_is_missing(self, error: HeadError) -> bool:
        """Whether no other photo can succeed: the engine could not even be started."""
        started = self._request is not None and self._request.engine_ready
        return isinstance(error, EngineUnavailable) and not started


def make_job(
    order: Order,
    on_head: Callable[[Path], None] | None,
    on_row: Callable[[Row], None] = lambda row: None,
) -> ReconstructionJob:
    """The job that fulfils an order with Blender's engine.

    Raises
    ------
    EngineUnavailable: there is no engine. UsageError: the order contradicts itself.
    """
    if order.same_person and order.settings.face == "all":
        raise UsageError(
            "All faces of a photo cannot be the same person",
            "Choose the most prominent face, or one by its number",
        )
    return ReconstructionJob(
        order, partial(engine.submit, engine_python().executable), on_head, on_row
    )


def conclude_several(
    operator: bpy.types.Operator, job: ReconstructionJob, remark: str = ""
) -> set[str]:
    """Report what became of several photos, and ``remark``. HeadError: none gave a head."""
    message = conclusion(job.rows, job.write_report(), job.order.out)
    failed = [Path(row.photo).name for row in job.rows if row.status not in ("ok", "skipped")]
    if len(failed) == len(job.rows) and job.error is not None:
        raise HeadError(f"{message}. {job.error.message}", job.error.hint)
    doubtful = [Path(row.photo).name for row in job.rows if row.quality_reason]
    # Of two photos that do not agree both rows say so.
    warnings = list(dict.fromkeys(row.warning for row in job.rows if row.warning))
    if failed:
        message += f". No head from {_some(failed)}"
    if doubtful:
        message += f". Low quality: {_some(doubtful)}"
    message = ". ".join([message + remark, *warnings])
    # A warning, not an error: scripts go on, and the report says which photos failed.
    operator.report({"WARNING"} if failed or doubtful or warnings else {"INFO"}, message)
    return {"FINISHED"}


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"
