"""Which way hair lies: as the photo's strands do where they are seen, else as it usually does."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..data import FloatArray
from .read import COLUMNS, HairRead
from .solid import Solid
from .view import HairView

WHORL = (0.012, 0.135, -0.045)
# z where a parting ends, metres.
PARTED = 0.0
DOWN = np.array([0, -1, 0], np.float32)


@dataclass(frozen=True)
class Strokes:
    """The photo's orientations.

    along: (S, S, 2) unit vectors without a sign. sure: (S, S) 0..1. order: 0..1 how alike
    neighbouring strands are: waves and curls are not.
    """

    along: FloatArray
    sure: FloatArray
    order: float


def strokes_of(view: HairView) -> Strokes:
    """Orientation of the strands in each pixel of the parse, by the structure tensor."""
    grey = cv2.cvtColor(view.rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    mask = (view.hair > 0.5).astype(np.float32)
    # The outline of the hair is no strand.
    inner = cv2.erode(mask, np.ones((3, 3)))
    dx, dy = cv2.Scharr(grey, -1, 1, 0), cv2.Scharr(grey, -1, 0, 1)
    blur = lambda picture: cv2.GaussianBlur(picture * inner, (0, 0), 2.2)  # noqa: E731
    xx, yy, xy = blur(dx * dx), blur(dy * dy), blur(dx * dy)
    across = 0.5 * np.arctan2(2 * xy, xx - yy)
    along = np.stack([-np.sin(across), np.cos(across)], -1)
    spread = np.hypot(xx - yy, 2 * xy) / np.maximum(xx + yy, 1e-6)
    strength = np.sqrt(xx + yy)
    strong = strength / (strength + 0.3 * np.median(strength[mask > 0]) + 1e-6) if mask.any() else 0
    sure = (spread * strong * mask).astype(np.float32)
    return Strokes(along.astype(np.float32), sure, _order(2 * across, sure))


def _order(doubled: FloatArray, sure: FloatArray) -> float:
    """How alike the doubled angles of strands are to those a finger's breadth round them."""
    parts = [cv2.GaussianBlur(sure * turn(doubled), (0, 0), 7) for turn in (np.cos, np.sin)]
    whole = cv2.GaussianBlur(sure, (0, 0), 7)
    return float(np.hypot(*parts).sum() / max(whole.sum(), 1e-6))


@dataclass(frozen=True)
class Flow:
    """The direction of hair over a head."""

    view: HairView
    strokes: Strokes
    solid: Solid
    read: HairRead

    @property
    def hanging(self) -> bool:
        """Whether the hair is long enough to hang down."""
        return self.read.length in ("middle", "long") and self.read.knot is None

    def usual(self, points: FloatArray, normal: FloatArray) -> FloatArray:
        """(N, 3) unit directions where hair of this length lies by itself."""
        if self.read.knot is not None:
            return _unit(self.read.knot.wound(points, normal))
        way = self._hung(points, normal) if self.hanging else self._combed(points, normal)
        # A fringe falls over the forehead.
        fringe = np.interp(points[:, 0], COLUMNS, self.read.fringe)
        ahead = np.clip((points[:, 2] - 0.025) / 0.03, 0, 1) * np.clip(1.6 * fringe - 0.3, 0, 1)
        over = np.stack([0.2 * np.tanh(points[:, 0] / 0.03), 0 * ahead - 1, 0 * ahead + 0.5], 1)
        return _unit(_tangent(way * (1 - ahead[:, None]) + over * ahead[:, None], normal))

    def _hung(self, points: FloatArray, normal: FloatArray) -> FloatArray:
        """Away from the parting on top, and down from there."""
        side = points[:, 0] - self.read.parting * np.clip((points[:, 2] + 0.04) / 0.1, 0, 1)
        top = np.clip((normal[:, 1] - 0.15) / 0.5, 0, 1)
        # A parting ends before the crown: from there hair falls back over it.
        crown = np.clip((PARTED - points[:, 2]) / 0.04, 0, 1)
        aside = 1.2 * np.tanh(side / 0.006) * top * (1 - 0.8 * crown)
        back = -top * (0.35 + 0.9 * crown)
        return np.stack([aside, 0.7 * top - 1, back], 1)

    def _combed(self, points: FloatArray, normal: FloatArray) -> FloatArray:
        """Away from the whorl, to the side from the parting, and down at the sides."""
        top = np.clip((normal[:, 1] - 0.2) / 0.5, 0, 1)[:, None]
        sweep = -np.sign(self.read.parting or 1.0)
        aside = np.array([[0.7 * sweep, 0.3, -0.35]], np.float32)
        way = _unit(points - np.array(WHORL, np.float32))
        return (1 - 0.5 * top) * way + 0.5 * top * aside + (1 - top) * 0.9 * DOWN

    def seen(
        self, place: tuple[FloatArray, FloatArray], normal: FloatArray, usual: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Directions (N, 3) of the photo's strokes, turned as ``usual`` is, and (N,) 0..1 trust.

        place: pixels and depths of the points.
        """
        pixels, depth = place
        along = self.view.at(self.strokes.along, pixels)
        sure = self.view.at(self.strokes.sure, pixels) * self.view.shows(pixels, depth)
        way = _unit(_tangent(self.view.moved(along, depth), normal))
        agree = (way * usual).sum(1)
        way *= np.sign(agree + 1e-9)[:, None]
        facing = np.abs((normal @ self.view.camera.rotation.T)[:, 2])
        return way, sure * np.clip(facing / 0.4, 0, 1)


def _tangent(way: FloatArray, normal: FloatArray) -> FloatArray:
    return np.asarray(way - (way * normal).sum(1, keepdims=True) * normal)


def _unit(way: FloatArray) -> FloatArray:
    return np.asarray(way / np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-6))
