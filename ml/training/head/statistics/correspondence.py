"""MakeHuman's surface read at ICT-FaceKit's vertices.

The UV map in the data gives, for texels of ICT's face and head tiles, the place in MakeHuman's
UV layout. Vertices that it does not reach (sockets, teeth, eyeballs, the rim of the neck) follow
their nearest mapped neighbours, which moves teeth and eyes almost rigidly with the face.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from ....data import FloatArray, IntArray
from ....geometry.sampling import texels_at
from ....geometry.triangles import triangulate_with_uv
from ....head.model import SurfacePoints
from .sources import IctFaceKit, MakeHumanHead

NEIGHBOURS = 96


@dataclass(frozen=True)
class SurfaceTransfer:
    """A linear map from fields on MakeHuman's vertices to fields on ICT's.

    Attributes
    ----------
    mapped: (M,) ICT vertices that the UV map reaches, and their place on MakeHuman: points.
    follows: (V, K) rows into ``mapped`` and follow_weights (V, K) for all ICT vertices.
    """

    points: SurfacePoints
    follows: np.ndarray
    follow_weights: FloatArray

    def carry(self, field: FloatArray) -> FloatArray:
        """(W, 3) on MakeHuman -> (V, 3) on ICT."""
        known = self.points.on(field)
        return np.asarray(
            np.einsum("vk,vkc->vc", self.follow_weights, known[self.follows]), dtype=np.float32
        )


def make_transfer(data: Path, ict: IctFaceKit, makehuman: MakeHumanHead) -> SurfaceTransfer:
    """Build the transfer from the UV correspondence in ``skins/``."""
    mapped, places = _places_in_makehuman_uv(data, ict)
    points = _locate_in_uv(places, makehuman)
    inside = points.weights.min(1) > -0.25
    mapped, points = mapped[inside], points.take(np.flatnonzero(inside))
    tree = cKDTree(ict.mean[mapped])
    distance, follows = tree.query(ict.mean, k=NEIGHBOURS)
    # Mapped vertices copy themselves; the others blend, evenly enough not to shear teeth.
    width = np.maximum(distance[:, :1] * 1.5, 1e-4)
    weights = np.exp(-((distance / width) ** 2))
    weights[mapped] = 0
    own = np.full(len(ict.mean), -1)
    own[mapped] = np.arange(len(mapped))
    follows[mapped, 0] = own[mapped]
    weights[mapped, 0] = 1
    weights /= weights.sum(1, keepdims=True)
    return SurfaceTransfer(points, follows, weights.astype(np.float32))


def _places_in_makehuman_uv(data: Path, ict: IctFaceKit) -> tuple[np.ndarray, np.ndarray]:
    """ICT vertices with a valid texel, and their (M, 2) MakeHuman UV."""
    with np.load(data / "skins" / "ict_uv_to_makehuman_uv.npz", allow_pickle=False) as tiles:
        found: dict[int, np.ndarray] = {}
        for part, tile, offset in (("Face", "face", 0.0), ("Head and Neck", "head", 1.0)):
            faces = ict.part == ict.part_names.index(part)
            vertex, first = np.unique(ict.quads[faces].ravel(), return_index=True)
            uv = ict.uv[ict.uv_quads[faces].ravel()[first]] - [offset, 0.0]
            place = texels_at(tiles[tile], uv)
            for index, value in zip(vertex, place, strict=True):
                if value[0] >= 0:
                    found.setdefault(int(index), value)
    mapped = np.array(sorted(found))
    return mapped, np.array([found[index] for index in mapped])


def _locate_in_uv(places: np.ndarray, makehuman: MakeHumanHead) -> SurfacePoints:
    """The MakeHuman triangle in whose UV each place lies (or nearly lies)."""
    corners, flat = triangulate_with_uv(makehuman.quads, makehuman.uv_quads)
    return locate_in_plane(places, corners, makehuman.uv[flat].astype(np.float64))


def locate_in_plane(places: np.ndarray, corners: IntArray, plane: np.ndarray) -> SurfacePoints:
    """The triangle in which each of (L, 2) places lies, or nearly lies.

    ``corners`` (F, 3) are vertex indices, ``plane`` (F, 3, 2) where these lie in the plane.
    """
    _, near = cKDTree(plane.mean(1)).query(places, k=24)
    weights = _barycentric(places[:, None], plane[near])
    best = weights.min(-1).argmax(1)
    rows = np.arange(len(places))
    return SurfacePoints(
        corners[near[rows, best]].astype(np.int32), weights[rows, best].astype(np.float32)
    )


def _barycentric(point: np.ndarray, triangle: np.ndarray) -> np.ndarray:
    """(..., 2) in (..., 3, 2) -> (..., 3) weights; degenerate triangles get -1."""
    a, b, c = triangle[..., 0, :], triangle[..., 1, :], triangle[..., 2, :]
    u, v, w = b - a, c - a, point - a
    area = u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]
    safe = np.where(np.abs(area) < 1e-14, 1.0, area)
    second = (w[..., 0] * v[..., 1] - w[..., 1] * v[..., 0]) / safe
    third = (u[..., 0] * w[..., 1] - u[..., 1] * w[..., 0]) / safe
    weights = np.stack([1 - second - third, second, third], -1)
    return np.where(np.abs(area)[..., None] < 1e-14, -1.0, weights)
