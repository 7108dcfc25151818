"""What is known of the surface beside where it is seen: depths and normals of the landmarks.

Both are terms of a photo's energy, in the robust loss of the landmarks themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data import FloatArray
from ..head.model import LinearShape
from .posed_points import ExpressedPose, PosedPoints, crossed

# The distance that all depths share is found anew, with the weights of the last time, so often.
CENTRINGS = 3


@dataclass(frozen=True)
class Depths:
    """How deep the landmarks lie, but for one distance that they share.

    Attributes
    ----------
    values: (L,) metres along the camera's axis, greater farther away; their mean means nothing.
    sigma: (L,) standard deviation, metres; infinite where nothing is known.
    """

    values: FloatArray
    sigma: FloatArray


@dataclass(frozen=True)
class Normals:
    """How the surface is inclined at the landmarks.

    Attributes
    ----------
    values: (L, 2) x and y in camera space of the unit normals of the triangles ``edges``.
    sigma: (L,) standard deviation of each of the two; infinite where nothing is known.
    edges: the head model's two edges of the triangle that each landmark lies in, (2 L, 3): the
        first edges, then the second; their cross product points out of the head.
    """

    values: FloatArray
    sigma: FloatArray
    edges: LinearShape


@dataclass(frozen=True)
class Robust:
    """The Geman–McClure loss of residuals with sigma.

    Attributes
    ----------
    scale: factor on sigma. limit: square of the scale of the loss, in sigmas. count: what one
    residual stands for.
    """

    scale: float
    limit: float
    count: float

    def precision(self, sigma: FloatArray) -> FloatArray:
        """(N,) weights of squared residuals."""
        return np.asarray(np.float32(self.count) / (sigma * np.float32(self.scale)) ** 2)

    def loss(self, squared: FloatArray) -> float:
        """The energy of (N,) weighted squared residuals."""
        limit = np.float32(self.limit)
        return float((limit * squared / (limit + squared)).sum(dtype=np.float64))

    def share(self, squared: FloatArray) -> FloatArray:
        """(N,) what the loss leaves of the weight of each: 1 for small residuals, 0 for outliers"""
        limit = np.float32(self.limit)
        return np.asarray((limit / (limit + squared)) ** 2)


class DepthTerm:
    """Depths of the landmarks ``which``, one row each."""

    def __init__(self, depths: Depths, which: np.ndarray, robust: Robust) -> None:
        self._which = np.flatnonzero(np.isfinite(depths.sigma[which]))
        self._target = depths.values[which][self._which].astype(np.float32)
        self._precision = robust.precision(depths.sigma[which][self._which].astype(np.float32))
        self._robust = robust

    def energy(self, places: FloatArray) -> float:
        """places: (N, 3) of the landmarks in camera space."""
        residual, _ = self._centred(places)
        return self._robust.loss(self._precision * residual**2)

    def rows(
        self, points: PosedPoints, places: FloatArray, pose: ExpressedPose
    ) -> tuple[FloatArray, FloatArray]:
        """(D, unknowns) weighted derivatives and (D,) weighted residuals."""
        residual, weight = self._centred(places)
        along = np.zeros((len(places), 1, 3), np.float32)
        along[..., 2] = 1
        slopes = points.slopes(along, places, pose)[self._which, 0]
        # Moving all points alike changes nothing, so neither does the camera's translation.
        slopes -= weight @ slopes / max(weight.sum(), 1e-9)
        root = np.sqrt(weight)
        slopes *= root[:, None]
        return slopes, residual * root

    def _centred(self, places: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(D,) residuals without the distance that they share, and their weights."""
        off, weight = places[self._which, 2] - self._target, self._precision
        residual = off
        for _ in range(CENTRINGS):
            residual = off - (weight * off).sum() / max(weight.sum(), 1e-9)
            weight = self._precision * self._robust.share(self._precision * residual**2)
        return residual, weight


class NormalTerm:
    """Normals of the landmarks ``which``, two rows each."""

    def __init__(
        self, normals: Normals, which: np.ndarray, robust: Robust, points: PosedPoints
    ) -> None:
        """``points``: of ``normals.edges``, of ``which`` landmarks."""
        self._known = np.isfinite(normals.sigma[which])
        # What is not known may be no number at all.
        values = np.where(self._known[:, None], normals.values[which], 0)
        self._target = values.astype(np.float32)
        sigma = np.where(self._known, normals.sigma[which], 1).astype(np.float32)
        self._precision = robust.precision(sigma) * self._known
        self._robust, self._points = robust, points

    def energy(self, identity: np.ndarray, pose: ExpressedPose) -> float:
        residual = self._normals(self._points.places(identity, pose))[0][:, :2] - self._target
        return self._robust.loss(self._precision * (residual**2).sum(1))

    def rows(self, identity: np.ndarray, pose: ExpressedPose) -> tuple[FloatArray, FloatArray]:
        """As of :class:`DepthTerm`."""
        places = self._points.places(identity, pose)
        count = len(self._target)
        first, second = places[:count], places[count:]
        normal, length = self._normals(places)
        residual = normal[:, :2] - self._target
        weight = self._precision * self._robust.share(self._precision * (residual**2).sum(1))
        # Of the cross product, what turns the normal.
        level = np.eye(3, dtype=np.float32)[:2] - normal[:, :2, None] * normal[:, None]
        level /= length[:, None, None]
        by_place = np.concatenate([crossed(second[:, None], level), crossed(level, first[:, None])])
        slopes = self._points.slopes(by_place, places, pose)
        rows, root = slopes[:count] + slopes[count:], np.sqrt(weight)[:, None]
        rows *= root[..., None]
        return rows.reshape(-1, rows.shape[-1]), (residual * root).ravel()

    def _normals(self, places: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(N, 3) unit normals and (N,) lengths of the edges' cross products."""
        count = len(self._target)
        product = crossed(places[:count], places[count:])
        length = np.maximum(np.sqrt((product**2).sum(1)), 1e-12)
        return product / length[:, None], length
