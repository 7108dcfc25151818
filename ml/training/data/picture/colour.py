"""sRGB and linear colours."""

from __future__ import annotations

import numpy as np

from ....data import FloatArray


def linear(srgb: np.ndarray | tuple[float, ...]) -> FloatArray:
    """sRGB 0..255 -> linear 0..1."""
    return ((np.clip(np.asarray(srgb, np.float32), 0, 255) / 255) ** 2.2).astype(np.float32)


def to_srgb(light: FloatArray) -> FloatArray:
    """Linear 0..1 -> sRGB 0..255."""
    return np.asarray(255 * np.clip(light, 0, 1) ** np.float32(1 / 2.2), dtype=np.float32)
