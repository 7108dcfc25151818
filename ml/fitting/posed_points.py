"""Points of a head where one photo's unknowns put them, and how they move with each unknown."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..data import Camera, FloatArray
from ..head.model import LinearShape
from .coherence import Controls
from .products import product

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
        """``which`` (bool) of the points of ``shape``; ``rest``: values of the last identity
        modes."""
        self.modes = len(shape.identity) - len(rest)
        mean, self._basis, others = _bases(shape, which.tobytes(), self.modes)
        self._mean = mean + others @ rest.astype(np.float32)
        self._controls = controls
        self._last: tuple[tuple[bytes, ...], FloatArray] = ((), self._mean)

    def places(self, identity: np.ndarray, pose: ExpressedPose) -> FloatArray:
        """(N, 3) metres, rotated into camera space."""
        # A step's energy, and then the derivatives where it ends, ask for the same.
        key = (identity.tobytes(), pose.controls.tobytes(), pose.camera.rotation.tobytes())
        if self._last[0] != key:
            expression = self._controls.expression(pose.controls)
            values = np.concatenate([identity, expression]).astype(np.float32)
            points = self._mean + (self._basis.reshape(-1, len(values)) @ values).reshape(-1, 3)
            self._last = key, points @ pose.camera.rotation.T.astype(np.float32)
        return self._last[1]

    def slopes(self, by_place: FloatArray, places: FloatArray, pose: ExpressedPose) -> FloatArray:
        """(N, K, I + C + 7) derivative of K values by identity, controls and rotation, and zeros
        for translation and focal length.

        by_place: (N, K, 3) derivative of the values by the points' ``places`` (N, 3).
        """
        turn = pose.camera.rotation.astype(np.float32)
        by_value = product(by_place @ turn, self._basis)
        by_control = product(by_value[..., self.modes :], self._controls.slope(pose.controls))
        turned = self.modes + by_control.shape[-1]
        slopes = np.zeros((*by_place.shape[:2], turned + POSE_NUMBERS), np.float32)
        slopes[..., : self.modes] = by_value[..., : self.modes]
        slopes[..., self.modes : turned] = by_control
        # A point turned by a small vector moves by that vector's cross product with it.
        slopes[..., turned : turned + 3] = crossed(places[:, None], by_place)
        return slopes


# A photo's fits take the points of few strides, and the next photo's take the same.
@lru_cache(maxsize=8)
def _bases(
    shape: LinearShape, which: bytes, modes: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Of N points, (N, 3) mean and displacements per unit of coefficients: (N, 3, I + E) of the
    first ``modes`` of the identity and of the expressions, (N, 3, R) of the other modes."""
    used = np.frombuffer(which, bool)
    bases, whole = shape.by_point[used], len(shape.identity)
    moving = np.concatenate([bases[..., :modes], bases[..., whole:]], -1)
    return shape.mean[used], moving, np.ascontiguousarray(bases[..., modes:whole])


def crossed(left: FloatArray, right: FloatArray) -> FloatArray:
    """(..., 3) cross products. NumPy's function is five times slower."""
    a, b, c = left[..., 0], left[..., 1], left[..., 2]
    x, y, z = right[..., 0], right[..., 1], right[..., 2]
    return np.stack([b * z - c * y, c * x - a * z, a * y - b * x], -1)
