"""Where points of a person fall in a photo, and how that changes with all that pins may move.

The unknowns of a photo are its controls (ml.fitting.coherence), a rotation vector in camera space,
a shift to the right and down in metres, and the relative change of the distance: in these, errors
are of the same size whatever the focal length.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..data import Camera, HeadCoefficients
from ..geometry.rotations import rotation_from_vector
from ..head.model import HeadModel, SurfacePoints

POSE_NUMBERS = 6


@dataclass(frozen=True)
class Bases:
    """The head model at N points: mean (N, 3), and bases (N, 3, I + E), float64."""

    mean: np.ndarray
    basis: np.ndarray

    @classmethod
    def at(cls, model: HeadModel, points: SurfacePoints) -> Bases:
        """The model restricted to ``points``."""
        shape = model.shape
        both = np.concatenate([points.on(shape.identity), points.on(shape.expression)])
        basis = both.transpose(1, 2, 0).astype(np.float64)
        return cls(points.on(shape.mean).astype(np.float64), basis)

    def places(self, head: HeadCoefficients) -> np.ndarray:
        """(N, 3) metres, head space."""
        values = np.concatenate([head.identity, head.expression]).astype(np.float64)
        return np.asarray(self.mean + self.basis @ values)


def moved_camera(camera: Camera, pose: np.ndarray) -> Camera:
    """``camera`` after a change of its (6,) pose numbers, with arrays in float64."""
    rotation: Any = rotation_from_vector(pose[:3]) @ camera.rotation.astype(np.float64)
    place: Any = camera.translation.astype(np.float64) * (1 + pose[5])
    place[:2] += pose[3:5]
    return replace(camera, rotation=rotation, translation=place)


def pixels_of(camera: Camera, places: np.ndarray) -> np.ndarray:
    """(N, 3) head space -> (N, 2) pixels, in float64."""
    seen = places @ camera.rotation.T + camera.translation
    intrinsics = camera.intrinsics.astype(np.float64)
    flat = seen @ intrinsics.T
    return np.asarray(flat[:, :2] / flat[:, 2:])


def by_place(camera: Camera, places: np.ndarray) -> np.ndarray:
    """(N, 2, 3) derivative of the pixels by the points in head space."""
    return np.asarray(_by_seen(camera, places)[0] @ camera.rotation)


def jacobian(
    bases: Bases, head: HeadCoefficients, camera: Camera, slope: np.ndarray, first: Camera
) -> np.ndarray:
    """(N, 2, I + C + 6) derivative of the pixels by identity, controls and pose numbers.

    slope: (E, C) of the controls. first: the camera that the pose numbers start from.
    """
    places = bases.places(head)
    by_seen, turned = _by_seen(camera, places)
    by_value = (by_seen @ camera.rotation) @ bases.basis
    split = len(head.identity)
    by_control = by_value[..., split:] @ slope
    x, y, z = turned.T
    zero = np.zeros_like(z)
    turns = np.stack([zero, z, -y, -z, zero, x, y, -x, zero], -1).reshape(-1, 3, 3)
    nearer = by_seen @ first.translation.astype(np.float64)
    pose = [by_seen @ turns, by_seen[..., :2], nearer[..., None]]
    return np.concatenate([by_value[..., :split], by_control, *pose], -1)


def _by_seen(camera: Camera, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(N, 2, 3) derivative of the pixels by points in camera space, and the rotated points."""
    turned = places @ camera.rotation.T
    x, y, z = (turned + camera.translation).T
    (fx, _, _), (_, fy, _), _ = camera.intrinsics.astype(np.float64)
    zero = np.zeros_like(z)
    rows = [fx / z, zero, -fx * x / z**2, zero, fy / z, -fy * y / z**2]
    return np.stack(rows, -1).reshape(-1, 2, 3), turned
