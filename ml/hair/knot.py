"""Tied hair: whether a photo shows some, where its knot is, and how strands go there."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..data import FloatArray
from ..head.model import HeadModel
from .ground import ground_of
from .solid import Solid
from .view import CHIN, HairView

# A knot on top is a bump of the outline, of hair that does not hang: metres above the rest, and the
# widest angle of it.
BUMP, NARROW = 0.032, np.radians(75)
# A knot at the nape: ears are seen, and beside the jaw more hair than short hair leaves, which does
# not go on below. Square metres; pieces narrower than the last, metres, do not count.
EARS, BESIDE, ON, WISP = 6e-4, 9e-4, 0.5, 0.008
# Heights on the mean head between which hair lies beside the jaw.
JAW = (-0.06, -0.02)
# Radii of knots, metres, and how far their middles lie off the skin, as a share.
SMALLEST, LARGEST, OFF = 0.02, 0.045, 0.6
# How thick tied hair lies elsewhere, metres.
FLAT = 0.012


@dataclass(frozen=True)
class Knot:
    """A bun. centre: (3,) of head space. way: (3,) unit, away from the skin. radius: metres."""

    centre: FloatArray
    way: FloatArray
    radius: float

    def lengths(self, roots: FloatArray) -> FloatArray:
        """(N,) metres from (N, 3) roots along the head to the knot, and round it."""
        apart = np.linalg.norm(roots - self.centre, axis=1)
        return (1.15 * apart + 5 * self.radius).astype(np.float32)

    def wound(self, points: FloatArray, normal: FloatArray) -> FloatArray:
        """(N, 3) directions at (N, 3) points: along the skin to the knot, and round in it."""
        to = self.centre - points
        away = np.linalg.norm(to, axis=1, keepdims=True)
        to = to / np.maximum(away, 1e-6)
        flat = to - (to * normal).sum(1, keepdims=True) * normal
        # Behind the head from the knot "along the skin" has no length: over the top, then.
        flat = flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 0.3)
        round_it = np.cross(self.way, -to)
        round_it = round_it + to * np.clip((away - self.radius) / (0.5 * self.radius), -1, 1)
        near = np.clip((1.4 * self.radius - away) / (0.4 * self.radius), 0, 1)
        return np.asarray(flat * (1 - near) + round_it * near, dtype=np.float32)

    def near(self, points: FloatArray) -> FloatArray:
        """(N,) 0..1: which points lie in the knot."""
        away = np.linalg.norm(points - self.centre, axis=1)
        return np.clip((1.8 * self.radius - away) / (0.5 * self.radius), 0, 1).astype(np.float32)


def knot_of(
    view: HairView, model: HeadModel, solid: Solid, outline: tuple[FloatArray, ...]
) -> Knot | None:
    """The knot that a photo shows, on top or at the nape; None where hair is not tied.

    outline: of the hair, see ml.hair.read.
    """
    beside, below = _hanging(view)
    # Hair that hangs is not in a knot on top, whatever its outline has there.
    found = _on_top(view, outline) if beside.sum() + below.sum() < BESIDE else None
    found = found or _at_nape(view, beside, below)
    if found is None:
        return None
    place, radius = found
    scalp = ground_of(model).scalp
    foot = scalp[((solid.vertices[scalp] - place) ** 2).sum(1).argmin()]
    way = solid.normals[foot]
    return Knot(solid.vertices[foot] + OFF * radius * way, way, radius)


def _on_top(view: HairView, outline: tuple[FloatArray, ...]) -> tuple[FloatArray, float] | None:
    """A place near a bump of the outline, and its radius."""
    angle, gap, known = outline
    high = (angle < -0.5) & (angle > 0.5 - np.pi) & (known > 0)
    if high.sum() < 12:
        return None
    usual = float(np.median(gap[high]))
    bump = high & (gap > usual + 0.5 * BUMP)
    peak = float(gap[high].max()) - usual
    if peak < BUMP or np.ptp(angle[bump]) > NARROW:
        return None
    middle = float(np.average(angle[bump], weights=gap[bump]))
    centre = view.project(np.array([[0.0, 0.055, 0.0]], np.float32))[0][0]
    reach = 0.1 / view.pixel()
    pixel = centre + reach * np.array([np.cos(middle), np.sin(middle)])
    return view.at_ears(pixel[None].astype(np.float32))[0], float(
        np.clip(0.6 * peak, SMALLEST, LARGEST)
    )


def _hanging(view: HairView) -> tuple[FloatArray, FloatArray]:
    """(S, S) square metres of hair beside the jaw, and of hair below it, in each pixel."""
    wide = max(round(WISP / view.pixel()), 1)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (wide, wide))
    hair = cv2.morphologyEx((view.hair > 0.5).astype(np.uint8), cv2.MORPH_OPEN, disc) > 0
    height, pixel = view.heights(), np.float32(view.pixel() ** 2)
    beside = hair & (height > JAW[0]) & (height < JAW[1])
    return beside * pixel, (hair & (height < JAW[0])) * pixel


def _at_nape(
    view: HairView, beside: FloatArray, below: FloatArray
) -> tuple[FloatArray, float] | None:
    """A place behind the nape, and the radius of the knot there; see :func:`_hanging`."""
    area = float(beside.sum())
    ears = float(view.parse.of("ears").sum()) * view.pixel() ** 2
    if ears < EARS or area < BESIDE or below.sum() > ON * area:
        return None
    middle = float(np.clip(view.heights()[beside > 0].mean(), CHIN / 2, 0))
    return np.array([0, middle, -0.13], np.float32), float(
        np.clip(1.2 * np.sqrt(area / np.pi), SMALLEST, LARGEST)
    )
