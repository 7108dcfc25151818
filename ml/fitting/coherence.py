"""Expressions that a face can have: opposed ones exclude each other, and both eyes look one way.

The fit moves controls, fewer than there are expressions. One control that goes from -1 to 1 stands
for two opposed expressions; a gaze to the side, one up or down and a convergence stand for the
eight of the eyes. So no result can hold a mouth that is drawn to both sides, or eyes that diverge
or look up and down at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from ..data import FloatArray
from ..head.arkit import EXPRESSION_NAMES

# What the muscles cannot do together: the first for positive values of the control.
OPPOSED = (
    ("mouthLeft", "mouthRight"),
    ("jawLeft", "jawRight"),
    ("mouthSmileLeft", "mouthFrownLeft"),
    ("mouthSmileRight", "mouthFrownRight"),
    ("eyeWideLeft", "eyeBlinkLeft"),
    ("eyeWideRight", "eyeBlinkRight"),
)
# Both eyes together; the first two and the second two for a positive value.
_GAZE = (
    (("eyeLookOutLeft", "eyeLookInRight"), ("eyeLookInLeft", "eyeLookOutRight")),
    (("eyeLookUpLeft", "eyeLookUpRight"), ("eyeLookDownLeft", "eyeLookDownRight")),
)
_INWARD = (("eyeLookInLeft", "eyeLookInRight"), ("eyeLookOutLeft", "eyeLookOutRight"))
# Of each eye, in units of its key, which turns it by 26 degrees: looking at something 28 cm away.
MOST_CONVERGENT = 0.25


@dataclass(frozen=True)
class Controls:
    """What the fit moves in place of E expressions: C numbers.

    Attributes
    ----------
    weights: (E, C); expressions are ``weights @ controls``, opposed ones its part within 0..1.
    low, high: (C,) bounds of the controls.
    """

    weights: FloatArray
    low: FloatArray
    high: FloatArray

    def expression(self, values: FloatArray) -> FloatArray:
        """(E,) expressions of (C,) controls."""
        moved = self.weights @ values
        return np.where(self._opposed, np.clip(moved, 0, 1), moved).astype(np.float32)

    def slope(self, values: FloatArray) -> FloatArray:
        """(E, C) derivative of :meth:`expression`.

        Of opposed expressions at rest it is that for controls that grow.
        """
        moved = (self.weights @ values)[:, None]
        acts = (moved > 0) | ((moved == 0) & (self.weights > 0)) | ~self._opposed[:, None]
        return np.asarray(self.weights * acts)

    def of(self, expression: FloatArray) -> FloatArray:
        """(C,) controls whose expressions are nearest to (E,) ones.

        Of opposed expressions the difference counts, which is about what they do to a face.
        """
        return self.clipped(np.clip(expression, 0, 1) @ self.weights / self.stiffness)

    def clipped(self, values: FloatArray) -> FloatArray:
        """(C,) ``values`` within the bounds."""
        return np.clip(values, self.low, self.high).astype(np.float32)

    @cached_property
    def stiffness(self) -> FloatArray:
        """(C,) how many expressions each control stands for at a time."""
        return np.maximum(self.weights, 0).sum(0).astype(np.float32)

    def precision(self, values: FloatArray, sigma: FloatArray) -> FloatArray:
        """(C,) what controls that are believed to be ``values`` weigh if expressions have (E,)
        ``sigma``; of opposed expressions the sigma of the one that acts counts."""
        acting = np.where(values >= 0, np.maximum(self.weights, 0), np.maximum(-self.weights, 0))
        return np.asarray(sigma**-2.0 @ acting, dtype=np.float32)

    @cached_property
    def _opposed(self) -> np.ndarray:
        """(E,) bool: expressions that share a control with their opposite."""
        shared = (self.weights < 0).any(0)
        return np.asarray((self.weights[:, shared] != 0).any(1))


@lru_cache
def controls_of(count: int) -> Controls:
    """The controls of ``count`` expressions: coherent ones for ARKit's, else one for each."""
    if count != len(EXPRESSION_NAMES):
        weights = np.eye(count, dtype=np.float32)
        return Controls(weights, np.zeros(count, np.float32), np.ones(count, np.float32))
    pairs = [((one,), (other,)) for one, other in OPPOSED]
    signed = [*pairs, *_GAZE, _INWARD]
    bound = {name for sides in signed for names in sides for name in names}
    free = [((name,), ()) for name in EXPRESSION_NAMES if name not in bound]
    columns = [*free, *signed]
    weights = np.zeros((count, len(columns)), np.float32)
    for column, (positive, negative) in enumerate(columns):
        for sign, names in ((1, positive), (-1, negative)):
            weights[[EXPRESSION_NAMES.index(name) for name in names], column] = sign
    low = np.array([0] * len(free) + [-1] * (len(signed) - 1) + [0], np.float32)
    high = np.array([1] * (len(columns) - 1) + [MOST_CONVERGENT], np.float32)
    return Controls(weights, low, high)
