"""A surface's exact closest points, whatever the sizes of its triangles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from ...data import IntArray
from ...errors import UsageError
from ...head.surface import closest_barycentric

# How many times more triangles each further look takes in, and how many pairs fit into one.
GROWTH, PAIRS = 4, 1 << 18


@dataclass(frozen=True)
class _Kind:
    """Triangles of about one size.

    Attributes
    ----------
    corners: (T, 3, 3). tree: of their (T, 3) centres. normals: (T, 3), unit.
    reach: (T,) from a centre to its farthest corner.
    """

    corners: np.ndarray
    tree: cKDTree
    normals: np.ndarray
    reach: np.ndarray

    def within(self, points: np.ndarray, index: IntArray, away: np.ndarray) -> np.ndarray:
        """(P,) at least how far each of (P, 3) points is from the triangle ``index``.

        ``away``: (P,) from its centre. A triangle is part of a disc in its plane.
        """
        height = np.abs(np.einsum("pc,pc->p", self.normals[index], points - self.tree.data[index]))
        beside = np.sqrt(np.maximum(away**2 - height**2, 0)) - self.reach[index]
        return np.asarray(np.hypot(height, np.maximum(beside, 0)))


class ClosestPoints:
    """Looks up closest points on (F, 3) triangles of (V, 3) vertices, in their unit.

    A triangle within ``d`` of a point has its centre within ``d + reach``. Triangles are kept
    by size, so that this bound is tight and eyelids are not searched as widely as the neck.
    """

    def __init__(self, vertices: np.ndarray, triangles: IntArray) -> None:
        corners = np.asarray(vertices, np.float64)[triangles]
        if not len(corners):
            raise UsageError("A surface without triangles has no closest points")
        centres = corners.mean(1)
        reach = np.linalg.norm(corners - centres[:, None], axis=-1).max(1)
        size = np.floor(np.log2(np.maximum(reach, 1e-3 * reach.max() + 1e-300)))
        kinds = [size == number for number in np.unique(size)]
        # Where most triangles are, the closest is likely found at once.
        kinds.sort(key=lambda chosen: -int(chosen.sum()))
        self._kinds = [
            _Kind(corners[own], cKDTree(centres[own]), _normals(corners[own]), reach[own])
            for own in kinds
        ]

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """(N, 3) points -> (N, 3) the closest ones on the surface."""
        points = np.asarray(points, np.float64)
        found = _Found(points, np.zeros(points.shape), np.full(len(points), np.inf))
        for kind in self._kinds:
            found.among(kind)
        return found.near


def _normals(corners: np.ndarray) -> np.ndarray:
    """(T, 3) unit normals of (T, 3, 3) triangles; nought for those without an area."""
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(across, axis=1, keepdims=True)
    return np.asarray(across / np.where(length > 0, length, 1))


@dataclass(frozen=True)
class _Found:
    """What is known so far: of (N, 3) points the closest ones and their (N,) distances."""

    points: np.ndarray
    near: np.ndarray
    distance: np.ndarray

    def among(self, kind: _Kind) -> None:
        """Write in what is closer among the triangles of one kind."""
        total, reach = len(kind.corners), float(kind.reach.max())
        left, done, count = np.arange(len(self.points)), 0, 1
        while len(left):
            undecided = []
            # Not more than PAIRS at once bounds the memory.
            for rows in np.array_split(left, len(left) * count // PAIRS + 1):
                away, index = kind.tree.query(self.points[rows], k=np.arange(done + 1, count + 1))
                which, column = np.nonzero(away < self.distance[rows, None] + reach)
                self._try(kind, rows[which], index[which, column], away[which, column])
                undecided.append(rows[away[:, -1] < self.distance[rows] + reach])
            if count == total:
                return
            left = np.concatenate(undecided)
            done, count = count, min(GROWTH * count, total)

    def _try(self, kind: _Kind, rows: IntArray, index: IntArray, away: np.ndarray) -> None:
        """The triangles ``index`` (P,) for the points ``rows``; ``away`` (P,) from the centres."""
        near_enough = kind.within(self.points[rows], index, away) < self.distance[rows]
        rows, corners = rows[near_enough], kind.corners[index[near_enough]]
        weights = closest_barycentric(self.points[rows], corners)
        reached = np.einsum("pk,pkc->pc", weights, corners)
        away = np.linalg.norm(reached - self.points[rows], axis=-1)
        # Each point's best pair: sorted by point and then by distance, the first of its run.
        order = np.lexsort((away, rows))
        order = order[np.flatnonzero(np.diff(rows[order], prepend=-1))]
        order = order[away[order] < self.distance[rows[order]]]
        self.near[rows[order]], self.distance[rows[order]] = reached[order], away[order]
