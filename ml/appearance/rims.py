"""Thin rims of glasses, of which a parse sees no more than parts."""

from __future__ import annotations

import cv2
import numpy as np

from ..data import FloatArray
from .atlas import Atlas, of_layout
from .confidence import bright_and_hue, ramp

# Width of the widest thin rim as a share of the texture's side (3.5 mm on a face), and the natural
# logarithms by which it is darker than the skin on both sides.
WIDTH, DARKER = 7 / 512, (0.17, 0.3)
# Texels of 512 a side that a rim covers at least, and by which its border reaches further.
LONG, REACH = 25, 2
# Where glasses sit on the mean head: heights, half-width, depth (metres), the height that they keep
# above on the nose and that nose's half-width. Distances from lids and brows, which are dark, too.
HEIGHTS, SIDE, DEPTH, ON_NOSE, NOSE = (-0.032, 0.05), 0.075, 0.02, 0.004, 0.02
OFF_LIDS, OFF_BROWS = (0.002, 0.004), (0.001, 0.003)


def rims(residual: FloatArray, atlas: Atlas, size: int) -> FloatArray:
    """(N,) 0..1 where a thin dark line crosses the skin about the eyes of who wears glasses.

    residual: (N, 3) logarithm of the photo over the expected skin.
    """
    bright, _ = bright_and_hue(residual)
    image, width = atlas.image(bright, size), 2 * round(WIDTH * size / 2) + 1
    round_ = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    line = ramp(cv2.morphologyEx(image, cv2.MORPH_BLACKHAT, round_), DARKER)
    line = line * atlas.image(_about_eyes(atlas), size)
    there = (line > 0).astype(np.uint8)
    _, label, found, _ = cv2.connectedComponentsWithStats(there, connectivity=8)
    line = line * (found[:, cv2.CC_STAT_AREA] >= LONG * (size / 512) ** 2)[label]
    reach = 2 * max(round(REACH * size / 512), 1) + 1
    border = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    return atlas.of_image(cv2.dilate(line.astype(np.float32), border))


@of_layout
def _about_eyes(atlas: Atlas) -> FloatArray:
    """(N,) 1 on the skin that glasses may cross, 0 on lids, brows and elsewhere."""
    x, y, z = np.abs(atlas.mean[:, 0]), atlas.mean[:, 1], atlas.mean[:, 2]
    there = (y > HEIGHTS[0]) & (y < HEIGHTS[1]) & (x < SIDE) & (z > DEPTH)
    there &= (x > NOSE) | (y > ON_NOSE)
    apart = ramp(atlas.contours.lids, OFF_LIDS) * ramp(atlas.contours.brows, OFF_BROWS)
    return np.asarray(there * apart, np.float32)
