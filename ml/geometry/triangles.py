"""Quads as triangles. A quad that repeats an index is a triangle, and one of its halves is empty.

All functions list the first halves of all quads before the second halves, in the quads' order.
"""

from __future__ import annotations

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


def _halves(quads: IntArray) -> IntArray:
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def _proper(triangles: IntArray) -> np.ndarray:
    a, b, c = triangles.T
    return np.asarray((a != b) & (b != c) & (c != a))
