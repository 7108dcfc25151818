"""The copies of a head that is exported, changed to what a program wants: names, levels, bones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack

import bpy
from mathutils import Vector

from ...ml.errors import HeadError
from ...ml.geometry.mesh_names import level_and_bust, mesh_name
from ...ml.results.reconstruction import Reconstruction
from ...ml.results.record import at_level
from .bone_names import NECK, bone_name
from .detail import detail_key
from .export_copy import ExportCopy
from .expression import BASIS
from .one_layout import lay_out
from .points import places_of
from .relevel import change_level
from .rig import edit_bones

# From the finest on.
LEVELS = ("high", "base", "low")
_LAYOUT_SIZE = 1024


def add_levels(
    copy: ExportCopy, head: Reconstruction, pattern: str, cleanup: ExitStack
) -> dict[str, str]:
    """Add the head's other meshes to ``copy``; the level of each mesh by its name.

    head: what the copy shows. pattern: of the names. Raises HeadError.
    """
    obj, (level, bust) = copy.head, level_and_bust(head.provenance.level)
    if len(lay_out(obj.data, max(1, len(obj.material_slots)), _LAYOUT_SIZE).owners) > 1:
        raise HeadError(
            f"Surfaces of {obj.name} lie on one another in its UV map, so its levels of detail "
            "cannot share a texture",
            "Leave Levels of detail out, or press Rebuild head",
        )
    name, found = obj.name, {}
    for number, each in enumerate(LEVELS):
        if each == level:
            mesh = obj
        else:
            mesh = _twin(obj, cleanup)
            change_level(mesh, head, at_level(head, mesh_name(each, bust=bust)))
            copy.originals.append(copy.originals[0])
            copy.copies.append(mesh)
        mesh.name = mesh.data.name = pattern.format(name=name, number=number)
        found[mesh.name] = each
    return found


def _twin(obj: bpy.types.Object, cleanup: ExitStack) -> bpy.types.Object:
    twin = obj.copy()
    twin.data = data = obj.data.copy()
    cleanup.callback(bpy.data.meshes.remove, data)  # and with it the object
    bpy.context.scene.collection.objects.link(twin)
    return twin


def settle_detail(obj: bpy.types.Object) -> None:
    """Make the relief of ``obj``, a copy, part of its mesh, and take its key away."""
    key = detail_key(obj)
    if key is None:
        return
    keys = obj.data.shape_keys
    moved = key.value * (places_of(key.points) - places_of(key.relative_key.points))
    key.driver_remove("value")
    obj.shape_key_remove(key)
    for each in keys.key_blocks:
        each.points.foreach_set("co", (places_of(each.points) + moved).ravel())
    obj.data.vertices.foreach_set("co", places_of(keys.key_blocks[BASIS].points).ravel())


def name_keys(obj: bpy.types.Object, names: Mapping[str, str], cleanup: ExitStack) -> None:
    """Name the shape keys of ``obj``, a copy, after ``names``, and put them in that order.

    Actions, which the original shares, follow the names, and back on ``cleanup``.
    """
    blocks = obj.data.shape_keys.key_blocks
    others = [key.name for key in blocks[1:] if key.name not in names]
    for name in [*(name for name in names if name in blocks), *others]:
        obj.active_shape_key_index = blocks.find(name)
        with bpy.context.temp_override(object=obj, active_object=obj):
            bpy.ops.object.shape_key_move(type="BOTTOM")
    for old, new in names.items():
        key = blocks.get(old)
        if key is not None and new != old:
            if new in blocks:
                raise HeadError(f"{obj.name} has a shape key of its own called {new}", "Rename it")
            key.name = new
            cleanup.callback(setattr, key, "name", old)


def limit_influences(obj: bpy.types.Object, bones: Sequence[str], most: int) -> None:
    """Let no vertex of ``obj``, a copy, follow more than ``most`` of these bones."""
    groups = {group.index: group for group in obj.vertex_groups if group.name in bones}
    for vertex in obj.data.vertices:
        weights = sorted(
            ((each.weight, each.group) for each in vertex.groups if each.group in groups),
            reverse=True,
        )
        if len(weights) > most:
            total = sum(weight for weight, _ in weights[:most])
            for number, (weight, group) in enumerate(weights):
                kept = weight / total if number < most else 0.0
                groups[group].add([vertex.index], kept, "REPLACE")


def add_body(
    rig: bpy.types.Object, body: Mapping[str, tuple[str, tuple[float, float, float]]]
) -> None:
    """Give ``rig``, a copy, the bones of ``body`` and hang its neck on them."""
    with edit_bones(rig) as edited:
        neck = edited[bone_name(rig, NECK)]
        start = neck.head.copy()
        for name, (parent, place) in body.items():
            bone = edited.new(name)
            bone.head = start + Vector(place)
            bone.tail = bone.head + Vector((0, 0, 0.05))
            if parent:
                bone.parent = edited[parent]
        neck.parent = edited["chest"]
