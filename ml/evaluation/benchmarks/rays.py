"""Rays against triangles: the depth map of a camera and the unwrapped radius of a head.

A pixel is a ray; a triangle is tried only by the rays within its bounds, so nothing here needs a
tree. Maps are (S, S), first row at the top; 0 and -1 where nothing is hit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SIDE = 256
# FaceScape's cylinder: this far up and down; the last column looks where the first does.
HALF_HEIGHT, TURN = 150.0, SIDE - 1
# How many pairs of a ray and a triangle are tried at once.
CHUNK = 1 << 20


@dataclass(frozen=True)
class Hits:
    """``distance``: (S, S) along the ray in units of its direction; ``triangle``: (S, S)."""

    distance: np.ndarray
    triangle: np.ndarray

    @property
    def seen(self) -> np.ndarray:
        """(S, S) whether the ray hits anything."""
        return np.asarray(self.triangle >= 0)


def orthographic(corners: np.ndarray, half: float) -> Hits:
    """Depth of (F, 3, 3) triangles for a camera that looks along -z, +-``half`` in x and y."""
    step = 2 * half / SIDE
    column, row = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    x, y = (column + 0.5) * step - half, half - (row + 0.5) * step
    origins = np.stack([x, y, np.zeros_like(x)], -1)
    directions = np.broadcast_to([0.0, 0.0, -1.0], origins.shape)
    places = np.stack([(corners[..., 0] + half) / step, (half - corners[..., 1]) / step], -1) - 0.5
    return _trace(corners, places, origins, directions, farthest=False)


def perspective(corners: np.ndarray, intrinsics: np.ndarray) -> Hits:
    """Depth z of (F, 3, 3) triangles, +y down and +z forward, for ``intrinsics`` (3, 3)."""
    column, row = np.meshgrid(np.arange(SIDE) + 0.5, np.arange(SIDE) + 0.5)
    pixels = np.stack([column, row, np.ones_like(row)], -1)
    directions = pixels @ np.linalg.inv(intrinsics).T
    flat = corners @ intrinsics.T
    with np.errstate(divide="ignore", invalid="ignore"):
        places = flat[..., :2] / flat[..., 2:] - 0.5
    # What reaches behind the camera has no bounds in the picture; no ray tries it.
    places[(corners[..., 2] <= 0).any(1)] = -SIDE
    return _trace(corners, places, np.zeros_like(directions), directions, farthest=False)


def cylinder_rays() -> tuple[np.ndarray, np.ndarray]:
    """(S, S, 3) origins on the axis and unit directions, from the back round to the back."""
    column, row = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    angle = 2 * np.pi * column / TURN
    height = HALF_HEIGHT - 2 * HALF_HEIGHT * row / (SIDE - 1)
    zero = np.zeros_like(angle)
    origins = np.stack([zero, height, zero], -1)
    return origins, np.stack([-np.sin(angle), zero, -np.cos(angle)], -1)


def unwrap(corners: np.ndarray) -> Hits:
    """The outermost radius of (F, 3, 3) triangles about the y axis, in mm."""
    angle = np.arctan2(-corners[..., 0], -corners[..., 2])
    # All corners within half a turn of the first, so that no triangle is cut at the back.
    angle = angle[:, :1] + (angle - angle[:, :1] + np.pi) % (2 * np.pi) - np.pi
    # A triangle about the axis itself is met all round.
    about = np.ptp(angle, axis=1) > 0.99 * np.pi
    angle[about] = [0.0, 2 * np.pi, np.pi]
    row = (HALF_HEIGHT - corners[..., 1]) * (SIDE - 1) / (2 * HALF_HEIGHT)
    places = np.stack([angle * TURN / (2 * np.pi), row], -1)
    origins, directions = cylinder_rays()
    hits = _trace(corners, places, origins, directions, farthest=True, period=TURN)
    for found in (hits.distance, hits.triangle):
        found[:, TURN] = found[:, 0]
    return hits


def _trace(
    corners: np.ndarray,
    places: np.ndarray,
    origins: np.ndarray,
    directions: np.ndarray,
    *,
    farthest: bool,
    period: int = 0,
) -> Hits:
    """Every ray's nearest or farthest hit; ``places`` (F, 3, 2): corners in column and row."""
    distance = np.zeros(SIDE * SIDE)
    triangle = np.full(SIDE * SIDE, -1)
    for face, pixel in _pairs(places, period):
        along = _meet(
            corners[face], origins.reshape(-1, 3)[pixel], directions.reshape(-1, 3)[pixel]
        )
        hit = np.flatnonzero(np.isfinite(along))
        # Each pixel's best hit: sorted by pixel and then by distance, the first of its run.
        order = hit[np.lexsort((-along[hit] if farthest else along[hit], pixel[hit]))]
        best = order[np.flatnonzero(np.diff(pixel[order], prepend=-1))]
        at = pixel[best]
        better = along[best] > distance[at] if farthest else along[best] < distance[at]
        better |= triangle[at] < 0
        at, best = at[better], best[better]
        distance[at], triangle[at] = along[best], face[best]
    return Hits(distance.reshape(SIDE, SIDE), triangle.reshape(SIDE, SIDE))


def _pairs(places: np.ndarray, period: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """(P,) triangles and (P,) pixels within each other's bounds, in portions."""
    # Wider by a hair, so that no ray through a corner is lost to rounding.
    low = np.ceil(places.min(1) - 1e-6).astype(int)
    high = np.floor(places.max(1) + 1e-6).astype(int)
    # Columns of a cylinder go on round the back; others end at the border.
    ends = slice(1 if period else 0, None)
    low[:, ends] = np.maximum(low[:, ends], 0)
    high[:, ends] = np.minimum(high[:, ends], SIDE - 1)
    size = np.maximum(high - low + 1, 0)
    count = size.prod(1)
    portion = np.cumsum(count) // CHUNK
    pairs = []
    for number in np.unique(portion):
        chosen = np.flatnonzero((portion == number) & (count > 0))
        face = np.repeat(chosen, count[chosen])
        start = np.cumsum(count[chosen]) - count[chosen]
        index = np.arange(len(face)) - np.repeat(start, count[chosen])
        column = low[face, 0] + index % size[face, 0]
        row = low[face, 1] + index // size[face, 0]
        pairs.append((face, row * SIDE + (column % period if period else column)))
    return pairs


def _meet(corners: np.ndarray, origin: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """(P,) where each ray meets its triangle, infinite where it does not.

    Moeller and Trumbore, "Fast, minimum storage ray-triangle intersection", 1997.
    """
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    across = np.cross(direction, second)
    volume = (first * across).sum(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        offset = origin - corners[:, 0]
        u = (offset * across).sum(1) / volume
        turned = np.cross(offset, first)
        v = (direction * turned).sum(1) / volume
        along = (second * turned).sum(1) / volume
        # A hair of slack, so that no ray slips through between two triangles.
        inside = (u >= -1e-9) & (v >= -1e-9) & (u + v <= 1 + 1e-9) & (along > 0)
    return np.where(inside, along, np.inf)
