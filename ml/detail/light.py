"""The light on the face: harmonics fitted to the skin that the photo shows.

The surface is the fitted head's, smooth by comparison with what is looked for, and skin is taken to
have one colour: both are wrong in places, so the fit is robust.
"""

from __future__ import annotations

import numpy as np

from ..data import FloatArray
from ..rendering import harmonics_of
from .kernels import light_and_slopes
from .unwrap import UnwrappedPhoto
from .window import TEXEL_MM

# Shares of red, green and blue in what counts as brightness: blood shows least in red.
LUMINANCE = np.array([0.5, 0.4, 0.1], np.float32)
# Texels are fitted in every STRIDE-th row and column: the light has nine numbers only.
STRIDE = 3
_ROUNDS = 5
# Of the coefficients beside the constant one, as a share of the texels' weight: on few normals,
# as of a far turned head, they are not known.
_RIDGE = 0.0003
# The least light, as a share of the face's, so that no logarithm explodes where the light ends.
LEAST = 0.12


def fit_light(values: FloatArray, normals: FloatArray, weight: FloatArray) -> FloatArray:
    """(9, C) coefficients of the light that explains (S, S, C) linear values best.

    normals: (S, S, 3) unit. weight: (S, S) 0..1. Zero where nothing has weight.
    """
    grid = (slice(None, None, STRIDE),) * 2
    known = weight[grid] > 0.05
    light = np.zeros((9, values.shape[-1]), np.float32)
    if known.sum() < 50:
        return light
    basis = harmonics_of(normals[grid][known]).astype(np.float64)
    share = weight[grid][known].astype(np.float64)
    ridge = np.diag([1e-6] + [_RIDGE] * 8) * share.sum()
    for channel, given in enumerate(np.moveaxis(values[grid][known], -1, 0).astype(np.float64)):
        trust = np.ones_like(share)
        for _ in range(_ROUNDS):
            rows = basis * (share * trust)[:, None]
            found = np.linalg.solve(rows.T @ basis + ridge, rows.T @ given)
            off = np.abs(given - basis @ found)
            # Brows, beards, glasses, shine and cast shadows are not this light.
            trust = 1 / (1 + (off / (2 * 1.48 * max(float(np.median(off)), 1e-6))) ** 2)
        light[:, channel] = found
    return light


def light_and_slopes_on(
    photo: UnwrappedPhoto, even: FloatArray, weight: FloatArray, known: FloatArray
) -> FloatArray:
    """(3, S, S): the light on the smooth head, and what slopes along columns and rows subtract from
    its logarithm (ml.detail.solve); 0 where not ``known``.

    even: (S, S) brightness, about 1. weight: (S, S) 0..1. known: (S, S) 0 or 1.
    """
    light = fit_light(even[..., None], photo.normals, weight)[:, 0]
    shone = np.zeros((3, *even.shape), np.float32)
    step, least = np.float32(0.5 / TEXEL_MM), np.float32(LEAST)
    light_and_slopes(photo.normals, photo.places, light, least, step, known, shone)
    return shone


def light_on(normals: FloatArray, light: FloatArray, least: FloatArray | float) -> FloatArray:
    """(S, S, C) light on (S, S, 3) normals, at least ``least``."""
    shone = harmonics_of(normals.reshape(-1, 3)) @ light
    return np.asarray(np.maximum(shone.reshape(*normals.shape[:2], -1), least), dtype=np.float32)
