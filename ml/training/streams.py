"""Streams of batches: rows in random order, and items that are prepared in advance."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from ..data import IntArray

Item = TypeVar("Item")


def ahead(items: Iterator[Item], most: int) -> Iterator[Item]:
    """``items``, up to ``most`` of them prepared by a thread while the network computes.

    items: endless. An error in the thread is raised where its item is taken.
    """
    pool = ThreadPoolExecutor(1)
    try:
        waiting = deque(pool.submit(next, items) for _ in range(most))
        while True:
            item = waiting.popleft().result()
            waiting.append(pool.submit(next, items))
            yield item
    finally:
        pool.shutdown(cancel_futures=True)


def random_rows(
    known: IntArray, size: int, seed: int, first: int
) -> Iterator[tuple[int, IntArray]]:
    """Endless (step, (size,) rows): every known row once per round, from step ``first`` on."""
    count = len(known)
    for step in itertools.count(first):
        turn, within = divmod(step, count // size)
        order = np.random.default_rng([seed, turn]).permutation(count)
        yield step, known[order[within * size : (within + 1) * size]]
