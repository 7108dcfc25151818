"""What the photo shows where skin should be, and is not: hair, clothes, eyeballs, teeth."""

from __future__ import annotations

import cv2
import numpy as np

from ..data import FloatArray
from ..head.model import HeadModel
from ..rendering import vertex_normals
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
# Log of how far a hue may be off skin's in the same light; and, over brows and beside the eyes, how
# much brightness may change (standard deviation, log) over so much of the texture's side: hair of
# skin's own brightness is told by its strands.
OFF_HUE, STRANDS, STRAND_WIDTH = (0.3, 0.5), (0.14, 0.26), 0.006
BROW_HEIGHT, TEMPLE = (0.03, 0.045), (0.048, 0.056)
# What touches such a thing and is off by half as much belongs to it: so many steps of one texel.
HALF, STEPS = 0.45, 12
# How far downwards skin under a jaw looks (cosine), how low it lies at the jaw's angle (metres),
# where that is and how steeply the jaw's line falls from there.
UNDER, JAW, JAW_ANGLE, JAW_SLOPE = (0.15, 0.45), (0.015, 0.025), 0.04, 0.8
# Skin round the lips that may still show teeth.
ROUND_LIPS = 0.001


def believed(
    colours: FloatArray,
    tone: FloatArray,
    trust: FloatArray,
    throat: FloatArray,
    model: HeadModel,
    atlas: Atlas,
    size: int,
) -> FloatArray:
    """(N,) 0..1: how likely it is that (N, 3) colours of the photo are the skin's at its texels.

    tone: (1, 3) of the face's skin. trust: (N,) how well the photo shows each. throat: (N,), see
    :func:`throat_of`. size: the texture's side in texels.
    """
    seen = lab(colours)
    apart = seen - lab(tone)
    cold = _ramp(-seen[:, 1:].min(1), COLD) * _ramp(-apart[:, 1:].min(1), COLDER)
    warm = 1 - cold
    # Under jaws and chins the photo shows their shadow, collars and hair.
    kept = _kept(atlas.mean) * (1 - throat) * warm * _off_fringe(warm, trust, atlas, size)
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
    bright, hue = _bright_and_hue(off)
    likely = (1 - _ramp(hue, HUE)) * (1 - _ramp(-bright, SHADE)) * (1 - _ramp(bright, SUN))
    likely = likely * _ramp(-atlas.mean[:, 1], (-CHIN, -CHIN + 0.01))
    narrow = cv2.erode(
        atlas.image(likely, size), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))
    )
    return narrow[atlas.rows, atlas.columns]


def unobstructed(
    off: FloatArray, trust: FloatArray, atlas: Atlas, size: int
) -> tuple[FloatArray, FloatArray]:
    """Two (N,) 0..1: whether nothing lies before the skin, and whether nothing is mixed with it.

    Hair, rims of glasses and their glare do. Of what is mixed with them a mean may still be taken,
    but its detail is theirs.

    off: (N, 3) log of the photo over skin in that light. trust: (N,) how well it shows each. Brows,
    eyes, nostrils, lips and beards differ by as much, so that the photo is kept there.
    """
    bright, hue = _bright_and_hue(off)
    free = 1 - _kept_whatever(atlas)
    x, y, _ = atlas.mean.T
    uneven = _unevenness(bright, free * (trust > 0.05), atlas, size)
    uneven *= np.maximum(_ramp(y, BROW_HEIGHT), _ramp(np.abs(x), TEMPLE) * _ramp(y, (0, 0.01)))
    before = np.maximum(_ramp(-bright, TOO_DARK), _ramp(bright, TOO_LIGHT)) * free
    limits = ((-bright, TOO_DARK), (bright, TOO_LIGHT), (hue, OFF_HUE), (uneven, STRANDS))
    certain, doubtful = (
        np.max([_ramp(values, (share * low, share * high)) for values, (low, high) in limits], 0)
        for share in (1, HALF)
    )
    # Their edges are mixed with skin.
    reach = max(size // 256, 1)
    round_ = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2)
    bare = 1 - cv2.dilate(atlas.image(before, size), round_)
    mixed = _grown(atlas.image(certain * free, size), atlas.image(doubtful * free, size))
    clear = 1 - cv2.dilate(mixed, round_)
    # Detail must not end in a line.
    clear = np.minimum(cv2.GaussianBlur(clear, (0, 0), 1.5 * reach), clear)
    return bare[atlas.rows, atlas.columns], clear[atlas.rows, atlas.columns]


def _bright_and_hue(off: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(N, 3) logs -> (N,) how much brighter on the average, and how far off grey."""
    bright = off.mean(1)
    return bright, np.linalg.norm(off - bright[:, None], axis=1)


def _kept_whatever(atlas: Atlas) -> FloatArray:
    """(N,) 1 where faces are far darker or lighter than skin: nose, eyes, brows, lips, beard."""
    x, y, _ = atlas.mean.T
    nose = (np.abs(x) < 0.02) & (y < 0.025)
    eyes = np.maximum(_ramp(-atlas.contours.lids, EYE), _ramp(-atlas.contours.brows, EYE))
    # Farther out, what is dark beside a jaw is more often hair; statistics know cropped beards.
    beard = _ramp(-y, BEARD) * _ramp(-np.abs(x), BEARD_SIDE)
    return np.maximum(np.maximum(beard, eyes), nose)


def _grown(core: FloatArray, doubtful: FloatArray) -> FloatArray:
    """(S, S) the core, and what is doubtful as far as it hangs together with the core."""
    for _ in range(STEPS):
        core = np.maximum(core, np.minimum(cv2.dilate(core, np.ones((3, 3))), doubtful))
    return core


def _unevenness(values: FloatArray, weight: FloatArray, atlas: Atlas, size: int) -> FloatArray:
    """(N,) standard deviation of values among their neighbours, each counted by its weight."""
    sums = np.stack([weight, weight * values, weight * values**2], 1)
    around = cv2.GaussianBlur(atlas.image(sums, size), (0, 0), STRAND_WIDTH * size)
    count, first, second = around[atlas.rows, atlas.columns].T
    mean = first / np.maximum(count, 1e-3)
    return np.sqrt(np.maximum(second / np.maximum(count, 1e-3) - mean**2, 0))


def throat_of(model: HeadModel, atlas: Atlas) -> FloatArray:
    """(N,) 1 on the neck and under the jaw, 0 off them."""
    mean = model.shape.mean
    values = np.column_stack([vertex_normals(mean, model.triangles)[:, 1], np.zeros(len(mean))])
    if "neck" in model.masks:
        values[:, 1] = model.masks["neck"]
    down, neck = atlas.on(values).T
    # A jaw's line falls from the ears to the chin: lips that look downwards lie above it.
    _, y, z = atlas.mean.T
    below = _ramp(-down, UNDER) * _ramp(-y - JAW_SLOPE * np.maximum(z - JAW_ANGLE, 0), JAW)
    return np.maximum(below, neck)


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
