"""New light over a photo's own, for portraits drawn in new poses."""

from __future__ import annotations

import numpy as np

from ....data import FloatArray
from ....rendering import harmonics_of
from ..worn.extra import dot, unit
from .draw import OpaqueMesh, Pixels, is_kind
from .lighting import Light, highlight, shadow


def add_gain(light: Light, pixels: Pixels, mesh: OpaqueMesh, strength: float) -> FloatArray:
    """(N, 3) 0..255: the pixels' colours, already lit, brightened and dimmed by ``strength``."""
    basis = harmonics_of(pixels.normals @ light.turn) @ light.environment.mean(1)
    gain = basis
    for lamp in light.lamps:
        toward = np.clip(dot(pixels.normals, lamp.way) + 0.2, 0, None)
        gain = gain + toward * (shadow(lamp, pixels, mesh) if lamp.casts else 1) * 1.2
    gain = np.clip(gain / max(float(np.median(gain)), 1e-3), 0.15, 2.5)
    # Powers act on sRGB as gains act on light, nearly.
    gain = gain ** np.float32(0.5 * strength) * (0.55 + 0.45 * pixels.open)
    inside = is_kind(pixels.kind, "Mouth socket", "Gums and tongue", "Teeth")
    gain = gain * np.where(inside, 0.75, 1)
    eye = is_kind(pixels.kind, "Eyeball left", "Eyeball right")
    spot = highlight(pixels.normals, unit(-pixels.places), light.window, eye) * eye
    return np.asarray(pixels.colours * gain[:, None] + 60 * spot[:, None], dtype=np.float32)
