"""What the sliders measure: lengths between landmarks of a head at rest, in millimetres.

Landmarks are indices into the set "dense": the first 478 are MediaPipe's, the others lie on ears,
skull and neck. Measures of one side are the mean of both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..data import FloatArray
from ..geometry import MILLIMETRES
from ..head.model import HeadModel

LANDMARKS = "dense"
X, Y, Z = range(3)
Landmarks = Sequence[int] | int


class Span(NamedTuple):
    """From the mean of the landmarks ``start`` to that of ``end``.

    axis: X, Y or Z of head space: along it, with its sign; None: the distance.
    """

    start: tuple[int, ...]
    end: tuple[int, ...]
    axis: int | None = None
    weight: float = 1.0


@dataclass(frozen=True)
class Measure:
    """A weighted sum of spans, in millimetres."""

    name: str
    spans: tuple[Span, ...]

    def of(self, points: FloatArray) -> np.ndarray:
        """(..., L, 3) landmarks in metres -> (...,) millimetres."""
        lengths = [span.weight * _length(span, points) for span in self.spans]
        return np.asarray(MILLIMETRES * sum(lengths))

    def slope(self, points: FloatArray, modes: FloatArray) -> np.ndarray:
        """(I,) millimetres that each of (I, L, 3) modes adds to (L, 3) landmarks."""
        total = np.zeros(len(modes))
        for span in self.spans:
            across, moved = _across(span, points), _across(span, modes)
            if span.axis is not None:
                total += span.weight * moved[:, span.axis]
            else:
                total += span.weight * moved @ (across / np.linalg.norm(across))
        return np.asarray(MILLIMETRES * total)


def _across(span: Span, points: FloatArray) -> np.ndarray:
    """(..., L, 3) -> (..., 3) from start to end."""
    start, end = (points[..., list(side), :].mean(-2) for side in (span.start, span.end))
    return np.asarray(end - start, np.float64)


def _length(span: Span, points: FloatArray) -> np.ndarray:
    across = _across(span, points)
    return across[..., span.axis] if span.axis is not None else np.linalg.norm(across, axis=-1)


def _sides(right: Span, left: Span) -> tuple[Span, ...]:
    """The mean of both sides."""
    return tuple(span._replace(weight=span.weight / 2) for span in (right, left))


def _one(start: Landmarks, end: Landmarks, axis: int | None = None) -> tuple[Span, ...]:
    return (_span(start, end, axis),)


def _span(start: Landmarks, end: Landmarks, axis: int | None = None) -> Span:
    return Span(_indices(start), _indices(end), axis)


def _indices(given: Landmarks) -> tuple[int, ...]:
    return (given,) if isinstance(given, int) else tuple(given)


# One for each slider of the name.
MEASURES = (
    Measure("face_width", _one((234, 227), (454, 447))),
    Measure("jaw_width", _one((58, 172), (288, 397))),
    Measure("chin_height", _one(152, 17, Y)),
    Measure("chin_depth", _one(2, 199, Z)),
    Measure("cheekbones", _one((33, 263, 61, 291), (50, 117, 280, 346), Z)),
    Measure("forehead", _one(9, 10, Y)),
    Measure("nose_length", _one(2, 168, Y)),
    Measure("nose_width", _one(64, 294)),
    Measure("nose_bridge", _one((133, 362), 6, Z)),
    Measure("nose_tip", _one(2, 4, Z)),
    Measure("eye_size", _sides(_span(33, 133), _span(263, 362))),
    Measure("eye_spacing", _one(468, 473)),
    Measure("eye_tilt", _one((133, 362), (33, 263), Y)),
    Measure("eye_depth", _one((468, 473), (105, 334, 168), Z)),
    Measure("brow_height", _one((468, 473), (52, 105, 282, 334), Y)),
    Measure("lip_fullness", _one(17, 0, Y)),
    Measure("mouth_width", _one(61, 291)),
    Measure("ear_size", _sides(_span(563, 565), _span(549, 551))),
    Measure("ear_angle", _sides(_span(561, 556, X), _span(542, 547, X))),
    Measure("neck", _one((657, 684), (587, 614))),
)
# What no slider is for, and what all leave as it is: the skull, the height of the skin between nose
# and mouth, and how far an eye of its length is open.
HELD = (
    Measure("head_width", _one(674, 604)),
    Measure("head_length", _one((608, 678), 9, Z)),
    Measure("philtrum", _one(0, 2, Y)),
    Measure(
        "eye_opening",
        (
            *_sides(_span(145, 159, Y), _span(374, 386, Y)),
            *(span._replace(weight=-0.2) for span in (_span(33, 133), _span(263, 362))),
        ),
    ),
)


@lru_cache(maxsize=2)
def slopes(model: HeadModel) -> FloatArray:
    """(M, I) millimetres that each mode adds to MEASURES and HELD on the average head."""
    shape = model.points(LANDMARKS)
    return np.stack([each.slope(shape.mean, shape.identity) for each in (*MEASURES, *HELD)])
