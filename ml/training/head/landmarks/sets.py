"""Landmark sets on the reference: iBUG-68, MediaPipe-478 and the network's dense set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment

from ....data import FloatArray, IntArray
from ....geometry.mirror import MIRROR, mirror_twins
from ....geometry.triangles import triangulate
from ....head.formats.ict import vertex_points
from ....head.model import SurfacePoints
from ....head.surface import nearest_on_triangles
from ....photo.crop import FACE_POINTS
from ..statistics.sources import CENTIMETRE, IctFaceKit

SKULL_POINTS_PER_SIDE, EAR_POINTS_PER_SIDE, MORE_POINTS_PER_SIDE = 32, 14, 70
# Where on the biting edges points lie, from the midline (metres).
TEETH_POINTS = (0.003, 0.009, 0.015)
# Half the visible iris' width (a nearly constant 11.7 mm across in adults).
IRIS_RADIUS = 0.00585


def reference_landmark_sets(
    data: Path, ict: IctFaceKit, mean: FloatArray
) -> dict[str, SurfacePoints]:
    """All landmark sets on the vertices of ``mean``."""
    with np.load(data / "head_models" / "dense_landmarks_on_ict.npz") as found:
        face_points = found["position_cm"].astype(np.float64) * CENTIMETRE
    face_points = _symmetrised(face_points, mirror_order(data))
    face = nearest_on_parts(ict, mean, face_points, "Face")
    eyes = [_iris_points(ict, mean, side) for side in ("right", "left")]
    mediapipe = join(face, *eyes)
    skin = ict.vertices_of("Face", "Head and Neck")
    dense = join(mediapipe, _spread(mean, skin, mediapipe.on(mean), SKULL_POINTS_PER_SIDE))
    ears = skin[_on_ears(mean[skin])]
    dense = join(dense, _spread(mean, ears, dense.on(mean), EAR_POINTS_PER_SIDE))
    dense = join(dense, vertex_points(_biting_edges(ict, mean)))
    dense = join(dense, _spread(mean, skin, dense.on(mean), MORE_POINTS_PER_SIDE))
    return {
        "ibug68": vertex_points(ict.landmarks68),
        "mediapipe478": mediapipe,
        "dense": dense,
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


def _on_ears(places: FloatArray) -> np.ndarray:
    x, y, z = np.abs(places[:, 0]), places[:, 1], places[:, 2]
    return (x > 0.07) & (y > -0.03) & (y < 0.05) & (z > -0.025) & (z < 0.022)


def _biting_edges(ict: IctFaceKit, mean: FloatArray) -> IntArray:
    """Vertices on the biting edges of the front teeth: upper and lower left, then their twins."""
    teeth = ict.vertices_of("Teeth")
    lowered = ict.expression[ict.expression_names.index("jawOpen"), teeth, 1]
    chosen = []
    for lower in (False, True):
        # The jaw turns: molars sink far less than incisors. Upper teeth do not move at all.
        own = teeth[(lowered < -0.001) == lower]
        for column in TEETH_POINTS:
            near = own[(np.abs(mean[own, 0] - column) < 0.0012) & (mean[own, 2] > 0.09)]
            height = mean[near, 1] * (1 if lower else -1)
            edge = near[height > height.max() - 0.0007]
            chosen.append(edge[mean[edge, 2].argmax()])
    twins = mirror_twins(mean[chosen], mean[teeth])
    return np.array([*chosen, *teeth[twins]], np.int32)


def _spread(
    mean: FloatArray, vertices: IntArray, known: FloatArray, per_side: int
) -> SurfacePoints:
    """``vertices`` spread evenly, each the farthest from all before it, with their twins.

    ``known``: (N, 3) places of points that are there already.
    """
    left = vertices[mean[vertices, 0] > 0.002]
    distance = np.linalg.norm(mean[left][:, None] - known[None], axis=-1).min(1)
    chosen: list[int] = []
    for _ in range(per_side):
        pick = int(distance.argmax())
        chosen.append(int(left[pick]))
        distance = np.minimum(distance, np.linalg.norm(mean[left] - mean[left[pick]], axis=1))
    twins = mirror_twins(mean[chosen], mean[vertices])
    return vertex_points(np.array([*chosen, *vertices[twins]]))
