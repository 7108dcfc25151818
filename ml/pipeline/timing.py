"""How long each room took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from ..data import Timings


class Clock:
    """Adds up milliseconds by room."""

    def __init__(self, rooms: dict[str, float] | None = None) -> None:
        self._rooms = dict(rooms or {})

    @contextmanager
    def room(self, name: str) -> Iterator[None]:
        """Count the time spent inside towards ``name``."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            spent = 1000 * (time.perf_counter() - begun)
            self._rooms[name] = self._rooms.get(name, 0.0) + spent

    def copy(self) -> Clock:
        """A clock that goes on from here on its own, for one of several faces."""
        return Clock(self._rooms)

    def timings(self) -> Timings:
        return Timings(dict(self._rooms))
