"""What is measured on one face, and the baseline that knows nothing about the person."""

from __future__ import annotations

import numpy as np
from scipy.optimize import least_squares

from ..data import FloatArray
from ..geometry import MILLIMETRES
from ..geometry.rotations import rotation_from_vector
from ..head.storage import load_head_model
from ..photo.crop import EYE_LEFT, EYE_RIGHT, FACE_POINTS

Bounds = tuple[float, float, float, float]
# A face counts as the labelled one if its box and the label's share half of what they cover, the
# usual rule for detections.
SAME_FACE = 0.5


def landmark_error(points: FloatArray, label: FloatArray) -> float:
    """Mean distance of the 468 face points over the label's outer-eye distance, in %.

    Both (>=468, 2), MediaPipe order, in the same pixels.
    """
    return float(point_errors(points, label).mean())


def point_errors(points: FloatArray, label: FloatArray) -> np.ndarray:
    """(468,) like :func:`landmark_error`, point by point."""
    eyes = float(np.linalg.norm(label[EYE_LEFT] - label[EYE_RIGHT]))
    return 100 * np.linalg.norm(points[:FACE_POINTS] - label[:FACE_POINTS], axis=1) / eyes


def overlap(one: Bounds, other: Bounds) -> float:
    """Intersection over union of two boxes (x0, y0, x1, y1)."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return width * height / (sum(areas) - width * height)


def identity_distances(
    identities: FloatArray, people: np.ndarray, sources: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """How far identities lie apart: (pairs of one person, pairs of different people), mm.

    identities: (N, I) coefficients; people: (N,) whose each is. A distance is the mean over the
    468 face points of the heads at rest, both as the model places them. With ``sources`` (N,)
    only people of one source are compared: sources differ in ways that are too easy to tell.
    """
    basis = load_head_model().points("mediapipe478").identity[:, :FACE_POINTS]
    heads = np.tensordot(np.asarray(identities, np.float32), basis, 1)
    first, second = np.triu_indices(len(heads), 1)
    distance = np.array(
        [
            MILLIMETRES * np.linalg.norm(heads[a] - heads[b], axis=1).mean()
            for a, b in zip(first, second, strict=True)
        ]
    )
    same = np.asarray(people)[first] == np.asarray(people)[second]
    other = ~same if sources is None else ~same & (sources[first] == sources[second])
    return distance[same], distance[other]


def best_pose(shape: FloatArray, label: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(L, 2) pixels and (3, 3) rotation: the rigid (L, 3) head-space ``shape`` in the pose and
    scale that meet ``label`` (L, 2) best in the least-squares sense, under weak perspective.

    This is the baseline: it has the label's own pose, so all it lacks is the person. The
    rotation takes head space to camera space.
    """
    centre, target = shape.mean(0), label.mean(0)
    points, pixels = (shape - centre).astype(np.float64), (label - target).astype(np.float64)
    affine, *_ = np.linalg.lstsq(points, pixels, rcond=None)
    # The nearest scaled pair of orthonormal rows to the affine map; it completes to a rotation.
    left, size, right = np.linalg.svd(affine.T, full_matrices=False)
    rows = left @ right
    turn = np.vstack([rows, np.cross(rows[0], rows[1])])

    def project(values: np.ndarray) -> np.ndarray:
        rotation = rotation_from_vector(values[:3]) @ turn
        return np.asarray(np.exp(values[3]) * (points @ rotation[:2].T) + values[4:6])

    start = np.array([0, 0, 0, np.log(size.mean()), 0, 0])
    found = least_squares(lambda values: (project(values) - pixels).ravel(), start)
    rotation = rotation_from_vector(found.x[:3]) @ turn
    return (project(found.x) + target).astype(np.float32), rotation.astype(np.float32)


def yaw_of(rotation: FloatArray) -> float:
    """Degrees by which a face with this (3, 3) rotation, head -> camera, looks past the camera.

    Positive where it looks to the picture's right.
    """
    ahead = rotation[:, 2]
    return float(np.degrees(np.arctan2(ahead[0], -ahead[2])))
