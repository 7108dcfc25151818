"""Names of a rig's bones: Effigy's own, or those of another kind of rig.

The rest of the code knows a bone by Effigy's name; what it is called in an armature is looked up
here. The choice is kept on the armature's data, which copies, linked files and .blend files carry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import bpy

from ...ml.errors import HeadError
from .animation import actions_of, all_curves

NECK, HEAD, JAW, EYES = "neck", "head", "jaw", ("eye.L", "eye.R")
BONES = (NECK, HEAD, JAW, *EYES)
_STORED = "effigy_bone_names"


@dataclass(frozen=True)
class Scheme:
    """One way to name bones: ``label`` and ``help`` for people, ``names`` by Effigy's."""

    label: str
    help: str
    names: Mapping[str, str]


EFFIGY = "EFFIGY"
# Rigify's human metarig has three bones from chest to crown, of which spine.006 is the head; its
# jaw and eyes are called as ours. Mixamo's auto-rigger makes no jaw: that name follows its pattern.
SCHEMES = {
    EFFIGY: Scheme("Effigy", "neck, head, jaw, eye.L, eye.R", {}),
    "RIGIFY": Scheme(
        "Rigify",
        "As in Rigify's human metarig: spine.004 for the neck, spine.006 for the head",
        {NECK: "spine.004", HEAD: "spine.006"},
    ),
    "MIXAMO": Scheme(
        "Mixamo",
        "mixamorig:Neck, mixamorig:Head, mixamorig:Jaw, mixamorig:LeftEye, mixamorig:RightEye",
        {
            NECK: "mixamorig:Neck",
            HEAD: "mixamorig:Head",
            JAW: "mixamorig:Jaw",
            EYES[0]: "mixamorig:LeftEye",
            EYES[1]: "mixamorig:RightEye",
        },
    ),
}


def scheme_of(rig: bpy.types.Object) -> str:
    """Which of :data:`SCHEMES` names the bones of ``rig``."""
    kept = rig.data.get(_STORED, EFFIGY)
    return kept if kept in SCHEMES else EFFIGY


def bone_name(rig: bpy.types.Object, name: str) -> str:
    """What the bone that Effigy calls ``name`` is called in ``rig``."""
    return SCHEMES[scheme_of(rig)].names.get(name, name)


def bone_names(rig: bpy.types.Object | None) -> dict[str, str]:
    """What all bones that deform are called in ``rig``, by Effigy's names; None: Effigy's own."""
    return {name: bone_name(rig, name) if rig is not None else name for name in BONES}


def pose_bone(rig: bpy.types.Object | None, name: str) -> bpy.types.PoseBone | None:
    """The bone that Effigy calls ``name``; None where there is no rig, or it was removed."""
    return rig.pose.bones.get(bone_name(rig, name)) if rig is not None else None


def set_scheme(rig: bpy.types.Object, scheme: str) -> list[str]:
    """Name the bones of ``rig`` by one of :data:`SCHEMES`; whatever refers to them follows.

    So do actions, pose assets too, whichever scheme they were made with. Returns the names of
    those that stay as they are: no armature uses them, and they may be another's.

    Raises
    ------
    HeadError: another bone has a name already; nothing is changed then.
    """
    wanted = {name: SCHEMES[scheme].names.get(name, name) for name in BONES}
    changes = {
        bone_name(rig, name): new
        for name, new in wanted.items()
        if bone_name(rig, name) in rig.data.bones
    }
    for old, new in changes.items():
        if old != new and new in rig.data.bones:
            raise HeadError(
                f"{rig.name} has a bone of its own called {new}", "Rename that bone first"
            )
    for old, new in changes.items():
        rig.data.bones[old].name = new
    rig.data[_STORED] = scheme
    # What other schemes call a bone, unless it is another bone here.
    known = {
        each.names.get(name, name): new for each in SCHEMES.values() for name, new in wanted.items()
    }
    renamed = {old: new for old, new in known.items() if old not in rig.data.bones}
    ours, unsure = _actions_for(rig, set(renamed))
    for action in ours:
        _rename_in(action, renamed)
    return [action.name for action in unsure]


def rename_bone(rig: bpy.types.Object, old: str, new: str, actions: list[bpy.types.Action]) -> None:
    """Rename a bone of ``rig``, and in ``actions``.

    Blender itself lets constraints, drivers, vertex groups and the actions in use follow.
    """
    rig.data.bones[old].name = new
    for action in actions:
        _rename_in(action, {old: new})


def _rename_in(action: bpy.types.Action, names: Mapping[str, str]) -> None:
    """Let the curves that move bones move those of other names, where these have none yet."""
    for curves in all_curves(action):
        for curve in curves:
            name = _bone_in(curve)
            if name not in names:
                continue
            path = _path(names[name]) + curve.data_path.removeprefix(_path(name))
            if curves.find(path, index=curve.array_index) is None:
                curve.data_path = path
                if curve.group is not None and curve.group.name == name:
                    curve.group.name = names[name]


def _actions_for(
    rig: bpy.types.Object, bones: set[str]
) -> tuple[list[bpy.types.Action], list[bpy.types.Action]]:
    """The actions that move ``bones`` of ``rig``, and those of which that is not known."""
    rigs = [obj for obj in bpy.data.objects if obj.type == "ARMATURE"]
    users = [obj for obj in rigs if obj.data == rig.data]
    others = [obj for obj in rigs if obj.data != rig.data]
    own = {action for obj in users for action in actions_of(obj)}
    foreign = {action for obj in others for action in actions_of(obj)}
    ours, unsure = [], []
    for action in bpy.data.actions:
        moved = bones & {_bone_in(curve) for curves in all_curves(action) for curve in curves}
        if not moved or action.library is not None or action in foreign - own:
            continue
        rival = any(moved & set(obj.data.bones.keys()) for obj in others)
        known = action in own or not rival or _has_slot_of(action, users)
        (ours if known else unsure).append(action)
    return ours, unsure


def _has_slot_of(action: bpy.types.Action, users: list[bpy.types.Object]) -> bool:
    """Whether a slot of an action was made for one of these objects; Blender 4.4 and later."""
    names = {obj.name for obj in users}
    return any(slot.name_display in names for slot in getattr(action, "slots", ()))


def _bone_in(curve: bpy.types.FCurve) -> str:
    """The name of the bone that a curve moves; empty where it moves none."""
    start, _, rest = curve.data_path.partition('pose.bones["')
    return bpy.utils.unescape_identifier(rest.split('"]')[0]) if rest and not start else ""


def _path(name: str) -> str:
    return f'pose.bones["{bpy.utils.escape_identifier(name)}"]'
