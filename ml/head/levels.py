"""Meshes of the same head with fewer or more quads; their vertices are blends of the base's."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..data import FloatArray, IntArray
from ..errors import UsageError
from ..geometry.mesh_names import level_and_bust
from ..settings import LEVELS
from .model import HeadModel, Level, SurfacePoints


@lru_cache(maxsize=6)
def level_of(model: HeadModel, name: str) -> Level | None:
    """The level ``name``: "low", "base" or "high"; None for the base mesh itself.

    "low-open", "base-open" and "high-open" are the same without what closes the bust below
    (geometry.mesh_names). Their other vertices stay in order.

    Raises
    ------
    UsageError: there is no such level.
    """
    name, bust = level_and_bust(name)
    if not bust:
        return _open(model, level_of(model, name) or _as_level(model))
    if name == "base":
        return None
    if name == "high":
        return subdivided(model)
    if name == "low" and model.low is not None:
        return model.low
    raise UsageError(f"The head has no level {name!r}", f"Use one of {', '.join(LEVELS)}")


def _as_level(model: HeadModel) -> Level:
    """The base mesh as a level of itself."""
    own = np.arange(model.vertex_count, dtype=np.int32)[:, None]
    points = SurfacePoints(own, np.ones(own.shape, np.float32))
    return Level(points, model.quads, model.uv, model.uv_quads, model.part)


def _open(model: HeadModel, level: Level) -> Level:
    """``level`` without the bust's faces, and the vertices that nothing else has."""
    if "bust" not in model.part_names:
        return level
    kept = level.part != model.part_names.index("bust")
    rows, quads = np.unique(level.quads[kept], return_inverse=True)
    coordinates, uv_quads = np.unique(level.uv_quads[kept], return_inverse=True)
    return Level(
        level.points.take(rows),
        quads.reshape(-1, 4).astype(np.int32),
        level.uv[coordinates],
        uv_quads.reshape(-1, 4).astype(np.int32),
        level.part[kept],
    )


def subdivided(model: HeadModel) -> Level:
    """Four quads per base quad, smoothed by Catmull–Clark subdivision (1978).

    Open borders follow the rules of cubic B-spline curves, which keep them in place.
    """
    edges, edge_of, uses = _edges(model.quads)
    vertices, faces = model.vertex_count, len(model.quads)
    border = uses == 1
    weights = _Stencils(vertices)
    own = np.arange(vertices)
    face_rows = vertices + len(edges) + np.arange(faces)
    edge_rows = vertices + np.arange(len(edges))
    weights.add(face_rows[:, None], model.quads, 0.25)
    inner = ~border
    weights.add(edge_rows[:, None], edges, np.where(border, 0.5, 0.25)[:, None])
    flat_edge, flat_face = edge_of.ravel(), np.repeat(np.arange(faces), 4)
    keep = inner[flat_edge]
    weights.add(edge_rows[flat_edge[keep]][:, None], model.quads[flat_face[keep]], 0.25 * 0.25)
    _vertex_points(weights, model.quads, edges, border, own)
    quads = np.stack(
        [
            model.quads,
            edge_rows[edge_of],
            np.repeat(face_rows[:, None], 4, 1),
            edge_rows[np.roll(edge_of, 1, axis=1)],
        ],
        -1,
    ).reshape(-1, 4)
    uv, uv_quads = _linear_uv(model)
    return Level(
        weights.points(vertices + len(edges) + faces),
        quads.astype(np.int32),
        uv,
        uv_quads,
        np.repeat(model.part, 4),
    )


class _Stencils:
    """A sparse matrix of blend weights, collected as (row, column, weight) triples."""

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def add(self, rows: np.ndarray, columns: np.ndarray, weight: float | np.ndarray) -> None:
        parts = np.broadcast_arrays(rows, columns, weight)
        self._parts.append((parts[0].ravel(), parts[1].ravel(), parts[2].ravel()))

    def points(self, count: int) -> SurfacePoints:
        rows, columns, weights = (np.concatenate(part) for part in zip(*self._parts, strict=True))
        keys, index = np.unique(
            rows.astype(np.int64) * self._columns + columns, return_inverse=True
        )
        summed = np.bincount(index, weights)
        row, column = keys // self._columns, keys % self._columns
        first = np.searchsorted(row, np.arange(count))
        place = np.arange(len(row)) - first[row]
        corners = np.zeros((count, place.max() + 1), np.int32)
        blend = np.zeros(corners.shape, np.float32)
        corners[row, place], blend[row, place] = column, summed
        return SurfacePoints(corners, blend)


def _edges(quads: IntArray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(E, 2) edges, (F, 4) the edge after each corner, and (E,) the number of faces per edge."""
    pairs = np.sort(np.stack([quads, np.roll(quads, -1, axis=1)], -1).reshape(-1, 2), axis=1)
    edges, index, uses = np.unique(pairs, axis=0, return_inverse=True, return_counts=True)
    return edges, index.reshape(quads.shape), uses


def _vertex_points(
    weights: _Stencils, quads: IntArray, edges: np.ndarray, border: np.ndarray, own: np.ndarray
) -> None:
    """Add the blends of the base vertices, by Catmull and Clark's rules.

    (F + 2 R + (n - 3) P) / n inside, with F and R the means of face centres and edge middles and n
    the valence; 1/8, 3/4, 1/8 along borders.
    """
    count = len(own)
    valence = np.bincount(edges.ravel(), minlength=count).astype(np.float64)
    on_border = np.zeros(count, bool)
    on_border[edges[border]] = True
    weights.add(own, own, np.where(on_border, 0.75, (valence - 3) / np.maximum(valence, 1)))
    ends = np.concatenate([edges, edges[:, ::-1]])
    rim = np.tile(border, 2)
    weights.add(ends[rim, 0], ends[rim, 1], 0.125)
    inside = ~on_border[ends[:, 0]]
    share = 1 / valence[ends[inside, 0]] ** 2
    weights.add(ends[inside, :1], ends[inside], share[:, None])
    faces = np.repeat(quads, 4, axis=0)
    corner = quads.ravel()
    keep = ~on_border[corner]
    share = 1 / (4 * valence[corner[keep]] ** 2)
    weights.add(corner[keep][:, None], faces[keep], share[:, None])


def _linear_uv(model: HeadModel) -> tuple[FloatArray, IntArray]:
    """UV at corners, edge middles and face centres; seams remain seams."""
    edges, edge_of, _ = _edges(model.uv_quads)
    uv = np.concatenate([model.uv, model.uv[edges].mean(1), model.uv[model.uv_quads].mean(1)])
    edge_rows = len(model.uv) + edge_of
    middle = len(model.uv) + len(edges) + np.arange(len(model.uv_quads))
    quads = np.stack(
        [
            model.uv_quads,
            edge_rows,
            np.repeat(middle[:, None], 4, 1),
            np.roll(edge_rows, 1, axis=1),
        ],
        -1,
    )
    return uv.astype(np.float32), quads.reshape(-1, 4).astype(np.int32)
