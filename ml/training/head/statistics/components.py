"""Principal components of a mixed population: identity modes in standard deviations.

People = ICT-FaceKit's modes (a light-stage population) and random MakeHuman people carried to the
same vertices. Every person counts together with their mirror image, so each mode is exactly
symmetric or antisymmetric: mirroring a face only flips the signs of the antisymmetric modes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....data import FloatArray, IntArray
from ....geometry.alignment import best_rotation
from ....geometry.mirror import MIRROR
from .sources import IctFaceKit

# Weight of a vertex in the analysis, by part. Inner parts follow; they should not cost modes.
PART_WEIGHTS = {"Face": 1.0, "Head and Neck": 0.5}
INNER_WEIGHT = 0.05


@dataclass(frozen=True)
class IdentityModes:
    """Modes sorted by how much weighted variance they explain.

    Attributes
    ----------
    modes: (I, V, 3) metres per standard deviation. symmetric: (I,) bool.
    explained: (I,) share of the weighted variance, cumulative.
    """

    modes: FloatArray
    symmetric: np.ndarray
    explained: FloatArray


def mirrored(fields: FloatArray, opposite: IntArray) -> FloatArray:
    """(..., V, 3) -> the same displacement fields on the other side of the face."""
    return np.asarray(fields[..., opposite, :] * MIRROR, dtype=np.float32)


def align_rigidly(people: FloatArray, target: FloatArray, rows: IntArray) -> FloatArray:
    """Remove each person's pose: rotation and translation fitted on ``rows``, no scale."""
    aligned = np.empty_like(people)
    goal = target[rows].mean(0)
    for index, person in enumerate(people):
        centre = person[rows].mean(0)
        turn = best_rotation(person[rows] - centre, target[rows] - goal)
        aligned[index] = (person - centre) @ turn.T + goal
    return aligned


def vertex_weights(ict: IctFaceKit) -> FloatArray:
    """(V,) square roots of area times importance, mean square 1."""
    quad = ict.mean[ict.quads]
    area = 0.5 * np.linalg.norm(np.cross(quad[:, 2] - quad[:, 0], quad[:, 3] - quad[:, 1]), axis=1)
    importance = np.array([PART_WEIGHTS.get(name, INNER_WEIGHT) for name in ict.part_names])
    weight = np.zeros(len(ict.mean))
    np.add.at(weight, ict.quads.ravel(), np.repeat(area * importance[ict.part] / 4, 4))
    return np.sqrt(weight / weight.mean()).astype(np.float32)


def identity_modes(
    deviations: FloatArray, opposite: IntArray, weights: FloatArray, count: int
) -> IdentityModes:
    """Analyse (n, V, 3) deviations that are scaled so that their sum of squares is the variance.

    The eigenvectors of (people, people) inner products are as good as those of (V, V) and small.
    """
    twins = mirrored(deviations, opposite)
    found: list[tuple[FloatArray, np.ndarray, bool]] = []
    for half, symmetric in (((deviations + twins) / 2, True), ((deviations - twins) / 2, False)):
        weighted = (half * weights[:, None]).reshape(len(half), -1).astype(np.float64)
        variance, vectors = np.linalg.eigh(weighted @ weighted.T)
        order = np.argsort(variance)[::-1][:count]
        # u^T X is the mode with length sqrt(variance): exactly one standard deviation.
        modes = vectors[:, order].T.astype(np.float32) @ half.reshape(len(half), -1)
        found.append((modes.reshape(-1, *half.shape[1:]), variance[order], symmetric))
    variance = np.concatenate([item[1] for item in found])
    order = np.argsort(variance)[::-1][:count]
    total = float(((deviations * weights[:, None]) ** 2).sum())
    return IdentityModes(
        np.concatenate([item[0] for item in found])[order],
        np.concatenate([np.full(len(item[1]), item[2]) for item in found])[order],
        (np.cumsum(variance[order]) / total).astype(np.float32),
    )
