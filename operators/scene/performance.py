"""A performance as an action of a head."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import bpy
import numpy as np

from ...ml.errors import HeadError
from ...ml.geometry.rotations import rotations_from_angles
from ...ml.head.arkit import EXPRESSION_NAMES
from ...ml.performance.performance import Performance, resampled
from .animation import LAST_FRAME, fill_curve, frames_per_second, slot_curves, take_action
from .bone_names import EYES, HEAD, pose_bone
from .expression import keyframe_place, widen_slider
from .gaze import look_freely
from .metadata import rig_of
from .turns import (
    Channel,
    bone_channels,
    object_channels,
    place_channels,
    put_to_rest,
)

# The gaze of a recording where the keys show it: kept for the export, it moves nothing.
GAZE = "effigy_gaze"
GAZE_PATH = f'["{GAZE}"]'
# On an action: the timecode of its first frame, seconds after midnight, and that frame.
TIMECODE, FIRST = "effigy_timecode", "effigy_first_frame"


@dataclass(frozen=True)
class Wanted:
    """How a performance is put on a head.

    Attributes
    ----------
    name: of the action. first: frame of the scene that it begins at.
    head: whether the head turns. bones: whether the eyes' bones turn, instead of the keys' gaze.
    """

    name: str
    first: int = 1
    head: bool = True
    bones: bool = False


def put_on(
    scene: bpy.types.Scene, obj: bpy.types.Object, performance: Performance, wanted: Wanted
) -> tuple[int, list[str]]:
    """Give ``obj`` a new action with a performance, at the scene's frame rate.

    Returns how many frames it has and, in words, what could not be animated. Actions that were in
    use stay in the file. Nothing is changed before all is known to fit. Raises HeadError.
    """
    rig = rig_of(obj)
    if wanted.bones and rig is None:
        raise HeadError(f"{obj.name} has no bones for its eyes", "Add the rig first")
    at_rate = resampled(performance, frames_per_second(scene))
    count = len(at_rate.times)
    if wanted.first + count - 1 > LAST_FRAME:
        raise HeadError(
            f"The performance ends after frame {LAST_FRAME:,}, Blender's last", "Begin it earlier"
        )
    channels, left_out = _expressions(obj, at_rate, wanted)
    more, missing = _rotations(obj, rig, at_rate, wanted)
    channels += more
    if not channels:
        raise HeadError(f"{obj.name} has no shape keys of ARKit's names", "Rebuild the head first")
    for owner in {channel.owner: None for channel in channels}:
        _check_can_animate(owner)
    for owner in owners_of(obj):
        if owner.is_editable:  # the mesh of a library override is not
            leave(owner)
    if performance.eyes is not None:
        look_freely(rig)  # the recording says where they look
    _widen(obj, channels)
    if any(channel.path == GAZE_PATH for channel in channels):
        (rig or obj)[GAZE] = [0.0] * 6
    for action in write_channels(channels, wanted):
        action[FIRST] = wanted.first
        if performance.start is not None:
            action[TIMECODE] = performance.start
    scene.frame_set(scene.frame_current, subframe=scene.frame_subframe)
    return count, left_out + missing


def _expressions(
    obj: bpy.types.Object, performance: Performance, wanted: Wanted
) -> tuple[list[Channel], list[str]]:
    keys = obj.data.shape_keys.key_blocks if obj.data.shape_keys else {}
    channels, left_out = [], []
    for name, values in zip(EXPRESSION_NAMES, performance.values.T, strict=True):
        place = keyframe_place(obj, keys[name]) if name in keys else None
        if place is None:
            left_out.append(name)
            continue
        if wanted.bones and performance.eyes is not None and name.startswith("eyeLook"):
            values = np.zeros_like(values)  # the bones turn the eyes
        channels.append(Channel(*place, -1, values))
    return channels, left_out


def _rotations(
    obj: bpy.types.Object, rig: bpy.types.Object | None, performance: Performance, wanted: Wanted
) -> tuple[list[Channel], list[str]]:
    channels: list[Channel] = []
    missing: list[str] = []

    def add(found: Iterable[Channel] | None, what: str) -> None:
        if found is None:
            missing.append(what)
        else:
            channels.extend(found)

    if wanted.head and performance.head is not None:
        turns = rotations_from_angles(performance.head)
        bones = pose_bone(rig, HEAD) is not None
        add(bone_channels(rig, HEAD, turns) if bones else object_channels(obj, turns), "rotation")
        if performance.places is not None and not bones:
            channels += place_channels(obj, performance.places)
    if performance.eyes is None:
        return channels, missing
    if wanted.bones:
        for number, name in enumerate(EYES):
            turns = rotations_from_angles(performance.eyes[:, number])
            add(bone_channels(rig, name, turns), f"bone {name}")
    else:
        owner, flat = rig or obj, performance.eyes.reshape(len(performance.times), 6)
        channels += [Channel(owner, GAZE_PATH, n, flat[:, n]) for n in range(6)]
    return channels, missing


def _check_can_animate(owner: bpy.types.ID) -> None:
    if not owner.is_editable:
        raise HeadError(
            f"{owner.name} is in another file",
            "Make it local or a library override first (Object, Relations)",
        )
    animation = owner.animation_data
    if animation is not None and animation.use_tweak_mode:
        raise HeadError(
            f"A strip of {owner.name} is being edited in the NLA", "Leave its tweak mode first"
        )


def _widen(obj: bpy.types.Object, channels: list[Channel]) -> None:
    by_place = {(channel.owner, channel.path): channel.values for channel in channels}
    for key in obj.data.shape_keys.key_blocks if obj.data.shape_keys else ():
        values = by_place.get(keyframe_place(obj, key))
        if values is not None and key.id_data.is_editable:
            widen_slider(obj, key, float(values.min()), float(values.max()))


def write_channels(channels: list[Channel], wanted: Wanted) -> list[bpy.types.Action]:
    """Make the curves, in one action; Blender before 4.4 has one for each datablock."""
    frames = np.arange(len(channels[0].values), dtype=np.float32) + wanted.first
    curves: dict[bpy.types.ID, bpy.types.bpy_prop_collection] = {}
    actions: list[bpy.types.Action] = []
    for channel in channels:
        if channel.owner not in curves:
            if not actions or not hasattr(actions[0], "slots"):
                actions.append(bpy.data.actions.new(wanted.name))
            curves[channel.owner] = _take(channel.owner, actions[-1])
        index = {"index": channel.index} if channel.index >= 0 else {}
        fill_curve(curves[channel.owner].new(channel.path, **index), frames, channel.values)
    return actions


def leave(owner: bpy.types.ID) -> str:
    """Take an earlier performance off a datablock: its action stays in the file, no turn does.

    Returns the action's name; empty where there was no performance.
    """
    animation = owner.animation_data
    action = animation.action if animation is not None else None
    if action is None or FIRST not in action:
        return ""
    curves = slot_curves(action, getattr(animation, "action_slot", None)) or ()
    paths = {curve.data_path for curve in curves}
    if action.library is None:
        action.use_fake_user = True
    animation.action = None
    put_to_rest(owner, paths)
    return action.name


def _take(owner: bpy.types.ID, action: bpy.types.Action) -> bpy.types.bpy_prop_collection:
    """Let ``action`` animate ``owner`` in place of its own, which stays in the file."""
    animation = owner.animation_data
    if animation and animation.action is not None and animation.action.library is None:
        animation.action.use_fake_user = True
    return take_action(owner, action)


def owners_of(obj: bpy.types.Object) -> list[bpy.types.ID]:
    """The datablocks of a head that a performance may animate, that of its expressions first."""
    return [one for one in (rig_of(obj), obj.data.shape_keys, obj) if one is not None]
