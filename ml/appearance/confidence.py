"""Confidence that a texel shows skin, not hair, clothes, glasses, eyeballs or teeth."""

from __future__ import annotations

import cv2
import numpy as np

from ..data import FloatArray
from ..head.model import HeadModel
from ..rendering import vertex_normals
from .atlas import Atlas, of_layout

# Pairs are the ends of linear ramps: at the first the weight is 0, at the second it is 1.
# Boxes of the mean head, (low, high) per axis in metres: where the skin's tone is measured, and
# where the photo is kept whatever its colour (brows, lips, beards, hair over the forehead).
FACE = ((-0.055, 0.055), (-0.06, 0.045), (0.06, 0.2))
KEPT = ((-0.075, 0.075), (-0.085, 0.095), (0.015, 0.2))
KEPT_RAMP = 0.015
# Heights on the mean head, metres.
CHIN, COLLAR = -0.085, -0.12
# Colours farther than this from the face's tone (CIE Lab) are taken for hair or background outside
# KEPT. The limit is lower below the chin, where grey and pale clothes lie beside skin.
COLOUR_SPREAD, NECK_SPREAD = 20.0, 12.0
# Weight of lightness in that distance. Shade is darker skin, so it counts half; not on ears, where
# dark pixels are mostly hair.
LIGHTNESS, LIGHTNESS_ON_EARS = 0.5, 1.0
# No part of a face is blue or green by this much (Lab), and bluer or greener than the skin by this
# much; not even grey hair.
COLD, COLDER = (3.0, 10.0), (15.0, 25.0)
# Width of the fringe around refused texels, as a share of the texture's side: pixels mix there.
FRINGE = 0.012
# Metres from the edges of lids and lips. A fit is never exact: at the edge of a lid the photo may
# show eyeball or lashes, at the edge of a lip teeth or the gap between them.
LID_EDGE, LIP_EDGE = (0.0003, 0.0018), (0.0006, 0.002)
# Natural logarithms of the photo over the expected skin on a neck: difference of hue, and how much
# darker (the chin's shadow) and brighter (sunlight) it may be.
HUE, SHADE, SUN = (0.12, 0.25), (0.6, 0.9), (1.0, 1.4)
# Natural logarithms of brightness beyond which something covers the skin; and where the face itself
# is that dark: beards below this height and within this half-width, and around eyes and brows
# (metres). Texels of 512 a side that are more than a speck; sides and top of the nose (metres).
TOO_DARK, TOO_LIGHT = (0.4, 0.75), (0.6, 1.0)
SPECK, NOSE_SIDE, NOSE_TOP = 12, (0.016, 0.025), (-0.03, -0.02)
BEARD, BEARD_SIDE, EYE = (0.005, 0.015), (-0.05, -0.04), (-0.007, -0.003)
# Natural logarithm of a hue's difference from skin's in the same light. Hair as bright as skin is
# recognised by its strands: the standard deviation of log brightness over STRAND_WIDTH of the
# texture's side, above this height or this far to the side of the eyes (metres).
OFF_HUE, STRANDS, STRAND_WIDTH = (0.3, 0.5), (0.14, 0.26), 0.006
# Redder than skin by this (log of red over the others) no beard is, off the lips by this much
# (metres): a straw, smeared paint.
NO_BEARD, OFF_LIPS = (0.4, 0.7), (0.002, 0.004)
BROW_HEIGHT, TEMPLE = (0.03, 0.045), (0.048, 0.056)
# Hysteresis: texels beyond HALF of a limit count when they connect to certain ones within STEPS
# texels.
HALF, STEPS = 0.45, 12
# The underside of the jaw: cosine of the normal's downward tilt, height below the jaw's line
# (metres), and that line's start on the z axis and its slope.
UNDER, JAW, JAW_ANGLE, JAW_SLOPE = (0.15, 0.45), (0.015, 0.025), 0.04, 0.8
# Metres of skin round the lips that may still show teeth.
ROUND_LIPS = 0.001


def skin_confidence(
    colours: FloatArray,
    tone: FloatArray,
    visibility: FloatArray,
    throat: FloatArray,
    model: HeadModel,
    atlas: Atlas,
    size: int,
) -> FloatArray:
    """(N,) 0..1: how likely the (N, 3) sRGB colours at the texels are the skin's.

    tone: (1, 3) sRGB of the face's skin. visibility: (N,) how well the photo shows each texel.
    throat: (N,), see :func:`throat_of`. size: the texture's side in texels.
    """
    seen = lab(colours)
    apart = seen - lab(tone)
    coldness = [-np.minimum(colour[:, 1], colour[:, 2]) for colour in (seen, apart)]
    cold = ramp(coldness[0], COLD) * ramp(coldness[1], COLDER)
    warm = 1 - cold
    # Under jaws and chins the photo shows their shadow, collars and hair.
    kept = _kept(atlas) * (1 - throat) * warm * _off_fringe(warm, visibility, atlas, size)
    skin = _likely_skin(apart, model, atlas)
    skin = skin * _off_fringe(skin, visibility, atlas, size)
    likely = np.maximum(kept, skin) * off_edges(atlas) * _likely_lip(colours, visibility, atlas)
    return np.asarray(likely, dtype=np.float32)


@of_layout
def off_edges(atlas: Atlas) -> FloatArray:
    """(N,) 0 on the edges of lids and lips, 1 off them."""
    return ramp(atlas.contours.lids, LID_EDGE) * ramp(atlas.contours.gap, LIP_EDGE)


def neck_confidence(residual: FloatArray, atlas: Atlas, size: int) -> FloatArray:
    """(N,) 1 where the neck is bare: the photo has the hue that skin would have in that light.

    residual: (N, 3) logarithm of the photo over the expected skin. The chin's shadow may be deep,
    but clothes differ from skin by their hue. The first pass refuses shadow and clothes alike.
    """
    bright, hue = bright_and_hue(residual)
    likely = (1 - ramp(hue, HUE)) * (1 - ramp(-bright, SHADE)) * (1 - ramp(bright, SUN))
    likely = likely * ramp(-atlas.mean[:, 1], (-CHIN, -CHIN + 0.01))
    narrow = cv2.erode(
        atlas.image(likely, size, 1), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))
    )
    return atlas.of_image(narrow)


def unobstructed(
    residual: FloatArray, confidence: FloatArray, atlas: Atlas, size: int
) -> tuple[FloatArray, FloatArray]:
    """Two (N,) 0..1: whether nothing covers the skin, and whether nothing is mixed with it.

    Hair, rims of glasses and their glare cover skin. Where they are mixed with it, the mean colour
    may still be used, but the detail is theirs. Brows, eyes, nostrils, lips and beards differ from
    skin as much, so the photo is always kept there.

    residual: (N, 3) logarithm of the photo over the expected skin.
    confidence: (N,) 0..1 in each texel so far.
    """
    bright, hue = bright_and_hue(residual)
    free = 1 - _dark_features(atlas)
    x, y, _ = atlas.mean.T
    uneven = _unevenness(bright, free * (confidence > 0.05), atlas, size)
    uneven *= np.maximum(ramp(y, BROW_HEIGHT), ramp(np.abs(x), TEMPLE) * ramp(y, (0, 0.01)))
    before = np.maximum(ramp(-bright, TOO_DARK), ramp(bright, TOO_LIGHT)) * free
    before = np.maximum(before, _too_red(residual, atlas))
    limits = ((-bright, TOO_DARK), (bright, TOO_LIGHT), (hue, OFF_HUE), (uneven, STRANDS))
    certain, doubtful = (
        np.max([ramp(values, (share * low, share * high)) for values, (low, high) in limits], 0)
        for share in (1, HALF)
    )
    # The edges of what covers skin are mixed with skin.
    reach = max(size // 256, 1)
    round_ = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2)
    bare = 1 - cv2.dilate(_without_specks(atlas.image(before, size), size), round_)
    mixed = _grown(atlas.image(certain * free, size), atlas.image(doubtful * free, size))
    clear = 1 - cv2.dilate(mixed, round_)
    # Detail must not end in a visible line.
    clear = np.minimum(cv2.GaussianBlur(clear, (0, 0), 1.5 * reach), clear)
    return atlas.of_image(bare), atlas.of_image(clear)


def _without_specks(covered: FloatArray, size: int) -> FloatArray:
    """(S, S) without spots of fewer than SPECK texels: grain and stubble cover nothing."""
    there = (covered > 0).astype(np.uint8)
    _, label, found, _ = cv2.connectedComponentsWithStats(there, connectivity=8)
    large = found[:, cv2.CC_STAT_AREA] >= SPECK * (size / 512) ** 2
    return covered * large[label]


def _too_red(residual: FloatArray, atlas: Atlas) -> FloatArray:
    """(N,) 1 where beards grow and a colour is too red for beards and skin."""
    redder = residual[:, 0] - (residual[:, 1] + residual[:, 2]) / 2
    grows = ramp(-atlas.mean[:, 1], BEARD) * ramp(atlas.contours.lips, OFF_LIPS)
    return np.asarray(ramp(redder, NO_BEARD) * grows)


def bright_and_hue(residual: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(N, 3) logs -> (N,) mean over the channels, and (N,) distance from it: brightness and hue."""
    red, green, blue = residual.T
    bright = (red + green + blue) / 3
    squares = [np.square(channel - bright) for channel in (red, green, blue)]
    return bright, np.sqrt(squares[0] + squares[1] + squares[2])


@of_layout
def _dark_features(atlas: Atlas) -> FloatArray:
    """(N,) 1 where faces are far darker or lighter than skin: nose, eyes, brows, lips, beard."""
    x, y, _ = atlas.mean.T
    # Without a soft edge the nose's box would be seen where the skin beside it is refused.
    nose = ramp(-np.abs(x), (-NOSE_SIDE[1], -NOSE_SIDE[0])) * ramp(-y, NOSE_TOP)
    eyes = np.maximum(ramp(-atlas.contours.lids, EYE), ramp(-atlas.contours.brows, EYE))
    # Farther out, dark pixels beside a jaw are mostly hair; the statistics include short beards.
    beard = ramp(-y, BEARD) * ramp(-np.abs(x), BEARD_SIDE)
    return np.maximum(np.maximum(beard, eyes), nose)


def _grown(core: FloatArray, doubtful: FloatArray) -> FloatArray:
    """(S, S) the core and the doubtful texels that connect to it; see HALF, STEPS."""
    for _ in range(STEPS):
        core = np.maximum(core, np.minimum(cv2.dilate(core, np.ones((3, 3))), doubtful))
    return core


def _unevenness(values: FloatArray, weight: FloatArray, atlas: Atlas, size: int) -> FloatArray:
    """(N,) weighted standard deviation of (N,) values in each texel's neighbourhood."""
    sums = np.stack([weight, weight * values, weight * values**2], 1)
    around = cv2.GaussianBlur(atlas.image(sums, size), (0, 0), STRAND_WIDTH * size)
    count, first, second = atlas.of_image(around).T
    mean = first / np.maximum(count, 1e-3)
    return np.sqrt(np.maximum(second / np.maximum(count, 1e-3) - mean**2, 0))


@of_layout
def throat_of(model: HeadModel, atlas: Atlas) -> FloatArray:
    """(N,) 1 on the neck and under the jaw, 0 off them."""
    mean = model.shape.mean
    values = np.column_stack([vertex_normals(mean, model.triangles)[:, 1], np.zeros(len(mean))])
    if "neck" in model.masks:
        values[:, 1] = model.masks["neck"]
    down, neck = atlas.on(values).T
    # A jaw's line falls from the ears to the chin: lips whose normals point down lie above it.
    _, y, z = atlas.mean.T
    below = ramp(-down, UNDER) * ramp(-y - JAW_SLOPE * np.maximum(z - JAW_ANGLE, 0), JAW)
    return np.maximum(below, neck)


def within(places: FloatArray, box: tuple[tuple[float, float], ...]) -> np.ndarray:
    """(N,) bool: which (N, 3) places of the mean head lie in a box of (low, high) per axis."""
    low, high = np.array(box).T
    inside = np.ones(len(places), bool)
    # One axis at a time: NumPy takes three times as long over rows of three.
    for axis in range(3):
        column, span = places[:, axis], slice(axis, axis + 1)
        inside &= (column > low[span]) & (column < high[span])
    return inside


@of_layout
def _kept(atlas: Atlas) -> FloatArray:
    """(N,) 1 in the box KEPT, falling to 0 at its sides: hair must not end in a visible line."""
    places, (low, high) = atlas.mean, np.array(KEPT).T
    return ramp(np.minimum(places - low, high - places).min(1), (0, KEPT_RAMP))


@of_layout
def _on_ears(model: HeadModel, atlas: Atlas) -> FloatArray:
    """(N,) 1 on the ears, 0 off them."""
    mask = model.masks.get("ears")
    return np.zeros(len(atlas.rows), np.float32) if mask is None else atlas.on(mask[:, None])[:, 0]


def _likely_skin(apart: FloatArray, model: HeadModel, atlas: Atlas) -> FloatArray:
    """(N,) 0..1: how likely a colour is the face's skin and not hair, clothes or background.

    apart: (N, 3) differences from the face's skin in CIE Lab.
    """
    ears = _on_ears(model, atlas)
    lightness = (LIGHTNESS + (LIGHTNESS_ON_EARS - LIGHTNESS) * ears) * apart[:, 0]
    away = np.sqrt(lightness**2 + 1.4**2 * (apart[:, 1] ** 2 + apart[:, 2] ** 2))
    height = atlas.mean[:, 1]
    spread = NECK_SPREAD + (COLOUR_SPREAD - NECK_SPREAD) * ramp(height, (CHIN, CHIN + 0.01))
    # Collars begin below the throat, and white ones look much like skin.
    above_collar = ramp(height, (COLLAR, COLLAR + 0.02))
    # A steep ramp: a low weight of a black collar would still show where nothing else is known.
    return np.asarray(np.clip(2 - away / spread, 0, 1) * above_collar, dtype=np.float32)


def _off_fringe(likely: np.ndarray, visibility: FloatArray, atlas: Atlas, size: int) -> FloatArray:
    """(N,) 0 beside texels that the photo shows well and that are not skin, 1 farther away."""
    refused = ((likely < 0.5) & (visibility > 0.1)).astype(np.float32)
    others = (atlas.image(refused, size) == 0).astype(np.uint8)
    distance = atlas.of_image(cv2.distanceTransform(others, cv2.DIST_L2, 3))
    return np.asarray(ramp(distance, (0.5 * FRINGE * size, 2 * FRINGE * size)))


def lip_colour(colours: FloatArray, visibility: FloatArray, atlas: Atlas) -> FloatArray | None:
    """(3,) median of the (N, 3) colours on the visible lips; None if fewer than 20 texels show."""
    inner, outer = atlas.contours.gap, atlas.contours.lips
    ring = (outer < 0) & (inner > LIP_EDGE[1]) & (visibility > 0.2)
    if ring.sum() < 20:
        return None
    return np.median(colours[ring], axis=0).astype(np.float32)


def _likely_lip(colours: FloatArray, visibility: FloatArray, atlas: Atlas) -> FloatArray:
    """(N,) 0 on lips where a colour is paler than theirs, as teeth are, or far darker."""
    likely = np.ones(len(colours), np.float32)
    own = lip_colour(colours, visibility, atlas)
    if own is None:
        return likely
    over = np.flatnonzero(atlas.contours.lips < ROUND_LIPS)
    lighter, redder, _ = (lab(colours[over]) - lab(own[None])).T
    tooth = np.clip((lighter - 4) / 8, 0, 1) * np.clip((-redder - 3) / 6, 0, 1)
    gap = np.clip((-lighter - 12) / 10, 0, 1)
    likely[over] = 1 - np.maximum(tooth, gap)
    return likely


def ramp(values: FloatArray, ends: tuple[float, float]) -> FloatArray:
    """0 up to the first end, 1 from the second on, linear between."""
    return np.clip((values - ends[0]) / (ends[1] - ends[0]), 0, 1).astype(np.float32)


def lab(colours: FloatArray) -> FloatArray:
    """(N, 3) sRGB 0..255 -> CIE Lab."""
    rgb = np.clip(colours, 0, 255).astype(np.float32)[None] / 255
    return cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2Lab)[0]
