"""How long something takes when it has been done before."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np


def milliseconds(work: Callable[[], object], repeats: int) -> np.ndarray:
    """(repeats,) after one call that is not counted, which loads and compiles."""
    work()
    spent = np.empty(repeats)
    for number in range(repeats):
        begun = time.perf_counter()
        work()
        spent[number] = 1000 * (time.perf_counter() - begun)
    return spent
