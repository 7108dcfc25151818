"""The head as a solid that strands lie on and never enter, with the shoulders below it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..assets.kept import kept
from ..data import FloatArray, IntArray
from ..head.model import HeadModel
from .ground import ground_of, normals_of

CELL, ROOM = 0.01, 0.1
# Shoulders, which the head ends above: a capsule from side to side, metres from the neck's joint.
SHOULDER, SHOULDER_RADIUS = np.array([0.165, -0.095, 0.0], np.float32), 0.062


@dataclass(frozen=True)
class Cells:
    """The nearest vertex of each cell of a grid round the mean head, ears left out.

    origin: (3,) of the grid. nearest: (X, Y, Z) vertices. ears: (V,) how high the ear stands
    above a vertex under it, metres.
    """

    origin: FloatArray
    nearest: IntArray
    ears: FloatArray


@dataclass(frozen=True)
class Solid:
    """A person's head.

    vertices, normals: (V, 3). neck: (3,) the neck's joint. cells: of its model.
    """

    vertices: FloatArray
    normals: FloatArray
    neck: FloatArray
    cells: Cells

    def nearest(self, points: FloatArray) -> IntArray:
        """(N, 3) -> (N,) the vertex below each point."""
        shape = np.array(self.cells.nearest.shape)
        place = ((points - self.cells.origin) / CELL).astype(np.int32)
        x, y, z = np.clip(place, 0, shape - 1).T
        return self.cells.nearest[x, y, z]

    def height(self, points: FloatArray) -> tuple[FloatArray, FloatArray, IntArray]:
        """(N, 3) -> metres above the skin (N,), the normal there (N, 3), the vertex below (N,)."""
        below = self.nearest(points)
        normal = self.normals[below]
        above = ((points - self.vertices[below]) * normal).sum(1)
        shoulder, out = self._above_shoulders(points)
        lower = shoulder < above
        return np.where(lower, shoulder, above), np.where(lower[:, None], out, normal), below

    def _above_shoulders(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        apart = points - self.neck
        along = np.clip(apart[:, 0], -SHOULDER[0], SHOULDER[0])
        away = apart - np.stack([along, 0 * along + SHOULDER[1], 0 * along + SHOULDER[2]], 1)
        distance = np.linalg.norm(away, axis=1)
        return distance - SHOULDER_RADIUS, away / np.maximum(distance, 1e-6)[:, None]

    def pushed_out(self, points: FloatArray, least: FloatArray | float) -> FloatArray:
        """(N, 3) points, those nearer than ``least`` metres to the skin moved out."""
        above, normal, _ = self.height(points)
        short = np.maximum(least - above, 0)
        return np.asarray(points + short[:, None] * normal, dtype=np.float32)

    def over_ears(self, points: FloatArray) -> FloatArray:
        """(N, 3) points, those that would lie in an ear moved out over it."""
        return self.pushed_out(points, self.cells.ears[self.nearest(points)])


@lru_cache(maxsize=2)
def cells_of(model: HeadModel) -> Cells:
    """The grid of a head model; see :class:`Cells`."""
    inputs = {
        "mean": model.shape.mean,
        "ears": model.masks["ears"],
        "skin": ground_of(model).triangles,
    }
    return Cells(**kept("hair_cells", inputs, lambda: vars(_make_cells(model))))


def _make_cells(model: HeadModel) -> Cells:
    from scipy.spatial import cKDTree

    mean, ears = model.shape.mean, model.masks["ears"]
    skin = np.unique(ground_of(model).triangles)
    bare = skin[ears[skin] < 0.3]
    low = mean[bare].min(0) - ROOM
    count = np.ceil((mean[bare].max(0) + ROOM - low) / CELL).astype(int)
    axes = [low[k] + (np.arange(count[k]) + 0.5) * CELL for k in range(3)]
    centres = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    tree = cKDTree(mean[bare])
    nearest = bare[tree.query(centres)[1]].reshape(count).astype(np.int32)
    return Cells(low.astype(np.float32), nearest, _ear_height(model, tree, bare))


def _ear_height(model: HeadModel, tree: object, bare: IntArray) -> FloatArray:
    """(V,) how high the ear stands above the vertices under it, spread a little."""
    mean, ears = model.shape.mean, model.masks["ears"]
    normals = normals_of(mean, model)
    skin = np.unique(ground_of(model).triangles)
    found = np.zeros(len(mean), np.float32)
    for vertex in skin[ears[skin] >= 0.3]:
        _, near = tree.query(mean[vertex], k=12)  # type: ignore[attr-defined]
        below = bare[near]
        above = ((mean[vertex] - mean[below]) * normals[below]).sum(1)
        found[below] = np.maximum(found[below], above)
    return np.minimum(found, 0.022)


def solid_of(vertices: FloatArray, model: HeadModel) -> Solid:
    """The solid of a head with these (V, 3) vertices of ``model``."""
    neck = vertices[model.joints["neck"]].mean(0)
    return Solid(vertices, normals_of(vertices, model), neck, cells_of(model))
