"""What a rig's control board does to the expressions: another term in the drivers they have."""

from __future__ import annotations

import re

import bpy

from .board import PULLS, TRAVEL, has_board
from .expression import rig_driver
from .metadata import rig_of

_VARIABLE = "board"
_WITHOUT = re.compile(r"\bvalue\b")


def connect_board(obj: bpy.types.Object, rig: bpy.types.Object) -> None:
    """Let the board of ``rig`` move the keys of ``obj`` that the rig drives; twice is once."""
    keys = obj.data.shape_keys.key_blocks if obj.data.shape_keys else {}
    for name, pull in PULLS.items() if has_board(rig) else ():
        driver = rig_driver(keys[name], rig) if name in keys else None
        if driver is None or _VARIABLE in driver.variables or pull.bone not in rig.data.bones:
            continue
        variable = driver.variables.new()
        variable.name, variable.type = _VARIABLE, "TRANSFORMS"
        target = variable.targets[0]
        target.id, target.bone_target = rig, pull.bone
        target.transform_type = ("LOC_X", "LOC_Y")[pull.axis]
        target.transform_space = "LOCAL_SPACE"
        before = driver.expression if driver.type == "SCRIPTED" else "value"
        driver.type = "SCRIPTED"  # so simple that Blender needs no Python for it
        driver.expression = _WITHOUT.sub(_term(pull.sign), before)


def disconnect_board(obj: bpy.types.Object, rig: bpy.types.Object) -> None:
    """Take the board of ``rig`` out of the drivers of the keys of ``obj``."""
    keys = obj.data.shape_keys.key_blocks if obj.data.shape_keys else {}
    for name, pull in PULLS.items():
        driver = rig_driver(keys[name], rig) if name in keys else None
        if driver is None or _VARIABLE not in driver.variables:
            continue
        driver.variables.remove(driver.variables[_VARIABLE])
        driver.expression = driver.expression.replace(_term(pull.sign), "value")
        if driver.expression == "value":
            driver.type = "SUM"


def heads_on(rig: bpy.types.Object) -> list[bpy.types.Object]:
    """The objects whose modifiers name ``rig`` as that of their head."""
    return [obj for obj in bpy.data.objects if obj.type == "MESH" and rig_of(obj) == rig]


def _term(sign: int) -> str:
    return f"(value + max(0, {sign / TRAVEL:g} * {_VARIABLE}))"
