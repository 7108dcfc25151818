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
