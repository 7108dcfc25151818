"""Targets of the detail network: the difference of a person from the fitted head, on the window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...data import FloatArray, IntArray
from ...detail.window import Window
from ...head.model import HeadModel

_NEIGHBOURS = 3


@dataclass(frozen=True)
class Transfer:
    """A correspondence from D vertices of the reference head to the texels of a window.

    Both heads share one mean shape, so the nearest vertex there is the same place.

    Attributes
    ----------
    texels: (N,) of the skin, numbered row by row.
    nearest: (N, K) vertices. weights: (N, K) sum to 1, by inverse distance.
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


def make_transfer(mean: FloatArray, skin: IntArray, window: Window) -> Transfer:
    """The correspondence on the mean head (D, 3), with those vertices only that are ``skin``."""
    texels = np.flatnonzero(window.skin)
    places = window.places.reshape(-1, 3)[texels]
    found, weights = nearest(mean[skin], places)
    return Transfer(window, texels.astype(np.int32), skin[found].astype(np.int32), weights)


def nearest(points: FloatArray, places: FloatArray) -> tuple[np.ndarray, FloatArray]:
    """Two (N, K): for each of (N, 3) places, numbers of the nearest of (D, 3) points, and their
    shares by inverse distance, which sum to 1."""
    from scipy.spatial import cKDTree

    distance, found = cKDTree(points).query(places, k=_NEIGHBOURS)
    weights = 1 / (distance + 1e-5)
    return found, (weights / weights.sum(1, keepdims=True)).astype(np.float32)


@dataclass(frozen=True)
class Lack:
    """The difference of a person from the fitted head: individual folds, and the error of the
    fitted identity. In the band, the second is the larger by far.

    Attributes
    ----------
    modes: (I, G, G, 3) motion in mm of the window's texels per identity mode, in their frames.
    """

    transfer: Transfer
    modes: FloatArray

    def field(self, folds: FloatArray, true: FloatArray, fitted: FloatArray) -> FloatArray:
        """(D, 3) mm in head space and two identities (I,) -> (G, G, 3) mm."""
        missed = np.tensordot(true - fitted, self.modes, 1)
        return np.asarray(self.transfer.field(folds) + missed, dtype=np.float32)


def make_lack(transfer: Transfer, model: HeadModel) -> Lack:
    """The modes of ``model`` without rotation, translation and scale of the face: the size of a
    head is not known from a photo, and is not detail."""
    window = transfer.window
    share = (window.skin * window.allowed)[..., None]
    rigid = _similarities(window.places)
    ahead = np.linalg.pinv((rigid * share).reshape(len(rigid), -1).T)
    modes = []
    for mode in model.shape.identity:
        moved = window.on(mode)
        stiff = np.tensordot(ahead @ (moved * share).ravel(), rigid, 1)
        modes.append(window.in_frames((moved - stiff) * window.skin[..., None]))
    return Lack(transfer, np.stack(modes))


def _similarities(places: FloatArray) -> FloatArray:
    """(7, G, G, 3): translation, rotation and scale of (G, G, 3) places, linearised."""
    moves = [np.broadcast_to(axis, places.shape) for axis in np.eye(3)]
    turns = [np.cross(axis, places) for axis in np.eye(3)]
    return np.stack([*moves, *turns, places]).astype(np.float32)
