"""A head's mesh made again, without what the person added to it."""

from __future__ import annotations

import re

import bpy
import numpy as np

from ...ml.data import HeadMesh
from .animation import copy_animation
from .detail import DETAIL
from .expression import BASIS, set_expression
from .groups import (
    NECK_LOOP,
    REGION_PREFIX,
    REGIONS,
    add_part_groups,
    add_region_groups,
    bone_groups,
)
from .material import MARK, SURFACES
from .mesh import UV_LAYER
from .metadata import rig_of
from .skin_attributes import store_skin_attributes
from .strips import copy_strips

_OURS = re.compile(rf" ({'|'.join(SURFACES)})(\.\d+)?$")


def keeps_additions(obj: bpy.types.Object, head: HeadMesh) -> bool:
    """Whether the mesh still has the photo's vertices and faces, so that additions can stay."""
    keys = obj.data.shape_keys
    counts = len(obj.data.polygons), len(obj.data.vertices)
    same = counts == (len(head.quads), len(head.vertices))
    return same and keys is not None and keys.key_blocks[0].name == BASIS


def additions(obj: bpy.types.Object, head: HeadMesh) -> list[str]:
    """What the person added to the mesh of ``obj``, in words."""
    keys = obj.data.shape_keys
    ours = {*head.part_names, NECK_LOOP, *(REGION_PREFIX + name for name in REGIONS)}
    ours |= bone_groups(rig_of(obj))
    known = {BASIS, DETAIL, *head.expression_names}
    named = {
        "vertex group": [group.name for group in obj.vertex_groups if group.name not in ours],
        "shape key": [
            key.name for key in (keys.key_blocks if keys else ()) if key.name not in known
        ],
        "UV map": [layer.name for layer in obj.data.uv_layers if layer.name != UV_LAYER],
        "material": [
            one.name for one in set(obj.data.materials) - _made_by_effigy(obj.data) if one
        ],
    }
    return [f"{kind} {name}" for kind, names in named.items() for name in names]


def renew_mesh(obj: bpy.types.Object, fresh: bpy.types.Object, head: HeadMesh) -> None:
    """Give the mesh of ``obj`` the places, keys, groups, UV map and materials of ``fresh``.

    Both have the same vertices and faces. ``fresh`` is removed. Everything else on
    the mesh stays, its animation, too.
    """
    _renew_keys(obj, fresh)
    for group in fresh.vertex_groups:
        old = obj.vertex_groups.get(group.name)
        if old is not None:
            obj.vertex_groups.remove(old)
    add_part_groups(obj, head)
    add_region_groups(obj, head)
    store_skin_attributes(obj.data, head)
    layers = obj.data.uv_layers
    layer = layers.get(UV_LAYER) or layers.new(name=UV_LAYER)
    layer.uv.foreach_set("vector", _array(fresh.data.uv_layers[UV_LAYER].uv, "vector", 2))
    _renew_materials(obj, fresh)
    obj.data.update()


def replace_mesh(obj: bpy.types.Object, fresh: bpy.types.Object) -> None:
    """Give ``obj`` the mesh of ``fresh``; of the old one only the keys' animation stays.

    ``fresh`` is removed.
    """
    old, name = obj.data, obj.data.name
    if old.shape_keys is not None:
        copy_animation(old.shape_keys, fresh.data.shape_keys)
        copy_strips(old.shape_keys, fresh.data.shape_keys)
    obj.data = fresh.data
    bpy.data.objects.remove(fresh)
    for key in obj.data.shape_keys.key_blocks[1:]:
        set_expression(obj, key, key.value)
    if old.users == 0:
        ours = _made_by_effigy(old)
        bpy.data.meshes.remove(old)
        _drop(ours, obj)
        obj.data.name = name


def _renew_keys(obj: bpy.types.Object, fresh: bpy.types.Object) -> None:
    old, new = obj.data.shape_keys.key_blocks, fresh.data.shape_keys.key_blocks
    basis = _array(new[BASIS].points, "co", 3)
    moved = basis - _array(old[BASIS].points, "co", 3)
    for key in old:
        if key.name not in new:  # the person's own goes along with the rest
            key.points.foreach_set("co", _array(key.points, "co", 3) + moved)
    obj.data.vertices.foreach_set("co", basis)
    for wanted in new:
        key = old.get(wanted.name) or obj.shape_key_add(name=wanted.name, from_mix=False)
        key.points.foreach_set("co", _array(wanted.points, "co", 3))
        key.mute, key.relative_key = False, old[BASIS]
        if wanted.name != BASIS:
            set_expression(obj, key, wanted.value)
            key.slider_min, key.slider_max = wanted.slider_min, wanted.slider_max


def _renew_materials(obj: bpy.types.Object, fresh: bpy.types.Object) -> None:
    mesh, new = obj.data, fresh.data
    ours = _made_by_effigy(mesh)
    for index, material in enumerate(new.materials):
        _retarget(material, new.shape_keys, mesh.shape_keys)
        if index == len(mesh.materials):
            mesh.materials.append(material)
        elif mesh.materials[index] is None or mesh.materials[index] in ours:
            mesh.materials[index] = material
    index, wanted = (_array(each.polygons, "material_index", 1, np.int32) for each in (mesh, new))
    # Faces that the person gave to a slot of their own stay there.
    mesh.polygons.foreach_set(
        "material_index", np.where(index < len(new.materials), wanted, index).astype(np.int32)
    )
    candidates = ours | set(new.materials)
    bpy.data.meshes.remove(new)  # and with it the object
    _drop(candidates, obj)


def _drop(materials: set[bpy.types.Material], obj: bpy.types.Object) -> None:
    """Remove materials of ours that nothing uses, and their images; give the new ones the names."""
    images = {
        node.image
        for material in materials
        for node in material.node_tree.nodes
        if node.type == "TEX_IMAGE" and node.image is not None
    }
    bpy.data.batch_remove({material for material in materials if material.users == 0})
    bpy.data.batch_remove({image for image in images if image.users == 0})
    for material in obj.data.materials:
        if material is not None and MARK in material:
            material.name = re.sub(r"\.\d+$", "", material.name)
            for node in material.node_tree.nodes:
                if node.type == "TEX_IMAGE" and node.image is not None:
                    node.image.name = re.sub(r"\.\d+$", "", node.image.name)


def _retarget(material: bpy.types.Material, old: bpy.types.Key, new: bpy.types.Key) -> None:
    """Let the drivers of a material follow the keys that stay."""
    animation = material.node_tree.animation_data
    for curve in animation.drivers if animation else ():
        for variable in curve.driver.variables:
            for target in variable.targets:
                if target.id == old:
                    target.id = new


def _made_by_effigy(mesh: bpy.types.Mesh) -> set[bpy.types.Material]:
    """The materials that Effigy gave to the mesh. Earlier versions did not mark them."""
    every = {material for material in mesh.materials if material is not None}
    marked = {material for material in every if MARK in material}
    return marked or {material for material in every if _OURS.search(material.name)}


def _array(items, name: str, width: int, kind: type = np.float32) -> np.ndarray:
    flat = np.empty(width * len(items), kind)
    items.foreach_get(name, flat)
    return flat
