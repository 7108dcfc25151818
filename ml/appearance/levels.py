"""Give faint photos a usual range of values, so that their skin is not taken for pale or dark."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..data import Photo

# Percentiles of all channels together that count as a photo's black and white, and the least and
# largest sRGB values of these in usual photos; on 80 portraits at most 59 and at least 188.
PERCENTILES = (0.5, 99.5)
USUAL_BLACK, USUAL_WHITE = 64.0, 150.0
# How far beyond the usual they are moved per value that they are short of it, and where that ends:
# without a jump between photos that are only just usual and others.
STEEPNESS, BLACK, WHITE = 2.0, 4.0, 235.0
# Every so many pixels are enough for percentiles, and a smaller range of values is no picture.
STRIDE, SMALLEST_RANGE = 4, 8.0


def with_usual_levels(photo: Photo) -> Photo:
    """The photo with the veil of fog taken off and dimness lifted; usual photos are returned as is.

    All channels get the same curve: the colour of the light is left to ml.appearance.light.
    """
    black, white = np.percentile(photo.rgb[::STRIDE, ::STRIDE], PERCENTILES)
    if (black <= USUAL_BLACK and white >= USUAL_WHITE) or white - black < SMALLEST_RANGE:
        return photo
    low = max(BLACK, USUAL_BLACK - STEEPNESS * (black - USUAL_BLACK))
    high = min(WHITE, USUAL_WHITE + STEEPNESS * (USUAL_WHITE - white))
    low, high = min(black, low), max(white, high)
    values = (np.arange(256) - black) * (high - low) / (white - black) + low
    table = np.clip(np.round(values), 0, 255).astype(np.uint8)
    return replace(photo, rgb=table[photo.rgb])
