"""A wrapped head as Blender data: a copy of the own head with shape keys and texture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np

from ...ml.data import FloatArray, IntArray
from ...ml.head.arkit import EXPRESSION_NAMES
from ...ml.wrap.files import ALBEDO, HEIGHT, HEIGHT_RANGE_M
from .expression import BASIS, set_key_value
from .images import load_image
from .material import SURFACES, new_material
from .points import places_of


@dataclass(frozen=True)
class OwnMesh:
    """A mesh as the engine takes it.

    Attributes
    ----------
    vertices: (V, 3) of the Basis, in the object's space. triangles: (F, 3).
    uv: (L, 2) of the active layer, (0, 2) without one. uv_triangles: (F, 3) indices into it.
    """

    vertices: FloatArray
    triangles: IntArray
    uv: FloatArray
    uv_triangles: IntArray


def own_mesh(obj: bpy.types.Object) -> OwnMesh:
    """The mesh of ``obj`` without its modifiers, at rest."""
    mesh = obj.data
    keys = mesh.shape_keys
    source = mesh.vertices if keys is None else keys.reference_key.points
    mesh.calc_loop_triangles()
    triangles, loops = (np.empty(3 * len(mesh.loop_triangles), np.int32) for _ in range(2))
    mesh.loop_triangles.foreach_get("vertices", triangles)
    mesh.loop_triangles.foreach_get("loops", loops)
    uv = np.zeros((0, 2), np.float32)
    if mesh.uv_layers.active is not None:
        uv = np.empty((len(mesh.loops), 2), np.float32)
        mesh.uv_layers.active.uv.foreach_get("vector", uv.ravel())
    return OwnMesh(places_of(source), triangles.reshape(-1, 3), uv, loops.reshape(-1, 3))


def add_wrapped(
    obj: bpy.types.Object, name: str, arrays: dict[str, np.ndarray], folder: Path
) -> bpy.types.Object:
    """A copy of ``obj`` called ``name`` with the vertices and keys in ``arrays``; see ml.wrap.

    folder: of the images, if there are any. ``obj`` stays as it is.
    """
    new = obj.copy()
    new.data = obj.data.copy()
    new.name = new.data.name = name
    for collection in obj.users_collection:
        collection.objects.link(new)
    new.animation_data_clear()
    if new.data.shape_keys is not None:
        new.shape_key_clear()
    vertices = np.ascontiguousarray(arrays["vertices"], np.float32)
    new.data.vertices.foreach_set("co", vertices.ravel())
    _add_keys(new, vertices, arrays["keys"])
    if (folder / ALBEDO).is_file():
        _add_texture(new, arrays, folder)
    new.data.update()
    return new


def _add_keys(obj: bpy.types.Object, vertices: FloatArray, keys: FloatArray) -> None:
    obj.shape_key_add(name=BASIS, from_mix=False)
    for name, moved in zip(EXPRESSION_NAMES, keys, strict=True):
        key = obj.shape_key_add(name=name, from_mix=False)
        key.points.foreach_set("co", np.ascontiguousarray(vertices + moved).ravel())
        set_key_value(key, 0.0)
    obj.data.shape_keys.name = obj.name


def _add_texture(obj: bpy.types.Object, arrays: dict[str, np.ndarray], folder: Path) -> None:
    """Give the skin a material with the photo's colours and, where there is one, the relief."""
    albedo = load_image(folder / ALBEDO, f"{obj.name} albedo", lambda image: image)
    material = new_material(f"{obj.name} skin", SURFACES["skin"], albedo)
    if (folder / HEIGHT).is_file():
        unit = float(arrays["metres"])
        _add_relief(material, folder, obj, HEIGHT_RANGE_M / unit)
    obj.data.materials.append(material)
    slot, skin = len(obj.data.materials) - 1, arrays["skin"].astype(bool)
    corners = np.empty(len(obj.data.loops), np.int32)
    obj.data.loops.foreach_get("vertex_index", corners)
    starts = np.empty(len(obj.data.polygons), np.int32)
    obj.data.polygons.foreach_get("loop_start", starts)
    slots = np.empty(len(starts), np.int32)
    obj.data.polygons.foreach_get("material_index", slots)
    slots[np.logical_and.reduceat(skin[corners], starts)] = slot
    obj.data.polygons.foreach_set("material_index", slots)


def _add_relief(
    material: bpy.types.Material, folder: Path, obj: bpy.types.Object, height: float
) -> None:
    """height: what the image spans, in units of the mesh."""
    tree = material.node_tree
    shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    texture = tree.nodes.new("ShaderNodeTexImage")
    texture.image = load_image(folder / HEIGHT, f"{obj.name} height", lambda image: image)
    texture.image.colorspace_settings.name = "Non-Color"
    bump = tree.nodes.new("ShaderNodeBump")
    bump.inputs["Distance"].default_value = height * float(np.mean(obj.scale))
    texture.location = shader.location.x - 620, shader.location.y - 620
    bump.location = shader.location.x - 240, shader.location.y - 620
    tree.links.new(texture.outputs["Color"], bump.inputs["Height"])
    tree.links.new(bump.outputs["Normal"], shader.inputs["Normal"])
