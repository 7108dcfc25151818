"""The colour of irises without the light of the photo: the likeliest of those that people have.

An iris is small, dark and behind a mirror: what a photo shows of it is its albedo in an uncertain
light, with some of the sky on it. Every iris of a range that runs from black over brown, amber,
hazel, green and grey to blue is compared with that, and the mean of all, weighted by how likely
each is, is the answer. No such mean is mauve, orange or white, whatever the photo shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..data import FloatArray
from ..geometry.colour import LUMINANCE, linear_of, srgb_of

# sRGB of irises that people have, in the order in which one passes into the next, and how common
# each is among people with pale and with dark skin.
IRISES = np.array(
    [[34, 22, 16], [52, 34, 22], [74, 47, 28], [94, 63, 36], [122, 84, 42], [112, 92, 56],
     [100, 104, 72], [112, 116, 100], [120, 126, 128], [104, 122, 138], [90, 118, 146],
     [124, 152, 176]], np.float32,
)  # fmt: skip
PALE_SHARES = (0.05, 0.11, 0.12, 0.1, 0.03, 0.1, 0.09, 0.06, 0.09, 0.09, 0.1, 0.06)
DARK_SHARES = (0.4, 0.42, 0.14, 0.025, 0.004, 0.004, 0.002, 0.001, 0.001, 0.001, 0.001, 0.001)
# Steps from one of them to the next, and the standard deviation of the logarithm of how bright each
# is, about that.
STEPS, BRIGHTNESS = 3, 0.25
# Linear light that a wet cornea reflects, as a share of what comes to the eye: amounts, how common
# each is, and the colours of what is reflected.
REFLECTED, REFLECTED_SHARES = (0.0, 0.003, 0.008, 0.016), (0.3, 0.4, 0.22, 0.08)
SURROUNDINGS = np.array([[1.0, 1.0, 1.0], [0.8, 1.0, 1.25]], np.float32)
# Shares of the lids' skin that may be mixed into an iris of this radius, pixels, and how common
# each is: less in larger ones.
VEILS, VEIL_SHARES, VEILED = np.array([0.0, 0.06, 0.14]), (0.4, 0.4, 0.2), 5.0
# The lids and lashes shade an iris more than the white beside it: the logarithm of that, and the
# standard deviations of the light's logarithm: its brightness where the white was measured and
# where not, both axes of its tint, and each channel of the measurement.
SHADED, KNOWN_LIGHT, GUESSED_LIGHT, TINT, NOISE = -0.4, 0.35, 0.45, 0.07, 0.08
# Radius of an iris, pixels, below which that measurement is worse, and never tells both apart.
SHARP = 5.0
_TINTS = np.array([[1, 0, -1], [0.5, -1, 0.5]], np.float32)
# The share of people whose two irises differ: photos must be so much likelier if they do.
DIFFERING = 0.002


@dataclass(frozen=True)
class SeenIris:
    """What a photo shows of one iris.

    Attributes
    ----------
    freed: (3,) linear: its colour divided by the light on it. skin: (3,) linear albedo of the
        lids round it. known: whether the light was measured on the eye's white. size: its radius
        in the photo, pixels.
    """

    freed: FloatArray
    skin: FloatArray
    known: bool = True
    size: float = 8.0


def likely_irises(
    seen: Sequence[SeenIris | None], pale: float, *, hued: bool = True
) -> list[FloatArray]:
    """(3,) sRGB 0..255 of both irises of a person: one colour, unless they surely differ.

    seen: of each eye; None: hidden. pale: 0..1, of the skin from dark to pale. hued: whether the
    photo tells hues.
    """
    irises, prior = _range_of_irises()
    shares = np.log(prior[0]) * (1 - pale) + np.log(prior[1]) * pale
    shares -= _log_sum(shares)
    each = [
        np.zeros(len(shares)) if one is None else _likelihood(one, irises, hued=hued)
        for one in seen
    ]
    alike = shares + sum(each)
    apart = [shares + own for own in each]
    both = hued and all(one is not None and one.size >= SHARP for one in seen)
    gain = sum(_log_sum(own) for own in apart) - _log_sum(alike)
    if both and gain + np.log(DIFFERING) > 0:
        return [_mean(own, irises) for own in apart]
    return [_mean(alike, irises)] * len(seen)


@lru_cache(maxsize=1)
def _range_of_irises() -> tuple[FloatArray, FloatArray]:
    """(N, 3) logarithms of linear albedo, and (2, N) how common each is, for dark and pale skin."""
    known = np.log(linear_of(IRISES))
    place = np.linspace(0, len(known) - 1, STEPS * (len(known) - 1) + 1)
    between = np.stack([np.interp(place, np.arange(len(known)), c) for c in known.T], 1)
    common = [np.interp(place, np.arange(len(known)), row) for row in (DARK_SHARES, PALE_SHARES)]
    bright = np.linspace(-2, 2, 5)
    irises = between[:, None] + BRIGHTNESS * bright[None, :, None]
    shares = np.array(common)[:, :, None] * np.exp(-(bright**2) / 2)
    shares = shares.reshape(2, -1)
    return irises.reshape(-1, 3).astype(np.float32), shares / shares.sum(1, keepdims=True)


def _likelihood(seen: SeenIris, irises: FloatArray, *, hued: bool) -> np.ndarray:
    """(N,) logarithms: how well each iris explains what the photo shows."""
    veils = VEILS * min(1.0, VEILED / seen.size)
    extra = np.concatenate(
        [amount * SURROUNDINGS + veil * seen.skin for amount in REFLECTED for veil in veils]
    )
    shares = np.outer(REFLECTED_SHARES, VEIL_SHARES).ravel()
    common = np.log(np.repeat(shares, len(SURROUNDINGS)) / len(SURROUNDINGS))
    shown = np.exp(irises)[:, None] + extra
    light = KNOWN_LIGHT if seen.known else GUESSED_LIGHT
    # A small iris is mixed with lashes and white.
    noise = NOISE * max(1.0, SHARP / seen.size) ** 2
    freed = np.maximum(seen.freed, 0.002)
    if hued:
        miss = np.log(freed) - np.log(shown) - SHADED
        spread = light**2 * np.ones((3, 3)) + TINT**2 * _TINTS.T @ _TINTS + noise**2 * np.eye(3)
        square = ((miss @ np.linalg.inv(spread)) * miss).sum(2)
    else:
        gray = np.log(freed @ LUMINANCE) - np.log(shown @ LUMINANCE) - SHADED
        square = gray**2 / (light**2 + noise**2)
    return _log_sum(common - square / 2)


def _mean(weights: np.ndarray, irises: FloatArray) -> FloatArray:
    """(3,) sRGB of the mean iris; weights: (N,) logarithms."""
    return srgb_of(np.exp(np.exp(weights - _log_sum(weights)) @ irises).astype(np.float32))


def _log_sum(values: np.ndarray) -> np.ndarray:
    """The logarithm of the sum, over the last axis, of what ``values`` are the logarithms of."""
    most = values.max(-1)
    return np.asarray(most + np.log(np.exp(values - most[..., None]).sum(-1)))
