"""Meshes of quads: their edges, grids and tubes of them, and their triangles.

A quad that repeats an index is a triangle, and one of its halves is empty. Triangles come in the
quads' order, the first halves of all before the second ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from ..data import IntArray


def triangulate(quads: IntArray) -> IntArray:
    """(F, 4) quads -> (T, 3) int32 triangles, both halves of every quad without empty ones."""
    both = _halves(quads)
    return np.asarray(both[_proper(both)], dtype=np.int32)


def triangulate_with_uv(quads: IntArray, uv_quads: IntArray) -> tuple[IntArray, IntArray]:
    """(F, 4) vertex and (F, 4) UV indices -> (T, 3) and (T, 3), corner by corner the same."""
    both = _halves(quads)
    proper = _proper(both)
    return np.asarray(both[proper]), np.asarray(_halves(uv_quads)[proper])


def quad_of_triangle(quads: IntArray) -> IntArray:
    """(F, 4) quads -> (T,) the quad that each triangle of :func:`triangulate` is half of."""
    found: IntArray = np.flatnonzero(_proper(_halves(quads))) % len(quads)
    return found


def edges_of(quads: IntArray) -> IntArray:
    """(F, 4) quads -> (4 F, 2) their edges: the first of all quads, then the second, and so on."""
    return np.concatenate([quads[:, [k, (k + 1) % 4]] for k in range(4)])


def grid_quads(grid: IntArray) -> IntArray:
    """(R, C) vertices -> (F, 4) quads, row by row, each down its first column and up the next."""
    cells = [grid[:-1, :-1], grid[1:, :-1], grid[1:, 1:], grid[:-1, 1:]]
    return np.stack(cells, -1).reshape(-1, 4)


def tube_quads(rings: Iterable[IntArray]) -> IntArray:
    """(F, 4) quads between each of the closed ``rings`` (P,) and the next."""
    walls = [np.column_stack([a, np.roll(a, -1), np.roll(b, -1), b]) for a, b in pairwise(rings)]
    return np.concatenate(walls)


def _halves(quads: IntArray) -> IntArray:
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def _proper(triangles: IntArray) -> np.ndarray:
    a, b, c = triangles.T
    return np.asarray((a != b) & (b != c) & (c != a))
