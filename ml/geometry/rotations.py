"""Rotations by Rodrigues' formula; angles in radians, right-handed."""

from __future__ import annotations

import numpy as np


def rotation_from_vector(vector: np.ndarray) -> np.ndarray:
    """(3,) unit axis times angle -> (3, 3) float64 rotation."""
    angle = float(np.linalg.norm(vector))
    x, y, z = vector / max(angle, 1e-12)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def rotated_about(vectors: np.ndarray, axis: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """(N, 3) ``vectors``, each rotated about its own (N, 3) unit ``axis`` by its (N, 1) angle."""
    along = (axis * vectors).sum(1, keepdims=True) * axis
    turned = vectors * np.cos(angle) + np.cross(axis, vectors) * np.sin(angle)
    return np.asarray(turned + along * (1 - np.cos(angle)))


def rotations_from_angles(angles: np.ndarray) -> np.ndarray:
    """(..., 3) angles about x, y and z -> (..., 3, 3) rotations ``Ry @ Rx @ Rz``.

    With x to the left, y up and z ahead these are pitch, yaw and roll: the roll turns first.
    """
    angles = np.asarray(angles, np.float64)
    (sx, sy, sz), (cx, cy, cz) = (np.moveaxis(f(angles), -1, 0) for f in (np.sin, np.cos))
    rows = [
        [cy * cz + sy * sx * sz, sy * sx * cz - cy * sz, sy * cx],
        [cx * sz, cx * cz, -sx],
        [cy * sx * sz - sy * cz, sy * sz + cy * sx * cz, cy * cx],
    ]
    return np.stack([np.stack(row, -1) for row in rows], -2)


def angles_from_rotations(rotations: np.ndarray) -> np.ndarray:
    """The way back of :func:`rotations_from_angles`: x within a quarter turn, y and z a half."""
    r = np.asarray(rotations, np.float64)
    x = np.arcsin(np.clip(-r[..., 1, 2], -1.0, 1.0))
    y = np.arctan2(r[..., 0, 2], r[..., 2, 2])
    z = np.arctan2(r[..., 1, 0], r[..., 1, 1])
    return np.stack([x, y, z], -1)
