"""The engine projects texture and relief again, for a head that was moved to its pins."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...ml.results.pinned import NAME
from ..engine.client import Request
from ..engine.warming import warm_up_again


class PinsJob:
    """One request to the engine, and the head that takes its result.

    Parameters
    ----------
    data: of the request. submit: sends it. on_done: called with the folder of the new result.

    Attributes
    ----------
    kind: of the request. made: what waits for the person, in words.
    copies: of photos that were not found, in whose place the engine took them; after the job.
    waits_for: gives what the person has to end before the scene may be changed, in words.
    """

    kind, made = "follow_pins", "The texture"

    def __init__(
        self,
        data: dict[str, Any],
        submit: Callable[[str, dict[str, Any]], Request],
        on_done: Callable[[Path], None],
    ) -> None:
        self.fraction, self.message = 0.0, "Starting"
        self.waits_for: Callable[[], str] = lambda: ""
        self._data, self._submit, self._on_done = data, submit, on_done
        self._request: Request | None = None
        self.copies: tuple[Path, ...] = ()

    def step(self) -> bool:
        if self._request is None:
            self._request = self._submit(self.kind, self._data)
        if not self._request.poll():
            self.fraction, self.message = self._request.fraction, self._request.message
            return False
        if waiting := self.waits_for():
            self.message = f"{self.made} waits for {waiting}"
            return False
        self.copies = tuple(Path(file) for file in self._request.result.get("copies", ()))
        self._on_done(Path(self._request.result["folder"]))
        return True

    def cancel(self) -> None:
        if self._request is not None:
            self._request.cancel()
            warm_up_again()  # the next photo shall not wait for a cold engine


def same_pins(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two records are of heads that follow the same pins."""
    mine, theirs = (record.get(NAME) or {} for record in (one, other))
    return mine.get("pins") == theirs.get("pins")
