"""Lips that meet in a person's p, b and m.

Expressions are linear: weights that press one person's lips together leave another's apart, or push
them through each other. So the jaw of a shape in which lips meet is set once per person.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data import FloatArray, IntArray
from ..head.loops import concentric_loops, mouth_rim
from .sets import VisemeSet, Weights

# How far the upper lip reaches over the lower one where they are farthest apart, metres: that much
# at rest, and it hides what lies between vertices.
OVERLAP = 0.0001
# One of this many of the rim's vertices is the number of rings in which lips touch; that many
# columns at each corner, where both lips run into each other, are not compared.
_RINGS, _CORNER = 11, 2
# The activations of jawOpen and mouthClose within which lips are brought together, and the halvings
# of that range: to a millionth.
_REACH, _HALVINGS = 0.4, 20
_PLACES = 41


@dataclass(frozen=True)
class Lips:
    """(R, C) vertices in which the upper and the lower lip may touch: rings, and columns."""

    upper: IntArray
    lower: IntArray


@dataclass(frozen=True)
class Mouth:
    """What moves a person's lips.

    Attributes
    ----------
    rest: (V, 3) metres, head space. keys: (E, V, 3) displacements at activation 1. names: (E,).
    lips: None where the mesh has none that are known.
    """

    rest: FloatArray
    keys: FloatArray
    names: tuple[str, ...]
    lips: Lips | None

    def posed(self, weights: Weights) -> FloatArray:
        """(V, 3) with these weights; those of expressions that there are not count as 0."""
        moved = self.rest.astype(np.float64)
        for name, value in weights.items():
            if name in self.names:
                moved = moved + value * self.keys[self.names.index(name)]
        return np.asarray(moved)


def lips_of(
    vertices: FloatArray, quads: IntArray, part: np.ndarray, part_names: tuple[str, ...]
) -> Lips | None:
    """The lips of a head at rest (V, 3), metres; None where skin and mouth share no loop."""
    rim = mouth_rim(quads, part, part_names)
    count = max(1, len(rim) // _RINGS)
    if len(rim) < 4 * (_CORNER + 2):
        return None
    skin = quads[part == part_names.index("skin")]
    rings = np.stack(concentric_loops(skin, rim, count))
    places = vertices[rim]
    low, high = sorted((int(places[:, 0].argmax()), int(places[:, 0].argmin())))
    one = np.arange(low + _CORNER, high - _CORNER + 1)
    other = np.arange(high + _CORNER, len(rim) + low - _CORNER + 1) % len(rim)
    if places[one, 1].mean() < places[other, 1].mean():
        one, other = other, one
    return Lips(rings[:, one], rings[:, other])


def lip_opening(vertices: FloatArray, lips: Lips) -> FloatArray:
    """(N,) metres between the lips along the mouth, as seen from the front.

    Below 0 the upper lip reaches over the lower one.
    """
    above, upper = _edge(vertices[lips.upper], -1)
    below, lower = _edge(vertices[lips.lower], 1)
    ends = max(above[0], below[0]), min(above[-1], below[-1])
    places = np.linspace(*ends, _PLACES)
    return np.asarray(np.interp(places, above, upper) - np.interp(places, below, lower))


def settled(shapes: VisemeSet, mouth: Mouth) -> dict[str, dict[str, float]]:
    """The weights of a set for a person: where lips shall meet, their jaw makes them meet."""
    return {
        name: _closed(weights, mouth) if name in shapes.closing else dict(weights)
        for name, weights in shapes.shapes.items()
    }


def _closed(weights: Weights, mouth: Mouth) -> dict[str, float]:
    """``weights`` with as much of jawOpen or mouthClose as it takes for the lips to meet."""
    if mouth.lips is None:
        return dict(weights)
    lips, low, high = mouth.lips, -_REACH, _REACH
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        opening = lip_opening(mouth.posed(_with_jaw(weights, middle)), lips).max()
        low, high = (middle, high) if opening < -OVERLAP else (low, middle)
    return _with_jaw(weights, low)


def _with_jaw(weights: Weights, more: float) -> dict[str, float]:
    name = "jawOpen" if more > 0 else "mouthClose"
    return {**weights, name: weights.get(name, 0.0) + abs(more)}


def _edge(lip: FloatArray, side: int) -> tuple[FloatArray, FloatArray]:
    """Of a lip (R, C, 3) the x of its lowest (-1) or highest (1) points, in order, and their y."""
    ring = (side * lip[..., 1]).argmax(0)
    edge = lip[ring, np.arange(lip.shape[1])]
    edge = edge[np.argsort(edge[:, 0])]
    return edge[:, 0], edge[:, 1]
