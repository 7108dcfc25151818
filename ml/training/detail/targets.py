"""True offsets of the drawn head laid out on the window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...data import FloatArray, IntArray
from ...detail.window import Window
from ..data.scene import Stage

_NEIGHBOURS = 3


@dataclass(frozen=True)
class Transfer:
    """From the D drawn vertices of the reference head to the texels of a window.

    Both heads share one mean shape, so what is nearest there is the same place.

    Attributes
    ----------
    texels: (N,) of the skin, numbered row by row.
    nearest: (N, K) drawn vertices. weights: (N, K) sum to 1, by inverse distance.
    """

    window: Window
    texels: IntArray
    nearest: IntArray
    weights: FloatArray

    def field(self, folds: FloatArray) -> FloatArray:
        """(D, 3) mm in head space -> (GRID, GRID, 3) field in mm, zero off the skin."""
        skin = self.window.skin
        offsets = np.zeros((skin.size, 3), np.float32)
        picked = (
            np.take(folds, self.nearest[:, k], axis=0) * self.weights[:, k, None]
            for k in range(_NEIGHBOURS)
        )
        offsets[self.texels] = sum(picked)
        return self.window.in_frames(offsets.reshape(*skin.shape, 3) / 1000)


def make_transfer(stage: Stage, window: Window) -> Transfer:
    """The correspondence on the mean head; the skin's own vertices only."""
    from scipy.spatial import cKDTree

    skin = np.flatnonzero(stage.is_part("Face", "Head and Neck"))
    texels = np.flatnonzero(window.skin)
    places = window.places.reshape(-1, 3)[texels]
    distance, found = cKDTree(stage.shape.mean[skin]).query(places, k=_NEIGHBOURS)
    weights = 1 / (distance + 1e-5)
    weights /= weights.sum(1, keepdims=True)
    return Transfer(
        window, texels.astype(np.int32), skin[found].astype(np.int32), weights.astype(np.float32)
    )
