"""A head's surface: skin triangles, face vertices, and closest points on triangles."""

from __future__ import annotations

import numpy as np

from ..data import FloatArray, IntArray
from ..geometry.triangles import triangulate
from ..rendering import vertex_normals
from .model import HeadModel, SurfacePoints

# Names of the outer skin in the supported models.
SKIN_PARTS = ("skin", "Face", "Head and Neck")
# The face is the skin within this distance of the nose's tip (metres) whose normals have z > 0.
FACE_RADIUS = 0.095


def nearest_on_triangles(
    vertices: FloatArray, triangles: IntArray, points: np.ndarray, candidates: int = 32
) -> SurfacePoints:
    """The points on (T, 3) triangles that are closest to (N, 3) ``points``.

    Exact among the ``candidates`` triangles with the nearest centres.
    """
    # Imported on use: it takes 0.2 s, and a photo's head needs none.
    from scipy.spatial import cKDTree

    corner = vertices[triangles].astype(np.float64)
    _, near = cKDTree(corner.mean(1)).query(points, k=min(candidates, len(triangles)))
    weights = closest_barycentric(points[:, None], corner[near])
    reached = (weights[..., None] * corner[near]).sum(-2)
    best = np.linalg.norm(reached - points[:, None], axis=-1).argmin(1)
    rows = np.arange(len(points))
    return SurfacePoints(triangles[near[rows, best]], weights[rows, best].astype(np.float32))


def closest_barycentric(point: np.ndarray, triangle: np.ndarray) -> np.ndarray:
    """Weights (..., 3) of the points on (..., 3, 3) triangles that are closest to (..., 3) points.

    The projection on the plane if it lies inside, else the best of the three edges.
    """
    a, b, c = triangle[..., 0, :], triangle[..., 1, :], triangle[..., 2, :]
    u, v, w = b - a, c - a, point - a
    uu, uv, vv = (u * u).sum(-1), (u * v).sum(-1), (v * v).sum(-1)
    wu, wv = (w * u).sum(-1), (w * v).sum(-1)
    area = np.maximum(uu * vv - uv * uv, 1e-30)
    second, third = (vv * wu - uv * wv) / area, (uu * wv - uv * wu) / area
    plane = np.stack([1 - second - third, second, third], -1)
    options = [plane]
    for first, last in ((0, 1), (1, 2), (2, 0)):
        start, end = triangle[..., first, :], triangle[..., last, :]
        edge = end - start
        along = ((point - start) * edge).sum(-1) / np.maximum((edge * edge).sum(-1), 1e-30)
        along = np.clip(along, 0, 1)
        weight = np.zeros(plane.shape)
        weight[..., first], weight[..., last] = 1 - along, along
        options.append(weight)
    stack = np.stack(options)
    distance = np.linalg.norm((stack[..., None] * triangle).sum(-2) - point, axis=-1)
    distance[0][plane.min(-1) < 0] = np.inf
    best = distance.argmin(0)
    return np.take_along_axis(stack, best[None, ..., None], 0)[0]


def skin_triangles(model: HeadModel) -> IntArray:
    """(T, 3) triangles of the outer skin; of all parts if none has a name of SKIN_PARTS."""
    known = [name for name in SKIN_PARTS if name in model.part_names]
    return triangulate(model.quads[model.part_faces(*known)] if known else model.quads)


def nose_tip(points: np.ndarray) -> np.ndarray:
    """(N, 3) points of a head that faces +Z -> (3,) the foremost point near the middle, metres."""
    middle = (points[:, 0].min() + points[:, 0].max()) / 2
    central = points[np.abs(points[:, 0] - middle) < 0.02]
    return np.asarray(central[central[:, 2].argmax()])


def face_vertices(places: FloatArray, skin: IntArray) -> IntArray:
    """Indices of those vertices of ``skin`` (T, 3) that are the face; see FACE_RADIUS."""
    used = np.unique(skin)
    near = np.linalg.norm(places[used] - nose_tip(places[used]), axis=1) < FACE_RADIUS
    ahead = vertex_normals(places, skin)[used, 2] > 0
    return np.asarray(used[near & ahead], dtype=np.int32)


def normals_at(vertices: FloatArray, points: SurfacePoints) -> np.ndarray:
    """(N, 3) unit normals of the triangles that (N, 3) ``points`` lie in."""
    corner = vertices[points.corners].astype(np.float64)
    across = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    return across / np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-20)
