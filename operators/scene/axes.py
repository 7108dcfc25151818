"""Head space to Blender's space. The only place in Effigy where axes change.

Head space is +X the subject's left, +Y up, +Z forward; Blender's is +X right of the front view
(the subject's left, too), +Z up, -Y forward. Both are right-handed and in metres, so the change
is a quarter turn about X and nothing is mirrored.
"""

from __future__ import annotations

import numpy as np

from ...ml.data import Camera, FloatArray

# A camera looks along +z with +y down in the core, along -z with +y up in Blender.
_CAMERA_FLIP = np.diag([1.0, -1.0, -1.0])
# to_blender as a matrix.
_TURN = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])


def to_blender(vectors: FloatArray) -> FloatArray:
    """(..., 3) positions or deltas in head space -> the same in Blender's space."""
    x, y, z = np.moveaxis(np.asarray(vectors, np.float32), -1, 0)
    return np.stack([x, -z, y], axis=-1)


def from_blender(vectors: FloatArray) -> FloatArray:
    """The way back of :func:`to_blender`."""
    x, y, z = np.moveaxis(np.asarray(vectors, np.float32), -1, 0)
    return np.stack([x, z, -y], axis=-1)


def rotations_to_blender(rotations: np.ndarray) -> np.ndarray:
    """(..., 3, 3) rotations of head space -> the same of Blender's space."""
    return _TURN @ rotations @ _TURN.T


def rotations_from_blender(rotations: np.ndarray) -> np.ndarray:
    """The way back of :func:`rotations_to_blender`."""
    return _TURN.T @ rotations @ _TURN


def camera_to_world(camera: Camera) -> np.ndarray:
    """(4, 4) world matrix of the Blender camera that stands where ``camera`` stands."""
    rotation = np.asarray(camera.rotation, np.float64)
    # Rows are the camera's own axes and its place, seen from head space.
    axes = _CAMERA_FLIP @ rotation
    place = -rotation.T @ np.asarray(camera.translation, np.float64)
    matrix = np.eye(4)
    matrix[:3, :3] = to_blender(axes).T
    matrix[:3, 3] = to_blender(place)
    return matrix
