"""The identity that is nearest to what was sculpted: coefficients take what people differ in.

Minimises, over the change d of the identity,

    |d|^2  +  sum_v  n_v |J_v d - s_v|^2 / sigma^2

with J the identity modes and s the sculpt. d is in standard deviations of the population, so what
takes an unlikely person stays with the sculpt. n_v counts patches of skin that are independent of
each other rather than vertices: a finer mesh must not outweigh the population.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..data import FloatArray
from .model import HeadModel
from .population import plausible_share

# sigma, metres: how far a face lies from the model's nearest. The diameter of a patch, metres.
SIGMA, PATCH = 0.0005, 0.04


def refitted(model: HeadModel, identity: FloatArray, moved: FloatArray) -> FloatArray:
    """(I,) the identity with what it can take of (V, 3) ``moved``, metres.

    The skin alone is looked at: eyes and teeth have no shape that a person would sculpt.
    """
    weight = _patches(model) / SIGMA**2
    modes, sculpt = _skin(model, model.shape.identity), _skin(model, moved[None])[0]
    rows = modes.reshape(len(modes), -1)
    pull = np.repeat(weight, 3)
    system = np.eye(len(modes)) + (rows * pull) @ rows.T
    change = np.linalg.solve(system, rows @ (pull * sculpt.reshape(-1)))
    return np.asarray(identity + plausible_share(identity, change) * change, np.float32)


def _skin(model: HeadModel, values: FloatArray) -> np.ndarray:
    """(N, V, 3) -> (N, S, 3) of the skin's vertices."""
    return np.asarray(values[:, skin_vertices(model)], np.float64)


@lru_cache(maxsize=2)
def skin_vertices(model: HeadModel) -> np.ndarray:
    """(S,) indices of the vertices of the skin."""
    return np.unique(model.quads[model.part_faces("skin")])


@lru_cache(maxsize=2)
def _patches(model: HeadModel) -> np.ndarray:
    """(S,) of how many patches of skin each of its vertices is, by its share of the area."""
    quads = model.quads[model.part_faces("skin")]
    a, b, c, d = np.moveaxis(model.shape.mean[quads].astype(np.float64), 1, 0)
    areas = np.linalg.norm(np.cross(c - a, d - b), axis=1) / 2
    share = np.bincount(quads.ravel(), np.repeat(areas / 4, 4), model.vertex_count)
    return np.asarray(share[skin_vertices(model)] / (np.pi * (PATCH / 2) ** 2))
