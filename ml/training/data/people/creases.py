"""How much light reaches the bottom of folds: their walls hide part of the surroundings.

On the smooth face, each direction's horizon is the skin itself; a fold's walls raise it. The share
of a cosine-weighted hemisphere above a horizon of slope t is 1 / (1 + t^2), averaged over the
directions. Ridges see all that the smooth face sees.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ....data import FloatArray, IntArray
from ..picture.scene import Stage
from .folds import fold_lines

# Walls this far away (metres) still count; vertices are this far apart at least.
_REACH, _NEAREST = 0.012, 2e-4
_DIRECTIONS = 8
# Bright skin sends part of what it gets into its own creases.
_BOUNCED = 0.25


class _Pairs(NamedTuple):
    """Vertices within _REACH of each other: ``one`` and ``other`` (P,), the distance (P,) along
    the skin, and the number (P,) of the direction from one to the other."""

    one: IntArray
    other: IntArray
    distance: FloatArray
    direction: IntArray


def openness(stage: Stage, folds: FloatArray) -> FloatArray:
    """(D,) 0..1: the share of the light that reaches each vertex of the head with these folds.

    folds: (D, 3) metres, see :func:`ml.training.data.people.folds.random_folds`.
    """
    pairs = _pairs(stage)
    height = (folds * fold_lines(stage).normals).sum(1)
    slope = (height[pairs.other] - height[pairs.one]) / pairs.distance
    horizon = np.zeros((len(height), _DIRECTIONS), np.float32)
    np.maximum.at(horizon, (pairs.one, pairs.direction), slope)
    direct = (1 / (1 + horizon**2)).mean(1)
    return np.asarray(direct + _BOUNCED * (1 - direct), dtype=np.float32)


@lru_cache(maxsize=1)
def _pairs(stage: Stage) -> _Pairs:
    """The pairs on the skin of ``stage``'s mean head."""
    from scipy.spatial import cKDTree

    lines, mean = fold_lines(stage), stage.shape.mean
    skin = np.flatnonzero(lines.skin > 0)
    found = skin[cKDTree(mean[skin]).query_pairs(_REACH, output_type="ndarray")]
    one, other = np.concatenate([found, found[:, ::-1]]).T
    way, normal = mean[other] - mean[one], lines.normals[one]
    way = way - (way * normal).sum(1, keepdims=True) * normal
    across = np.cross([0.0, 1.0, 0.0], normal)
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-6)
    upward = np.cross(normal, across)
    turn = np.arctan2((way * upward).sum(1), (way * across).sum(1)) / (2 * np.pi)
    direction = np.floor(turn * _DIRECTIONS).astype(np.int32) % _DIRECTIONS
    distance = np.maximum(np.linalg.norm(way, axis=1), _NEAREST)
    return _Pairs(one, other, distance.astype(np.float32), direction)
