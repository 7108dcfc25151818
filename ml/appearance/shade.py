"""Shadows and spots of light on plain skin that harmonics do not explain, or statistics as skin.

A cast shadow has an edge, and its hue is the skin's. It is wider than what skin has of its own
(wrinkles, moles, freckles), so a median over that width keeps it, edge and all, and nothing else.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from ..data import FloatArray, IntArray
from .atlas import Atlas, of_layout
from .confidence import bright_and_hue, ramp
from .light import AlbedoAndLight, averaged

# The median's width, as a share of the texture's side: 6.5 mm on a face.
WIDTH = 13 / 512
# Natural logarithms beyond which a broad difference from the expected skin is light, and the shares
# of the rest that count as light.
SHADOW, SPOT, SHADOW_SHARE, SPOT_SHARE = 0.13, 0.13, 0.85, 0.7
# Difference of hue (log) at which a broad difference is the skin's own: a birthmark, make-up.
OWN_HUE = (0.18, 0.35)
# Metres from lids and brows, and from lips, over which this fades in: the nose casts its shadow on
# the narrow skin above the lips. The nostrils on the mean head, how much wider than high they are,
# and half their width.
FEATURE, LIP = (0.001, 0.006), (0.0, 0.002)
NOSTRILS, FLAT, NOSTRIL = (0.0085, -0.008, 0.1), 1.4, (0.0045, 0.0065)
# Standard deviation, as a share of the side, of the mean of the skin that stands for the features
# beside it in the median: without it features would count as skin without shadow.
BESIDE = 5 / 512
# Standard deviations, as shares of the side, of the mean tone of a patch and of the share of skin
# that is held around it; the shares at which all of the tone is left out, and nothing; its largest
# logarithm; and the side of the images in which it is found.
TONE, AROUND, HELD, LARGEST_TONE, SPLIT = 10 / 512, 22 / 512, (0.3, 0.75), 1.0, 128
# Share of what one side of the statistical skin is darker than the other that counts as light:
# people are alike on both sides, light is not. And rounds of averaging over the mesh.
UNEVEN, ROUNDS = 0.85, 3
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
    known = (weight * share > 0.02).astype(np.float32)
    bright = np.clip(bright, LOWEST, HIGHEST)
    sums = atlas.image(np.stack([known * bright, known], 1), size)
    around = cv2.GaussianBlur(sums, (0, 0), BESIDE * size)
    beside = np.where(sums[..., 1] > 0, sums[..., 0], around[..., 0] / (around[..., 1] + 0.05))
    scaled = (beside - LOWEST) * (255 / (HIGHEST - LOWEST))
    broad = cv2.medianBlur(np.round(scaled).astype(np.uint8), 2 * round(WIDTH * size / 2) + 1)
    values = atlas.of_image(broad) * ((HIGHEST - LOWEST) / 255) + LOWEST
    values = np.minimum(values + SHADOW, 0) * SHADOW_SHARE + np.maximum(values - SPOT, 0) * (
        SPOT_SHARE
    )
    return np.asarray(values * share, np.float32)


def patch_tone(
    residual: FloatArray, plain: FloatArray, weight: FloatArray, atlas: Atlas, size: int
) -> FloatArray:
    """(N, 3) logarithm of the light in which patches of skin differ from what is completed beside.

    Where little of the skin around is held, a patch that differs from the statistical skin in tone
    would be seen as a stain. The parameters are those of :func:`broad_shade`.
    """
    known = weight * plain * off_features(atlas)
    sums = np.column_stack([residual * known[:, None], known]).astype(np.float32)
    side = min(size, SPLIT)
    tones, held = (_small(atlas.image(one, size), size) for one in (sums, weight))
    tones = cv2.GaussianBlur(tones, (0, 0), TONE * side)
    held = cv2.GaussianBlur(held, (0, 0), AROUND * side)
    tone = tones[..., :3] / (tones[..., 3:] + 0.02) * (1 - ramp(held, HELD))[..., None]
    large = cv2.resize(tone, (atlas.window or (size, size))[::-1])
    return np.asarray(np.clip(atlas.of_image(large), -LARGEST_TONE, LARGEST_TONE), np.float32)


def _small(image: FloatArray, size: int) -> FloatArray:
    """An image of an atlas of this size, or of a window of it, as of one of SPLIT at most."""
    height, width = (max(round(side * min(SPLIT / size, 1)), 1) for side in image.shape[:2])
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


@of_layout
def off_features(atlas: Atlas) -> FloatArray:
    """(N,) 0 on lids, brows, lips and nostrils, 1 off them."""
    contours = atlas.contours
    eyes = np.minimum(contours.lids, contours.brows)
    x, y, z = atlas.mean.T
    away = np.hypot(np.abs(x) - NOSTRILS[0], FLAT * (y - NOSTRILS[1]))
    nostril = np.where(z > NOSTRILS[2], away, np.inf)
    return ramp(eyes, FEATURE) * ramp(contours.lips, LIP) * ramp(nostril, NOSTRIL)


def evenly_dark(separated: AlbedoAndLight, twins: IntArray, edges: IntArray) -> AlbedoAndLight:
    """The same colours, with albedo as bright on both sides of the head; see UNEVEN.

    twins: (V,) each vertex' mirror image. edges: (E, 2) between the V vertices.
    """
    bright = separated.albedo.mean(1)
    darker = np.maximum(bright[twins] - bright, 0)[:, None]
    shadow = UNEVEN * averaged(darker, edges, ROUNDS)
    return replace(separated, albedo=separated.albedo + shadow, light=separated.light - shadow)
