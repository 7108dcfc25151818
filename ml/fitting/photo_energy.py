"""One photo in the fit: residuals, their derivatives, and its part of the normal equations."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..data import Camera
from ..geometry.rotations import rotation_from_vector
from ..head.model import LinearShape
from .coherence import controls_of
from .evidence import Evidence

POSE_NUMBERS = 6


@dataclass(frozen=True)
class ExpressedPose:
    """The unknowns of one photo: controls (C,) of the expression, and the camera's pose."""

    controls: np.ndarray
    camera: Camera


@dataclass(frozen=True)
class Blocks:
    """One photo's part of J^T W J and J^T W r, by unknowns: identity (i), expression and pose (o).

    Attributes
    ----------
    ii: (I, I). io: (I, C + 6). oo: (C + 6, C + 6). i: (I,). o: (C + 6,).
    """

    ii: np.ndarray
    io: np.ndarray
    oo: np.ndarray
    i: np.ndarray
    o: np.ndarray


class PhotoEnergy:
    """The energy of one photo and its derivatives.

    float32 throughout: rounding errors are a thousandth of a pixel, and it is twice as fast.
    """

    def __init__(
        self,
        shape: LinearShape,
        evidence: Evidence,
        sigma_scale: float,
        expression_sigma: float,
        outlier: float,
        stride: int = 1,
        rest: np.ndarray | None = None,
    ) -> None:
        """``rest``: values of the last identity modes, which are not fitted. See FitSettings."""
        used = np.isfinite(evidence.landmarks.sigma)
        used &= np.arange(len(used)) % stride == 0
        rest = np.empty(0) if rest is None else rest
        split, whole = len(shape.identity) - len(rest), len(shape.identity)
        # (L, 3, N): displacement of each point per unit of each coefficient.
        bases = shape.by_point[used]
        self._mean = shape.mean[used] + bases[..., split:whole] @ rest.astype(np.float32)
        self._basis = np.concatenate([bases[..., :split], bases[..., whole:]], -1)
        self._modes = split
        self.target = evidence.landmarks.points[used].astype(np.float32)
        sigma = (evidence.landmarks.sigma[used] * sigma_scale).astype(np.float32)
        self._weight = np.float32(stride) / sigma**2
        self.controls = controls_of(len(evidence.start.expression))
        self._guess = self.controls.of(evidence.start.expression)
        self._precision = np.float32(expression_sigma**-2) * self.controls.stiffness
        self._limit = np.float32(outlier**2)

    def start(self, evidence: Evidence) -> ExpressedPose:
        """The initial values of the unknowns."""
        return ExpressedPose(self._guess.copy(), evidence.camera)

    def residual(self, identity: np.ndarray, pose: ExpressedPose) -> np.ndarray:
        """(L, 2) pixels: projection minus landmark."""
        moved = self._places(identity, pose) + pose.camera.translation.astype(np.float32)
        focal, principal = pose.camera.intrinsics[0, 0], pose.camera.intrinsics[:2, 2]
        flat = moved[:, :2] / moved[:, 2:] * np.float32(focal) + principal.astype(np.float32)
        return np.asarray(flat - self.target)

    def energy(self, identity: np.ndarray, pose: ExpressedPose) -> float:
        """Robust landmark error (Geman–McClure) plus the expression prior."""
        squared = (self.residual(identity, pose) ** 2).sum(1) * self._weight
        data = (self._limit * squared / (self._limit + squared)).sum(dtype=np.float64)
        stray = (pose.controls - self._guess) ** 2
        return float(data + (self._precision * stray).sum())

    def blocks(self, identity: np.ndarray, pose: ExpressedPose) -> Blocks:
        """The normal equations of :meth:`energy`, with iteratively reweighted residuals."""
        jacobian, residual = self.jacobian(identity, pose), self.residual(identity, pose)
        squared = (residual**2).sum(1) * self._weight
        weight = (self._limit / (self._limit + squared)) ** 2 * self._weight
        root = np.sqrt(weight)[:, None]
        rows = (jacobian * root[..., None]).reshape(-1, jacobian.shape[-1])
        hessian = rows.T @ rows
        gradient = rows.T @ (residual * root).ravel()
        split, end = self._modes, jacobian.shape[-1] - POSE_NUMBERS
        keys = np.arange(split, end)
        hessian[keys, keys] += self._precision
        gradient[split:end] += self._precision * (pose.controls - self._guess)
        return Blocks(
            hessian[:split, :split],
            hessian[:split, split:],
            hessian[split:, split:],
            gradient[:split],
            gradient[split:],
        )

    def jacobian(self, identity: np.ndarray, pose: ExpressedPose) -> np.ndarray:
        """(L, 2, I + C + 6) derivative by identity, controls, rotation and translation."""
        camera = pose.camera
        turn = camera.rotation.astype(np.float32)
        rotated = self._places(identity, pose)
        x, y, z = (rotated + camera.translation.astype(np.float32)).T
        focal, zero = np.float32(camera.intrinsics[0, 0]), np.zeros_like(z)
        # Derivative of pinhole projection by the point in camera space.
        by_point = np.stack(
            [
                np.stack([focal / z, zero, -focal * x / z**2], -1),
                np.stack([zero, focal / z, -focal * y / z**2], -1),
            ],
            1,
        )
        # Each axis crossed with each point, row by row; np.cross is five times slower.
        rx, ry, rz = rotated.T
        turns = np.stack([zero, -rz, ry, rz, zero, -rx, -ry, rx, zero], -1).reshape(-1, 3, 3)
        by_turn = by_point @ turns.swapaxes(1, 2)
        by_value = (by_point @ turn) @ self._basis
        by_identity, by_expression = np.split(by_value, [self._modes], -1)
        by_control = by_expression @ self.controls.slope(pose.controls)
        return np.concatenate([by_identity, by_control, by_turn, by_point], -1)

    def _places(self, identity: np.ndarray, pose: ExpressedPose) -> np.ndarray:
        """(L, 3) points, rotated into camera space but not translated."""
        expression = self.controls.expression(pose.controls)
        values = np.concatenate([identity, expression]).astype(np.float32)
        points = self._mean + self._basis @ values
        return np.asarray(points @ pose.camera.rotation.T.astype(np.float32))

    def stepped(self, pose: ExpressedPose, delta: np.ndarray) -> ExpressedPose:
        """``pose`` after a step in (C + 6) unknowns; controls stay within their bounds."""
        count = len(pose.controls)
        turn, shift = delta[count : count + 3], delta[count + 3 :]
        change = rotation_from_vector(turn).astype(np.float32)
        rotation = change @ pose.camera.rotation.astype(np.float64)
        camera = replace(
            pose.camera,
            rotation=rotation.astype(np.float32),
            translation=(pose.camera.translation + shift).astype(np.float32),
        )
        return ExpressedPose(self.controls.clipped(pose.controls + delta[:count]), camera)

    def frozen(self, pose: ExpressedPose, gradient: np.ndarray) -> np.ndarray:
        """(C + 6,) bool: controls at a bound that a step against ``gradient`` would cross."""
        slope = gradient[:-POSE_NUMBERS]
        low, high = self.controls.low, self.controls.high
        at_bound = ((pose.controls <= low) & (slope > 0)) | ((pose.controls >= high) & (slope < 0))
        return np.concatenate([at_bound, np.zeros(POSE_NUMBERS, bool)])
