"""What the photo shows where skin should be, and is not: hair, clothes, eyeballs, teeth."""

from __future__ import annotations

import cv2
import numpy as np

from ..data import FloatArray
from ..head.model import HeadModel
from .atlas import Atlas

# Boxes of the mean head, metres: where skin tells its tone, and where the photo is kept whatever
# its colour (brows, lips, beards, hair over the forehead).
FACE = ((-0.055, 0.055), (-0.06, 0.045), (0.06, 0.2))
KEPT = ((-0.075, 0.075), (-0.085, 0.095), (0.015, 0.2))
KEPT_RAMP = 0.015
CHIN, COLLAR = -0.085, -0.12
# Skin colours vary by about this much (in Lab units) round the face's own before they are taken
# for hair or background at the rim; less below the chin, where grey and pale clothes lie beside it.
COLOUR_SPREAD, NECK_SPREAD = 20.0, 12.0
# Shade is darker skin, so lightness counts half; not on ears, where what is dark is mostly hair.
LIGHTNESS, LIGHTNESS_ON_EARS = 0.5, 1.0
# Blue or green by this much (Lab) and bluer or greener than the skin by so much: nothing of a face
# is, not even grey hair.
COLD, COLDER = (3.0, 10.0), (15.0, 25.0)
# Texels round what was not believed, as a share of the texture's side: a photo's pixels mix there.
FRINGE = 0.012
# A fit is never exact. Metres from the edges of eyes and lips over which the photo is not believed,
# then more and more: a lid shows eyeball or lashes there, a lip shows teeth or the dark between.
LID_EDGE, LIP_EDGE = (0.0003, 0.0018), (0.0006, 0.002)
# Logs of how far a neck's hue may be off, and of how deep a chin's shadow is.
HUE, SHADE, SUN = (0.12, 0.25), (0.6, 0.9), (1.0, 1.4)
# Logs of brightness over skin's in the same light over which something must lie before it; below
# the nose beards grow (metres of height), round eyes and brows
# hairs (metres).
TOO_DARK, TOO_LIGHT = (0.4, 0.75), (0.6, 1.0)
BEARD, BEARD_SIDE, EYE = (0.005, 0.015), (-0.05, -0.04), (-0.007, -0.003)
# Skin round the lips that may still show teeth.
ROUND_LIPS = 0.001


def believed(
    colours: FloatArray, tone: FloatArray, trust: FloatArray, model: HeadModel, atlas: Atlas,
    size: int,
) -> FloatArray:  # fmt: skip
    """(N,) 0..1: how likely it is that (N, 3) colours of the photo are the skin's at its texels.

    tone: (1, 3) of the face's skin. trust: (N,) how well the photo shows each. size: the texture's
    side in texels.
    """
    seen = lab(colours)
    apart = seen - lab(tone)
    cold = _ramp(-seen[:, 1:].min(1), COLD) * _ramp(-apart[:, 1:].min(1), COLDER)
    warm = 1 - cold
    kept = _kept(atlas.mean) * warm * _off_fringe(warm, trust, atlas, size)
    skin = _likely_skin(apart, model, atlas)
    skin = skin * _off_fringe(skin, trust, atlas, size)
    likely = np.maximum(kept, skin) * on_edges(atlas) * _likely_lip(colours, trust, atlas)
    return np.asarray(likely, dtype=np.float32)


def on_edges(atlas: Atlas) -> FloatArray:
    """(N,) 0 on the edges of lids and lips, 1 off them."""
    return _ramp(atlas.contours.lids, LID_EDGE) * _ramp(atlas.contours.gap, LIP_EDGE)


def bare_neck(off: FloatArray, atlas: Atlas, size: int) -> FloatArray:
    """(N,) 1 where the neck is bare: the photo has the hue that skin would have in that light.

    off: (N, 3) log of the photo over that. Shadow under a chin may be deep, but clothes, if not of
    skin's own hue, are told by colour; first looks refuse them all.
    """
    bright = off.mean(1)
    hue = np.linalg.norm(off - bright[:, None], axis=1)
    likely = (1 - _ramp(hue, HUE)) * (1 - _ramp(-bright, SHADE)) * (1 - _ramp(bright, SUN))
    likely = likely * _ramp(-atlas.mean[:, 1], (-CHIN, -CHIN + 0.01))
    image = np.zeros((size, size), np.float32)
    image[atlas.rows, atlas.columns] = likely
    narrow = cv2.erode(image, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7)))
    return narrow[atlas.rows, atlas.columns]


def unobstructed(off: FloatArray, atlas: Atlas, size: int) -> FloatArray:
    """(N,) 0 where strands of hair, rims of glasses or their glare lie before the skin, else 1.

    off: (N,) log of how much lighter the photo is than skin in that light. Brows, eyes, nostrils,
    lips and beards differ by as much, so that the photo is kept there.
    """
    strange = np.maximum(_ramp(-off, TOO_DARK), _ramp(off, TOO_LIGHT))
    x, y, _ = atlas.mean.T
    nose = (np.abs(x) < 0.02) & (y < 0.025)
    eyes = np.maximum(_ramp(-atlas.contours.lids, EYE), _ramp(-atlas.contours.brows, EYE))
    # Farther out, what is dark beside a jaw is more often hair; statistics know cropped beards.
    beard = _ramp(-y, BEARD) * _ramp(-np.abs(x), BEARD_SIDE)
    strange = strange * (1 - np.maximum(np.maximum(beard, eyes), nose))
    image = np.zeros((size, size), np.float32)
    image[atlas.rows, atlas.columns] = strange
    # Their edges are mixed with skin.
    wide = cv2.dilate(image, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5)))
    return 1 - wide[atlas.rows, atlas.columns]


def scalp_of(places: FloatArray) -> FloatArray:
    """(N,) 1 where (N, 3) places of the mean head lie under hair, 0 on face and neck."""
    above = _ramp(places[:, 1], (0.085, 0.1))
    behind = _ramp(-places[:, 2], (-0.01, 0.01)) * _ramp(places[:, 1], (-0.02, 0.0))
    return np.maximum(above, behind)


def within(places: FloatArray, box: tuple[tuple[float, float], ...]) -> np.ndarray:
    """(N,) bool: which (N, 3) places of the mean head lie in a box of (low, high) a axis."""
    low, high = np.array(box).T
    return np.asarray(((places > low) & (places < high)).all(1))


def _kept(places: FloatArray) -> FloatArray:
    """(N,) 1 in the box KEPT, falling to 0 towards its sides: hair must not end in a line."""
    low, high = np.array(KEPT).T
    return _ramp(np.minimum(places - low, high - places).min(1), (0, KEPT_RAMP))


def _likely_skin(apart: FloatArray, model: HeadModel, atlas: Atlas) -> FloatArray:
    """(N,) 0..1, lower the less a colour looks like the face's skin: hair, clothes, background.

    apart: (N, 3) Lab, from the face's skin.
    """
    ears = atlas.on(model.masks["ears"][:, None])[:, 0] if "ears" in model.masks else 0
    lightness = (LIGHTNESS + (LIGHTNESS_ON_EARS - LIGHTNESS) * ears) * apart[:, 0]
    away = np.sqrt(lightness**2 + 1.4**2 * (apart[:, 1:] ** 2).sum(1))
    height = atlas.mean[:, 1]
    spread = NECK_SPREAD + (COLOUR_SPREAD - NECK_SPREAD) * _ramp(height, (CHIN, CHIN + 0.01))
    # Below the throat collars begin, white ones much like skin: what is there is not believed.
    above_collar = _ramp(height, (COLLAR, COLLAR + 0.02))
    # A threshold, not a slope: a little of a black collar would still show where nothing else is.
    return np.asarray(np.clip(2 - away / spread, 0, 1) * above_collar, dtype=np.float32)


def _off_fringe(likely: np.ndarray, trust: FloatArray, atlas: Atlas, size: int) -> FloatArray:
    """(N,) 0 beside texels that the photo shows well and that are not skin, 1 farther away."""
    refused = np.ones((size, size), np.uint8)
    bad = (likely < 0.5) & (trust > 0.1)
    refused[atlas.rows[bad], atlas.columns[bad]] = 0
    distance = cv2.distanceTransform(refused, cv2.DIST_L2, 3)[atlas.rows, atlas.columns]
    return np.asarray(_ramp(distance, (0.5 * FRINGE * size, 2 * FRINGE * size)))


def lip_colour(colours: FloatArray, trust: FloatArray, atlas: Atlas) -> FloatArray | None:
    """(3,) of the lips where the photo shows them well; None where it shows too little."""
    inner, outer = atlas.contours.gap, atlas.contours.lips
    ring = (outer < 0) & (inner > LIP_EDGE[1]) & (trust > 0.2)
    if ring.sum() < 20:
        return None
    return np.median(colours[ring], axis=0).astype(np.float32)


def on_lips(atlas: Atlas) -> FloatArray:
    """(N,) 1 on the lips, outside and inside, 0 off them."""
    return _ramp(-atlas.contours.lips, (0, 0.001))


def _likely_lip(colours: FloatArray, trust: FloatArray, atlas: Atlas) -> FloatArray:
    """(N,) 0 on lips where a colour is paler than theirs, as teeth are, or far darker."""
    likely = np.ones(len(colours), np.float32)
    own = lip_colour(colours, trust, atlas)
    if own is None:
        return likely
    over = np.flatnonzero(atlas.contours.lips < ROUND_LIPS)
    lighter, redder, _ = (lab(colours[over]) - lab(own[None])).T
    tooth = np.clip((lighter - 4) / 8, 0, 1) * np.clip((-redder - 3) / 6, 0, 1)
    gap = np.clip((-lighter - 12) / 10, 0, 1)
    likely[over] = 1 - np.maximum(tooth, gap)
    return likely


def _ramp(values: FloatArray, ends: tuple[float, float]) -> FloatArray:
    return np.clip((values - ends[0]) / (ends[1] - ends[0]), 0, 1).astype(np.float32)


def lab(colours: FloatArray) -> FloatArray:
    """(N, 3) sRGB 0..255 -> CIE Lab."""
    rgb = np.clip(colours, 0, 255).astype(np.float32)[None] / 255
    return cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2Lab)[0]
