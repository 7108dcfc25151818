"""A typical camera's response to light, and its inverse."""

from __future__ import annotations

import numpy as np

from ..data import FloatArray
from ..geometry.colour import linear_of, srgb_of

# The response compresses highlights: linear light b becomes b (1 + s / 2) / (1 + s b), then sRGB.
SHOULDER = 0.35
# Linear light below this counts as this in logarithms.
FAINTEST = 0.002
# Linear light whose natural logarithm is this or less is black in sRGB of 8 bits.
DARKEST_LOG = np.float32(-9)


def photographed(light: FloatArray) -> FloatArray:
    """Linear light -> sRGB 0..255 of a typical camera."""
    return srgb_of(light * (1 + SHOULDER / 2) / (1 + SHOULDER * light))


def recorded(srgb: FloatArray) -> FloatArray:
    """sRGB 0..255 of a photo -> linear light, the inverse of :func:`photographed`."""
    shown = linear_of(srgb)
    return shown / (1 + SHOULDER / 2 - SHOULDER * shown)


def log_of(light: FloatArray) -> FloatArray:
    """Natural logarithm of linear light, at least that of FAINTEST."""
    return np.log(np.maximum(light, FAINTEST))
