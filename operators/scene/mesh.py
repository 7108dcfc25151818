"""Mesh and shape keys of a head."""

from __future__ import annotations

from collections.abc import Sequence

import bmesh
import bpy
import numpy as np

from ...ml.data import FloatArray, HeadMesh
from ...ml.errors import HeadError
from .axes import to_blender
from .expression import BASIS, set_key_value

UV_LAYER = "UVMap"


def new_mesh(name: str, head: HeadMesh, slot_of_part: Sequence[int]) -> bpy.types.Mesh:
    """A mesh datablock of the person at rest, in Blender's space, metres.

    ``slot_of_part``: the material slot of each of ``head.part_names``.
    """
    mesh = bpy.data.meshes.new(name)
    try:
        _fill_topology(mesh, head, np.asarray(slot_of_part)[head.part])
        _fill_uv(mesh, head)
        if mesh.validate():
            raise HeadError(
                "The reconstruction's mesh has invalid faces", "Reconstruct the photo again"
            )
    except (HeadError, ValueError, IndexError) as error:
        bpy.data.meshes.remove(mesh)
        if isinstance(error, HeadError):
            raise
        # bmesh: a face given twice or with a repeated corner; an index out of range.
        raise HeadError(
            f"The reconstruction's mesh is damaged ({error})", "Reconstruct the photo again"
        ) from error
    return mesh


def add_shape_keys(obj: bpy.types.Object, head: HeadMesh, values: FloatArray) -> None:
    """Give ``obj`` a Basis (the person at rest) and all of the head's keys, set to ``values``."""
    basis = obj.shape_key_add(name=BASIS, from_mix=False)
    basis.value = 0.0
    rest = to_blender(head.vertices)
    for name, delta, value in zip(
        head.expression_names, to_blender(head.shape_keys), values.tolist(), strict=True
    ):
        key = obj.shape_key_add(name=name, from_mix=False)
        key.points.foreach_set("co", np.ascontiguousarray(rest + delta).ravel())
        set_key_value(key, value)
    obj.data.shape_keys.name = obj.name


def _fill_topology(mesh: bpy.types.Mesh, head: HeadMesh, slots: np.ndarray) -> None:
    graph = bmesh.new()
    try:
        vertices = [graph.verts.new(place) for place in to_blender(head.vertices).tolist()]
        for quad, slot in zip(head.quads.tolist(), slots.tolist(), strict=True):
            corners = quad[:3] if quad[2] == quad[3] else quad
            face = graph.faces.new([vertices[corner] for corner in corners])
            face.smooth = True
            face.material_index = slot
        graph.to_mesh(mesh)
    finally:
        graph.free()


def _fill_uv(mesh: bpy.types.Mesh, head: HeadMesh) -> None:
    present = np.ones(head.quads.shape, bool)
    present[:, 3] = head.quads[:, 2] != head.quads[:, 3]
    corners = head.uv[head.uv_quads[present]]
    layer = mesh.uv_layers.new(name=UV_LAYER)
    layer.uv.foreach_set("vector", np.ascontiguousarray(corners, np.float32).ravel())
