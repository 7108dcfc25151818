"""Lips that meet at rest whoever the person is, and stay together when mouthClose meets jawOpen."""

from __future__ import annotations

from ....data import FloatArray, IntArray
from ....head.model import LinearShape

# The ring round the mouth along which the lips touch, counted from the mouth's inner rim, and how
# much the rings from the rim outwards follow when the two lips are brought together.
CONTACT = 3
FOLLOW = (0.5, 0.7, 0.9, 1.0, 0.8, 0.5, 0.25, 0.1)


def meeting(field: FloatArray, rings: IntArray) -> FloatArray:
    """(..., V, 3) field changed so that facing vertices of the contact ring have the same value.

    ``rings`` (R, S): vertices of one half from the middle of the upper lip to the lower lip's; the
    corner in the middle, so that column c faces column S - 1 - c.
    """
    changed = field.copy()
    half = rings.shape[1] // 2
    upper, lower = rings[:, :half], rings[:, ::-1][:, :half]
    gap = field[..., lower[CONTACT], :] - field[..., upper[CONTACT], :]
    for ring, share in enumerate(FOLLOW[: len(rings)]):
        changed[..., upper[ring], :] += share * gap / 2
        changed[..., lower[ring], :] -= share * gap / 2
    return changed


def sealed(
    shape: LinearShape, names: tuple[str, ...], halves: tuple[IntArray, IntArray]
) -> LinearShape:
    """The shape with lips that meet. ``halves``: the rings on the left and right."""
    mean, identity, expression = shape.mean, shape.identity, shape.expression
    jaw, close = names.index("jawOpen"), names.index("mouthClose")
    for rings in halves:
        # The middle belongs to both halves: the second one leaves what the first has done.
        mean, identity = meeting(mean, rings), meeting(identity, rings)
        both = meeting(expression[jaw] + expression[close], rings)
        expression = expression.copy()
        expression[close] = both - expression[jaw]
    return LinearShape(mean, identity, expression)
