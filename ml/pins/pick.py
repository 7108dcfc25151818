"""What lies under a place in the photo: the surface of a head that is seen by a camera."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..data import Camera, FloatArray
from ..head.model import HeadModel, SurfacePoints
from .projection import pixels_of

SKIN = "skin"
# Cosine between normal and line of sight below which a point is turned away.
GRAZING = 0.1
# Metres by which a point must lie behind others to be hidden: just past the outline is none.
BEHIND = 0.015


@dataclass(frozen=True)
class Hit:
    """A point of the surface: its triangle's vertices, and barycentric weights."""

    corners: tuple[int, int, int]
    weights: tuple[float, float, float]


def hit_at(
    model: HeadModel, vertices: FloatArray, camera: Camera, place: tuple[float, float]
) -> Hit | None:
    """The point of the skin that is seen at ``place``, in pixels; None where there is none.

    vertices: (V, 3) head space, with the photo's expression.
    """
    pixels = pixels_of(camera, vertices.astype(np.float64))
    depth = camera.to_camera_space(vertices)[:, 2].astype(np.float64)
    if (depth <= 0).any():
        return None
    corner = pixels[model.triangles]
    near = (corner.min(1) <= place).all(1) & (corner.max(1) >= place).all(1)
    found = np.flatnonzero(near)
    flat = _barycentric(corner[found], np.asarray(place, np.float64))
    inside = (flat >= -1e-9).all(1)
    found, flat = found[inside], flat[inside]
    if not len(found):
        return None
    # Perspective: what is linear in the photo is the weight over the depth.
    over = flat / depth[model.triangles[found]]
    first = int(over.sum(1).argmax())
    if not _is_skin(model)[found[first]]:
        return None
    weights = np.clip(over[first], 0, None)
    weights = weights / weights.sum()
    one, two, three = (int(value) for value in model.triangles[found[first]])
    return Hit((one, two, three), (float(weights[0]), float(weights[1]), float(weights[2])))


def facing(vertices: FloatArray, points: SurfacePoints, camera: Camera) -> np.ndarray:
    """(N,) bool: which points of the surface look towards the camera."""
    one, two, three = np.moveaxis(vertices[points.corners].astype(np.float64), 1, 0)
    normals = np.cross(two - one, three - one)
    centre = -camera.rotation.T.astype(np.float64) @ camera.translation
    sight = centre - points.on(vertices)
    lengths = np.linalg.norm(normals, axis=1) * np.linalg.norm(sight, axis=1)
    return np.asarray((normals * sight).sum(1) > GRAZING * lengths)


def seen(
    model: HeadModel, vertices: FloatArray, points: SurfacePoints, camera: Camera
) -> np.ndarray:
    """(N,) bool: which points of the surface a camera sees.

    Points of the outline count, which look past the camera but lie behind nothing: ears and jaw of
    a head that is seen from the front.
    """
    found = facing(vertices, points, camera)
    aside = np.flatnonzero(~found)
    if not len(aside):
        return found
    depth = camera.to_camera_space(vertices)[:, 2].astype(np.float64)
    corner = pixels_of(camera, vertices.astype(np.float64))[model.triangles]
    low, high = corner.min(1), corner.max(1)
    # By their left ends, the triangles over a place are neighbours.
    order = np.argsort(low[:, 0])
    left, widest = low[order, 0], float((high[:, 0] - low[:, 0]).max())
    places = points.take(aside).on(vertices)
    depths = camera.to_camera_space(places)[:, 2]
    for number, place in enumerate(pixels_of(camera, places.astype(np.float64))):
        ends = np.searchsorted(left, (place[0] - widest, place[0]))
        near = order[ends[0] : ends[1]]
        near = near[(low[near, 1] <= place[1]) & (high[near, 1] >= place[1])]
        flat = _barycentric(corner[near], place)
        inside = (flat >= -1e-9).all(1)
        over = (flat[inside] / depth[model.triangles[near[inside]]]).sum(1)
        found[aside[number]] = over.max(initial=0.0) * (depths[number] - BEHIND) < 1
    return found


def _barycentric(triangles: np.ndarray, place: np.ndarray) -> np.ndarray:
    """(T, 3) weights of a place in (T, 3, 2) triangles; negative outside, all -1 for slivers."""
    a, b, c = np.moveaxis(triangles, 1, 0)
    area = _cross(b - a, c - a)
    safe = np.where(np.abs(area) > 1e-12, area, np.inf)
    second, third = _cross(place - a, c - a) / safe, _cross(b - a, place - a) / safe
    weights = np.stack([1 - second - third, second, third], -1)
    return np.where(np.isinf(safe)[:, None], -1.0, weights)


def _cross(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.asarray(one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0])


@lru_cache(maxsize=2)
def _is_skin(model: HeadModel) -> np.ndarray:
    """(T,) bool: triangles of the skin; all of a model that has no part of that name."""
    if SKIN not in model.part_names:
        return np.ones(len(model.triangles), bool)
    # Two triangles a quad, unless one is degenerate: told by where their corners are.
    vertices = np.unique(model.quads[model.part_faces(SKIN)])
    return np.asarray(np.isin(model.triangles, vertices).all(1))
