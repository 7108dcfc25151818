"""How a head's landmarks and coefficients change when its picture is mirrored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data import FloatArray, IntArray
from ..geometry.mirror import MIRROR
from .arkit import EXPRESSION_NAMES, mirrored_name
from .model import HeadModel


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
    # At rest the lips touch and the inner points of both coincide, so the jaw is opened first.
    opened = dense.mean + 0.6 * dense.expression[EXPRESSION_NAMES.index("jawOpen")]
    distance = np.linalg.norm(opened[:, None] - (opened * MIRROR)[None], axis=2)
    twins = (distance + distance.T).argmin(1)
    swapped = dense.identity[:, twins] * MIRROR
    agreement = (swapped * dense.identity).sum((1, 2))
    names = list(EXPRESSION_NAMES)
    return Mirror(
        twins.astype(np.int32),
        np.array([names.index(mirrored_name(name)) for name in names], np.int32),
        np.sign(agreement).astype(np.float32),
    )
