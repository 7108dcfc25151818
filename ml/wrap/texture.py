"""The goal's texture and relief in the wrapped head's own UV layout."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.spatial import cKDTree

from ..data import ByteArray, FloatArray, HeadMesh, IntArray
from ..geometry.triangles import triangulate_with_uv
from ..rendering import interpolate, rasterize, vertex_normals
from .register import Registered

# A texel of the wrapped head takes the colours of that many texels of the goal, if they are within
# these metres; so many texels beyond the layout's seams repeat those at them.
_NEAREST, _NEAR, _BLEED = 3, 0.006, 8
# How much a difference of the normals counts beside one of the places, metres.
_TURNED = 0.004


@dataclass(frozen=True)
class Layout:
    """A UV layout: (T, 2) places and, corner by corner with the mesh's (F, 3) triangles, (F, 3)
    indices into them."""

    uv: FloatArray
    triangles: IntArray


@dataclass(frozen=True)
class Texels:
    """N texels that a mesh covers.

    where: (N,) flat indices. places: (N, 3) metres. normals: (N, 3) unit.
    """

    where: np.ndarray
    places: FloatArray
    normals: FloatArray


def texture_for(
    result: Registered, layout: Layout, goal: HeadMesh, image: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """(S, S, C) what the goal's ``image`` shows, in the wrapped head's layout; (S, S) bool where.

    image: (A, A, C) in the goal's layout, row 0 at v = 1, of any type.
    """
    corners, flat = triangulate_with_uv(
        goal.quads[goal.part == goal.part_names.index("skin")],
        goal.uv_quads[goal.part == goal.part_names.index("skin")],
    )
    known = _texels(goal.vertices, corners, Layout(goal.uv, flat), len(image))
    skin = result.skin[result.surface.triangles].all(1)
    own = Layout(layout.uv, layout.triangles[skin])
    wanted = _texels(result.surface.vertices, result.surface.triangles[skin], own, size)
    tree = cKDTree(np.hstack([known.places, _TURNED * known.normals]))
    query = np.hstack([wanted.places, _TURNED * wanted.normals])
    distance, nearest = tree.query(query, k=_NEAREST, distance_upper_bound=_NEAR)
    found = np.isfinite(distance).all(1)
    distance, nearest = distance[found], nearest[found]
    share = 1 / np.maximum(distance, 1e-5)
    share /= share.sum(1, keepdims=True)
    colours = image.reshape(len(image) ** 2, -1)[known.where].astype(np.float32)
    mixed = (colours[nearest] * share[..., None]).sum(1)
    picture = np.zeros((size * size, colours.shape[1]), np.float32)
    covered = np.zeros(size * size, bool)
    picture[wanted.where[found]], covered[wanted.where[found]] = mixed, True
    covered = covered.reshape(size, size)
    picture = _bled(picture.reshape(size, size, -1), covered)
    if image.dtype.kind in "ui":
        picture = np.round(picture)
    return picture.astype(image.dtype), covered


def heights_of(displacement: np.ndarray) -> np.ndarray:
    """(S, S, 3) uint16 displacement of ml.data.Detail -> (S, S, 1) uint16: along the normal alone.

    0..65535 is -REACH_M..REACH_M, see ml.data.
    """
    return np.ascontiguousarray(displacement[..., 1:2])


def _texels(vertices: FloatArray, triangles: IntArray, layout: Layout, size: int) -> Texels:
    """Those of a (size, size) picture that the triangles cover."""
    uv = layout.uv
    flat = np.column_stack([uv[:, 0] * size, (1 - uv[:, 1]) * size, np.ones(len(uv))])
    drawn = rasterize(flat.astype(np.float32), layout.triangles, size, size)
    covered = drawn.face >= 0
    values = np.hstack([vertices, vertex_normals(vertices, triangles)]).astype(np.float32)
    seen = interpolate(drawn, values, triangles)[covered]
    normals = seen[:, 3:] / np.maximum(np.linalg.norm(seen[:, 3:], axis=1, keepdims=True), 1e-9)
    return Texels(np.flatnonzero(covered), seen[:, :3], normals)


def _bled(picture: FloatArray, covered: np.ndarray) -> FloatArray:
    """Texels near what is covered get its colours, so that no seam shows through filtering."""
    known = covered.astype(np.float32)
    for _ in range(_BLEED):
        sums = cv2.blur(picture * known[..., None], (3, 3)).reshape(picture.shape)
        weight = cv2.blur(known, (3, 3))
        new = (known == 0) & (weight > 0)
        picture[new] = sums[new] / weight[new][:, None]
        known[new] = 1
    return picture


def covered_alpha(covered: np.ndarray) -> ByteArray:
    """(S, S) 255 where the texture shows skin, with a soft border."""
    return np.asarray(cv2.GaussianBlur(255 * covered.astype(np.uint8), (0, 0), 2), np.uint8)
