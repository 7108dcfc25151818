"""Long work in short steps, so that a window can stay alive and a script can just wait."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from ...ml.batch import Task
from ...ml.errors import EngineUnavailable, HeadError
from ...ml.results.report import Row


class Job(Protocol):
    """Long work. ``fraction`` 0..1 and ``message`` say how far it is."""

    fraction: float
    message: str

    def step(self) -> bool:
        """Do what can be done at once; True when all is done. Raises HeadError."""

    def cancel(self) -> None:
        """Stop now. What is finished is kept."""


class Request(Protocol):
    """What the job needs of :class:`.engine_client.Request`."""

    fraction: float
    message: str
    result: dict[str, Any] | None
    engine_ready: bool

    def poll(self) -> bool: ...
    def cancel(self) -> None: ...


class ReconstructionJob:
    """Reconstruct photos one after another; a photo that fails does not stop the others.

    Parameters
    ----------
    submit: sends a "reconstruct" request with this data to the engine.
    request: what every request holds besides photo and out.
    on_head: called with the folder of each finished head.
    on_row: called after each photo with its row.

    Attributes
    ----------
    rows: one a photo, in the order of the tasks; "cancelled" until it is done.
    error: of the last photo that failed.
    """

    def __init__(
        self,
        submit: Callable[[dict[str, Any]], Request],
        tasks: Sequence[Task],
        request: dict[str, Any],
        on_head: Callable[[Path], None],
        on_row: Callable[[Row], None] = lambda row: None,
    ) -> None:
        self.rows = [Row(str(task.photo), "cancelled") for task in tasks]
        self.error: HeadError | None = None
        self.fraction, self.message = 0.0, "Starting"
        self._submit, self._tasks, self._data = submit, list(tasks), request
        self._on_head, self._on_row = on_head, on_row
        self._index = 0
        self._request: Request | None = None
        self._asked = 0.0

    def step(self) -> bool:
        if self._index >= len(self._tasks):
            return True
        try:
            finished = self._advance()
        except HeadError as error:
            if hopeless(self._request, error):
                raise
            self.error = error
            self._close("failed", code=error.code, error=error.message, hint=error.hint)
        else:
            if finished:
                self._close_finished()
        self._report_progress()
        return self._index >= len(self._tasks)

    def cancel(self) -> None:
        if self._request is not None:
            self._request.cancel()

    def _advance(self) -> bool:
        """Ask, or look for the answer; True when the photo's heads are built."""
        task = self._tasks[self._index]
        if self._request is None:
            self._asked = time.monotonic()
            data = {"photo": str(task.photo), "out": str(task.folder), **self._data}
            self._request = self._submit(data)
        if not self._request.poll():
            return False
        for head in self._request.result["heads"]:
            self._on_head(Path(head["directory"]))
        return True

    def _close_finished(self) -> None:
        heads = self._request.result["heads"]
        about = json.loads(Path(heads[0]["json"]).read_text(encoding="utf-8"))
        folders = tuple(head["directory"] for head in heads)
        self._close("ok", heads=folders, confidence=round(about["confidence"], 4))

    def _close(self, status: str, **facts: Any) -> None:
        seconds = round(time.monotonic() - self._asked, 3)
        row = Row(str(self._tasks[self._index].photo), status, seconds, **facts)
        self.rows[self._index] = row
        self._index, self._request = self._index + 1, None
        self._on_row(row)

    def _report_progress(self) -> None:
        total = len(self._tasks)
        here = self._request.fraction if self._request is not None else 0.0
        self.fraction = (self._index + here) / total
        if self._request is not None:
            said = self._request.message
            place = f"{self._index + 1}/{total} {self._tasks[self._index].photo.name}: "
            self.message = said if total == 1 else place + said


def hopeless(request: Request | None, error: HeadError) -> bool:
    """Whether no other photo can succeed: the engine could not even be started."""
    started = request is not None and request.engine_ready
    return isinstance(error, EngineUnavailable) and not started
