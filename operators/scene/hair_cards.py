"""Hair for an exporter: cards beside the copy of a head, moved by the same keys and bones."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass

import bpy
import numpy as np

from ...ml.data import ByteArray, FloatArray
from ...ml.hair.atlas import draw_atlas
from ...ml.hair.cards import Bundle, Cards, make_cards
from ...ml.hair.strands import resampled
from ...ml.hair.surface import Places, locate
from .animation import copy_animation
from .export_copy import ExportCopy
from .expression import BASIS
from .groups import STEPS, add_group
from .hair import hair_of
from .hair_arrays import Skin, points_of, root_uv_of, shades_of, skin_of
from .hair_values import SHOW, length_of
from .mesh import UV_LAYER
from .metadata import HAIR
from .points import places_of
from .strips import copy_strips

# Points of each strand from which ribbons are made.
_POINTS = 12
# Metres: keys that move all roots less than this are left out.
_STILL = 1e-4
# Alpha from which a pixel is there, where the file has such a limit.
_CUT = 0.4


@dataclass(frozen=True)
class _Ribbons:
    """All cards of a head as one mesh.

    Attributes
    ----------
    vertices, uv, triangles: see Cards. places: where each vertex's root lies on the skin.
    colours: of the atlas, by part.
    """

    vertices: FloatArray
    uv: FloatArray
    triangles: np.ndarray
    places: Places
    colours: Mapping[str, FloatArray]


def add_cards(scene: bpy.types.Scene, copy: ExportCopy, cleanup: ExitStack, *, cut: bool) -> None:
    """Add cards of the head's hair to ``copy``, which ``cleanup`` removes again.

    Nothing where it has no hair, or that is not shown. ``cut``: whether alpha has a limit from
    which a pixel is there; else it blends.
    """
    original = copy.originals[0]
    if not original.get(SHOW, False) or UV_LAYER not in original.data.uv_layers:
        return
    skin = skin_of(original.data)
    ribbons = _ribbons(original, skin)
    if ribbons is None:
        return
    name = f"{copy.head.name} hair cards"
    mesh, image = bpy.data.meshes.new(name), _image(name, draw_atlas(ribbons.colours))
    obj, material = copy.head.copy(), _material(name, image, cut=cut)
    cleanup.callback(bpy.data.batch_remove, [obj, mesh, material, image])
    obj.name, obj.data = name, mesh
    for key in list(obj.keys()):
        del obj[key]  # the head's record
    _fill(mesh, ribbons)
    mesh.materials.append(material)
    scene.collection.objects.link(obj)
    _add_keys(obj, copy.head, skin, ribbons.places)
    _add_bones(obj, copy, skin, ribbons.places)
    copy.cards.append(obj)


def _ribbons(original: bpy.types.Object, skin: Skin) -> _Ribbons | None:
    """The cards of all parts that have strands; None where none has."""
    made: dict[str, Cards] = {}
    rooted: list[Places] = []
    for hair in hair_of(original):
        places = locate(root_uv_of(hair.data), skin.uv)
        known = np.flatnonzero(places.triangle >= 0)
        places = Places(places.triangle[known], places.weights[known])
        if not len(known):
            continue
        points = _strands(hair.data, length_of(hair))[known]
        points += (places.of(skin.places) - points[:, 0])[:, None]
        normal = skin.normals[places.triangle]
        colour = shades_of(original, hair.data)[known]
        cards = made[hair[HAIR]] = make_cards(hair[HAIR], Bundle(points, normal, colour))
        rooted.append(Places(places.triangle[cards.strand], places.weights[cards.strand]))
    if not made:
        return None
    counts = [len(cards.vertices) for cards in made.values()]
    first = np.cumsum([0, *counts[:-1]])
    moved = [c.triangles + start for c, start in zip(made.values(), first, strict=True)]
    return _Ribbons(
        np.concatenate([cards.vertices for cards in made.values()]),
        np.concatenate([cards.uv for cards in made.values()]),
        np.concatenate(moved),
        Places(
            np.concatenate([one.triangle for one in rooted]),
            np.concatenate([one.weights for one in rooted]),
        ),
        {part: cards.colours for part, cards in made.items()},
    )


def _strands(data: bpy.types.Curves, length: float) -> FloatArray:
    """(N, _POINTS, 3) points along every strand, of the length that the head wants."""
    points, strand, _ = points_of(data)
    size = np.bincount(strand, minlength=len(data.curves))
    first = np.cumsum(size) - size
    along = np.linspace(0, 1, 2 * _POINTS)[None] * (size[:, None] - 1)
    low = np.minimum(along.astype(int), np.maximum(size[:, None] - 2, 0))
    share = (along - low)[..., None]
    before = points[first[:, None] + low]
    after = points[first[:, None] + np.minimum(low + 1, size[:, None] - 1)]
    dense = before * (1 - share) + after * share
    found = resampled(dense, np.linspace(0, min(length, 1.0), _POINTS))
    if length > 1:  # as the nodes of the hair let it grow
        whole = np.linalg.norm(np.diff(found, axis=1), axis=2).sum(1)
        tip = found[:, -1] - found[:, -2]
        tip /= np.maximum(np.linalg.norm(tip, axis=1, keepdims=True), 1e-9)
        far = (length - 1) * whole[:, None] * np.linspace(0, 1, _POINTS) ** 2
        found = found + far[..., None] * tip[:, None]
    return found.astype(np.float32)


def _fill(mesh: bpy.types.Mesh, ribbons: _Ribbons) -> None:
    mesh.from_pydata(ribbons.vertices, [], ribbons.triangles)
    mesh.polygons.foreach_set("use_smooth", np.ones(len(mesh.polygons), bool))
    layer = mesh.uv_layers.new(name=UV_LAYER)
    corners = np.ascontiguousarray(ribbons.uv[ribbons.triangles.ravel()], np.float32)
    layer.uv.foreach_set("vector", corners.ravel())
    mesh.update()


def _add_keys(obj: bpy.types.Object, head: bpy.types.Object, skin: Skin, places: Places) -> None:
    """The head's keys, as far as they move roots, with the same values, drivers and animation."""
    keys = head.data.shape_keys
    if keys is None:
        return
    rest = places_of(obj.data.vertices)
    basis = places_of(keys.key_blocks[0].points)
    for key in keys.key_blocks[1:]:
        moved = places.of((places_of(key.points) - basis)[skin.corners])
        if np.linalg.norm(moved, axis=1).max() < _STILL:
            continue
        if obj.data.shape_keys is None:
            obj.shape_key_add(name=BASIS, from_mix=False)
        own = obj.shape_key_add(name=key.name, from_mix=False)
        own.slider_min, own.slider_max, own.value = key.slider_min, key.slider_max, key.value
        own.mute = key.mute
        places_of_key = np.ascontiguousarray(rest + moved, np.float32)
        own.points.foreach_set("co", places_of_key.ravel())
    if obj.data.shape_keys is not None:
        copy_animation(keys, obj.data.shape_keys)
        copy_strips(keys, obj.data.shape_keys)


def _add_bones(obj: bpy.types.Object, copy: ExportCopy, skin: Skin, places: Places) -> None:
    """Skin the cards as the head is where their roots are; without a rig they have no modifier."""
    for modifier in list(obj.modifiers):
        if modifier.type != "ARMATURE" or modifier.object != copy.rig or copy.rig is None:
            obj.modifiers.remove(modifier)
    if copy.rig is None:
        return
    bones = {bone.name for bone in copy.rig.data.bones if bone.use_deform}
    names = {group.index: group.name for group in copy.head.vertex_groups if group.name in bones}
    weights = {name: np.zeros((len(copy.head.data.vertices), 1)) for name in names.values()}
    for vertex in copy.head.data.vertices:
        for entry in vertex.groups:
            if entry.group in names:
                weights[names[entry.group]][vertex.index] = entry.weight
    for name, values in weights.items():
        steps = np.rint(places.of(values[skin.corners])[:, 0] * STEPS).astype(int)
        if steps.any():
            add_group(obj, name, steps)


def _image(name: str, pixels: ByteArray) -> bpy.types.Image:
    height, width = pixels.shape[:2]
    image = bpy.data.images.new(name, width, height, alpha=True)
    image.pixels.foreach_set((pixels / np.float32(255)).astype(np.float32).ravel())
    image.pack()
    return image


def _material(name: str, image: bpy.types.Image, *, cut: bool) -> bpy.types.Material:
    material = bpy.data.materials.new(name)
    if material.node_tree is None:  # Blender 5.0 and later make it at once
        material.use_nodes = True
    tree = material.node_tree
    shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Roughness"].default_value = 0.45
    texture = tree.nodes.new("ShaderNodeTexImage")
    texture.image, alpha = image, texture.outputs["Alpha"]
    tree.links.new(texture.outputs["Color"], shader.inputs["Base Color"])
    if cut:  # by this node the glTF exporter knows the limit
        limit = tree.nodes.new("ShaderNodeMath")
        limit.operation, limit.inputs[1].default_value = "GREATER_THAN", _CUT
        tree.links.new(alpha, limit.inputs[0])
        alpha = limit.outputs[0]
    tree.links.new(alpha, shader.inputs["Alpha"])
    return material
