"""What aims the eyes of a rig: a bone in front of the face, and lids that follow the eyes.

One bone lies across in front of both eyes; each eye looks at its own end of it, so that at rest
both look straight ahead, and a shorter bone lets them converge. An eye's own rotation adds to that.
"""

from __future__ import annotations

import bpy
import numpy as np
from mathutils import Vector

from .board import board_names, board_value
from .bone_names import EYES, HEAD, bone_name, pose_bone
from .expression import rig_driver
from .points import places_of
from .rig_data import RigData

TARGET, AIMS = "eyes.target", ("gaze.L", "gaze.R")
# Custom properties of that bone: whether the eyes look at it, whether it goes with the head, and
# how much the lids follow the eyes. All from 0 to 1.
TRACK, WITH_HEAD, LIDS = "track", "follow_head", "lids"
_MEANING = {
    TRACK: "The eyes look at this bone",
    WITH_HEAD: "This bone follows the head; 0: it stays where it is in the armature",
    LIDS: "The lids follow the eyes up and down",
}
_DISTANCE = 0.4  # metres in front of the eyes
_HELPERS, _AIM, _HOLD = "Gaze", "Aim", "Head"
# The keys of lids that follow an eye, the keys of the gaze that say how far, the radians by which
# those turn an eye at 1, and the direction of the turn about the bone's X.
_FOLLOWING = (("eyeBlink", "eyeLookDown", 0.42, 1), ("eyeWide", "eyeLookUp", 0.38, -1))


def gaze_ends(eyes: tuple[Vector, Vector]) -> dict[str, tuple[Vector, Vector]]:
    """Where each bone that aims begins and ends; ``eyes``: where the left and the right one are."""
    ahead = Vector((0, -_DISTANCE, 0))
    left, right = (place + ahead for place in eyes)
    short = Vector((0, -0.01, 0))
    aims = {name: (eye, eye + short) for name, eye in zip(AIMS, eyes, strict=True)}
    return {TARGET: (right, left), **aims}


def aim_eyes(rig: bpy.types.Object) -> None:
    """Let the eyes of ``rig`` look at its target; what is there already stays as it is."""
    target = rig.pose.bones[TARGET]
    for name, meaning in _MEANING.items():
        if name not in target:
            target[name] = 1.0
            ui = target.id_properties_ui(name)
            ui.update(
                min=0.0, max=1.0, soft_min=0.0, soft_max=1.0, default=1.0, description=meaning
            )
            target.property_overridable_library_set(f'["{name}"]', True)
    if _HOLD not in target.constraints:
        held = _constraint(target, "ARMATURE", _HOLD)
        bone = held.targets.new()
        bone.target, bone.subtarget = rig, bone_name(rig, HEAD)
        _switch(rig, held, WITH_HEAD)
    for eye, aim, end in zip(EYES, AIMS, (1.0, 0.0), strict=True):
        pointing, following = rig.pose.bones[aim], pose_bone(rig, eye)
        if _AIM not in pointing.constraints:
            at = _constraint(pointing, "DAMPED_TRACK", _AIM)
            at.target, at.subtarget, at.head_tail, at.track_axis = rig, TARGET, end, "TRACK_Y"
            _switch(rig, at, TRACK)
        if _AIM not in following.constraints:
            turn = _constraint(following, "COPY_ROTATION", _AIM)
            turn.target, turn.subtarget, turn.mix_mode = rig, aim, "BEFORE"
            turn.owner_space = turn.target_space = "LOCAL"
    _hide_helpers(rig.data)


def let_lids_follow(obj: bpy.types.Object, rig: bpy.types.Object, data: RigData) -> None:
    """Add to the keys of the lids, which properties of ``rig`` drive, what the eyes' turn gives.

    The keys of the gaze would turn the eyes once more, so it is blinking and widening that follow,
    as far as they move the lids of this head like the keys of the gaze.
    """
    keys = obj.data.shape_keys.key_blocks
    for eye, side in zip(EYES, ("Left", "Right"), strict=True):
        for lid, look, angle, sign in _FOLLOWING:
            names = lid + side, look + side
            driver = rig_driver(keys[names[0]], rig) if all(n in keys for n in names) else None
            if driver is None or "lids" in driver.variables:
                continue
            amount = _alike(keys, names, np.asarray(data.weights[eye]) == 0) / angle
            _variable(driver, rig, "lids").targets[0].data_path = _path(LIDS)
            turn = _variable(driver, rig, "turn", "TRANSFORMS").targets[0]
            turn.bone_target, turn.transform_type = bone_name(rig, eye), "ROT_X"
            turn.transform_space, turn.rotation_mode = "LOCAL_SPACE", "XYZ"
            held = driver.expression if driver.type == "SCRIPTED" else "value"
            driver.type = "SCRIPTED"  # so simple that Blender needs no Python for it
            driver.expression = (
                f"{held} + max(0, 1 - {held}) * lids * {amount:.3f} * max(0, {sign} * turn)"
            )


def following_lids(obj: bpy.types.Object, rig: bpy.types.Object | None) -> dict[str, float]:
    """By key, how much of its value is there because the lids follow the eyes.

    Both objects are evaluated ones.
    """
    found: dict[str, float] = {}
    keys = obj.data.shape_keys.key_blocks if obj.data.shape_keys else {}
    for lid, *_ in _FOLLOWING:
        for name in (f"{lid}Left", f"{lid}Right"):
            if rig is not None and name in keys and name in rig and TARGET in rig.pose.bones:
                own = float(rig[name]) + board_value(rig, name)
                found[name] = max(0.0, keys[name].value - own)
    return found


def helper_names(rig: bpy.types.Object) -> set[str]:
    """The names of the bones of ``rig`` that only aim or control: no file needs them."""
    return {name for name in (TARGET, *AIMS) if name in rig.data.bones} | board_names(rig)


def look_freely(rig: bpy.types.Object | None) -> None:
    """Let the eyes of a rig no longer look at its target."""
    if rig is not None and TARGET in rig.pose.bones:
        rig.pose.bones[TARGET][TRACK] = 0.0
        rig.update_tag()


def _constraint(bone: bpy.types.PoseBone, kind: str, name: str) -> bpy.types.Constraint:
    made = bone.constraints.new(kind)
    made.name = name
    return made


def _switch(rig: bpy.types.Object, constraint: bpy.types.Constraint, name: str) -> None:
    """Let a property of the target be the influence of ``constraint``."""
    driver = constraint.driver_add("influence").driver
    driver.type = "SUM"
    _variable(driver, rig, name).targets[0].data_path = _path(name)


def _variable(
    driver: bpy.types.Driver, rig: bpy.types.Object, name: str, kind: str = "SINGLE_PROP"
) -> bpy.types.DriverVariable:
    variable = driver.variables.new()
    variable.name, variable.type = name, kind
    variable.targets[0].id = rig
    return variable


def _path(name: str) -> str:
    return f'pose.bones["{TARGET}"]["{name}"]'


def _alike(keys, names: tuple[str, str], lids: np.ndarray) -> float:
    """How much of the first key moves the vertices ``lids`` most as the second does at 1."""
    moves = []
    for name in names:
        moves.append((places_of(keys[name].points) - places_of(keys[0].points))[lids])
    lid, look = moves
    return float(np.clip((lid * look).sum() / max((lid * lid).sum(), 1e-12), 0, 1))


def _hide_helpers(armature: bpy.types.Armature) -> None:
    """Put the bones that only point into a hidden collection; none of those that aim deforms."""
    hidden = armature.collections.get(_HELPERS) or armature.collections.new(_HELPERS)
    for name in AIMS:
        hidden.assign(armature.bones[name])
    hidden.is_visible = False
    for name in (TARGET, *AIMS):
        armature.bones[name].use_deform = False
