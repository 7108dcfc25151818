"""Part the photo's colours into the skin's own and the light on it.

Everything is a sum of logarithms: log colour = log albedo + log light. A second-order
spherical-harmonic environment (Ramamoorthi and Hanrahan, "An Efficient Representation for
Irradiance Environment Maps", 2001) is fitted first; what it leaves is parted by the statistics of
ml.appearance.skin into albedo and the shadows and shine that harmonics miss. Both are Gaussian
about their means, so that their most likely values solve one small linear system.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data import FloatArray, IntArray
from ..rendering import harmonics_of
from .skin import SkinModel

# Log of how far a photo's exposure and the two sides of its white balance may be off.
EXPOSURE_SIGMA, TINT_SIGMA = 0.6, 0.08
TINTS = np.array([[1, 1, 1], [1, 0, -1], [0.5, -1, 0.5]], np.float32)
# Vertices beside each other say nearly the same: together they count as this many fewer.
CROWD = 12.0
# Harmonics above the mean are held small by as many vertices as this share of all that are seen.
CALM = 0.004
# Log residuals beyond this are shadows, hair and shine, not skin in that light.
OUTLIER = 0.35
ROUNDS = 3
DARKEST = 0.004
# What neither side's main axes explain is mostly broad shadow: light, if so many steps of
# averaging over the mesh leave it, and so much of it.
STEPS, BROAD = 8, 0.7


@dataclass(frozen=True)
class SkinColours:
    """What the photo says of V skin vertices.

    Attributes
    ----------
    colours: (V, 3) linear. weight: (V,) 0..1 how far they are believed. normals: (V, 3) unit,
    camera space. vague: (V,) 0..1, weight of colours that only hint at what is there, as hair
    does over a scalp.
    """

    colours: FloatArray
    weight: FloatArray
    normals: FloatArray
    vague: FloatArray


@dataclass(frozen=True)
class Parted:
    """Skin and light of V vertices.

    Attributes
    ----------
    albedo: (V, 3) log of linear albedo. light: (V, 3) log of what falls on it, shadows and shine
    included. harmonics: (9, 3) the smooth part in camera space, exposure included.
    """

    albedo: FloatArray
    light: FloatArray
    harmonics: FloatArray


def part(seen: SkinColours, skin: SkinModel, edges: IntArray) -> Parted:
    """The most likely skin and light behind an observation; edges: (E, 2) of its vertices."""
    basis = harmonics_of(seen.normals)
    log_seen = np.log(np.maximum(seen.colours, DARKEST))
    albedo, outlier = skin.mean, np.ones(len(basis), np.float32)
    for _ in range(ROUNDS):
        smooth, harmonics = _environment(seen, basis, np.exp(albedo), outlier)
        # How bright and of what colour the light is, the statistics decide.
        weight = seen.weight * outlier + 1e-9
        level = np.average(np.log(smooth), weights=weight, axis=0).astype(np.float32)
        smooth, harmonics = smooth / np.exp(level), harmonics / np.exp(level)
        left = log_seen - np.log(smooth)
        albedo, extra = _likeliest(left, seen, skin, outlier)
        miss = np.abs(left - albedo - extra).mean(1)
        outlier = (1 / (1 + (miss / OUTLIER) ** 2)).astype(np.float32)
    broad = _averaged(left - albedo - extra, seen.weight * outlier, edges)
    return Parted(albedo, np.log(smooth) + extra + BROAD * broad, harmonics)


def _averaged(values: FloatArray, weight: FloatArray, edges: IntArray) -> FloatArray:
    """(V, 3) values, each over and over the weighted mean of its neighbours'; 0 where unknown."""
    count = len(values)
    ends = np.concatenate([edges, edges[:, ::-1]])
    sums = np.column_stack([values * weight[:, None], weight]).astype(np.float32)
    degree = np.maximum(np.bincount(ends[:, 0], minlength=count), 1)[:, None]
    for _ in range(STEPS):
        around = np.stack(
            [np.bincount(ends[:, 0], column[ends[:, 1]], count) for column in sums.T], 1
        )
        sums = (0.5 * sums + 0.5 * around / degree).astype(np.float32)
    return sums[:, :3] / (sums[:, 3:] + 0.05)


def _environment(
    seen: SkinColours, basis: FloatArray, albedo: FloatArray, outlier: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """(V, 3) light of the harmonics that explain the colours best, and their (9, 3) numbers."""
    weight = seen.weight * outlier
    coefficients = np.empty((9, 3), np.float32)
    calm = np.diag([1e-4] + [CALM * max(float(weight.sum()), 1.0)] * 8)
    for channel in range(3):
        # In units of what is seen, so that dark skin and dark photos are held as calm as others.
        scale = max(float(np.average(seen.colours[:, channel], weights=weight + 1e-9)), DARKEST)
        design = basis * albedo[:, channel : channel + 1]
        typical = float(np.average(albedo[:, channel], weights=weight + 1e-9))
        normal = (design * weight[:, None]).T @ design / typical**2 + calm
        right = (design * weight[:, None]).T @ seen.colours[:, channel] / (typical * scale)
        coefficients[:, channel] = np.linalg.solve(normal, right) * scale / typical
    light = basis @ coefficients
    floor = 0.15 * np.median(light[seen.weight > 0.3], axis=0) if (seen.weight > 0.3).any() else 0
    return np.maximum(light, np.maximum(floor, 1e-3)).astype(np.float32), coefficients


def _likeliest(
    left: FloatArray, seen: SkinColours, skin: SkinModel, outlier: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """(V, 3) log albedo and (V, 3) log light beside the harmonics'."""
    noise = (skin.noise + skin.light.noise) * CROWD
    weight = seen.weight * outlier / noise + seen.vague / (CROWD * 0.35)
    casts = TINTS * np.array([[EXPOSURE_SIGMA], [TINT_SIGMA], [TINT_SIGMA]], np.float32)
    casts = np.broadcast_to(casts[:, None], (3, len(left), 3))
    axes = np.concatenate([skin.modes, skin.light.modes, casts])
    used = np.flatnonzero(weight > 1e-3 * weight.max(initial=1e-9))
    root = np.sqrt(weight[used])[None, :, None]
    design = (axes[:, used] * root).reshape(len(axes), -1)
    target = ((left - skin.mean)[used] * root[0]).reshape(-1)
    gram = design @ design.T + np.eye(len(axes), dtype=np.float32)
    found = np.linalg.solve(gram, design @ target).astype(np.float32)
    split = len(skin.modes)
    albedo = skin.mean + np.tensordot(found[:split], skin.modes, 1)
    return albedo, np.tensordot(found[split:], axes[split:], 1)
