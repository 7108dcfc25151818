"""The window: the square of the UV layout that holds the face, and fields of heights on it.

A field holds one height per texel, (S, S) millimetres along the mean head's normal, row 0 at the
top. The UV layout of the face has little distortion: a texel is ``TEXEL_MM`` wide on the skin to
within a tenth.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..data import FloatArray, IntArray
from ..geometry.sampling import bilinear
from ..geometry.triangles import triangulate_with_uv
from ..head.model import HeadModel
from ..rendering import rasterize, vertex_normals
from .kernels import spread

SIDE = 256
# The window's lower left corner and its side, in UV; the layout's side is 384 mm of face skin.
LEFT, BOTTOM, SPAN = 0.2, 0.3, 0.6
TEXEL_MM = 384 * SPAN / SIDE
# Rings of MediaPipe's landmarks round parts that move and have no permanent folds.
_EYES = (
    (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7),
    (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249),
)
_LIPS = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
_NOSTRILS = (79, 309, 166, 392, 60, 290)
# Detail is blended in over these distances from the rings and from the window's border; it ends at
# this depth (z) on the mean head and fades over the last distance. Metres.
_SET_IN, _RIM, _BACK, _BACK_FADE = 0.004, 0.014, 0.005, 0.03


@dataclass(frozen=True)
class Window:
    """Texels of the face; S is SIDE, or less for a coarser window.

    Attributes
    ----------
    skin: (S, S) bool, where the layout has skin.
    corners: (S, S, 3) vertices of the triangle each texel lies in.
    weights: (S, S, 3) barycentric; zero off the skin.
    places: (S, S, 3) on the mean head, metres in head space. normals: (S, S, 3) unit, there.
    allowed: (S, S) 0..1 factor on detail: 0 on lids, lips and nostrils and at the border.
    """

    skin: np.ndarray
    corners: IntArray
    weights: FloatArray
    places: FloatArray
    normals: FloatArray
    allowed: FloatArray

    def on(self, vertices: FloatArray) -> FloatArray:
        """(V, C) per-vertex values -> (S, S, C) at the texels, zero off the skin."""
        found = np.zeros((*self.skin.shape, vertices.shape[1]), np.float32)
        values = np.ascontiguousarray(vertices, dtype=np.float32)
        spread(self.corners, self.weights, values, found)
        return found

    def in_head_space(self, height: FloatArray) -> FloatArray:
        """(S, S) heights in mm -> (S, S, 3) offsets in head space, metres."""
        return np.asarray(height[..., None] / 1000 * self.normals, dtype=np.float32)


@lru_cache(maxsize=4)
def window_of(model: HeadModel, side: int = SIDE) -> Window:
    """The window of ``model`` with ``side`` texels along each side."""
    triangles, uv_triangles = skin_triangles(model)
    flat = np.column_stack([to_window(model.uv, side), np.ones(len(model.uv), np.float32)])
    drawn = rasterize(flat.astype(np.float32), uv_triangles, side, side)
    skin = drawn.face >= 0
    corners, weights = triangles[np.maximum(drawn.face, 0)], drawn.barycentric * skin[..., None]
    mean = model.shape.mean
    bare = Window(skin, corners, weights, *(np.zeros(0, np.float32),) * 3)
    normals = _unit(bare.on(vertex_normals(mean, triangles)))
    places = bare.on(mean)
    return Window(skin, corners, weights, places, normals, _allowed(model, places, skin))


def to_window(uv: FloatArray, side: int) -> FloatArray:
    """(..., 2) UV -> (..., 2) column and row of the window, (0, 0) its top left corner."""
    across = (uv[..., 0] - LEFT) / SPAN
    down = 1 - (uv[..., 1] - BOTTOM) / SPAN
    return np.asarray(np.stack([across, down], -1) * side, dtype=np.float32)


def sample(picture: FloatArray, uv: FloatArray) -> FloatArray:
    """(S, S, C) picture on the window at (N, 2) UV -> (N, C), bilinear; zero outside it."""
    return bilinear(picture, to_window(uv, len(picture)) - 0.5)


def tangents_of(
    vertices: FloatArray, uv: FloatArray, triangles: IntArray, uv_triangles: IntArray
) -> tuple[FloatArray, FloatArray]:
    """(V, 3) twice: derivatives of a mesh's position by u and v, metres per unit of UV.

    The mean over a vertex's triangles, weighted by their area in UV.
    """
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    first, second = (uv[uv_triangles[:, k]] - uv[uv_triangles[:, 0]] for k in (1, 2))
    area = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    # Each is the derivative times the area, so that their sum is weighted by area.
    along_u = (b - a) * second[:, 1:] - (c - a) * first[:, 1:]
    along_v = (c - a) * first[:, :1] - (b - a) * second[:, :1]
    count, index = len(vertices), triangles.ravel()
    size = np.maximum(np.bincount(index, np.repeat(area, 3), count), 1e-12)[:, None]
    summed = [
        np.stack([np.bincount(index, np.repeat(way[:, k], 3), count) for k in range(3)], -1) / size
        for way in (along_u, along_v)
    ]
    return summed[0].astype(np.float32), summed[1].astype(np.float32)


def skin_triangles(model: HeadModel) -> tuple[IntArray, IntArray]:
    """(F, 3) vertices and (F, 3) UV indices of the skin's triangles."""
    faces = model.part_faces("skin")
    return triangulate_with_uv(model.quads[faces], model.uv_quads[faces])


def _allowed(model: HeadModel, places: FloatArray, skin: np.ndarray) -> FloatArray:
    points = model.landmark_sets["mediapipe478"].on(model.shape.mean)
    flat = places[skin]
    away = np.full(len(flat), np.inf, np.float32)
    for ring in (*_EYES, _LIPS):
        border = points[list(ring)]
        # Farther away than detail is blended over, the distance changes nothing.
        low, high = border[:, :2].min(0) - _SET_IN, border[:, :2].max(0) + _SET_IN
        near = ((flat[:, :2] > low) & (flat[:, :2] < high)).all(1)
        away[near] = np.minimum(away[near], from_ring(flat[near], border))
    for nostril in _NOSTRILS:
        away = np.minimum(away, np.linalg.norm(flat - points[nostril], axis=1))
    share = np.clip(away / _SET_IN, 0, 1) * np.clip((flat[:, 2] - _BACK) / _BACK_FADE, 0, 1)
    row, column = np.nonzero(skin)
    rim = np.minimum(np.minimum(row, column), len(skin) - 1 - np.maximum(row, column))
    share *= np.clip(rim * (TEXEL_MM * SIDE / len(skin) / 1000) / _RIM, 0, 1)
    allowed = np.zeros(skin.shape, np.float32)
    allowed[skin] = share * share * (3 - 2 * share)
    return allowed


def from_ring(places: FloatArray, ring: FloatArray) -> FloatArray:
    """(N,) metres from a closed ring (P, 3), seen from the front; zero inside it."""
    start, end = ring[None, :, :2], np.roll(ring, -1, axis=0)[None, :, :2]
    point, way = places[:, None, :2], end - start
    along = ((point - start) * way).sum(-1) / np.maximum((way * way).sum(-1), 1e-12)
    gap = point - start - np.clip(along, 0, 1)[..., None] * way
    distance = np.linalg.norm(gap, axis=-1).min(1)
    # A ray to the right crosses the ring an odd number of times from inside.
    offset = point - start
    below, next_below = offset[..., 1] < 0, (point - end)[..., 1] < 0
    rise = np.where(way[..., 1] == 0, 1e-12, way[..., 1])
    crossed = (below != next_below) & (offset[..., 0] < offset[..., 1] / rise * way[..., 0])
    return np.where(crossed.sum(1) % 2 == 1, 0, distance).astype(np.float32)


def _unit(vectors: FloatArray) -> FloatArray:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-12), dtype=np.float32)
