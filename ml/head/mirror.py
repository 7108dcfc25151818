"""What a horizontal flip of the picture does to everything that is said of a head in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data import FloatArray, IntArray
from .arkit import EXPRESSION_NAMES, mirrored_name
from .model import HeadModel

FLIP = np.array([-1.0, 1.0, 1.0], np.float32)


@dataclass(frozen=True)
class Mirror:
    """Index and sign changes of a flip.

    Attributes
    ----------
    points: (L,) the landmark on the other side. expression: (E,) the twin expression.
    identity: (I,) +1 for symmetric modes, -1 for antisymmetric ones (see
    ml/training/head/statistics/components.py).
    """

    points: IntArray
    expression: IntArray
    identity: FloatArray


def make_mirror(reference: HeadModel) -> Mirror:
    """The mirror of a model whose modes are symmetric or antisymmetric."""
    dense = reference.points("dense")
    # At rest the lips touch and inner points of both lie together: part them first.
    parted = dense.mean + 0.6 * dense.expression[EXPRESSION_NAMES.index("jawOpen")]
    distance = np.linalg.norm(parted[:, None] - (parted * FLIP)[None], axis=2)
    twins = (distance + distance.T).argmin(1)
    swapped = dense.identity[:, twins] * FLIP
    agreement = (swapped * dense.identity).sum((1, 2))
    names = list(EXPRESSION_NAMES)
    return Mirror(
        twins.astype(np.int32),
        np.array([names.index(mirrored_name(name)) for name in names], np.int32),
        np.sign(agreement).astype(np.float32),
    )


def flip(labels: dict[str, np.ndarray], index: int, mirror: Mirror, width: int) -> None:
    """The labels of sample ``index`` after a flip of its ``width`` pixels, in place."""
    points = labels["points"][index][mirror.points]
    points[:, 0] = width - points[:, 0]
    labels["points"][index] = points
    for name in ("point_weight", "visible"):
        labels[name][index] = labels[name][index][mirror.points]
    labels["identity"][index] *= mirror.identity
    labels["expression"][index] = labels["expression"][index][mirror.expression]
    labels["rotation"][index] = labels["rotation"][index] * FLIP[:, None] * FLIP[None]
