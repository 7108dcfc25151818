"""Smooth curves without lag, and let fast movements be fast.

A full smoother: the most likely curve given all frames, before and after. A channel moves with an
acceleration that is unknown (an integrated random walk) and is seen with noise; its solution is
that of a Rauch-Tung-Striebel smoother, found at once from its banded normal equations.
How large accelerations are is found with the curve, frame by frame from those around: at rest they
are small, and where a lid falls they are not, so that the curve is still at rest and sharp in a
blink (iteratively reweighted least squares; each alone, they would make a wave of straight lines).
Frames that show nothing have no weight: they are interpolated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import solveh_banded
from scipy.ndimage import uniform_filter1d

Array = npt.NDArray[np.float64]
ITERATIONS = 12
# Frames that tell of one how large its acceleration may be.
AROUND = 5


@dataclass(frozen=True)
class Smoothing:
    """How smooth.

    Attributes
    ----------
    cutoff: Hz, above which what is at rest is noise. least: standard deviation of the noise of a
    channel, at least, in its own unit.
    """

    cutoff: float = 2.0
    least: float = 1e-4


def smoothed(
    times: Array, values: Array, variance: Array, seen: np.ndarray, how: Smoothing
) -> Array:
    """(F, C) smooth channels.

    Parameters
    ----------
    times: (F,) seconds, increasing. values: (F, C); those of frames that are not ``seen`` (F,) mean
    nothing. variance: (F, C) as the fit knows it: how its noise compares with other frames'.
    """
    if int(seen.sum()) < 3:
        return _held(times, values, seen)
    rows = _accelerations(times)
    step = float(np.median(np.diff(times)))
    stiffness = (2 * np.sin(min(np.pi * how.cutoff * step, np.pi / 2))) ** -4.0
    found = np.empty_like(values, np.float64)
    for channel in range(values.shape[1]):
        noise = noise_of(values[seen, channel])
        noise = np.maximum(noise, how.least)
        relative = variance[:, channel] / np.median(variance[seen, channel])
        weight = np.where(seen, 1 / np.clip(relative, 0.1, 10), 0) / noise**2
        found[:, channel] = _curve(rows, values[:, channel], weight, noise**2 / stiffness)
    return found


def noise_of(values: Array) -> float:
    """The standard deviation of white noise in (F,) values, by their fourth differences."""
    if len(values) < 5:
        return 0.0
    fourth = np.diff(values, 4)
    return float(1.4826 * np.median(np.abs(fourth)) / 70**0.5)


def _accelerations(times: Array) -> Array:
    """(F - 2, 3) what three values in a row add to the acceleration in the middle, per step^2."""
    before, after = np.diff(times)[:-1], np.diff(times)[1:]
    unit = float(np.median(np.diff(times))) ** 2
    both = before + after
    rows = [2 / (before * both), -2 / (before * after), 2 / (after * both)]
    return np.asarray(np.stack(rows, 1) * unit)


def _curve(rows: Array, values: Array, weight: Array, calm: float) -> Array:
    """The most likely curve of one channel. calm: variance of the acceleration at rest."""
    values = np.where(weight > 0, values, 0.0)
    share, curve = np.ones(len(rows)), values
    for _ in range(ITERATIONS):
        band = _normal(rows, share / calm)
        band[2] += weight
        curve = solveh_banded(band, weight * values)
        bends = (rows * np.stack([curve[:-2], curve[1:-1], curve[2:]], 1)).sum(1)
        share = 1 / (1 + uniform_filter1d(bends**2, AROUND, mode="nearest") / calm)
    return np.asarray(curve)


def _normal(rows: Array, weight: Array) -> Array:
    """(3, F) the upper diagonals of ``rows.T @ diag(weight) @ rows``, as of solveh_banded."""
    count = len(rows) + 2
    band = np.zeros((3, count))
    for first in range(3):
        for second in range(first, 3):
            place = slice(second, second + len(rows))
            band[2 - (second - first), place] += weight * rows[:, first] * rows[:, second]
    return band


def _held(times: Array, values: Array, seen: np.ndarray) -> Array:
    """Where hardly anything was seen: straight lines between, and no change before and after."""
    if not seen.any():
        return np.zeros_like(values, np.float64)
    columns = [np.interp(times, times[seen], column[seen]) for column in values.T]
    return np.stack(columns, 1)
