"""Keyframes and drivers that go from one property to another.

Actions have slots in Blender 4.4 and later, and no other way to their F-curves in 5.0; before,
they have F-curves of their own.
"""

from __future__ import annotations

import bpy
import numpy as np

LAST_FRAME = 1_048_574  # of Blender
_LINEAR = 1  # Blender's number of this interpolation
_POINT = (
    "co",
    "handle_left",
    "handle_right",
)
_POINT_SETTINGS = (
    "interpolation",
    "easing",
    "handle_left_type",
    "handle_right_type",
    "amplitude",
    "back",
    "period",
)
_CURVE_SETTINGS = ("extrapolation", "color_mode", "color", "auto_smoothing", "mute")


def move_curve(
    source: tuple[bpy.types.ID, str], target: tuple[bpy.types.ID, str], *, keep: bool = False
) -> None:
    """Give the keyframes of one property, a datablock and a path there, to another.

    ``keep``: leave the source its own. So it is, too, where others use its action.
    """
    owner, path = source
    curves = _curves(owner)
    curve = curves.find(path) if curves is not None else None
    if curve is None:
        return
    wanted = _curves(target[0], create=True)
    old = wanted.find(target[1])
    if old is not None:
        wanted.remove(old)
    copy_curve(curve, wanted.new(target[1]))
    action = owner.animation_data.action
    if keep or action.users > 1 or action.library is not None:
        return
    curves.remove(curve)
    if not len(curves) and not _has_other_curves(action):
        owner.animation_data.action = None
        if action.users == 0:
            bpy.data.actions.remove(action)


def move_driver(source: tuple[bpy.types.ID, str], target: tuple[bpy.types.ID, str]) -> None:
    """Give a copy of the driver of one property to another."""
    animation = source[0].animation_data
    found = animation.drivers.find(source[1]) if animation else None
    if found is not None:
        drivers = (target[0].animation_data or target[0].animation_data_create()).drivers
        drivers.from_existing(src_driver=found).data_path = target[1]


def copy_animation(source: bpy.types.ID, target: bpy.types.ID) -> None:
    """Give ``target``, which has none, the action and copies of the drivers of ``source``.

    Drivers of what ``target`` does not have are left out.
    """
    old = source.animation_data
    if old is None:
        return
    new = target.animation_data_create()
    new.action = old.action
    if old.action is not None and hasattr(old, "action_slot"):
        new.action_slot = old.action_slot
    for curve in old.drivers:
        if _has(target, curve.data_path):
            new.drivers.from_existing(src_driver=curve)


def _has(owner: bpy.types.ID, path: str) -> bool:
    try:
        owner.path_resolve(path)
    except ValueError:
        return False
    return True


def actions_of(owner: bpy.types.ID) -> list[bpy.types.Action]:
    """The actions that animate ``owner``, each once: its own and those of its NLA strips."""
    animation = owner.animation_data
    if animation is None:
        return []
    strips = [strip.action for track in animation.nla_tracks for strip in track.strips]
    return list(dict.fromkeys(each for each in (animation.action, *strips) if each is not None))


def all_curves(action: bpy.types.Action) -> list[bpy.types.bpy_prop_collection]:
    """The collections of all F-curves of an action, one for each that it animates."""
    if not hasattr(action, "slots"):
        return [action.fcurves]
    return [
        bag.fcurves
        for layer in action.layers
        for strip in layer.strips
        for bag in strip.channelbags
    ]


def _curves(owner: bpy.types.ID, *, create: bool = False) -> bpy.types.bpy_prop_collection | None:
    """The F-curves that animate ``owner``; None where it has none, unless made by ``create``."""
    animation = owner.animation_data or (owner.animation_data_create() if create else None)
    if animation is None or (animation.action is None and not create):
        return None
    if animation.action is None:
        animation.action = bpy.data.actions.new(f"{owner.name} action")
    action = animation.action
    if hasattr(action, "slots") and animation.action_slot is None:
        if not create:
            return None
        animation.action_slot = action.slots.new(owner.id_type, owner.name)
    return slot_curves(action, getattr(animation, "action_slot", None), create=create)


def slot_curves(
    action: bpy.types.Action, slot: object, *, create: bool = False
) -> bpy.types.bpy_prop_collection | None:
    """The F-curves in a slot of an action, or in all of it where Blender has no slots.

    None where there are none, unless made by ``create``.
    """
    if not hasattr(action, "slots"):
        return action.fcurves
    if slot is None or not (action.layers or create):
        return None
    if not action.layers:
        action.layers.new("Layer")
    strips = action.layers[0].strips
    strip = strips[0] if strips else strips.new(type="KEYFRAME")
    bag = strip.channelbag(slot, ensure=create)
    return bag.fcurves if bag is not None else None


def take_action(owner: bpy.types.ID, action: bpy.types.Action) -> bpy.types.bpy_prop_collection:
    """Let ``action`` animate ``owner``, in a slot of its own if it has slots; gives its curves."""
    animation = owner.animation_data or owner.animation_data_create()
    animation.action = action
    slot = None
    if hasattr(action, "slots"):
        slot = animation.action_slot = action.slots.new(owner.id_type, owner.name)
    return slot_curves(action, slot, create=True)


def fill_curve(curve: bpy.types.FCurve, frames: np.ndarray, values: np.ndarray) -> None:
    """Add keyframes to a new F-curve: (F,) frames and (F,) values, straight lines between them."""
    points = curve.keyframe_points
    points.add(len(frames))
    points.foreach_set("co", np.column_stack([frames, values]).astype(np.float32).ravel())
    points.foreach_set("interpolation", np.full(len(frames), _LINEAR, np.int32))
    curve.update()


def frames_per_second(scene: bpy.types.Scene) -> float:
    """The frame rate of a scene."""
    return scene.render.fps / scene.render.fps_base


def _has_other_curves(action: bpy.types.Action) -> bool:
    return any(len(curves) for curves in all_curves(action))


def copy_curve(source: bpy.types.FCurve, target: bpy.types.FCurve) -> None:
    """Make ``target``, a new F-curve or one of Blender's, like ``source``."""
    while target.keyframe_points:
        target.keyframe_points.remove(target.keyframe_points[0], fast=True)
    for name in _CURVE_SETTINGS:
        setattr(target, name, getattr(source, name))
    target.keyframe_points.add(len(source.keyframe_points))
    for old, new in zip(source.keyframe_points, target.keyframe_points, strict=True):
        for name in (*_POINT_SETTINGS, *_POINT):
            setattr(new, name, getattr(old, name))
    for old in source.modifiers:
        new = target.modifiers.new(old.type)
        for item in old.bl_rna.properties:
            if not item.is_readonly and item.identifier != "type":
                setattr(new, item.identifier, getattr(old, item.identifier))
    target.update()
