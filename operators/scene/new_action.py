"""A new action for a datablock: what it had before goes on playing, from below.

An action that a datablock has already is pushed down to a track of the NLA of its own, as Blender's
Push Down does. The new one lies over it and replaces, within its own frames, what both animate.
"""

from __future__ import annotations

from collections.abc import Mapping

import bpy
import numpy as np

from ...ml.errors import HeadError
from .animation import fill_curve, take_action


def add_action(
    owner: bpy.types.ID, name: str, curves: Mapping[str, tuple[np.ndarray, np.ndarray]]
) -> bpy.types.Action:
    """Give ``owner`` an action with (F,) frames and (F,) values by the paths of properties.

    Raises
    ------
    HeadError: a strip of its NLA is being edited.
    """
    animation = owner.animation_data or owner.animation_data_create()
    if animation.use_tweak_mode:
        raise HeadError(
            f"A strip of {owner.name} is being edited in the NLA", "Press Tab there to leave it"
        )
    if animation.action is not None:
        _push_down(animation)
    action = bpy.data.actions.new(name)
    places = take_action(owner, action)
    below = bool(animation.nla_tracks)
    animation.action_extrapolation = "NOTHING" if below else "HOLD"
    animation.action_blend_type, animation.action_influence = "REPLACE", 1.0
    for path, (frames, values) in curves.items():
        fill_curve(places.new(path), frames, values)
    return action


def _push_down(animation: bpy.types.AnimData) -> None:
    action, slot = animation.action, getattr(animation, "action_slot", None)
    how = animation.action_blend_type, animation.action_extrapolation, animation.action_influence
    animation.action = None
    tracks = animation.nla_tracks
    track = tracks.new(prev=tracks[-1] if tracks else None)
    track.name = action.name
    start, end = action.frame_range
    strip = track.strips.new(action.name, int(start), action)
    if slot is not None:
        strip.action_slot = slot
    strip.action_frame_start, strip.action_frame_end = start, max(end, start + 1)
    strip.frame_start_raw, strip.frame_end_raw = start, max(end, start + 1)
    strip.blend_type, strip.extrapolation, strip.influence = how
