"""One photo in the fit: residuals, their derivatives, and its part of the normal equations."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..data import FloatArray
from ..geometry.rotations import rotation_from_vector
from ..head.model import LinearShape
from .coherence import controls_of
from .evidence import Evidence
from .posed_points import POSE_NUMBERS, ExpressedPose, PosedPoints
from .products import gram
from .surface_terms import DepthTerm, NormalTerm, Robust

# Of so many landmarks that are fitted to, one normal is.
NORMALS_APART = 4


@dataclass(frozen=True)
class Blocks:
    """One photo's part of J^T W J and J^T W r, by unknowns: identity (i), expression and pose (o).

    Attributes
    ----------
    ii: (I, I). io: (I, C + 7). oo: (C + 7, C + 7). i: (I,). o: (C + 7,).
    """

    ii: np.ndarray
    io: np.ndarray
    oo: np.ndarray
    i: np.ndarray
    o: np.ndarray


def zoomed(intrinsics: np.ndarray, factor: float) -> FloatArray:
    """(3, 3) intrinsics with the focal length times ``factor``."""
    scale = np.array([[factor, 1, 1], [1, factor, 1], [1, 1, 1]])
    return np.asarray(intrinsics * scale, np.float32)


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
        self.controls = controls_of(len(evidence.start.expression))
        self._points = PosedPoints(shape, used, rest, self.controls)
        self.target = evidence.landmarks.points[used].astype(np.float32)
        robust = Robust(sigma_scale, outlier**2, stride)
        self._weight = robust.precision(evidence.landmarks.sigma[used].astype(np.float32))
        self._guess = self.controls.of(evidence.start.expression)
        unsure = evidence.expression_sigma
        if unsure is None:
            unsure = np.full(len(evidence.start.expression), expression_sigma, np.float32)
        self._precision = self.controls.precision(self._guess, unsure)
        self._robust = robust
        self._focal, sigma = float(np.log(evidence.focal)), evidence.focal_sigma
        self._focal_precision = sigma**-2 if sigma > 0 else 0.0
        self._depths, self._normals = None, None
        if evidence.depths is not None:
            self._depths = DepthTerm(evidence.depths, used, robust)
        if evidence.normals is not None:
            # Neighbours have nearly the same normal: some say as much, in a fraction of the time.
            apart = stride * NORMALS_APART
            some = used & (np.arange(len(used)) % apart == 0)
            edges = PosedPoints(evidence.normals.edges, np.tile(some, 2), rest, self.controls)
            robust = Robust(sigma_scale, outlier**2, apart)
            self._normals = NormalTerm(evidence.normals, some, robust, edges)

    def start(self, evidence: Evidence) -> ExpressedPose:
        """The initial values of the unknowns."""
        return ExpressedPose(self._guess.copy(), evidence.camera)

    def residual(self, identity: np.ndarray, pose: ExpressedPose) -> np.ndarray:
        """(L, 2) pixels: projection minus landmark."""
        return self._residual(self._points.places(identity, pose), pose)

    def energy(self, identity: np.ndarray, pose: ExpressedPose) -> float:
        """The robust errors of all that is known of the landmarks, and the expression prior."""
        places = self._points.places(identity, pose)
        squared = (self._residual(places, pose) ** 2).sum(1) * self._weight
        data = self._robust.loss(squared)
        if self._depths is not None:
            data += self._depths.energy(places)
        if self._normals is not None:
            data += self._normals.energy(identity, pose)
        stray = (pose.controls - self._guess) ** 2
        strange = self._focal_precision * self._longer(pose) ** 2
        return float(data + strange + (self._precision * stray).sum())

    def blocks(self, identity: np.ndarray, pose: ExpressedPose) -> Blocks:
        """The normal equations of :meth:`energy`, with iteratively reweighted residuals."""
        parts = [self._landmark_rows(identity, pose)]
        if self._depths is not None:
            places = self._points.places(identity, pose)
            parts.append(self._depths.rows(self._points, places, pose))
        if self._normals is not None:
            parts.append(self._normals.rows(identity, pose))
        hessian = np.sum([gram(rows) for rows, _ in parts], axis=0)
        gradient = np.sum([rows.T @ residual for rows, residual in parts], axis=0)
        split, end = self._points.modes, len(gradient) - POSE_NUMBERS
        keys = np.arange(split, end)
        hessian[keys, keys] += self._precision
        gradient[split:end] += self._precision * (pose.controls - self._guess)
        hessian[-1, -1] += self._focal_precision
        gradient[-1] += self._focal_precision * self._longer(pose)
        return Blocks(
            hessian[:split, :split],
            hessian[:split, split:],
            hessian[split:, split:],
            gradient[:split],
            gradient[split:],
        )

    def jacobian(self, identity: np.ndarray, pose: ExpressedPose) -> np.ndarray:
        """(L, 2, I + C + 7) derivative by identity, controls, rotation, translation and focal."""
        places = self._points.places(identity, pose)
        x, y, z = (places + pose.camera.translation.astype(np.float32)).T
        focal, zero = np.float32(pose.camera.intrinsics[0, 0]), np.zeros_like(z)
        # Derivative of pinhole projection by the point in camera space.
        larger = focal / z
        across, down = -larger / z * x, -larger / z * y
        by_place = np.stack([larger, zero, across, zero, larger, down], -1).reshape(-1, 2, 3)
        slopes = self._points.slopes(by_place, places, pose)
        slopes[..., -4:-1] = by_place
        # With the focal length the distance grows: what stays is how flat the face looks.
        flatter = larger * (1 - np.float32(pose.camera.translation[2]) / z)
        slopes[..., 0, -1], slopes[..., 1, -1] = flatter * x, flatter * y
        return slopes

    def _landmark_rows(
        self, identity: np.ndarray, pose: ExpressedPose
    ) -> tuple[np.ndarray, np.ndarray]:
        """(2 L, unknowns) weighted derivatives and (2 L,) weighted residuals."""
        jacobian, residual = self.jacobian(identity, pose), self.residual(identity, pose)
        squared = (residual**2).sum(1) * self._weight
        root = np.sqrt(self._robust.share(squared) * self._weight)[:, None]
        jacobian *= root[..., None]
        return jacobian.reshape(-1, jacobian.shape[-1]), (residual * root).ravel()

    def _residual(self, places: np.ndarray, pose: ExpressedPose) -> np.ndarray:
        """(L, 2) pixels; ``places``: (L, 3) of the landmarks, see PosedPoints."""
        moved = places + pose.camera.translation.astype(np.float32)
        focal, principal = pose.camera.intrinsics[0, 0], pose.camera.intrinsics[:2, 2]
        flat = moved[:, :2] / moved[:, 2:] * np.float32(focal) + principal.astype(np.float32)
        return np.asarray(flat - self.target)

    def _longer(self, pose: ExpressedPose) -> float:
        """Logarithm of the focal length over the expected one."""
        return float(np.log(pose.camera.intrinsics[0, 0])) - self._focal

    def stepped(self, pose: ExpressedPose, delta: np.ndarray) -> ExpressedPose:
        """``pose`` after a step in (C + 7) unknowns; controls stay within their bounds."""
        count = len(pose.controls)
        turn, shift = delta[count : count + 3], delta[count + 3 : count + 6]
        change = rotation_from_vector(turn).astype(np.float32)
        rotation = change @ pose.camera.rotation.astype(np.float64)
        longer = np.exp(np.clip(delta[-1], -1, 1))
        camera = replace(
            pose.camera,
            intrinsics=zoomed(pose.camera.intrinsics, longer),
            rotation=rotation.astype(np.float32),
            translation=(pose.camera.translation * [1, 1, longer] + shift).astype(np.float32),
        )
        return ExpressedPose(self.controls.clipped(pose.controls + delta[:count]), camera)

    def frozen(self, pose: ExpressedPose, gradient: np.ndarray) -> np.ndarray:
        """(C + 7,) bool: controls at a bound that a step against ``gradient`` would cross, and the
        focal length where it is not fitted."""
        slope = gradient[:-POSE_NUMBERS]
        low, high = self.controls.low, self.controls.high
        at_bound = ((pose.controls <= low) & (slope > 0)) | ((pose.controls >= high) & (slope < 0))
        still = np.zeros(POSE_NUMBERS, bool)
        still[-1] = not self._focal_precision
        return np.concatenate([at_bound, still])
