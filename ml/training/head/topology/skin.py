"""The whole skin: the half layout mirrored, and what the reference knows carried over to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....data import FloatArray, IntArray
from ....head.model import SurfacePoints
from .layout import HalfLayout


@dataclass(frozen=True)
class SkinMesh:
    """Both halves joined.

    Attributes
    ----------
    quads: (F, 4). half: (N,) the half's vertex that each vertex is or mirrors. flipped: (N,) bool,
    whether it is on the right. mouth_rim: in order. mouth_rings: HalfLayout's, of the left and the
    right half. neck: the lower border in order, from the nape over the left. eye_rings: (rings, P)
    of the left and right eye, outermost first, column 0 at the inner canthus, the upper lid next.
    ear_rings: (rings, P) of the left and right ear, closed.
    """

    quads: IntArray
    half: IntArray
    flipped: np.ndarray
    mouth_rim: IntArray
    mouth_rings: tuple[IntArray, IntArray]
    neck: IntArray
    eye_rings: tuple[IntArray, IntArray]
    ear_rings: tuple[IntArray, IntArray]


def join_halves(layout: HalfLayout) -> SkinMesh:
    """Mirror the half; midline vertices are shared."""
    count = len(layout.places)
    middle = np.zeros(count, bool)
    middle[np.concatenate([layout.upper, layout.lower])] = True
    twin = np.arange(count, dtype=np.int32)
    twin[~middle] = count + np.arange((~middle).sum())
    right = twin[layout.quads][:, ::-1]
    rim, neck = (
        np.concatenate([line, twin[line[-2:0:-1]]]).astype(np.int32)
        for line in (layout.mouth_rim, layout.neck)
    )
    return SkinMesh(
        np.concatenate([layout.quads, right]),
        np.concatenate([np.arange(count), np.flatnonzero(~middle)]).astype(np.int32),
        np.concatenate([np.zeros(count, bool), np.ones((~middle).sum(), bool)]),
        rim,
        (layout.mouth_rings, twin[layout.mouth_rings]),
        neck,
        (layout.eye_rings, twin[layout.eye_rings]),
        (layout.ear_rings, twin[layout.ear_rings]),
    )


def sample(
    skin: SkinMesh, surface: SurfacePoints, field: FloatArray, opposite: IntArray
) -> FloatArray:
    """(..., V, 3) on the reference -> (..., N, 3) on the skin.

    Right-hand vertices read the field at the vertices opposite to the left-hand place, so both
    sides use the same triangles and the mean stays exactly mirrored.
    """
    left = surface.on(field)
    right = surface.on(field[..., opposite, :])
    picked = np.where(skin.flipped[:, None], right[..., skin.half, :], left[..., skin.half, :])
    return np.asarray(picked, dtype=np.float32)
