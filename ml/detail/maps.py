"""Turn a field into vertex offsets and texture maps for a mesh of any level."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..data import REACH_M, ByteArray, Detail, FloatArray, HeadMesh, IntArray
from ..geometry.triangles import triangulate_with_uv
from ..head.model import HeadModel
from ..rendering import rasterize, vertex_normals
from .kernels import spread
from .window import BOTTOM, LEFT, SPAN, sample, tangents_of, to_window, window_of

MAP_SIDE = 512
# Standard deviation of the average that a vertex takes, as a share of the distance to the next.
_PREFILTER = 0.35
# The window's rows and columns in the map; elsewhere there is no detail.
_LEFT, _RIGHT = int(LEFT * MAP_SIDE), int(np.ceil((LEFT + SPAN) * MAP_SIDE))
_TOP, _END = int((1 - BOTTOM - SPAN) * MAP_SIDE), int(np.ceil((1 - BOTTOM) * MAP_SIDE))


def bake(height: FloatArray, mode: str, mesh: HeadMesh, model: HeadModel) -> Detail:
    """The detail of ``mesh``, a person's at any level, from (S, S) heights in mm."""
    window = window_of(model)
    offsets = window.in_head_space(height)
    faces = mesh.part == mesh.part_names.index("skin")
    triangles, uv_triangles = triangulate_with_uv(mesh.quads[faces], mesh.uv_quads[faces])
    moved = np.zeros_like(mesh.vertices)
    # A vertex has one place in UV wherever there is detail: the layout's seams lie farther back.
    held = window.in_head_space(_held_by(mesh.uv, uv_triangles, height))
    moved[triangles.ravel()] = sample(held, mesh.uv[uv_triangles.ravel()])
    texels = _texels(mesh, triangles, uv_triangles)
    plain = _surface(mesh.vertices, mesh.uv, triangles, uv_triangles, texels)
    coarse = _surface(mesh.vertices + moved, mesh.uv, triangles, uv_triangles, texels)
    full = _on_map(offsets)
    return Detail(mode, moved, _normal_map(full, plain, coarse), _displacement(full, plain))


def _held_by(uv: FloatArray, uv_triangles: IntArray, height: FloatArray) -> FloatArray:
    """The part of (S, S) heights that vertices as far apart as these can hold.

    Sampled as it is, what is finer would turn into lumps that nobody has. The normal map holds it.
    """
    places = to_window(uv, len(height))
    ends = places[uv_triangles], places[np.roll(uv_triangles, 1, 1)]
    inside = ((ends[0] > 0) & (ends[0] < len(height))).all((1, 2))
    apart = float(np.median(np.linalg.norm(ends[0] - ends[1], axis=-1)[inside]))
    sigma = _PREFILTER * apart
    return height if sigma < 0.5 else np.asarray(cv2.GaussianBlur(height, (0, 0), sigma))


@dataclass(frozen=True)
class _Texels:
    """The window's R rows and C columns of the map.

    Attributes
    ----------
    skin: (R, C) bool. corners: (R, C, 3) vertices of the triangle there.
    weights: (R, C, 3) barycentric, zero off the skin.
    """

    skin: np.ndarray
    corners: IntArray
    weights: FloatArray

    def on(self, values: FloatArray) -> FloatArray:
        """(V, K) values per vertex -> (R, C, K), zero off the skin."""
        found = np.zeros((*self.skin.shape, values.shape[1]), np.float32)
        spread(self.corners, self.weights, np.ascontiguousarray(values, np.float32), found)
        return found


@dataclass(frozen=True)
class _Surface:
    """A smooth-shaded mesh at the map's texels; all (R, C, 3).

    Attributes
    ----------
    normal, tangent, bitangent: unit vectors in head space.
    along_u, along_v: derivatives of the position by u and v, metres per unit of UV.
    """

    normal: FloatArray
    tangent: FloatArray
    bitangent: FloatArray
    along_u: FloatArray
    along_v: FloatArray


def _texels(mesh: HeadMesh, triangles: IntArray, uv_triangles: IntArray) -> _Texels:
    places = np.stack([mesh.uv[:, 0], 1 - mesh.uv[:, 1]], 1) * MAP_SIDE - (_LEFT, _TOP)
    flat = np.column_stack([places, np.ones(len(places))])
    drawn = rasterize(flat, uv_triangles, _RIGHT - _LEFT, _END - _TOP)
    return _Texels(drawn.face >= 0, triangles[np.maximum(drawn.face, 0)], drawn.barycentric)


def _surface(
    vertices: FloatArray,
    uv: FloatArray,
    triangles: IntArray,
    uv_triangles: IntArray,
    texels: _Texels,
) -> _Surface:
    normals = vertex_normals(vertices, triangles)
    # Tangents of the surface as it is shaded, not as it is tessellated: facets are not detail.
    ways = [
        way - _dot(way, normals)[..., None] * normals
        for way in tangents_of(vertices, uv, triangles, uv_triangles)
    ]
    values = texels.on(np.concatenate([normals, *ways], 1))
    normal, along_u, along_v = _unit(values[..., :3]), values[..., 3:6], values[..., 6:]
    tangent = _unit(along_u - _dot(along_u, normal)[..., None] * normal)
    return _Surface(normal, tangent, np.cross(normal, tangent), along_u, along_v)


def _on_map(offsets: FloatArray) -> FloatArray:
    """(S, S, 3) on the window -> (R, C, 3) at the map's texels, by cubic interpolation."""
    middle = (np.arange(MAP_SIDE, dtype=np.float32) + 0.5) / MAP_SIDE
    u, v = np.meshgrid(middle[_LEFT:_RIGHT], 1 - middle[_TOP:_END])
    place = to_window(np.stack([u, v], -1), len(offsets)) - 0.5
    return np.asarray(cv2.remap(offsets, place[..., 0], place[..., 1], cv2.INTER_CUBIC))


def _normal_map(full: FloatArray, plain: _Surface, coarse: _Surface) -> ByteArray:
    """The normal map that ``coarse`` needs to look like ``plain`` with ``full`` offsets."""
    # Rows go down, v goes up.
    down, across = np.gradient(full, axis=(0, 1))
    along_u = plain.along_u + across * MAP_SIDE
    along_v = plain.along_v - down * MAP_SIDE
    wanted = _unit(np.cross(along_u, along_v))
    in_tangents = np.stack(
        [_dot(wanted, axis) for axis in (coarse.tangent, coarse.bitangent, coarse.normal)],
        -1,
    )
    there = np.abs(full).max(-1, keepdims=True) > 0
    flat = np.where(there & (in_tangents[..., 2:] > 0), in_tangents, (0, 0, 1))
    return _pasted(np.round(127.5 * (flat + 1)).astype(np.uint8), (128, 128, 255))


def _displacement(full: FloatArray, plain: _Surface) -> np.ndarray:
    """``full`` offsets along tangent, normal and bitangent of ``plain``, as 16 bits."""
    along = np.stack(
        [_dot(full, axis) for axis in (plain.tangent, plain.normal, plain.bitangent)], -1
    )
    share = np.clip(0.5 + along / (2 * REACH_M), 0, 1)
    return _pasted(np.round(65535 * share).astype(np.uint16), (32768, 32768, 32768))


def _pasted(part: np.ndarray, around: tuple[int, int, int]) -> np.ndarray:
    """The whole map: the window's ``part``, and the constant ``around`` elsewhere."""
    whole = np.full((MAP_SIDE, MAP_SIDE, 3), around, part.dtype)
    whole[_TOP:_END, _LEFT:_RIGHT] = part
    return whole


def _unit(vectors: FloatArray) -> FloatArray:
    length = np.sqrt(_dot(vectors, vectors))[..., None]
    return np.asarray(vectors / np.maximum(length, 1e-12), dtype=np.float32)


def _dot(one: FloatArray, other: FloatArray) -> FloatArray:
    """(..., 3) twice -> (...); NumPy's own sums over three numbers take most of the time."""
    return np.asarray(np.einsum("...x,...x->...", one, other))
