"""The frequency band of the relief, and averages on the window that ignore what is not known.

Fields may have fewer texels a side than the window: they cover it all the same.

A feature is half a wave: a fold 5 mm wide has a period of 10 mm. Wider shapes belong to the
identity; narrower ones are pores and noise. Both limits are Gaussian: at the coarsest feature half
of a wave's amplitude passes.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from ..data import FloatArray
from .window import SIDE, TEXEL_MM

FINEST_MM, COARSEST_MM = 2.0, 40.0
# Averages this wide (texels) are taken in a reduced picture.
_WIDE, _WIDER = 6.0, 12.0


def sigma_of(feature_mm: float) -> float:
    """Standard deviation in mm of the Gaussian that halves waves of features of this size.

    The Gaussian's transfer function exp(-2 pi^2 s^2 / w^2) is 1/2 at the period w = 2 * feature.
    """
    return 2 * feature_mm * math.sqrt(math.log(2) / 2) / math.pi


def blurred(values: FloatArray, sigma_mm: float) -> FloatArray:
    """(S, S) values convolved with a Gaussian; 0 beyond the border."""
    sigma = sigma_mm / (TEXEL_MM * SIDE / len(values))
    reduced = 4 if sigma > _WIDER else 2 if sigma > _WIDE else 1
    if reduced > 1:
        small = [side // reduced for side in values.shape[::-1]]
        few = cv2.resize(values, small, interpolation=cv2.INTER_AREA)
        few = cv2.GaussianBlur(few, (0, 0), sigma / reduced, borderType=cv2.BORDER_CONSTANT)
        whole = cv2.resize(few, values.shape[::-1], interpolation=cv2.INTER_LINEAR)
        return np.asarray(whole, dtype=np.float32)
    found = cv2.GaussianBlur(values, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(found, dtype=np.float32)


def average(values: FloatArray, known: FloatArray, sigma_mm: float) -> FloatArray:
    """(S, S) Gaussian average of ``values``, each counted by ``known`` (S, S) 0..1."""
    share = np.maximum(blurred(known, sigma_mm), 1e-3)
    return np.asarray(blurred(values * known, sigma_mm) / share, dtype=np.float32)


def in_band(
    values: FloatArray,
    known: FloatArray,
    finest_mm: float = FINEST_MM,
    coarsest_mm: float = COARSEST_MM,
) -> FloatArray:
    """The part of (S, S) ``values`` whose features are between both sizes."""
    # A bit narrower than the limit: the grid itself cannot represent finer features.
    fine = average(values, known, 0.6 * sigma_of(finest_mm))
    return np.asarray(fine - average(fine, known, sigma_of(coarsest_mm)), dtype=np.float32)
