"""Folds and lumps of a head: one shape key, and a normal map for what the mesh is too coarse for.

The key's value is the strength of both. It adds to whatever expression the head has, and goes
through exports like any other key. The offsets are also kept on the object, where edits to the mesh
do not reach them: a head can be rebuilt without the files of its result.
"""

from __future__ import annotations

import bpy
import numpy as np

from ...ml.data import FloatArray, HeadMesh
from .axes import from_blender, to_blender
from .mesh import UV_LAYER
from .points import places_of
from .surface_groups import NORMAL, entrance

DETAIL = "Detail"
_STRONGEST = 2.0
_STORED = "effigy_detail_data"


def add_detail(
    obj: bpy.types.Object, mesh: HeadMesh, offsets: FloatArray, normal_map: bpy.types.Image | None
) -> None:
    """Give ``obj``, which has its expression keys, the head's detail at full strength."""
    key = obj.shape_key_add(name=DETAIL, from_mix=False)
    places = to_blender(mesh.vertices) + to_blender(offsets)
    key.points.foreach_set("co", np.ascontiguousarray(places, np.float32).ravel())
    key.slider_max, key.value = _STRONGEST, 1.0
    if normal_map is not None:
        normal_map.colorspace_settings.name = "Non-Color"
        face = int(np.flatnonzero(mesh.part == mesh.part_names.index("skin"))[0])
        material = obj.data.materials[obj.data.polygons[face].material_index]
        _add_normal_map(material, normal_map, key)


def detail_key(obj: bpy.types.Object) -> bpy.types.ShapeKey | None:
    """The key whose value is the strength of the head's detail; None where it has none."""
    keys = obj.data.shape_keys
    return keys.key_blocks.get(DETAIL) if keys is not None else None


def store_offsets(obj: bpy.types.Object, offsets: FloatArray | None) -> None:
    """Keep the offsets of the detail on ``obj``; None: it has no detail."""
    if offsets is None:
        obj.pop(_STORED, None)
    else:
        obj[_STORED] = np.ravel(offsets).astype(float).tolist()


def stored_offsets(obj: bpy.types.Object, count: int) -> FloatArray | None:
    """(count, 3) offsets of the detail, metres, head space; None where they are no longer there.

    Heads of earlier files have them in the key alone, which has them as long as no vertex came or
    went.
    """
    stored = obj.get(_STORED)
    if stored is not None and len(stored) == 3 * count:
        return np.array(stored, np.float32).reshape(-1, 3)
    key = detail_key(obj)
    if key is None or len(key.data) != count:
        return None
    moved, still = (places_of(each.points) for each in (key, key.relative_key))
    return from_blender(moved - still)


def _add_normal_map(
    material: bpy.types.Material, image: bpy.types.Image, key: bpy.types.ShapeKey
) -> None:
    tree = material.node_tree
    # By type, not by name: node names are translated.
    shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    texture = tree.nodes.new("ShaderNodeTexImage")
    texture.image = image
    texture.location = shader.location.x - 820, shader.location.y - 420
    normal = tree.nodes.new("ShaderNodeNormalMap")
    normal.uv_map = UV_LAYER
    normal.location = shader.location.x - 520, shader.location.y - 420
    tree.links.new(texture.outputs["Color"], normal.inputs["Color"])
    tree.links.new(normal.outputs["Normal"], entrance(shader, NORMAL))
    normal.inputs["Strength"].default_value = key.value
    _follow(normal.inputs["Strength"], key)


def _follow(socket: bpy.types.NodeSocket, key: bpy.types.ShapeKey) -> None:
    """Drive a socket by the key's value; a plain sum, so that no script has to be trusted."""
    driver = socket.driver_add("default_value").driver
    driver.type = "SUM"
    variable = driver.variables.new()
    variable.name, variable.type = "strength", "SINGLE_PROP"
    variable.targets[0].id_type = "KEY"
    variable.targets[0].id = key.id_data
    variable.targets[0].data_path = key.path_from_id("value")
