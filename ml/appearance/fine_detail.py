"""The photo's fine detail over the skin that statistics expect, and both as sRGB."""

from __future__ import annotations

import cv2
import numpy as np

from ..data import FloatArray, IntArray, Photo
from ..geometry.colour import srgb_of
from .atlas import COARSE, Atlas
from .colour import recorded
from .confidence import on_edges
from .projection import Projection

# How much of the other side's fine detail hidden skin gets.
TWIN = 0.6
# Trust over one of this is as good as full trust, for detail.
CLEAR = 2.5
# Detail lighter than this (log) is mostly shine, and of what is over it only so much is kept.
SHINE, SHINE_KEPT = 0.2, 0.4
# What is left of the detail around at every step, twice as wide as the last, into what is hidden.
FADE = 0.75
# Detail darker or lighter than the statistics by more than this (log) is held there.
MOST_DETAIL = 2.2
# sRGB of the squares of 0..1.
_SQUARES = srgb_of(np.linspace(0, 1, 4096, dtype=np.float32) ** 2)
# Light that a photo's 256 numbers stand for.
_RECORDED = recorded(np.arange(256, dtype=np.float32))


def fine_detail(
    photo: Photo,
    seen: Projection,
    expected: FloatArray,
    trust: FloatArray,
    coarse: Atlas,
    atlas: Atlas,
    size: int,
) -> FloatArray:
    """(S, S, 3) log of what the photo shows over what statistics expect; 0 far from what it shows.

    expected: (V, 3) log colours. trust: of the coarse atlas.
    """
    from .kernels import blend_twins, residual

    off = np.empty((len(atlas.rows), 3), np.float32)
    values = np.column_stack([np.nan_to_num(seen.pixels), expected]).astype(np.float32)
    residual(atlas.corners, atlas.weights, values, photo.rgb, _RECORDED, off)
    np.clip(off, -MOST_DETAIL, MOST_DETAIL, out=off)
    dulled(off)
    fine = trust if atlas is coarse else _enlarged(trust, coarse, atlas, size)
    canvas = np.zeros((size, size, 4), np.float32)
    # Skin seen at a slant is blurred, but better than a guess.
    weight = np.minimum(CLEAR * fine, 1) * on_edges(atlas)
    blend_twins(off, weight, atlas.mirror, TWIN, atlas.rows, atlas.columns, canvas)
    return _fill(canvas)


def dulled(off: FloatArray) -> None:
    """Take shine out of (N, 3) logs of detail, in place: what is brighter than skin can be."""
    bright = off.mean(1)
    over = np.flatnonzero(bright > SHINE)
    kept = SHINE + SHINE_KEPT * (bright[over] - SHINE)
    off[over] *= (kept / bright[over])[:, None]


def developed(albedo: FloatArray, own: IntArray, detail: FloatArray, atlas: Atlas) -> FloatArray:
    """(S, S, 3) sRGB of the vertices' (V, 3) log albedo plus (S, S, 3) detail.

    own: the skin's vertices; beside the texels there is the median of their colours.
    """
    from .kernels import develop

    colours = np.empty((*detail.shape[:2], 3), np.float32)
    colours[:] = srgb_of(np.exp(np.median(albedo[own], axis=0)))
    develop(
        atlas.corners,
        atlas.weights,
        albedo.astype(np.float32),
        detail,
        atlas.rows,
        atlas.columns,
        _SQUARES,
        colours,
    )
    return colours


def _enlarged(values: FloatArray, coarse: Atlas, atlas: Atlas, size: int) -> FloatArray:
    """(N,) values of a coarse atlas' texels at a finer atlas'."""
    image = coarse.image(values, min(COARSE, size))
    large = cv2.resize(image, (size, size), interpolation=cv2.INTER_LINEAR)
    return large[atlas.rows, atlas.columns]


def _fill(canvas: FloatArray) -> FloatArray:
    """Where nothing is known, the average of what is known around, farther away nothing.

    canvas: (S, S, 4) values times their weight, and the weight, which is at most 1.

    A push-pull pyramid: values are averaged by weight on coarser and coarser levels, then each
    level fills the gaps of the finer one.
    """
    from .kernels import fill_gaps

    pyramid = [canvas]
    while min(pyramid[-1].shape[:2]) > 2:
        half = [max(1, side // 2) for side in pyramid[-1].shape[1::-1]]
        pyramid.append(cv2.resize(pyramid[-1], half, interpolation=cv2.INTER_AREA))
    known = np.zeros_like(pyramid[-1][..., :3])
    while pyramid:
        level = pyramid.pop()
        known = cv2.resize(known, level.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        # Less at each level: far from what is seen, statistics are all there is.
        fill_gaps(level, known, np.float32(FADE), known)
    return known
