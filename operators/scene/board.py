"""The control board of a rig: which control moves which expressions, and how far.

A control is a bone that slides on the board, so Blender's pose library, keying sets and mirrored
poses know it. What it does is added to the slider of an expression, by the driver that the key has
already: see :mod:`.board_drivers`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import bpy

BOARD = "board"
# Metres that a control slides from nothing to all of an expression.
TRAVEL = 0.0125
# Where a control may slide: the axis of its bone, and the sign there. X is the subject's left.
_WAYS = {"left": (0, 1), "right": (0, -1), "up": (1, 1), "down": (1, -1)}


@dataclass(frozen=True)
class Control:
    """One control.

    Attributes
    ----------
    name: of its bone. label: written beside it.
    place: on the board, metres; X to the subject's left, Y up.
    keys: the expressions that it moves, by the way that it slides.
    """

    name: str
    label: str
    place: tuple[float, float]
    keys: Mapping[str, tuple[str, ...]]

    @property
    def limits(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """How far it slides: least and most along X, then along Y; metres."""
        found = [[0.0, 0.0], [0.0, 0.0]]
        for way in self.keys:
            axis, sign = _WAYS[way]
            found[axis][sign > 0] = sign * TRAVEL
        return tuple(found[0]), tuple(found[1])


@dataclass(frozen=True)
class Pull:
    """What one expression hangs on: the bone, the axis along which it slides, and the sign."""

    bone: str
    axis: int
    sign: int


def _middle(name: str, label: str, place: tuple[float, float], **keys: str) -> Control:
    ways = {way: tuple(names.split()) for way, names in keys.items()}
    return Control(f"{BOARD}.{name}", label, place, ways)


def _sides(name: str, label: str, place: tuple[float, float], **keys: str) -> Iterator[Control]:
    """The controls of both sides; "out" and "inside" are ways as seen from the middle."""
    for suffix, side, sign in ((".L", "Left", 1), (".R", "Right", -1)):
        out, inside = ("left", "right")[::sign]
        ways = {"out": out, "inside": inside}
        named = {ways.get(way, way): (f"{key}{side}",) for way, key in keys.items()}
        yield Control(f"{BOARD}.{name}{suffix}", label, (sign * place[0], place[1]), named)


CONTROLS = (
    _middle("brow", "brow", (0, 0.10), up="browInnerUp"),
    *_sides("brow", "brow", (0.05, 0.10), up="browOuterUp", down="browDown"),
    _middle(
        "eyes",
        "look",
        (0, 0.062),
        left="eyeLookOutLeft eyeLookInRight",
        right="eyeLookInLeft eyeLookOutRight",
        up="eyeLookUpLeft eyeLookUpRight",
        down="eyeLookDownLeft eyeLookDownRight",
    ),
    *_sides("lid", "lid", (0.05, 0.062), up="eyeWide", down="eyeBlink"),
    *_sides("squint", "squint", (0.085, 0.062), up="eyeSquint"),
    *_sides("nose", "nose", (0.022, 0.022), up="noseSneer"),
    *_sides("cheek", "cheek", (0.07, 0.022), up="cheekSquint"),
    _middle("lip.upper", "roll", (0, -0.014), up="mouthShrugUpper", down="mouthRollUpper"),
    *_sides("lip.upper", "lip", (0.032, -0.014), up="mouthUpperUp"),
    _middle(
        "mouth",
        "mouth",
        (0, -0.05),
        left="mouthLeft",
        right="mouthRight",
        up="mouthFunnel",
        down="mouthPucker",
    ),
    *_sides(
        "corner",
        "corner",
        (0.055, -0.05),
        up="mouthSmile",
        down="mouthFrown",
        out="mouthStretch",
        inside="mouthPress",
    ),
    *_sides("dimple", "dimple", (0.09, -0.05), up="mouthDimple"),
    _middle("lip.lower", "roll", (0, -0.086), up="mouthShrugLower", down="mouthRollLower"),
    *_sides("lip.lower", "lip", (0.032, -0.086), down="mouthLowerDown"),
    _middle("jaw", "jaw", (0, -0.122), left="jawLeft", right="jawRight", down="jawOpen"),
    _middle("forward", "forward", (0.045, -0.122), up="jawForward"),
    _middle("tongue", "tongue", (0.085, -0.122), up="tongueOut"),
    _middle("puff", "puff", (-0.045, -0.122), up="cheekPuff"),
    _middle("close", "close", (-0.085, -0.122), up="mouthClose"),
)
# By the name of the expression.
PULLS = {
    key: Pull(control.name, *_WAYS[way])
    for control in CONTROLS
    for way, keys in control.keys.items()
    for key in keys
}


def has_board(rig: bpy.types.Object | None) -> bool:
    """Whether a rig has its control board."""
    return rig is not None and BOARD in rig.data.bones and CONTROLS[0].name in rig.data.bones


def board_names(rig: bpy.types.Object) -> set[str]:
    """The names of the bones of a rig's board; empty where it has none."""
    if not has_board(rig):
        return set()
    return {BOARD, *(control.name for control in CONTROLS)} & set(rig.data.bones.keys())


def board_value(rig: bpy.types.Object, key: str) -> float:
    """What the board of ``rig`` adds to an expression, 0 to 1."""
    pull = PULLS.get(key)
    bone = rig.pose.bones.get(pull.bone) if pull is not None and has_board(rig) else None
    if bone is None:
        return 0.0
    return min(max(0.0, pull.sign * bone.location[pull.axis] / TRAVEL), 1.0)


def rest_board(rig: bpy.types.Object | None) -> None:
    """Put all controls of a rig to rest: the sliders alone count."""
    for control in CONTROLS if has_board(rig) else ():
        bone = rig.pose.bones.get(control.name)
        if bone is not None:
            bone.location = (0, 0, 0)
    if rig is not None:
        rig.update_tag()


def sliders_to_board(rig: bpy.types.Object) -> None:
    """Let the board of ``rig`` hold what its sliders do, as far as it can; the face stays.

    A control has one place: of expressions that pull it two ways, the sliders keep what both have
    in common, and of both eyes what only one does.
    """
    before = {key: board_value(rig, key) for key in PULLS}
    for control in CONTROLS:
        bone = rig.pose.bones.get(control.name)
        for way, keys in control.keys.items() if bone is not None else ():
            axis, sign = _WAYS[way]
            common = min(float(rig.get(key, 0.0)) for key in keys)
            bone.location[axis] += sign * TRAVEL * min(max(common, 0.0), 1.0)
        for axis, (least, most) in enumerate(control.limits) if bone is not None else ():
            bone.location[axis] = min(max(bone.location[axis], least), most)
    _take_over(rig, before)


def board_to_sliders(rig: bpy.types.Object) -> None:
    """Let the sliders of ``rig`` do what its board does, which goes to rest; the face stays."""
    before = {key: board_value(rig, key) for key in PULLS}
    rest_board(rig)
    _take_over(rig, before)


def _take_over(rig: bpy.types.Object, before: Mapping[str, float]) -> None:
    """Change the sliders by what the board does less than ``before``."""
    for key, held in before.items():
        if key in rig:
            rig[key] = float(rig[key]) + held - board_value(rig, key)
    rig.update_tag()
