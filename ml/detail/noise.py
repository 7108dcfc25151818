"""How noisy the photo is where it shows the face: relief must not be found in noise."""

from __future__ import annotations

import math

import numpy as np

from ..data import ByteArray, FloatArray
from ..geometry.colour import linear_of
from .light import LUMINANCE
from .unwrap import UnwrappedPhoto
from .window import TEXEL_MM

# Side of the blocks that a JPEG file is made of.
_BLOCK = 8
# Steps between blocks cover as many pixels as folds do, so that no average lowers them.
_BLOCKINESS = 2.0
# Smallest light, as a share of the median, whose logarithm is taken.
_DARKEST = 0.05


def noise_of(rgb: ByteArray, unwrapped: UnwrappedPhoto, known: np.ndarray) -> float:
    """Standard deviation of the noise in the logarithm of a texel's light.

    Estimated on the pixels of the photo (H, W, 3) round the texels ``known`` (S, S) bool: from
    second differences (Immerkaer, 1996), and from the steps between the blocks of a JPEG file.
    Infinite where too little is known.
    """
    places = unwrapped.pixels[known]
    if len(places) < 100:
        return math.inf
    left, top = np.maximum(np.floor(places.min(0)).astype(int), 0)
    right, below = np.ceil(places.max(0)).astype(int) + 1
    part = linear_of(rgb[top:below, left:right]) @ LUMINANCE
    if min(part.shape) < 2 * _BLOCK:
        return math.inf
    light = np.log(np.maximum(part, _DARKEST * max(float(np.median(part)), 1e-4)))
    across = light[:, 2:] - 2 * light[:, 1:-1] + light[:, :-2]
    twice = across[2:] - 2 * across[1:-1] + across[:-2]
    pixel = 1.48 * float(np.median(np.abs(twice))) / 6
    # A texel averages several pixels, or shares one with its neighbours.
    texel = pixel / max(unwrapped.pixels_per_mm * TEXEL_MM, 1)
    steps = max(_steps(light, left), _steps(light.T, top))
    return math.hypot(texel, _BLOCKINESS * steps)


def _steps(light: FloatArray, first: int) -> float:
    """How much larger steps between blocks are than other steps, from column to column.

    first: the photo's column that column 0 of ``light`` is.
    """
    step = np.abs(np.diff(light, axis=1)).mean(0)
    between = (np.arange(len(step)) + 1 + first) % _BLOCK == 0
    return max(float(step[between].mean() - step[~between].mean()), 0.0)
