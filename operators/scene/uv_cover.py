"""Which texels triangles cover."""

from __future__ import annotations

import numpy as np

from ...ml.data import FloatArray

# Texels that are looked at in one go, a bound on memory.
_AT_ONCE = 4_000_000


def covered(triangles: FloatArray, size: int) -> np.ndarray:
    """(size, size) bool: texels whose middle lies in a triangle, or that hold one of its corners.

    triangles: (T, 3, 2) places in UV, 0..1; what lies outside is cut off. Row 0 is v = 0.
    Slivers thinner than a texel are covered along their edges.
    """
    found = np.zeros((size, size), bool)
    corners = np.asarray(triangles, np.float64) * size
    _mark(found, _along_edges(corners))
    low = np.clip(np.floor(corners.min(1)).astype(int), 0, size - 1)
    high = np.clip(np.floor(corners.max(1)).astype(int), 0, size - 1)
    wide, tall = (high - low + 1).T
    ends = np.cumsum(wide * tall)
    start = 0
    while start < len(corners):
        before = ends[start - 1] if start else 0
        stop = max(int(np.searchsorted(ends, before + _AT_ONCE, "right")), start + 1)
        part = slice(start, stop)
        _mark(found, _inside(corners[part], low[part], wide[part], tall[part]))
        start = stop
    return found


def _mark(found: np.ndarray, points: np.ndarray) -> None:
    column, row = np.clip(np.floor(points).astype(int), 0, len(found) - 1).T
    found[row, column] = True


def _along_edges(corners: np.ndarray) -> np.ndarray:
    """(P, 2) points on the edges of all triangles, at most a texel apart."""
    start = corners.reshape(-1, 2)
    way = np.roll(corners, -1, 1).reshape(-1, 2) - start
    count = np.ceil(np.abs(way).max(1)).astype(int) + 1
    edge = np.repeat(np.arange(len(count)), count)
    step = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
    share = step / np.maximum(count[edge] - 1, 1)
    return start[edge] + share[:, None] * way[edge]


def _inside(corners: np.ndarray, low: np.ndarray, wide: np.ndarray, tall: np.ndarray) -> np.ndarray:
    """(P, 2) middles of the texels that lie in the triangles (T, 3, 2), in texels."""
    count = wide * tall
    which = np.repeat(np.arange(len(count)), count)
    number = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    offset = np.stack([number % wide[which], number // wide[which]], 1)
    middle = low[which] + offset + 0.5
    sides = np.stack(
        [
            _cross((corners[:, (k + 1) % 3] - corners[:, k])[which], middle - corners[which, k])
            for k in range(3)
        ]
    )
    return middle[(sides >= 0).all(0) | (sides <= 0).all(0)]


def _cross(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]
