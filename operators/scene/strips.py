"""Strips of the NLA that go from one datablock to another, with the F-curves in their actions."""

from __future__ import annotations

from collections.abc import Mapping

import bpy

from .animation import copy_curve, slot_curves

_TRACK = ("name", "mute", "lock", "is_solo")
# In this order: the action's frames change the strip's length, and that its end.
_STRIP = (
    *("use_sync_length", "action_frame_start", "action_frame_end", "scale", "repeat"),
    *("frame_start_raw", "frame_end_raw", "extrapolation", "blend_type"),
    *("use_auto_blend", "blend_in", "blend_out", "mute", "use_reverse"),
    *("use_animated_influence", "use_animated_time", "use_animated_time_cyclic"),
    *("influence", "strip_time"),
)
# An action, and the slot in it where Blender has slots.
_Part = tuple[bpy.types.Action, object]


def resting_strips(owner: bpy.types.ID) -> bool:
    """Whether ``owner`` has strips of a kind that :func:`move_strips` leaves where they are."""
    return any(strip.type != "CLIP" for track in _tracks(owner) for strip in track.strips)


def copy_strips(source: bpy.types.ID, target: bpy.types.ID) -> None:
    """Give ``target``, a datablock of the same kind, strips with the same actions."""
    for track in _tracks(source):
        new = _new_track(target, track)
        for strip in track.strips:
            if strip.type == "CLIP" and strip.action is not None:
                _copy_strip(strip, new, _part(strip))


def move_strips(
    source: bpy.types.ID, target: bpy.types.ID, paths: Mapping[str, str], *, keep: bool = False
) -> None:
    """Give what strips of ``source`` animate at ``paths`` to strips of ``target``.

    ``paths``: those on ``target``, by those on ``source``. ``keep``: leave the source its own.
    """
    moved: dict[tuple[bpy.types.Action, int], _Part | None] = {}
    rests: dict[bpy.types.Action, bpy.types.Action] = {}
    for track in list(_tracks(source)):
        new = None
        for strip in [one for one in track.strips if one.type == "CLIP" and one.action]:
            action, slot = _part(strip)
            key = action, getattr(slot, "handle", 0)
            if key not in moved:
                moved[key] = _moved(action, slot, target, paths)
            part = moved[key]
            if part is None:
                continue
            new = new or _new_track(target, track)
            _copy_strip(strip, new, part)
            if not keep:
                _take_out(strip, track, paths, rests)
        if not track.strips:
            source.animation_data.nla_tracks.remove(track)
    for action, part in {action: part for (action, _), part in moved.items()}.items():
        if part is not None and action.users == 0 and action.library is None:
            name = action.name
            bpy.data.actions.remove(action)
            part[0].name = name


def _tracks(owner: bpy.types.ID):
    return owner.animation_data.nla_tracks if owner.animation_data else ()


def _part(strip: bpy.types.NlaStrip) -> _Part:
    return strip.action, getattr(strip, "action_slot", None)


def _moved(
    action: bpy.types.Action, slot: object, target: bpy.types.ID, paths: Mapping[str, str]
) -> _Part | None:
    """An action for ``target`` with the curves at ``paths``; None where there are none."""
    curves = slot_curves(action, slot) or ()
    wanted = [curve for curve in curves if curve.data_path in paths]
    if not wanted:
        return None
    new = bpy.data.actions.new(action.name)
    new_slot = new.slots.new(target.id_type, target.name) if hasattr(new, "slots") else None
    places = slot_curves(new, new_slot, create=True)
    for curve in wanted:
        copy_curve(curve, places.new(paths[curve.data_path]))
    return new, new_slot


def _take_out(
    strip: bpy.types.NlaStrip,
    track: bpy.types.NlaTrack,
    paths: Mapping[str, str],
    rests: dict[bpy.types.Action, bpy.types.Action],
) -> None:
    """Leave a strip what is not at ``paths``, in ``rests`` by its action; nothing: remove it."""
    action, slot = _part(strip)
    if all(curve.data_path in paths for curve in slot_curves(action, slot)):
        track.strips.remove(strip)
        return
    if action not in rests:
        rests[action] = action.copy()  # others may use it
    rest = rests[action]
    strip.action = rest
    if slot is not None:
        strip.action_slot = rest.slots[slot.identifier]
    curves = slot_curves(*_part(strip))
    for curve in [one for one in curves if one.data_path in paths]:
        curves.remove(curve)


def _new_track(target: bpy.types.ID, track: bpy.types.NlaTrack) -> bpy.types.NlaTrack:
    tracks = (target.animation_data or target.animation_data_create()).nla_tracks
    new = tracks.new(prev=tracks[-1] if tracks else None)
    for name in _TRACK:
        setattr(new, name, getattr(track, name))
    return new


def _copy_strip(strip: bpy.types.NlaStrip, track: bpy.types.NlaTrack, part: _Part) -> None:
    action, slot = part
    new = track.strips.new(strip.name, int(strip.frame_start), action)
    if slot is not None:
        new.action_slot = slot
    for name in _STRIP:
        setattr(new, name, getattr(strip, name))
    for curve in strip.fcurves:
        found = new.fcurves.find(curve.data_path)
        if found is not None:
            copy_curve(curve, found)
