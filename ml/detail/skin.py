"""Skin without its shine: a highlight is white light on top of the skin's own, and is no slope."""

from __future__ import annotations

import numpy as np

from ..data import FloatArray
from .band import blurred
from .light import LEAST, LUMINANCE, fit_light, light_on
from .unwrap import UnwrappedPhoto

# Colours are averaged over this, so that noise is not taken for shine. Millimetres.
_HUE_MM = 1.5
# Skin's blue light is at most this share of its red light where shine can be told from it.
_SATURATED = 0.85
# Shine below this share of the light is not told from differences of hue; at the second share,
# skin counts half.
_SHINE, _SHINE_LIMIT = 0.06, 0.4
# sRGB is nearly clipped from this linear light on.
_CLIPPED = (0.98, 0.85)


def matt_light(photo: UnwrappedPhoto, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Two (S, S): the brightness of the skin without its shine, and 0..1 how surely it is that.

    weight: (S, S) 0..1, how well the photo shows the face's skin.
    """
    colours = photo.colours
    light = fit_light(colours, photo.normals, weight)
    tone = np.maximum(np.median(colours[weight > 0.3], axis=0), 1e-4)
    shine = _shine(colours, light_on(photo.normals, light, LEAST * tone))
    share = shine / np.maximum(colours[..., 0], 1e-4)
    matt = np.maximum(colours - shine[..., None], 0.02 * tone)
    sure = _ramp(colours.max(-1), _CLIPPED) / (1 + (share / _SHINE_LIMIT) ** 2)
    return matt @ LUMINANCE, np.asarray(sure, dtype=np.float32)


def _shine(colours: FloatArray, expected: FloatArray) -> FloatArray:
    """(S, S) white light on top of the skin's own: what makes it less red than expected."""
    red, blue = expected[..., 0], expected[..., 2]
    surplus = blurred(colours[..., 2] * red - colours[..., 0] * blue, _HUE_MM)
    found = surplus / np.maximum(red - blue, (1 - _SATURATED) * red)
    found = np.where(blue < _SATURATED * red, found, 0)
    limits = np.float32(_SHINE), np.float32(0.6)
    return np.clip(found - limits[0] * colours[..., 0], 0, limits[1] * colours[..., 0])


def _ramp(values: FloatArray, ends: tuple[float, float]) -> FloatArray:
    """0 at the first end and beyond, 1 at the second and beyond, linear between."""
    return np.clip((values - ends[0]) / (ends[1] - ends[0]), 0, 1).astype(np.float32)
