"""Strands of a head and the skin under them as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np

from ...ml.data import FloatArray
from ...ml.geometry.colour import srgb_of
from .hair_nodes import COLOUR, SURFACE_UV
from .hair_values import HAIR_LIGHTNESS, HAIR_TINT
from .mesh import UV_LAYER
from .points import places_of


@dataclass(frozen=True)
class Skin:
    """A head's mesh at rest in T triangles, in Blender's space.

    Attributes
    ----------
    uv: (T, 3, 2). corners: (T, 3) vertices. vertices: (V, 3).
    """

    uv: FloatArray
    corners: np.ndarray
    vertices: FloatArray

    @property
    def places(self) -> FloatArray:
        """(T, 3, 3) of the triangles' corners."""
        return self.vertices[self.corners]

    @property
    def normals(self) -> FloatArray:
        """(T, 3) of unit length; 0 where a triangle has no area."""
        a, b, c = np.moveaxis(self.places, 1, 0)
        normal = np.cross(b - a, c - a)
        return normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-20)


def points_of(data: bpy.types.Curves) -> tuple[FloatArray, np.ndarray, FloatArray]:
    """(P, 3) points of strands in Blender's space, (P,) the strand of each, (N, 3) the roots."""
    flat = np.empty(3 * len(data.points), np.float32)
    data.position_data.foreach_get("vector", flat)
    starts = np.empty(len(data.curves) + 1, np.int32)
    data.curve_offset_data.foreach_get("value", starts)
    points = flat.reshape(-1, 3)
    strand = np.repeat(np.arange(len(data.curves)), np.diff(starts))
    return points, strand, points[starts[:-1]]


def root_uv_of(data: bpy.types.Curves) -> FloatArray:
    """(N, 2) where strands are rooted; outside the map where that is unknown."""
    uv = np.full(2 * len(data.curves), -1, np.float32)
    if SURFACE_UV in data.attributes:
        data.attributes[SURFACE_UV].data.foreach_get("vector", uv)
    return uv.reshape(-1, 2)


def skin_of(mesh: bpy.types.Mesh) -> Skin:
    """The triangles of a head's mesh at rest, with their places in its UV map."""
    mesh.calc_loop_triangles()
    loops, corners = (np.empty(3 * len(mesh.loop_triangles), np.int32) for _ in range(2))
    mesh.loop_triangles.foreach_get("loops", loops)
    mesh.loop_triangles.foreach_get("vertices", corners)
    uv = np.empty(2 * len(mesh.loops), np.float32)
    mesh.uv_layers[UV_LAYER].uv.foreach_get("vector", uv)
    uv = uv.reshape(-1, 2)[loops].reshape(-1, 3, 2)
    return Skin(uv, corners.reshape(-1, 3), places_of(mesh.vertices))


def shades_of(obj: bpy.types.Object, data: bpy.types.Curves) -> FloatArray:
    """(N, 3) sRGB 0..255 of strands with the lightness and tint of their head, as nodes mix it."""
    linear = np.full(4 * len(data.curves), 0.1, np.float32)
    if COLOUR in data.attributes:
        data.attributes[COLOUR].data.foreach_get("color", linear)
    shade = linear.reshape(-1, 4)[:, :3] ** np.float32(2.0 ** -obj.get(HAIR_LIGHTNESS, 0.0))
    return srgb_of(shade * np.array(obj.get(HAIR_TINT, (1, 1, 1)), np.float32))
