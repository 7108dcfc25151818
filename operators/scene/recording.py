"""What the scene shows of a head, frame by frame, as a performance."""

from __future__ import annotations

from collections.abc import Callable

import bpy
import numpy as np

from ...ml.geometry.rotations import angles_from_rotations
from ...ml.head.arkit import EXPRESSION_NAMES
from ...ml.performance.gaze import add_keys_of_gaze, gaze_of
from ...ml.performance.performance import Performance
from ...ml.performance.timecode import can_drop
from .animation import actions_of, all_curves, frames_per_second
from .gaze import following_lids
from .metadata import rig_of
from .performance import FIRST, GAZE, GAZE_PATH, TIMECODE, owners_of
from .turns import eye_turns, head_turn

_SAME_TURN = 1e-4  # what rounding leaves of a rotation


def frames_of(scene: bpy.types.Scene, obj: bpy.types.Object) -> tuple[int, int]:
    """The first and the last frame of the actions and strips of a head; without any, the scene's.

    They need not be whole: the frames are those that hold them.
    """
    spans = []
    for animation in _animations(obj):
        if animation.action is not None:
            spans.append(animation.action.frame_range[:])
        strips = [strip for track in animation.nla_tracks for strip in track.strips]
        spans += [(strip.frame_start, strip.frame_end) for strip in strips]
    if not spans:
        return scene.frame_start, scene.frame_end
    starts, ends = zip(*spans, strict=True)
    return int(np.floor(min(starts))), int(np.ceil(max(ends)))


def performance_of(
    context: bpy.types.Context,
    obj: bpy.types.Object,
    frames: range,
    progress: Callable[[int], None],
) -> Performance:
    """What the scene shows of ``obj`` in these frames, drivers and the NLA included.

    progress: called with the number of each frame before it is read.
    """
    scene, rate = context.scene, frames_per_second(context.scene)
    stands, rig = (scene.frame_current, scene.frame_subframe), rig_of(obj)
    recorded = _has_gaze(rig or obj)
    values = np.zeros((len(frames), len(EXPRESSION_NAMES)))
    heads, eyes, gaze = [], [], np.zeros((len(frames), 2, 3))
    try:
        for number, frame in enumerate(frames):
            progress(number)
            scene.frame_set(frame)
            depsgraph = context.evaluated_depsgraph_get()
            seen = obj.evaluated_get(depsgraph)
            shown = rig.evaluated_get(depsgraph) if rig is not None else None
            values[number] = _expression(seen, shown)
            heads.append(head_turn(seen, shown))
            eyes.append(eye_turns(shown))
            if recorded:
                gaze[number] = np.reshape((shown or seen)[GAZE][:], (2, 3))
    finally:
        scene.frame_set(stands[0], subframe=stands[1])
    turned = np.array(eyes)
    if np.abs(turned - np.eye(3)).max() > _SAME_TURN:
        gaze = angles_from_rotations(turned)
        add_keys_of_gaze(values, gaze)
    elif not recorded:
        gaze = gaze_of(values)
    times, head = np.arange(len(frames)) / rate, angles_from_rotations(np.array(heads))
    start = _timecode(obj, frames[0], rate)
    return Performance(times, values, head, gaze, rate, start, drops=can_drop(rate))


def _expression(seen: bpy.types.Object, shown: bpy.types.Object | None) -> list[float]:
    """The values of ARKit's expressions of an evaluated head; 0 where a key is missing.

    Without what lids do because they follow the eyes: the gaze says that.
    """
    keys = seen.data.shape_keys.key_blocks if seen.data.shape_keys else {}
    following = following_lids(seen, shown)
    return [
        keys[name].value - following.get(name, 0.0) if name in keys else 0.0
        for name in EXPRESSION_NAMES
    ]


def _has_gaze(owner: bpy.types.Object) -> bool:
    """Whether an action of ``owner`` has the gaze of a recording."""
    return GAZE in owner and any(
        curve.data_path == GAZE_PATH
        for action in actions_of(owner)
        for curves in all_curves(action)
        for curve in curves
    )


def _timecode(obj: bpy.types.Object, frame: int, rate: float) -> float | None:
    """The timecode of a frame, seconds after midnight; None where no recording had one."""
    for animation in _animations(obj):
        takes = [(animation.action, 0.0)]
        takes += [
            (strip.action, strip.frame_start - strip.action_frame_start)
            for track in animation.nla_tracks
            for strip in track.strips
        ]
        for action, moved in takes:
            if action is not None and TIMECODE in action:
                return action[TIMECODE] + (frame - action.get(FIRST, 1) - moved) / rate
    return None


def _animations(obj: bpy.types.Object) -> list[bpy.types.AnimData]:
    """How the datablocks of a head are animated, that of its expressions first."""
    return [one.animation_data for one in owners_of(obj) if one.animation_data is not None]
