"""Between the reference head's vertices and the window and meshes of the shipped head.

Both heads share one mean shape, so places that are nearest there correspond.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...data import FloatArray, IntArray
from ...detail.window import Window
from ...head.levels import level_of
from ...head.mesh import blend
from ...head.model import HeadModel

_NEIGHBOURS = 3


@dataclass(frozen=True)
class ToWindow:
    """From D vertices of the reference to the texels of a window.

    Attributes
    ----------
    texels: (N,) of the skin, numbered row by row.
    nearest: (N, K) vertices. weights: (N, K) sum to 1, by inverse distance.
    """

    window: Window
    texels: IntArray
    nearest: IntArray
    weights: FloatArray

    def heights(self, offsets: FloatArray) -> FloatArray:
        """(D, 3) metres in head space -> (S, S) mm along the normals, zero off the skin."""
        skin = self.window.skin
        found = np.zeros((skin.size, 3), np.float32)
        found[self.texels] = (offsets[self.nearest] * self.weights[..., None]).sum(1)
        along = (found.reshape(*skin.shape, 3) * self.window.normals).sum(-1)
        return np.asarray(1000 * along, dtype=np.float32)


@dataclass(frozen=True)
class FromHigh:
    """From the W vertices of the shipped head's high level to the reference's V.

    nearest, weights: (V, 3) vertices by each of the reference's, and their shares.
    """

    nearest: IntArray
    weights: FloatArray

    def __call__(self, offsets: FloatArray) -> FloatArray:
        """(W, 3) -> (V, 3)."""
        return np.asarray((offsets[self.nearest] * self.weights[..., None]).sum(1))


def to_window(mean: FloatArray, skin: IntArray, window: Window) -> ToWindow:
    """From the mean reference head (D, 3), with those vertices only that are ``skin``."""
    texels = np.flatnonzero(window.skin)
    found, weights = nearest(mean[skin], window.places.reshape(-1, 3)[texels])
    return ToWindow(window, texels.astype(np.int32), skin[found].astype(np.int32), weights)


def from_high(model: HeadModel, reference: HeadModel) -> FromHigh:
    """From the high level of ``model`` to the vertices of ``reference``."""
    fine = level_of(model, "high")
    assert fine is not None
    skin = np.unique(fine.quads[fine.part == model.part_names.index("skin")])
    places = blend(fine.points, model.shape.mean)[skin]
    found, weights = nearest(places, reference.shape.mean)
    return FromHigh(skin[found], weights)


def nearest(points: FloatArray, places: FloatArray) -> tuple[np.ndarray, FloatArray]:
    """Two (N, K): for each of (N, 3) places, numbers of the nearest of (D, 3) points, and their
    shares by inverse distance, which sum to 1."""
    from scipy.spatial import cKDTree

    distance, found = cKDTree(points).query(places, k=_NEIGHBOURS)
    weights = 1 / (distance + 1e-5)
    return found, (weights / weights.sum(1, keepdims=True)).astype(np.float32)
