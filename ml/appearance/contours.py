"""Distances of texels from the edges of eyes, brows and lips, in the frontal plane."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data import FloatArray, IntArray
from ..head.model import HeadModel

# Closed rings of MediaPipe's landmarks.
EYES = (
    (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7),
    (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249),
)
BROWS = (
    (70, 63, 105, 66, 107, 55, 65, 52, 53, 46),
    (300, 293, 334, 296, 336, 285, 295, 282, 283, 276),
)
LIPS_INNER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88,
              95)  # fmt: skip
LIPS_OUTER = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91,
              146)  # fmt: skip
# Texels farther away than this, or this far behind a ring, get an infinite distance. Metres.
NEAR_M, BEHIND_M = 0.02, 0.035


@dataclass(frozen=True)
class Contours:
    """Distances (N,) of texels on the mean head, in metres; infinite beyond NEAR_M.

    Attributes
    ----------
    lids: to the nearer eye's opening; negative inside it.
    gap: to the line where the lips meet; never negative.
    lips: to the lips' outline; negative on the lips.
    brows: to the nearer brow's outline; negative in it.
    """

    lids: FloatArray
    gap: FloatArray
    lips: FloatArray
    brows: FloatArray

    def only(self, chosen: IntArray) -> Contours:
        """The distances of the (N',) ``chosen`` texels."""
        each = (self.lids, self.gap, self.lips, self.brows)
        return Contours(*(distance[chosen] for distance in each))


def contours_of(model: HeadModel, places: FloatArray) -> Contours:
    """The distances of (N, 3) places on the mean head, metres in head space."""
    points = model.landmark_sets["mediapipe478"].on(model.shape.mean)
    lids = [_signed(places, points[list(ring)]) for ring in EYES]
    inner, outer = (_signed(places, points[list(ring)]) for ring in (LIPS_INNER, LIPS_OUTER))
    brows = [_signed(places, points[list(ring)]) for ring in BROWS]
    return Contours(np.minimum(*lids), np.abs(inner), outer, np.minimum(*brows))


def _signed(places: FloatArray, ring: FloatArray) -> FloatArray:
    """(N,) distance to a closed ring (P, 3) in the frontal plane, negative inside it."""
    # Imported on use, as numba takes long to load.
    from .kernels import signed_distance

    found = np.full(len(places), np.inf, np.float32)
    behind = np.float32(ring[:, 2].min() - BEHIND_M)
    flat = np.ascontiguousarray(ring[:, :2], np.float32)
    signed_distance(places, flat, behind, np.float32(NEAR_M), found)
    return found
