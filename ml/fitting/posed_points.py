"""Points of a head where one photo's unknowns put them, and how they move with each unknown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data import Camera, FloatArray
from ..head.model import LinearShape
from .coherence import Controls

# Rotation, translation and the logarithm of the focal length.
POSE_NUMBERS = 7


@dataclass(frozen=True)
class ExpressedPose:
    """The unknowns of one photo: controls (C,) of the expression, and the camera."""

    controls: np.ndarray
    camera: Camera


class PosedPoints:
    """N points, or differences of points, in camera space but not translated; float32."""

    def __init__(
        self, shape: LinearShape, which: np.ndarray, rest: np.ndarray, controls: Controls
    ) -> None:
        """``which`` of the points of ``shape``; ``rest``: values of the last identity modes."""
        split, whole = len(shape.identity) - len(rest), len(shape.identity)
        # (N, 3, I + E): displacement of each point per unit of each coefficient.
        bases = shape.by_point[which]
        self._mean = shape.mean[which] + bases[..., split:whole] @ rest.astype(np.float32)
        self._basis = np.concatenate([bases[..., :split], bases[..., whole:]], -1)
        self._controls = controls
        self.modes = split

    def places(self, identity: np.ndarray, pose: ExpressedPose) -> FloatArray:
        """(N, 3) metres, rotated into camera space."""
        expression = self._controls.expression(pose.controls)
        values = np.concatenate([identity, expression]).astype(np.float32)
        points = self._mean + self._basis @ values
        return np.asarray(points @ pose.camera.rotation.T.astype(np.float32))

    def slopes(self, by_place: FloatArray, places: FloatArray, pose: ExpressedPose) -> FloatArray:
        """(N, K, I + C + 3) derivative of K values by identity, controls and rotation.

        by_place: (N, K, 3) derivative of the values by the points' ``places`` (N, 3).
        """
        turn = pose.camera.rotation.astype(np.float32)
        by_value = (by_place @ turn) @ self._basis
        by_identity, by_expression = np.split(by_value, [self.modes], -1)
        by_control = by_expression @ self._controls.slope(pose.controls)
        # A point turned by a small vector moves by that vector's cross product with it.
        by_turn = by_place @ crossed(places).swapaxes(1, 2)
        return np.concatenate([by_identity, by_control, by_turn], -1)


def crossed(vectors: FloatArray) -> FloatArray:
    """(N, 3) -> (N, 3, 3) matrices: ``crossed(a) @ b`` is the cross product of a and b."""
    x, y, z = vectors.T
    zero = np.zeros_like(x)
    # np.cross is five times slower.
    return np.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(-1, 3, 3)
