"""The control board on a rig: its bones, beside the head, come and go."""

from __future__ import annotations

import bpy
from mathutils import Vector

from ...ml.errors import HeadError
from .board import BOARD, CONTROLS, Control, board_names, board_to_sliders, has_board
from .board_drivers import connect_board, disconnect_board, heads_on
from .board_shapes import frame_shape, handle_shape
from .bone_names import EYES, bone_name
from .rig import edit_bones

COLLECTION = "Control board"
_LIMIT = "Board"
# Metres from between the eyes to the board's middle, to the subject's left and down.
_BESIDE, _EYE_ROW = 0.25, 0.062
_LENGTH, _SMALL = 0.02, 0.006
# Of the frame with its words, and of what is taken hold of; and of bones that are selected.
_Colour = tuple[float, float, float]
_FRAME_COLOUR: _Colour = (0.85, 0.85, 0.85)
_HANDLE_COLOUR: _Colour = (1.0, 0.75, 0.1)
_SELECTED, _ACTIVE = (0.3, 0.8, 1.0), (0.7, 0.95, 1.0)


def add_board(rig: bpy.types.Object) -> None:
    """Give ``rig`` its control board, at rest: nothing of the face changes.

    Needs Object Mode: bones can only be made by entering Edit Mode for a moment. Raises HeadError.
    """
    names = [BOARD, *(control.name for control in CONTROLS)]
    taken = [name for name in names if name in rig.data.bones]
    if taken:
        raise HeadError(
            f"{rig.name} has a bone of its own called {taken[0]}", "Rename that bone first"
        )
    _add_bones(rig)
    shapes = handle_shape(), frame_shape()
    collection = rig.data.collections.get(COLLECTION) or rig.data.collections.new(COLLECTION)
    for name in names:
        collection.assign(rig.data.bones[name])
        rig.data.bones[name].use_deform = False
    _dress(rig.pose.bones[BOARD], shapes[1], _FRAME_COLOUR)
    for control in CONTROLS:
        _equip(rig.pose.bones[control.name], control, shapes[0])
    for obj in heads_on(rig):
        connect_board(obj, rig)


def remove_board(rig: bpy.types.Object) -> None:
    """Take the control board away; the sliders then do what it did."""
    if not has_board(rig):
        return
    board_to_sliders(rig)
    for obj in heads_on(rig):
        disconnect_board(obj, rig)
    shapes = {bone.custom_shape for bone in rig.pose.bones if bone.name in board_names(rig)}
    names = board_names(rig)
    with edit_bones(rig) as edited:
        for name in names:
            edited.remove(edited[name])
    collection = rig.data.collections.get(COLLECTION)
    if collection is not None and not len(collection.bones):
        rig.data.collections.remove(collection)
    for shape in shapes - {None}:
        if shape.users == 0:
            bpy.data.objects.remove(shape)


def _add_bones(rig: bpy.types.Object) -> None:
    eyes = [rig.data.bones[bone_name(rig, name)].head_local for name in EYES]
    middle = (eyes[0] + eyes[1]) / 2 + Vector((_BESIDE, 0, -_EYE_ROW))
    with edit_bones(rig) as edited:
        board = _new_bone(edited, BOARD, middle, _LENGTH)
        for control in CONTROLS:
            x, y = control.place
            bone = _new_bone(edited, control.name, middle + Vector((x, 0, y)), _SMALL)
            bone.parent = board


def _new_bone(
    edited: bpy.types.ArmatureEditBones, name: str, place: Vector, length: float
) -> bpy.types.EditBone:
    """A bone that stands upright and looks to the front: its X goes to the subject's left."""
    bone = edited.new(name)
    bone.head, bone.tail = place, place + Vector((0, 0, length))
    bone.align_roll(Vector((0, -1, 0)))
    return bone


def _equip(bone: bpy.types.PoseBone, control: Control, shape: bpy.types.Object) -> None:
    """Let a control slide on the board, and no farther than it does something."""
    _dress(bone, shape, _HANDLE_COLOUR)
    bone.rotation_mode = "XYZ"
    bone.lock_rotation = bone.lock_scale = (True, True, True)
    bone.lock_location = tuple(least == most for least, most in (*control.limits, (0.0, 0.0)))
    limit = bone.constraints.new("LIMIT_LOCATION")
    limit.name, limit.owner_space, limit.use_transform_limit = _LIMIT, "LOCAL", True
    for axis, (least, most) in zip("xyz", (*control.limits, (0.0, 0.0)), strict=True):
        setattr(limit, f"use_min_{axis}", True)
        setattr(limit, f"use_max_{axis}", True)
        setattr(limit, f"min_{axis}", least)
        setattr(limit, f"max_{axis}", most)


def _dress(bone: bpy.types.PoseBone, shape: bpy.types.Object, colour: _Colour) -> None:
    bone.custom_shape, bone.use_custom_shape_bone_size = shape, False
    bone.color.palette = "CUSTOM"
    bone.color.custom.normal = colour
    bone.color.custom.select, bone.color.custom.active = _SELECTED, _ACTIVE
