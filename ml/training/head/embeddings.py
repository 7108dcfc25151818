"""Landmark sets on the reference: iBUG-68, MediaPipe-478 and the network's dense set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree

from ...data import FloatArray, IntArray
from ...head.ict import vertex_points
from ...head.model import SurfacePoints
from .sources import CENTIMETRE, MIRROR, IctFaceKit

SKULL_POINTS_PER_SIDE = 32
FACE_POINTS = 468
# Half the visible iris' width (a nearly constant 11.7 mm across in adults).
IRIS_RADIUS = 0.00585


def reference_embeddings(data: Path, ict: IctFaceKit, mean: FloatArray) -> dict[str, SurfacePoints]:
    """All landmark sets on the vertices of ``mean``."""
    with np.load(data / "head_models" / "dense_landmarks_on_ict.npz") as found:
        face_points = found["position_cm"].astype(np.float64) * CENTIMETRE
    face_points = _symmetrised(face_points, mirror_order(data))
    face = nearest_on_parts(ict, mean, face_points, "Face")
    eyes = [_iris_points(ict, mean, side) for side in ("right", "left")]
    mediapipe = join(face, *eyes)
    skull = _skull_points(ict, mean, mediapipe.on(mean))
    return {
        "ibug68": vertex_points(ict.landmarks68),
        "mediapipe478": mediapipe,
        "dense": join(mediapipe, skull),
    }


def mirror_order(data: Path) -> IntArray:
    """(468,) index of each MediaPipe face point's twin, from the average labelled portrait."""
    with np.load(data / "portraits" / "train.npz") as labels:
        points = labels["landmarks"][:, :FACE_POINTS].astype(np.float64)
    points -= points.mean(1, keepdims=True)
    points /= np.linalg.norm(points, axis=(1, 2), keepdims=True)
    average = points.mean(0)
    # One mirrored shape aligned once: people in portraits face the camera on average.
    cost = np.linalg.norm(average[:, None] - (average * MIRROR)[None], axis=-1)
    _, twin = linear_sum_assignment(cost + cost.T)
    return np.asarray(twin, dtype=np.int32)


def join(*sets: SurfacePoints) -> SurfacePoints:
    """Several sets, one after the other."""
    return SurfacePoints(
        np.concatenate([item.corners for item in sets]),
        np.concatenate([item.weights for item in sets]),
    )


def nearest_on_parts(
    ict: IctFaceKit, mean: FloatArray, points: np.ndarray, *parts: str
) -> SurfacePoints:
    """The closest surface point of the named parts to each of (L, 3) points."""
    faces = np.isin(ict.part, [ict.part_names.index(name) for name in parts])
    return nearest_on_triangles(mean, triangulate(ict.quads[faces]), points)


def triangulate(quads: IntArray) -> IntArray:
    """(F, 4) -> both halves of every quad; degenerate halves dropped."""
    both = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    return np.asarray(both[both[:, 1] != both[:, 2]], dtype=np.int32)


def nearest_on_triangles(
    vertices: FloatArray, triangles: IntArray, points: np.ndarray, candidates: int = 32
) -> SurfacePoints:
    """Exact closest points among the ``candidates`` triangles with the nearest centres."""
    corner = vertices[triangles].astype(np.float64)
    _, near = cKDTree(corner.mean(1)).query(points, k=min(candidates, len(triangles)))
    weights = closest_barycentric(points[:, None], corner[near])
    reached = (weights[..., None] * corner[near]).sum(-2)
    best = np.linalg.norm(reached - points[:, None], axis=-1).argmin(1)
    rows = np.arange(len(points))
    return SurfacePoints(triangles[near[rows, best]], weights[rows, best].astype(np.float32))


def closest_barycentric(point: np.ndarray, triangle: np.ndarray) -> np.ndarray:
    """Barycentric weights of the point of (..., 3, 3) triangles closest to (..., 3) points.

    The plane's solution where it lies inside, else the best of the three edges.
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


def _symmetrised(points: np.ndarray, twin: IntArray) -> np.ndarray:
    """Average of each point with its mirrored twin: halves the noise of how they were found."""
    return (points + points[twin] * MIRROR) / 2


def _iris_points(ict: IctFaceKit, mean: FloatArray, side: str) -> SurfacePoints:
    """MediaPipe's five: centre, then image right, top, image left, bottom of the iris."""
    part = f"Eyeball {side}"
    ball = mean[ict.vertices_of(part)]
    centre = (ball.min(0) + ball.max(0)) / 2
    front = np.array([centre[0], centre[1], ball[:, 2].max()])
    around = np.array([[0, 0], [1, 0], [0, 1], [-1, 0], [0, -1]]) * IRIS_RADIUS
    wanted: np.ndarray = front + np.column_stack([around, np.zeros(5)])
    # The cornea bulges: points off the axis lie a little deeper than its apex.
    wanted[1:, 2] -= 0.0015
    sclera = np.char.startswith(ict.materials.astype(str), "M_Sclera")
    faces = (ict.part == ict.part_names.index(part)) & sclera
    return nearest_on_triangles(mean, triangulate(ict.quads[faces]), wanted)


def _skull_points(ict: IctFaceKit, mean: FloatArray, known: FloatArray) -> SurfacePoints:
    """Points on skull, ears and neck, spread evenly: each the farthest from all before it."""
    vertices = ict.vertices_of("Face", "Head and Neck")
    left = vertices[mean[vertices, 0] > 0.002]
    distance = np.linalg.norm(mean[left][:, None] - known[None], axis=-1).min(1)
    chosen: list[int] = []
    for _ in range(SKULL_POINTS_PER_SIDE):
        pick = int(distance.argmax())
        chosen.append(int(left[pick]))
        distance = np.minimum(distance, np.linalg.norm(mean[left] - mean[left[pick]], axis=1))
    _, twins = cKDTree(mean).query(mean[chosen] * MIRROR)
    return vertex_points(np.array([*chosen, *twins]))
