"""sRGB (IEC 61966-2-1), linear colours, and what a typical camera makes of light."""

from __future__ import annotations

import numpy as np

from ..data import FloatArray

# A typical camera's shoulder: light b is recorded as b (1 + s / 2) / (1 + s b), then as sRGB.
SHOULDER = 0.35
# Less light than this counts as this much where logs are taken.
FAINTEST = 0.002
_TABLE = np.arange(256, dtype=np.float32) / 255
_TABLE = np.where(_TABLE <= 0.04045, _TABLE / 12.92, ((_TABLE + 0.055) / 1.055) ** 2.4)


def linear_of(srgb: FloatArray) -> FloatArray:
    """sRGB 0..255 -> linear 0..1."""
    share = np.clip(srgb, 0, 255)
    low = np.minimum(share.astype(np.uint8), 254)
    # Between whole numbers the curve is a straight line, and this is ten times faster than powers.
    start, step = _TABLE[low], _TABLE[low + 1] - _TABLE[low]
    return np.asarray(start + (share - low) * step, dtype=np.float32)


def srgb_of(light: FloatArray) -> FloatArray:
    """Linear 0..1 -> sRGB 0..255."""
    light = np.clip(light, 0, 1)
    bright = 1.055 * np.power(light, np.float32(1 / 2.4)) - 0.055
    return np.asarray(255 * np.where(light <= 0.0031308, 12.92 * light, bright), dtype=np.float32)


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
