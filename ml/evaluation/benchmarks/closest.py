"""A surface's exact closest points."""

from __future__ import annotations

import igl
import numpy as np

from ...data import IntArray
from ...errors import UsageError


class ClosestPoints:
    """Looks up closest points on (F, 3) triangles of (V, 3) vertices, in their unit."""

    def __init__(self, vertices: np.ndarray, triangles: IntArray) -> None:
        if not len(triangles):
            raise UsageError("A surface without triangles has no closest points")
        self._surface = np.array(vertices, np.float64), np.array(triangles, np.int64)
        self._tree = igl.AABB()
        self._tree.init(*self._surface)

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """(N, 3) points -> (N, 3) the closest ones on the surface."""
        _, _, near = self._tree.squared_distance(*self._surface, np.array(points, np.float64))
        return np.asarray(near)
