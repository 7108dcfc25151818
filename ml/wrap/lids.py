"""Lids that close on a head that keeps its own shape: its eyes are open as far as its own are."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from ..data import FloatArray
from .plate import plate_of, settled
from .register import Registered

# The closing key of each eye, and the numbers of its upper and lower lid.
_EYES = (("eyeBlinkRight", 3), ("eyeBlinkLeft", 5))
# Metres: lids that are so near when closed meet there; what lies beyond stays as it is.
_MEETS, _STAYS = 0.0015, 0.014
# How much of a gap the upper lid closes; weights of what is known.
_UPPER, _KNOWN = 0.9, 1e3


def closing(
    result: Registered, own: FloatArray, keys: FloatArray, names: tuple[str, ...]
) -> FloatArray:
    """(E, V, 3) ``keys`` whose lids meet on a head with (V, 3) vertices ``own``.

    own, keys: in the goal's space. The wrapped head's lids meet as the goal's do; where they meet,
    they are brought together on the own head, and the skin around them follows.
    """
    closed = keys.copy()
    for name, upper in _EYES:
        if name in names:
            number = names.index(name)
            closed[number] += _correction(result, own, keys[number], upper)
    return closed


def _correction(result: Registered, own: FloatArray, key: FloatArray, upper: int) -> FloatArray:
    """(V, 3) what one closing key lacks."""
    wrapped = result.surface.vertices + key
    above, below = (np.flatnonzero(result.side == side) for side in (upper, upper + 1))
    correction = np.zeros_like(key)
    if not len(above) or not len(below):
        return correction
    away, nearest = cKDTree(wrapped[below]).query(wrapped[above])
    meets = away < _MEETS
    above, partner = above[meets], below[nearest[meets]]
    if not len(above):
        return correction
    gap = (own[partner] - own[above]) - (
        result.surface.vertices[partner] - result.surface.vertices[above]
    )
    near = cKDTree(own[above]).query(own)[0]
    area = np.flatnonzero((near < 1.5 * _STAYS) & result.skin)
    weight, wanted = np.zeros(len(own)), np.zeros((len(own), 3))
    weight[near > _STAYS] = _KNOWN
    for which, share in ((partner, _UPPER - 1), (above, _UPPER)):
        np.add.at(weight, which, _KNOWN)
        np.add.at(wanted, which, _KNOWN * share * gap)
    part = result.surface.part(area)
    correction[area] = settled(plate_of(part), weight[area], wanted[area])
    return correction
