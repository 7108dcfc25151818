"""What a typical camera makes of light."""

from __future__ import annotations

import numpy as np

from ..data import FloatArray
from ..geometry.colour import linear_of, srgb_of

# A typical camera's shoulder: light b is recorded as b (1 + s / 2) / (1 + s b), then as sRGB.
SHOULDER = 0.35
# Less light than this counts as this much where logs are taken.
FAINTEST = 0.002


def photographed(light: FloatArray) -> FloatArray:
    """Linear light -> sRGB 0..255 as a typical camera records it."""
    return srgb_of(light * (1 + SHOULDER / 2) / (1 + SHOULDER * light))


def recorded(srgb: FloatArray) -> FloatArray:
    """sRGB 0..255 of a photo -> linear light, the inverse of :func:`photographed`."""
    shown = linear_of(srgb)
    return shown / (1 + SHOULDER / 2 - SHOULDER * shown)


def log_of(light: FloatArray) -> FloatArray:
    """Log of linear light, bounded in the dark."""
    return np.log(np.maximum(light, FAINTEST))
