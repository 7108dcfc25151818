"""How long each step of the pipeline took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from ..data import Timings


class Clock:
    """Adds up milliseconds per step."""

    def __init__(self, steps: dict[str, float] | None = None) -> None:
        self._steps = dict(steps or {})

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Count the time spent inside towards ``name``."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            spent = 1000 * (time.perf_counter() - begun)
            self._steps[name] = self._steps.get(name, 0.0) + spent

    def copy(self) -> Clock:
        """A clock that goes on from here on its own, for one of several faces."""
        return Clock(self._steps)

    def timings(self) -> Timings:
        return Timings(dict(self._steps))
