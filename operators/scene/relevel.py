"""A head's mesh at another level, in place: the object, its mesh and its keys stay the same data.

So do keyframes, drivers, the NLA, materials and modifiers, whatever refers to them. What lies on
vertices is carried over: sculpts, edits to keys, the person's own keys and vertex groups.
"""

from __future__ import annotations

import bmesh
import bpy
import numpy as np

from ...ml.data import FloatArray, HeadMesh
from ...ml.results.reconstruction import Reconstruction
from ...ml.results.sculpt import at_other_level
from .detail import store_offsets
from .groups import (
    NECK_LOOP,
    REGION_PREFIX,
    REGIONS,
    add_part_groups,
    add_region_groups,
    bone_groups,
)
from .hair import settle_hair
from .material import surface_kinds
from .mesh import UV_LAYER, new_mesh
from .metadata import rig_of
from .rig import renew_rig
from .rig_data import rig_data, store_rig_data
from .sculpt import key_edits, store_sculpt, write_keys
from .skin_attributes import store_skin_attributes

# Weights below which a vertex is not in a group.
_LEAST = 0.01


def change_level(obj: bpy.types.Object, old: Reconstruction, new: Reconstruction) -> list[str]:
    """Give ``obj``, which shows ``old``, the mesh of the same head at another level.

    Returns what of the person's own could not be carried over, in words.
    """
    levels = old.provenance.level, new.provenance.level
    edits = _carried(key_edits(obj, old), levels)
    weights = _carried(_own_groups(obj, old.mesh), levels)
    emptied = _emptied(obj.data)
    fresh = new_mesh(obj.data.name, new.mesh, surface_kinds(new.mesh.part_names)[1])
    try:
        _replace_geometry(obj.data, fresh)
    finally:
        bpy.data.meshes.remove(fresh)
    store_skin_attributes(obj.data, new.mesh)
    _renew_groups(obj, new.mesh, weights)
    write_keys(obj, new, edits)
    store_offsets(obj, new.detail.offsets if new.detail is not None else None)
    store_sculpt(obj, new.sculpt)
    store_rig_data(obj, new.mesh)
    if rig_of(obj) is not None:
        renew_rig(obj, rig_data(new.mesh, obj.name))
    settle_hair(obj)
    return emptied


def _replace_geometry(mesh: bpy.types.Mesh, fresh: bpy.types.Mesh) -> None:
    """Give ``mesh`` the vertices and faces of ``fresh``; its keys stay, to be filled."""
    graph = bmesh.new()
    try:
        graph.from_mesh(mesh)
        before = len(graph.verts)
        graph.from_mesh(fresh)
        graph.verts.ensure_lookup_table()
        # In this order: what is freed first would be used again, and mix the new vertices up.
        bmesh.ops.delete(graph, geom=graph.verts[:before], context="VERTS")
        graph.to_mesh(mesh)
    finally:
        graph.free()


def _carried(values: dict[str, FloatArray], levels: tuple[str, str]) -> dict[str, FloatArray]:
    """(N, C) values by name, of the first of ``levels``, on the vertices of the second."""
    if not values:
        return {}
    widths = np.cumsum([part.shape[1] for part in values.values()])[:-1]
    moved = at_other_level(levels, np.concatenate(list(values.values()), axis=1))
    return dict(zip(values, np.split(moved, widths, axis=1), strict=True))


def _own_groups(obj: bpy.types.Object, mesh: HeadMesh) -> dict[str, FloatArray]:
    """(N, 1) weights of the person's own vertex groups, by name."""
    ours = _our_groups(mesh) | bone_groups(rig_of(obj))
    names = {group.index: group.name for group in obj.vertex_groups if group.name not in ours}
    weights = {name: np.zeros((len(obj.data.vertices), 1), np.float32) for name in names.values()}
    for vertex in obj.data.vertices if names else ():
        for entry in vertex.groups:
            if entry.group in names:
                weights[names[entry.group]][vertex.index] = entry.weight
    return weights


def _renew_groups(obj: bpy.types.Object, mesh: HeadMesh, own: dict[str, FloatArray]) -> None:
    for name in _our_groups(mesh):
        group = obj.vertex_groups.get(name)
        if group is not None:
            obj.vertex_groups.remove(group)
    add_part_groups(obj, mesh)
    add_region_groups(obj, mesh)
    for name, weights in own.items():
        group = obj.vertex_groups[name]
        for vertex in np.flatnonzero(weights[:, 0] > _LEAST).tolist():
            group.add([vertex], float(min(weights[vertex, 0], 1.0)), "REPLACE")


def _our_groups(mesh: HeadMesh) -> set[str]:
    return {*mesh.part_names, NECK_LOOP, *(REGION_PREFIX + name for name in REGIONS)}


def _emptied(mesh: bpy.types.Mesh) -> list[str]:
    """Layers of the person's own that hold nothing on another mesh, in words."""
    maps = [f"UV map {layer.name}" for layer in mesh.uv_layers if layer.name != UV_LAYER]
    return [*maps, *(f"colours {layer.name}" for layer in mesh.color_attributes)]
