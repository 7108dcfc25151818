"""Which texels show bare skin by their colour, and skin without its shine.

Hair, glasses, beards, hands and make-up are not relief. They differ from the face's skin by hue, or
are far darker or brighter than it; each face is its own measure of both.
"""

from __future__ import annotations

import cv2
import numpy as np

from ..data import FloatArray
from ..head.model import HeadModel
from .band import blurred
from .light import LEAST, LUMINANCE, fit_light, light_on
from .unwrap import UnwrappedPhoto
from .window import TEXEL_MM, from_ring, window_of

# Rings of MediaPipe's landmarks round the brows.
_BROWS = (
    (70, 63, 105, 66, 107, 55, 65, 52, 53, 46),
    (300, 293, 334, 296, 336, 285, 295, 282, 283, 276),
)
# Pairs are the ends of linear ramps: at the first the weight is 0, at the second it is 1.
_OFF_BROWS = (0.001, 0.004)
# Natural logarithms of brightness over the light's: darker or brighter skin does not exist.
_DARK, _BRIGHT = (-1.0, -0.5), (1.0, 0.6)
# The least and the most that hue may scatter (natural logarithm) and be skin.
_HUE_SCATTER = (0.06, 0.2)
# Standard deviations of hue at which a texel counts half.
_HUE_LIMIT = 4.0
# Hue is averaged over this, so that a noisy photo is not taken for hair; weights fall towards what
# is not skin over the fringe, where pixels mix. Millimetres.
_HUE_MM, _FRINGE_MM, _SOFT_MM = 1.5, 1.8, 1.0
# Skin's blue light is at most this share of its red light where shine can be told from it.
_SATURATED = 0.85
# Shine below this share of the light is not told from differences of hue; at the second share,
# skin counts half.
_SHINE, _SHINE_LIMIT = 0.06, 0.4
# sRGB is nearly clipped from this linear light on.
_CLIPPED = (0.98, 0.85)


def off_brows(model: HeadModel) -> FloatArray:
    """(S, S) 0 on the brows, 1 off them."""
    window = window_of(model)
    points = model.landmark_sets["mediapipe478"].on(model.shape.mean)
    flat, off = window.places[window.skin], np.ones(window.skin.shape, np.float32)
    away = np.min([from_ring(flat, points[list(ring)]) for ring in _BROWS], axis=0)
    off[window.skin] = _ramp(away, _OFF_BROWS)
    return off


def skin_light(photo: UnwrappedPhoto, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Two (S, S): the brightness of the skin without its shine, and 0..1 how surely it is skin.

    weight: (S, S) 0..1, how well the photo shows the face's skin there if nothing covers it.
    """
    colours = photo.colours
    light = fit_light(colours, photo.normals, weight)
    tone = np.maximum(np.median(colours[weight > 0.3], axis=0), 1e-4)
    expected = light_on(photo.normals, light, LEAST * tone)
    shine = _shine(colours, expected)
    share = shine / np.maximum(colours[..., 0], 1e-4)
    matt = np.maximum(colours - shine[..., None], 0.02 * tone)
    apart = np.log(matt / expected)
    bright = apart @ LUMINANCE
    sure = np.minimum(_ramp(bright, _DARK), _ramp(bright, _BRIGHT)) * _own_hue(apart, weight)
    sure = _off_fringe(sure, weight)
    sure /= 1 + (share / _SHINE_LIMIT) ** 2
    return matt @ LUMINANCE, sure * _ramp(colours.max(-1), _CLIPPED)


def _shine(colours: FloatArray, expected: FloatArray) -> FloatArray:
    """(S, S) white light on top of the skin's own: what makes it less red than expected."""
    red, blue = expected[..., 0], expected[..., 2]
    surplus = blurred(colours[..., 2] * red - colours[..., 0] * blue, _HUE_MM)
    found = surplus / np.maximum(red - blue, (1 - _SATURATED) * red)
    found = np.where(blue < _SATURATED * red, found, 0)
    limits = np.float32(_SHINE), np.float32(0.6)
    return np.clip(found - limits[0] * colours[..., 0], 0, limits[1] * colours[..., 0])


def _own_hue(apart: FloatArray, weight: FloatArray) -> FloatArray:
    """(S, S) 0..1: how likely a hue is the face's skin's, from (S, S, 3) logs of colour."""
    distance = np.zeros(weight.shape, np.float32)
    for one, other in ((0, 1), (1, 2)):
        hue = blurred(apart[..., one] - apart[..., other], _HUE_MM)
        some = hue[weight > 0.3]
        middle = np.median(some)
        scatter = np.clip(1.48 * np.median(np.abs(some - middle)), *_HUE_SCATTER)
        distance += ((hue - middle) / scatter) ** 2
    return 1 / (1 + (distance / _HUE_LIMIT**2) ** 2)


def _off_fringe(sure: FloatArray, weight: FloatArray) -> FloatArray:
    """(S, S) ``sure``, lower beside texels that the photo shows and that are not skin."""
    reach = round(_FRINGE_MM / TEXEL_MM)
    round_ = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2)
    worst = cv2.erode(np.where(weight > 0.05, sure, 1).astype(np.float32), round_)
    return np.minimum(sure, blurred(worst, _SOFT_MM))


def _ramp(values: FloatArray, ends: tuple[float, float]) -> FloatArray:
    """0 at the first end and beyond, 1 at the second and beyond, linear between."""
    return np.clip((values - ends[0]) / (ends[1] - ends[0]), 0, 1).astype(np.float32)
