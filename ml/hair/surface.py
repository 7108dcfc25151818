"""Places on a surface by their UV, and strands that follow when the surface takes another shape.

NumPy only: Blender's own Python uses it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data import FloatArray

# Cells along each side of the grid that finds triangles.
_CELLS = 400
# How far outside a triangle a place may lie, as a share of it: rounding.
_SLACK = 1e-4
# Strands whose roots say how the space round the head is moved, and cells of that space per axis.
_SAMPLES, _NODES = 256, 14
# Triangles among which a new root is looked for, and how far it stays off their corners.
_NEAR, _INSET = 32, 0.05


@dataclass(frozen=True)
class Places:
    """Where N points lie on a surface.

    Attributes
    ----------
    triangle: (N,) index of each one's triangle; -1 where it lies on none.
    weights: (N, 3) of the triangle's corners; they sum to 1, or are 0 where it lies on none.
    """

    triangle: np.ndarray
    weights: FloatArray

    def of(self, corners: FloatArray) -> FloatArray:
        """(N, C) values there; ``corners``: (T, 3, C) at the triangles' corners."""
        return np.einsum("nk,nkc->nc", self.weights, corners[self.triangle])


def locate(uv: FloatArray, triangles: FloatArray) -> Places:
    """Find the triangles on which places lie.

    uv: (N, 2). triangles: (T, 3, 2) in the same UV map. Where several lie on one another, it is
    one of them.
    """
    which, tried, weights = _tried(uv, triangles)
    inside = weights.min(1)
    best = np.flatnonzero(inside >= -_SLACK)
    # Of several the innermost, which is written last.
    best = best[np.argsort(inside[best], kind="stable")]
    found = Places(np.full(len(uv), -1), np.zeros((len(uv), 3), np.float32))
    found.triangle[which[best]] = tried[best]
    found.weights[which[best]] = weights[best]
    return found


def unclear(uv: FloatArray, triangles: FloatArray) -> np.ndarray:
    """(N,) whether a place lies on no triangle, or inside several: Blender then finds none."""
    which, _, weights = _tried(uv, triangles)
    inside = weights.min(1)
    on, within = (np.bincount(which[inside > low], minlength=len(uv)) for low in (-_SLACK, _SLACK))
    return (on == 0) | (within > 1)


def nearest_uv(points: FloatArray, triangles: FloatArray, corners: FloatArray) -> FloatArray:
    """(N, 2) the clear place of a UV map, (T, 3, 2), whose place in space is nearest to each point.

    corners: (T, 3, 3) of the triangles in space. For few points: each is compared with all.
    """
    middle, found = corners.mean(1), np.zeros((len(points), 2), np.float32)
    for number, point in enumerate(points):
        near = np.argsort(((middle - point) ** 2).sum(1))[:_NEAR]
        weights = np.clip(_projected(point, corners[near]), _INSET, 1)
        weights /= weights.sum(1, keepdims=True)
        uv = np.einsum("nk,nkc->nc", weights, triangles[near])
        away = ((np.einsum("nk,nkc->nc", weights, corners[near]) - point) ** 2).sum(1)
        away[unclear(uv, triangles)] += 1e3
        found[number] = uv[away.argmin()]
    return found


def _projected(point: FloatArray, corners: FloatArray) -> FloatArray:
    """(T, 3) weights of each triangle's corners at the foot of ``point`` on its plane."""
    a, b, c = np.moveaxis(corners.astype(np.float64), 1, 0)
    one, other, way = b - a, c - a, point - a
    dots = [(x * y).sum(1) for x, y in ((one, one), (one, other), (other, other))]
    first, second = (way * one).sum(1), (way * other).sum(1)
    area = np.maximum(dots[0] * dots[2] - dots[1] ** 2, 1e-30)
    v = (dots[2] * first - dots[1] * second) / area
    w = (dots[0] * second - dots[1] * first) / area
    return np.stack([1 - v - w, v, w], 1)


def _tried(uv: FloatArray, triangles: FloatArray) -> tuple[np.ndarray, np.ndarray, FloatArray]:
    """Pairs of a place and a triangle that may hold it, and (P, 3) weights of its corners there."""
    starts, members = _grid(triangles)
    column = np.clip((uv * _CELLS).astype(int), 0, _CELLS - 1)
    cell = column[:, 1] * _CELLS + column[:, 0]
    count = starts[cell + 1] - starts[cell]
    which = np.repeat(np.arange(len(uv)), count)
    step = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    tried = members[starts[cell][which] + step]
    return which, tried, _barycentric(uv[which], triangles[tried])


def follow(points: FloatArray, strand: np.ndarray, moved: FloatArray) -> FloatArray:
    """Strands whose roots are moved: the space round them is moved along smoothly.

    points: (P, 3), strand after strand, from root to tip. strand: (P,) which strand each belongs
    to. moved: (N, 3) by which each strand's root moves. Returns (P, 3).
    """
    if not len(points):
        return points
    roots = points[np.flatnonzero(np.diff(strand, prepend=-1))]
    chosen = np.unique(np.linspace(0, len(roots) - 1, _SAMPLES).astype(int))
    low, high = points.min(0) - 1e-6, points.max(0) + 1e-6
    axes = [np.linspace(a, b, _NODES) for a, b in zip(low, high, strict=True)]
    nodes = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    distance = ((nodes[:, None] - roots[chosen]) ** 2).sum(-1)
    near = 1 / (distance + 1e-5) ** 2
    field = (near @ moved[chosen] / near.sum(1, keepdims=True)).reshape(*[_NODES] * 3, 3)
    scale = (_NODES - 1) / (high - low)
    rest = moved - _interpolated(field, (roots - low) * scale)
    return (points + _interpolated(field, (points - low) * scale) + rest[strand]).astype(np.float32)


def _grid(triangles: FloatArray) -> tuple[np.ndarray, np.ndarray]:
    """The triangles that may reach into each cell: where each cell's begin, and all of them."""
    low = np.clip(np.floor((triangles.min(1) - 1e-6) * _CELLS).astype(int), 0, _CELLS - 1)
    high = np.clip(np.floor((triangles.max(1) + 1e-6) * _CELLS).astype(int), 0, _CELLS - 1)
    wide, tall = (high - low + 1).T
    count = wide * tall
    which = np.repeat(np.arange(len(count)), count)
    step = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    column, row = low[which, 0] + step % wide[which], low[which, 1] + step // wide[which]
    cell = row * _CELLS + column
    starts = np.append(0, np.cumsum(np.bincount(cell, minlength=_CELLS**2)))
    return starts, which[np.argsort(cell, kind="stable")]


def _barycentric(uv: FloatArray, triangles: FloatArray) -> FloatArray:
    a, b, c = np.moveaxis(triangles.astype(np.float64), 1, 0)
    one, other, way = b - a, c - a, uv - a
    area = _cross(one, other)
    area = np.where(np.abs(area) < 1e-16, np.inf, area)
    second, third = _cross(way, other) / area, _cross(one, way) / area
    first = np.where(np.isinf(area), -1.0, 1 - second - third)
    return np.stack([first, second, third], 1)


def _cross(one: FloatArray, other: FloatArray) -> FloatArray:
    return one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]


def _interpolated(field: FloatArray, places: FloatArray) -> FloatArray:
    """(P, C) of a (X, Y, Z, C) field at places in its cells."""
    size = np.array(field.shape[:3])
    cell = np.clip(places.astype(np.int32), 0, (size - 2).astype(np.int32))
    share = (places - cell).astype(np.float32)
    sides = np.stack([1 - share, share])
    strides = np.array([size[1] * size[2], size[2], 1], np.int32)
    flat = np.ascontiguousarray(field.reshape(-1, field.shape[-1]), np.float32)
    first, found = cell @ strides, np.zeros((len(places), field.shape[-1]), np.float32)
    for x, y, z in np.ndindex(2, 2, 2):
        weight = sides[x, :, 0] * sides[y, :, 1] * sides[z, :, 2]
        found += weight[:, None] * flat[first + strides @ (x, y, z)]
    return found
