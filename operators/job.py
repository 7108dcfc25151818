"""Long work in short steps, so that a window can stay alive and a script can just wait."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ..ml.errors import EngineUnavailable, HeadError


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


@dataclass
class Outcome:
    """What became of one photo.

    Attributes
    ----------
    status: "ok", "failed" or "cancelled".
    heads: directories of the finished reconstructions.
    error: why it failed.
    seconds: from asking to the last head built.
    """

    photo: Path
    status: str = "cancelled"
    heads: list[Path] = field(default_factory=list)
    error: HeadError | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Task:
    """One photo, and the directory for its reconstruction."""

    photo: Path
    out: Path


class ReconstructionJob:
    """Reconstruct photos one after another; a photo that fails does not stop the others.

    Parameters
    ----------
    submit: sends a "reconstruct" request with this data to the engine.
    request: what every request holds besides photo and out.
    on_head: called with the directory of each finished head.
    on_outcome: called after each photo.
    """

    def __init__(
        self,
        submit: Callable[[dict[str, Any]], Request],
        tasks: Sequence[Task],
        request: dict[str, Any],
        on_head: Callable[[Path], None],
        on_outcome: Callable[[Outcome], None] = lambda outcome: None,
    ) -> None:
        self.outcomes = [Outcome(task.photo) for task in tasks]
        self.fraction, self.message = 0.0, "Starting"
        self._submit, self._tasks, self._data = submit, list(tasks), request
        self._on_head, self._on_outcome = on_head, on_outcome
        self._index = 0
        self._request: Request | None = None
        self._asked = 0.0

    def step(self) -> bool:
        if self._index >= len(self._tasks):
            return True
        try:
            finished = self._advance()
        except HeadError as error:
            if self._hopeless(error):
                raise
            self._close_outcome("failed", error)
        else:
            if finished:
                self._close_outcome("ok", None)
        self._report_progress()
        return self._index >= len(self._tasks)

    def cancel(self) -> None:
        if self._request is not None:
            self._request.cancel()

    def _advance(self) -> bool:
        task, outcome = self._tasks[self._index], self.outcomes[self._index]
        if self._request is None:
            self._asked = time.monotonic()
            data = {"photo": str(task.photo), "out": str(task.out), **self._data}
            self._request = self._submit(data)
        if not self._request.poll():
            return False
        for head in (self._request.result or {})["heads"]:
            directory = Path(head["directory"])
            self._on_head(directory)
            outcome.heads.append(directory)
        return True

    def _hopeless(self, error: HeadError) -> bool:
        """Whether no other photo can succeed: the engine could not even be started."""
        started = self._request is not None and self._request.engine_ready
        return isinstance(error, EngineUnavailable) and not started

    def _close_outcome(self, status: str, error: HeadError | None) -> None:
        outcome = self.outcomes[self._index]
        outcome.status, outcome.error = status, error
        outcome.seconds = time.monotonic() - self._asked
        self._index, self._request = self._index + 1, None
        self._on_outcome(outcome)

    def _report_progress(self) -> None:
        total = len(self._tasks)
        here = self._request.fraction if self._request is not None else 0.0
        self.fraction = (self._index + here) / total
        if self._request is not None:
            said = self._request.message
            place = f"{self._index + 1}/{total} {self._tasks[self._index].photo.name}: "
            self.message = said if total == 1 else place + said
