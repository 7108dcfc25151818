"""An armature for a head: neck, head, jaw and eyes, skinned, with the expressions on it.

The head becomes the armature's child, as Blender's users and the exporters expect, and the
armature takes the head's place in the world, so that neither moves when it is made.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import bpy
import numpy as np
from mathutils import Matrix, Vector

from ...ml.errors import HeadError
from .animation import actions_of
from .axes import to_blender
from .board import board_to_sliders, has_board
from .board_drivers import connect_board, disconnect_board
from .bone_names import EYES, HEAD, JAW, NECK, bone_name
from .expression import drive_keys, release_keys
from .gaze import AIMS, TARGET, aim_eyes, gaze_ends, let_lids_follow
from .groups import add_bone_groups, remove_bone_groups
from .metadata import RIG, rig_of
from .rig_data import JOINTS, RigData

# The target has no parent: a constraint lets it follow the head, or not.
_PARENTS = {
    NECK: None, HEAD: NECK, JAW: HEAD, **dict.fromkeys(EYES, HEAD),
    TARGET: None, **dict.fromkeys(AIMS, HEAD),
}  # fmt: skip
_EYE_LENGTH = 0.025
_MODIFIER = "Rig"


def add_rig(obj: bpy.types.Object, data: RigData) -> bpy.types.Object:
    """Give a head its rig and return the armature, which lies in the head's collection.

    Needs Object Mode: bones can only be made by entering Edit Mode for a moment. Raises HeadError.
    """
    if len(obj.data.vertices) != len(data.weights["head"]):
        raise HeadError(
            f"The mesh of {obj.name} was edited: it no longer has the vertices of its photo",
            "Rebuild the head first",
        )
    remove_rig(obj)  # the rest of one that was deleted by hand
    armature = bpy.data.armatures.new(f"{obj.name} rig")
    rig = bpy.data.objects.new(armature.name, armature)
    rig[RIG] = True
    armature.display_type, rig.show_in_front = "STICK", True  # the bones are inside the head
    try:
        _place_bones(rig, data)
    except RuntimeError:  # Blender refuses Edit Mode: leave nothing behind
        bpy.data.armatures.remove(armature)
        raise
    aim_eyes(rig)
    for bone in rig.pose.bones:
        bone.rotation_mode = "XYZ"  # a jaw is one angle, which a curve can show
    obj.users_collection[0].objects.link(rig)
    _put_above(rig, obj)
    modifier = obj.modifiers.new(_MODIFIER, "ARMATURE")
    modifier.object = rig
    # Before whatever smooths or subdivides the mesh.
    obj.modifiers.move(len(obj.modifiers) - 1, 0)
    _bind(obj, rig, data)
    return rig


def renew_rig(obj: bpy.types.Object, data: RigData) -> None:
    """Bind a new mesh to the rig of its object, where the object has one."""
    rig = rig_of(obj)
    if rig is not None:
        _place_bones(rig, data)
        aim_eyes(rig)
        _bind(obj, rig, data)


def remove_rig(obj: bpy.types.Object) -> str:
    """Remove the rig. The head keeps its place, its keys their values and animation.

    Poses are lost. Their keyframes stay in the file, in the actions of the returned names; empty
    where there are none.
    """
    modifier = _modifier(obj)
    if modifier is None:
        return ""
    rig = modifier.object
    shared = any(rig_of(other) == rig for other in bpy.data.objects if other != obj and rig)
    if has_board(rig):
        if not shared:
            board_to_sliders(rig)
        disconnect_board(obj, rig)
    release_keys(obj, rig, shared=shared)
    remove_bone_groups(obj, rig)
    obj.modifiers.remove(modifier)
    if rig is None:
        return ""
    if obj.parent == rig:
        _take_from_under(rig, obj)
    if shared:
        return ""
    data, kept = rig.data, _preserve_actions(rig)
    bpy.data.objects.remove(rig)
    if data.users == 0:
        bpy.data.armatures.remove(data)
    return kept


def _bind(obj: bpy.types.Object, rig: bpy.types.Object, data: RigData) -> None:
    add_bone_groups(obj, rig, data.weights)
    drive_keys(obj, rig, data.expressions)
    let_lids_follow(obj, rig, data)
    connect_board(obj, rig)


def _ends(data: RigData) -> dict[str, tuple[Vector, Vector]]:
    """Where each bone begins and ends, in Blender's space, by Effigy's names."""
    place = {name: Vector(to_blender(data.joints[name]).tolist()) for name in JOINTS}
    crown = Vector((*place["head"].xy, data.crown))
    forward = Vector((0, -_EYE_LENGTH, 0))
    return {
        NECK: (place["neck"], place["head"]),
        HEAD: (place["head"], crown),
        JAW: (place["jaw"], place["chin"]),
        EYES[0]: (place["eye_left"], place["eye_left"] + forward),
        EYES[1]: (place["eye_right"], place["eye_right"] + forward),
        **gaze_ends((place["eye_left"], place["eye_right"])),
    }


def _place_bones(rig: bpy.types.Object, data: RigData) -> None:
    """Make the bones, or move them to the head's joints; bones of the person's own stay."""
    bones = rig.data.bones
    ends = {bone_name(rig, name): places for name, places in _ends(data).items()}
    parents = {
        bone_name(rig, name): bone_name(rig, above) if above else None
        for name, above in _PARENTS.items()
    }
    if all(
        name in bones
        and (bones[name].head_local - start).length < 1e-6
        and (bones[name].tail_local - end).length < 1e-6
        for name, (start, end) in ends.items()
    ):
        return
    with edit_bones(rig) as edited:
        for name, (start, end) in ends.items():
            bone = edited.get(name) or edited.new(name)
            bone.head, bone.tail = start, end
            bone.parent = edited[parents[name]] if parents[name] else None
            # The bone's own X points to the subject's left, so that a positive turn about it
            # opens the jaw and lowers the eyes. The target lies along that.
            up = (end - start).cross(Vector((0, 1, 0)))
            bone.align_roll(up if name == TARGET else Vector((1, 0, 0)).cross(end - start))


@contextmanager
def edit_bones(rig: bpy.types.Object) -> Iterator[bpy.types.ArmatureEditBones]:
    """The bones of ``rig`` in Edit Mode; its visibility and the active object are restored."""
    layer, root = bpy.context.view_layer, bpy.context.scene.collection.objects
    active, hidden = layer.objects.active, rig.hide_viewport
    # Linked to the scene's own collection meanwhile: that one cannot be hidden or excluded.
    linked = rig.name not in root
    if linked:
        root.link(rig)
    rig.hide_viewport = False
    try:
        layer.objects.active = rig
        bpy.ops.object.mode_set(mode="EDIT")
        try:
            yield rig.data.edit_bones
        finally:
            bpy.ops.object.mode_set(mode="OBJECT")
    finally:
        rig.hide_viewport = hidden
        layer.objects.active = active
        if linked:
            root.unlink(rig)


def _put_above(rig: bpy.types.Object, obj: bpy.types.Object) -> None:
    """Make ``rig`` the parent of ``obj`` and the child of what was its parent.

    The head's own location, rotation and scale stay as they are, and with them its animation.
    """
    _copy_parent(obj, rig)
    rig.matrix_basis = obj.matrix_basis
    obj.parent, obj.parent_type = rig, "OBJECT"
    # Read back, not from obj: Blender splits a matrix into location, rotation and scale, and only
    # what came of that cancels exactly.
    obj.matrix_parent_inverse = rig.matrix_basis.inverted()


def _take_from_under(rig: bpy.types.Object, obj: bpy.types.Object) -> None:
    """Undo :func:`_put_above`; where the rig was moved to, the head stays."""
    moved = rig.matrix_basis @ obj.matrix_parent_inverse
    _copy_parent(rig, obj)
    if not _is_identity(moved):
        obj.matrix_basis = moved @ obj.matrix_basis


def _preserve_actions(rig: bpy.types.Object) -> str:
    """Keep what is left of the actions of a rig that goes: their names; empty without one."""
    kept = [action for action in actions_of(rig) if action.library is None]
    for action in kept:
        action.use_fake_user = True
    return ", ".join(action.name for action in kept)


def _copy_parent(source: bpy.types.Object, target: bpy.types.Object) -> None:
    target.parent = source.parent
    for name in ("parent_type", "parent_bone", "parent_vertices", "matrix_parent_inverse"):
        setattr(target, name, getattr(source, name))


def _is_identity(matrix: Matrix) -> bool:
    return np.abs(np.array(matrix) - np.eye(4)).max() < 1e-6


def _modifier(obj: bpy.types.Object) -> bpy.types.Modifier | None:
    """The modifier that a rig gave to ``obj``, even where the rig was deleted by hand."""
    for modifier in obj.modifiers:
        if modifier.type == "ARMATURE":
            rig = modifier.object
            if RIG in rig if rig is not None else modifier.name == _MODIFIER:
                return modifier
    return None
