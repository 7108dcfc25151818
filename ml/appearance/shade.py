"""Shadows and spots of light on plain skin that neither harmonics nor statistics explain.

A cast shadow has an edge, and its hue is the skin's. It is wider than what skin has of its own
(wrinkles, moles, freckles), so a median over that width keeps it, edge and all, and nothing else.
"""

from __future__ import annotations

import cv2
import numpy as np

from ..data import FloatArray
from .atlas import Atlas, of_layout
from .confidence import bright_and_hue, ramp

# The median's width, as a share of the texture's side: 6.5 mm on a face.
WIDTH = 13 / 512
# Natural logarithms beyond which a broad difference from the expected skin is light, and the shares
# of the rest that count as light.
SHADOW, SPOT, SHADOW_SHARE, SPOT_SHARE = 0.13, 0.13, 0.85, 0.7
# Difference of hue (log) at which a broad difference is the skin's own: a birthmark, make-up.
OWN_HUE = (0.18, 0.35)
# Metres from lids, brows and lips over which this fades in, and the nostrils on the mean head.
FEATURE = (0.001, 0.006)
NOSTRILS, NOSTRIL = (0.0085, -0.008, 0.1), (0.004, 0.009)
# Logs are kept in 8 bits between these.
LOWEST, HIGHEST = -1.6, 0.95


def broad_shade(
    residual: FloatArray, plain: FloatArray, weight: FloatArray, atlas: Atlas, size: int
) -> FloatArray:
    """(N,) logarithm of the light that broad shadows and spots are, beside the light found so far.

    residual: (N, 3) logarithm of the photo over the expected skin. plain: (N,) 0..1 that the texel
    has no feature and no beard. weight: (N,) 0..1 confidence in each.
    """
    bright, hue = bright_and_hue(residual)
    share = plain * off_features(atlas) * (1 - ramp(hue, OWN_HUE))
    scaled = (np.clip(bright, LOWEST, HIGHEST) - LOWEST) * (255 / (HIGHEST - LOWEST))
    nothing = round(-LOWEST * 255 / (HIGHEST - LOWEST))
    image = atlas.image(np.where(weight * share > 0.02, scaled, nothing), size, nothing)
    broad = cv2.medianBlur(image.astype(np.uint8), 2 * round(WIDTH * size / 2) + 1)
    values = atlas.of_image(broad) * ((HIGHEST - LOWEST) / 255) + LOWEST
    values = np.minimum(values + SHADOW, 0) * SHADOW_SHARE + np.maximum(values - SPOT, 0) * (
        SPOT_SHARE
    )
    return np.asarray(values * share, np.float32)


@of_layout
def off_features(atlas: Atlas) -> FloatArray:
    """(N,) 0 on lids, brows, lips and nostrils, 1 off them."""
    contours = atlas.contours
    apart = np.minimum(np.minimum(contours.lids, contours.brows), contours.lips)
    x, y, z = atlas.mean.T
    away = np.hypot(np.abs(x) - NOSTRILS[0], y - NOSTRILS[1])
    nostril = np.where(z > NOSTRILS[2], away, np.inf)
    return ramp(apart, FEATURE) * ramp(nostril, NOSTRIL)
