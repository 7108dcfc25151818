"""Which photos of a person do not agree with the others about the identity.

Every photo is fitted alone first. The identity of one against the mean of the others: how much
better is it explained by two people than by one? Both are normal distributions; photos of one
person scatter by WITHIN, people by BETWEEN besides (as in probabilistic linear discriminant
analysis, Prince and Elder, ICCV 2007). The shape of a face tells this of the clearest cases only:
THRESHOLD is so high that photos of one person are hardly ever named.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..data import FloatArray

# Vagueness (ml.fitting.measures) of a sharp photo; the variance of the others grows with theirs.
SHARP = 0.006
# Variances of the first identity modes, in squared standard deviations of the population, and the
# logarithm of the likelihood ratio above which a photo is named. From
# ``python -m ml.evaluation quality --data DATA``, which prints them.
# fmt: off
WITHIN = (
    0.084, 0.1, 0.178, 0.06, 0.11, 0.114, 0.09, 0.112, 0.082, 0.053,
    0.082, 0.159, 0.063, 0.062, 0.029, 0.103, 0.031, 0.056, 0.034, 0.069,
)
BETWEEN = (
    0.264, 0.038, 0.189, 0.058, 0.073, 0.025, 0.042, 0.166, 0.03, 0.02,
    0.11, 0.091, 0.02, 0.02, 0.02, 0.044, 0.02, 0.02, 0.043, 0.071,
)
# fmt: on
THRESHOLD = 3.591


def strangers(identities: FloatArray, vagueness: Sequence[float]) -> list[int]:
    """Indices of photos whose identity does not agree with the others', the worst first.

    identities: (P, I) of photos fitted alone. vagueness: (P,). One is named at a time and the rest
    compared anew; at least half of them stay. Two photos that do not agree are both named.
    """
    left, named = list(range(len(identities))), list[int]()
    while len(left) > 1 and 2 * (len(named) + 1) <= len(identities):
        ratios = likelihood_ratios(identities[left], [vagueness[index] for index in left])
        worst = int(np.argmax(ratios))
        if ratios[worst] <= THRESHOLD:
            break
        if len(identities) == 2:
            return [0, 1]
        named.append(left.pop(worst))
    return named


def likelihood_ratios(
    identities: FloatArray,
    vagueness: Sequence[float],
    spread: tuple[Sequence[float], Sequence[float]] = (WITHIN, BETWEEN),
) -> np.ndarray:
    """(P,) logarithms of how much likelier each photo shows another person than the others show.

    Parameters
    ----------
    identities: (P, I), at least two. vagueness: (P,). spread: WITHIN and BETWEEN, of M modes.
    """
    within, between = (np.array(values) for values in spread)
    modes = np.asarray(identities, np.float64)[:, : len(within)]
    noise = np.maximum(np.array(vagueness) / SHARP, 1)
    ratios = []
    for index in range(len(modes)):
        others = np.arange(len(modes)) != index
        certainty = 1 / noise[others]
        mean = (modes[others] * certainty[:, None]).sum(0) / certainty.sum()
        one = within * (noise[index] + 1 / certainty.sum())
        two = one + 2 * between
        apart = (modes[index] - mean) ** 2
        ratios.append(0.5 * (apart * (1 / one - 1 / two) - np.log(two / one)).sum())
    return np.array(ratios)
