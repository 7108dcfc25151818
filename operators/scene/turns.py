"""Rotations of a head and its eyes: as channels of its bones or of the object itself.

Without a rig the object's delta rotation carries the head's: its place in the scene stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Euler, Matrix

from .axes import rotations_from_blender, rotations_to_blender, to_blender
from .bone_names import EYES, HEAD, pose_bone

_MOVED = "delta_location"
# By how a rotation's path ends.
_NO_TURN = {"euler": (0, 0, 0), "quaternion": (1, 0, 0, 0), "axis_angle": (0, 0, 1, 0)}


@dataclass(frozen=True)
class Channel:
    """One F-curve to be: ``values``, (F,), of the item ``index`` at ``path`` of ``owner``."""

    owner: bpy.types.ID
    path: str
    index: int
    values: np.ndarray


def bone_channels(
    rig: bpy.types.Object, name: str, rotations: np.ndarray
) -> Iterator[Channel] | None:
    """The channels by which a bone turns by (F, 3, 3) ``rotations``, of head space.

    name: Effigy's. None where the person removed the bone.
    """
    bone = pose_bone(rig, name)
    if bone is None:
        return None
    rest = np.array(bone.bone.matrix_local.to_3x3())
    local = rest.T @ rotations_to_blender(rotations) @ rest
    return rotation_channels(rig, f"{bone.path_from_id()}.rotation", bone.rotation_mode, local)


def object_channels(obj: bpy.types.Object, rotations: np.ndarray) -> Iterator[Channel] | None:
    """The channels by which ``obj`` turns by (F, 3, 3) ``rotations`` about its origin.

    None where it is turned by an axis and an angle: Blender has no delta rotation of that kind.
    """
    if obj.rotation_mode == "AXIS_ANGLE":
        return None
    placed = _placed(obj)
    turned = placed @ rotations_to_blender(rotations) @ placed.T
    return rotation_channels(obj, "delta_rotation", obj.rotation_mode, turned)


def place_channels(obj: bpy.types.Object, places: np.ndarray) -> Iterator[Channel]:
    """The channels by which ``obj`` moves by (F, 3) ``places``, metres of head space."""
    moved = to_blender(places) * np.array(obj.scale) @ _placed(obj).T
    for axis, values in enumerate(moved.T):
        yield Channel(obj, _MOVED, axis, values)


def put_to_rest(owner: bpy.types.ID, paths: Iterable[str]) -> None:
    """Set those of these paths that turn or move to none: what keyframes left there."""
    for path in paths:
        if path == _MOVED:
            owner.delta_location = (0, 0, 0)
        ending = path.rpartition("rotation_")[2]
        if ending in _NO_TURN:
            owner.path_resolve(path)[:] = _NO_TURN[ending]


def head_turn(obj: bpy.types.Object, rig: bpy.types.Object | None) -> np.ndarray:
    """(3, 3) how the head is turned from rest, head space; both objects are evaluated ones."""
    if rig is not None and pose_bone(rig, HEAD) is not None:
        return rotations_from_blender(_turn(rig, HEAD))
    if obj.rotation_mode == "QUATERNION":
        delta = obj.delta_rotation_quaternion.to_matrix()
    elif obj.rotation_mode == "AXIS_ANGLE":
        return np.eye(3)
    else:
        delta = Euler(obj.delta_rotation_euler, obj.rotation_mode).to_matrix()
    placed = _placed(obj)
    return rotations_from_blender(placed.T @ np.array(delta) @ placed)


def eye_turns(rig: bpy.types.Object | None) -> np.ndarray:
    """(2, 3, 3) how the bones of the eyes are turned within the head, head space."""
    turns = np.stack([np.eye(3)] * 2)
    if rig is None or pose_bone(rig, HEAD) is None:
        return turns
    head = _turn(rig, HEAD)
    for number, name in enumerate(EYES):
        if pose_bone(rig, name) is not None:
            turns[number] = rotations_from_blender(head.T @ _turn(rig, name))
    return turns


def _turn(rig: bpy.types.Object, name: str) -> np.ndarray:
    """(3, 3) how a bone is turned from rest, in the armature's space."""
    bone = pose_bone(rig, name)
    posed, rest = (matrix.to_3x3().normalized() for matrix in (bone.matrix, bone.bone.matrix_local))
    return np.array(posed @ rest.transposed())


def _placed(obj: bpy.types.Object) -> np.ndarray:
    """(3, 3) the rotation of an object without its delta rotation."""
    if obj.rotation_mode == "QUATERNION":
        return np.array(obj.rotation_quaternion.normalized().to_matrix())
    return np.array(Euler(obj.rotation_euler, obj.rotation_mode).to_matrix())


def rotation_channels(
    owner: bpy.types.ID, path: str, mode: str, rotations: np.ndarray
) -> Iterator[Channel]:
    """The channels at ``path``, without its ending, in the rotation mode of bone or object.

    rotations: (F, 3, 3) in Blender's space.
    """
    ending, rows = _rows(mode, rotations)
    for index, values in enumerate(np.array(rows).T):
        yield Channel(owner, f"{path}_{ending}", index, values)


def _rows(mode: str, rotations: np.ndarray) -> tuple[str, list[tuple[float, ...]]]:
    """Each rotation in numbers, without jumps from one to the next."""
    matrices = [Matrix(rotation.tolist()) for rotation in rotations]
    rows: list[tuple[float, ...]] = []
    if mode in ("QUATERNION", "AXIS_ANGLE"):
        before = None
        for matrix in matrices:
            turn = matrix.to_quaternion()
            if before is not None:
                turn.make_compatible(before)
            before = turn
            axis, angle = turn.to_axis_angle()
            rows.append(tuple(turn) if mode == "QUATERNION" else (angle, *axis))
        return mode.lower(), rows
    before = Euler((0, 0, 0), mode)
    for matrix in matrices:
        before = matrix.to_euler(mode, before)
        rows.append(tuple(before))
    return "euler", rows
