"""Ears whose outline is round: the reference's is a polygon of its own, which ours would sample."""

from __future__ import annotations

import numpy as np

from ....data import FloatArray, IntArray
from .masks import ear_share

# Taubin's smoothing ("A signal processing approach to fair surface design", 1995): shares of the
# way to the neighbours' mean, inwards and out again, so that nothing shrinks; how often.
INWARDS, OUTWARDS, ROUNDS = 0.5, -0.53, 8


def rounding(rings: tuple[IntArray, IntArray], mean: FloatArray) -> np.ndarray:
    """(R, R) weights by which the vertices of both ears' rings are made round along each ring.

    rings: (K, P) of the left and the right ear, closed. mean: (V, 3) the average skin, metres. The
    weights apply to positions and to displacements alike, and leave what is not the ear alone.
    """
    rows = np.concatenate([ring.ravel() for ring in rings])
    following = np.concatenate([_shifted(ring, -1) for ring in rings])
    before = np.concatenate([_shifted(ring, 1) for ring in rings])
    place = np.full(len(mean), -1)
    place[rows] = np.arange(len(rows))
    one = np.eye(len(rows))
    share = ear_share(mean[rows])[:, None]
    middle = (one[place[following]] + one[place[before]]) / 2
    weights = one
    for _ in range(ROUNDS):
        for step in (INWARDS, OUTWARDS):
            weights = weights + step * share * ((middle - one) @ weights)
    return weights.astype(np.float32)


def rounded(field: FloatArray, rings: tuple[IntArray, IntArray], weights: np.ndarray) -> FloatArray:
    """(..., V, 3) on the skin with both ears made round by :func:`rounding`."""
    rows = np.concatenate([ring.ravel() for ring in rings])
    changed, own = field.copy(), field[..., rows, :]
    changed[..., rows, :] = np.einsum("rs,...sc->...rc", weights, own, optimize=True)
    return changed


def _shifted(ring: IntArray, step: int) -> IntArray:
    return np.roll(ring, step, axis=1).ravel()
