"""Intrinsic decomposition: separate the photo's colours into the skin's albedo and the light on it.

Everything is a sum of natural logarithms: log colour = log albedo + log light. A second-order
spherical-harmonic environment (Ramamoorthi and Hanrahan, "An Efficient Representation for
Irradiance Environment Maps", 2001) is fitted first. The statistics of ml.appearance.skin separate
its residual into albedo and the shadows and shine that harmonics cannot represent. Both are
Gaussian about their means, so that the maximum a posteriori solves one small linear system.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data import FloatArray, IntArray
from ..rendering import harmonics_of
from .skin import SkinModel

# Standard deviation of the logarithm of a photo's exposure, and of both axes of its white balance.
EXPOSURE_SIGMA, TINT_SIGMA = 0.6, 0.08
TINTS = np.array([[1, 1, 1], [1, 0, -1], [0.5, -1, 0.5]], np.float32)
CASTS = TINTS * np.array([[EXPOSURE_SIGMA], [TINT_SIGMA], [TINT_SIGMA]], np.float32)
# Casts beyond these multiples of their standard deviation are uncommon: of 60 portraits in daylight
# and studios none is. The prior of an uncommon one is widened this many times.
COMMON, REWEIGHTINGS = np.array([2.0, 1.7, 1.7], np.float32), 8
# Neighbouring vertices are correlated: this many count as one independent measurement.
CORRELATED = 12.0
# Ridge on the harmonics of degree 1 and 2, as a share of the total weight of the vertices.
RIDGE = 0.004
# Log residuals beyond this are shadows, hair and shine, not skin in that light.
OUTLIER = 0.35
ROUNDS = 3
DARKEST = 0.004
# What the modes of neither albedo nor light explain is mostly broad shadow. This many steps of
# averaging over the mesh find it, and this share of it counts as light.
STEPS, BROAD_SHARE = 8, 0.7


@dataclass(frozen=True)
class SkinColours:
    """The photo's colours at V skin vertices.

    Attributes
    ----------
    colours: (V, 3) linear. weight: (V,) 0..1 confidence that they are the skin's.
    normals: (V, 3) unit, camera space.
    """

    colours: FloatArray
    weight: FloatArray
    normals: FloatArray


@dataclass(frozen=True)
class AlbedoAndLight:
    """The separated colours of V vertices.

    Attributes
    ----------
    albedo: (V, 3) natural logarithm of linear albedo.
    light: (V, 3) natural logarithm of the light on it, shadows and shine included.
    harmonics: (9, 3) linear coefficients of the smooth part of the light, in camera space,
        exposure included.
    coefficients: (K,) of the skin's K modes, in standard deviations.
    """

    albedo: FloatArray
    light: FloatArray
    harmonics: FloatArray
    coefficients: FloatArray


def separate_light(seen: SkinColours, skin: SkinModel, edges: IntArray) -> AlbedoAndLight:
    """The most likely albedo and light of the skin; ``edges``: (E, 2) between its V vertices."""
    basis = harmonics_of(seen.normals)
    log_seen = np.log(np.maximum(seen.colours, DARKEST))
    albedo, outlier, axes = skin.mean, np.ones(len(basis), np.float32), _axes(seen, skin)
    for _ in range(ROUNDS):
        smooth, harmonics = _environment(seen, basis, np.exp(albedo), outlier)
        # The statistics decide how bright the light is and which colour it has.
        weight = seen.weight * outlier + 1e-9
        level = np.average(np.log(smooth), weights=weight, axis=0).astype(np.float32)
        smooth, harmonics = smooth / np.exp(level), harmonics / np.exp(level)
        left = log_seen - np.log(smooth)
        found = _most_likely(left - skin.mean, axes, outlier)
        found, others, casts = np.split(found, [len(skin.modes), -len(CASTS)])
        albedo = skin.mean + np.tensordot(found, skin.modes, 1)
        extra = np.tensordot(others, skin.light.modes, 1) + casts @ CASTS
        miss = np.abs(left - albedo - extra).mean(1)
        outlier = (1 / (1 + (miss / OUTLIER) ** 2)).astype(np.float32)
    broad = _averaged(left - albedo - extra, seen.weight * outlier, edges)
    light = np.log(smooth) + extra + BROAD_SHARE * broad
    return AlbedoAndLight(albedo, light, harmonics, found)


def _averaged(values: FloatArray, weight: FloatArray, edges: IntArray) -> FloatArray:
    """(V, 3) values after STEPS rounds of weighted averaging with neighbours; 0 where unknown."""
    sums = np.column_stack([values * weight[:, None], weight]).astype(np.float32)
    sums = averaged(sums, edges, STEPS)
    return sums[:, :3] / (sums[:, 3:] + 0.05)


def averaged(values: FloatArray, edges: IntArray, rounds: int) -> FloatArray:
    """(V, C) values after rounds of averaging with neighbours over (E, 2) ``edges``."""
    from .kernels import add_neighbours

    degree = np.maximum(np.bincount(edges.ravel(), minlength=len(values)), 1)[:, None]
    for _ in range(rounds):
        around = np.zeros(values.shape)
        add_neighbours(np.ascontiguousarray(values, np.float32), edges, around)
        values = (0.5 * values + 0.5 * around / degree).astype(np.float32)
    return values


def _environment(
    seen: SkinColours, basis: FloatArray, albedo: FloatArray, outlier: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """(V, 3) light of the least-squares harmonics, and their (9, 3) coefficients."""
    weight = seen.weight * outlier
    coefficients = np.empty((9, 3), np.float32)
    ridge = np.diag([1e-4] + [RIDGE * max(float(weight.sum()), 1.0)] * 8)
    for channel in range(3):
        # In units of the mean colour, so that the ridge is as strong for dark skin and dark photos.
        scale = max(float(np.average(seen.colours[:, channel], weights=weight + 1e-9)), DARKEST)
        design = basis * albedo[:, channel : channel + 1]
        typical = float(np.average(albedo[:, channel], weights=weight + 1e-9))
        normal = (design * weight[:, None]).T @ design / typical**2 + ridge
        right = (design * weight[:, None]).T @ seen.colours[:, channel] / (typical * scale)
        coefficients[:, channel] = np.linalg.solve(normal, right) * scale / typical
    light = basis @ coefficients
    floor = 0.15 * np.median(light[seen.weight > 0.3], axis=0) if (seen.weight > 0.3).any() else 0
    return np.maximum(light, np.maximum(floor, 1e-3)).astype(np.float32), coefficients


@dataclass(frozen=True)
class _Axes:
    """What the colours of those of V vertices that count may consist of.

    Attributes
    ----------
    values: (K, V', 3) modes of albedo and of light, and the casts, one standard deviation each.
    used: (V',) indices of the vertices. precision: (V',) of their colours.
    """

    values: FloatArray
    used: IntArray
    precision: FloatArray


def _axes(seen: SkinColours, skin: SkinModel) -> _Axes:
    precision = seen.weight / ((skin.noise + skin.light.noise) * CORRELATED)
    used = np.flatnonzero(precision > 1e-3 * precision.max(initial=1e-9))
    casts = np.broadcast_to(CASTS[:, None], (len(CASTS), len(used), 3))
    modes = [modes.take(used, axis=1) for modes in (skin.modes, skin.light.modes)]
    return _Axes(np.concatenate([*modes, casts]), used, precision[used])


def _most_likely(left: FloatArray, axes: _Axes, outlier: FloatArray) -> FloatArray:
    """The MAP estimate: (K,) of the axes.

    left: (V, 3) log colours without mean albedo and the harmonics' light. outlier: (V,) robust
    weights.
    """
    root = np.sqrt(axes.precision * outlier[axes.used])[:, None]
    design = (axes.values * root).reshape(len(axes.values), -1)
    target = (left[axes.used] * root).reshape(-1)
    return _solved(design @ design.T, design @ target)


def _solved(gram: FloatArray, right: FloatArray) -> FloatArray:
    """The coefficients of the axes under a prior of variance 1, wider for an uncommon cast.

    The last three axes are the casts. Skins vary much less than lamps do: light beyond the common
    has a long-tailed prior, found by reweighting, so that the cast takes what the skin would take.
    """
    prior = np.ones(len(gram), np.float32)
    for _ in range(REWEIGHTINGS):
        found = np.linalg.solve(gram + np.diag(prior), right).astype(np.float32)
        uncommon = np.abs(found[-3:]) > COMMON
        if not uncommon.any():
            break
        prior[-3:] = np.minimum(1, np.square(COMMON / np.maximum(np.abs(found[-3:]), 1e-6)))
    return found
