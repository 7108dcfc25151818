"""Values of one level's vertices on another level, such as displacements and weights.

The vertices of each level are blends of the base mesh's. The way back is found by least squares.
NumPy only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..data import FloatArray
from .levels import level_of
from .mesh import blend
from .model import HeadModel, SurfacePoints

# How smooth values are on the base mesh where a coarser level says nothing of them, as the weight
# of their Laplacian; steps of the conjugate gradients, and the residual at which they end.
_SMOOTHNESS, _STEPS, _CLOSE = 1e-3, 200, 1e-5
# Starts of the rows, and for each entry its column and weight.
_Entries = tuple[np.ndarray, np.ndarray, np.ndarray]


def between_levels(model: HeadModel, source: str, target: str, values: FloatArray) -> FloatArray:
    """(N, C) values of one level's vertices -> those of another's.

    Raises
    ------
    UsageError: the model has no such level.
    """
    if source == target:
        return values
    base, other = on_base(model, source, values), level_of(model, target)
    return base if other is None else blend(other.points, base)


def on_base(model: HeadModel, level: str, values: FloatArray) -> FloatArray:
    """(N, C) values of a level's vertices -> (V, C) of the base mesh's that blend to them.

    Least squares, by conjugate gradients; smooth where the level has fewer vertices.
    """
    other = level_of(model, level)
    if other is None:
        return values
    blends, smooth = _matrix(other.points, model.vertex_count), _laplacian(model)

    def normal(rows: np.ndarray) -> np.ndarray:
        fit = blends.transposed(blends.times(rows))
        return np.asarray(fit + _SMOOTHNESS * smooth.transposed(smooth.times(rows)))

    known = values.astype(np.float64)
    start = _guess(model, level, blends, known)
    change = _solved(normal, blends.transposed(known) - normal(start))
    return (start + change).astype(np.float32)


def _guess(model: HeadModel, level: str, blends: _Sparse, known: np.ndarray) -> np.ndarray:
    """(V, C) means of the level's vertices in which each vertex has a part, or its nearest has."""
    parts = blends.transposed(np.ones((len(known), 1)))
    means = blends.transposed(known) / np.maximum(parts, 1e-9)
    return np.asarray(means[_nearest_known(model, level)])


@lru_cache(maxsize=4)
def _nearest_known(model: HeadModel, level: str) -> np.ndarray:
    """(V,) each vertex itself, or where the level has no part of it the nearest of which it has."""
    other = level_of(model, level)
    nearest = np.arange(model.vertex_count)
    if other is None:
        return nearest
    found = np.isin(nearest, other.points.corners[other.points.weights > 1e-3])
    known, places = nearest[found], model.shape.mean
    for vertex in np.flatnonzero(~found):
        nearest[vertex] = known[np.linalg.norm(places[known] - places[vertex], axis=1).argmin()]
    return nearest


def _solved(normal: Callable[[np.ndarray], np.ndarray], right: np.ndarray) -> np.ndarray:
    """x of ``normal(x) = right``, column by column."""
    found, left = np.zeros_like(right), right.copy()
    way, size = left.copy(), (left**2).sum(0)
    goal = _CLOSE**2 * np.maximum(size, 1e-30)
    for _ in range(_STEPS):
        if (size <= goal).all():
            break
        image = normal(way)
        step = size / np.maximum((way * image).sum(0), 1e-300)
        found += step * way
        left -= step * image
        after = (left**2).sum(0)
        way = left + after / np.maximum(size, 1e-300) * way
        size = after
    return found


@dataclass(frozen=True)
class _Sparse:
    """A sparse matrix and its transpose."""

    by_row: _Entries
    by_column: _Entries

    def times(self, values: np.ndarray) -> np.ndarray:
        """The product with (columns, C)."""
        return _summed(self.by_row, values)

    def transposed(self, values: np.ndarray) -> np.ndarray:
        """The transpose's product with (rows, C)."""
        return _summed(self.by_column, values)


def _summed(entries: _Entries, values: np.ndarray) -> np.ndarray:
    starts, index, weight = entries
    # Every row and column has an entry, else reduceat would repeat its neighbour's.
    return np.asarray(np.add.reduceat(values[index] * weight[:, None], starts, axis=0))


def _sparse(
    where: tuple[np.ndarray, np.ndarray], weights: np.ndarray, shape: tuple[int, int]
) -> _Sparse:
    """The matrix of ``shape`` with ``weights`` at the rows and columns ``where``."""

    def ordered(first: np.ndarray, second: np.ndarray, count: int) -> _Entries:
        # A zero for each keeps none of them empty.
        first = np.concatenate([first, np.arange(count)])
        second = np.concatenate([second, np.zeros(count, int)])
        weight = np.concatenate([weights, np.zeros(count)])
        order = np.argsort(first, kind="stable")
        return np.searchsorted(first[order], np.arange(count)), second[order], weight[order]

    rows, columns = where
    return _Sparse(ordered(rows, columns, shape[0]), ordered(columns, rows, shape[1]))


@lru_cache(maxsize=2)
def _laplacian(model: HeadModel) -> _Sparse:
    """(V, V) each vertex less the mean of those that share an edge with it."""
    pairs = np.stack([model.quads, np.roll(model.quads, -1, axis=1)], -1).reshape(-1, 2)
    pairs = np.unique(np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1), axis=0)
    rows, columns = np.concatenate([pairs, pairs[:, ::-1]]).T
    valence = np.maximum(np.bincount(rows, minlength=model.vertex_count), 1)
    own = np.arange(model.vertex_count)
    weights = np.concatenate([-1 / valence[rows], np.ones(len(own))])
    where = np.concatenate([rows, own]), np.concatenate([columns, own])
    return _sparse(where, weights, (len(own), len(own)))


def _matrix(points: SurfacePoints, columns: int) -> _Sparse:
    used = points.weights.ravel() != 0
    rows = np.repeat(np.arange(len(points)), points.corners.shape[1])[used]
    shape = len(points), columns
    weights = points.weights.ravel()[used].astype(np.float64)
    return _sparse((rows, points.corners.ravel()[used]), weights, shape)
