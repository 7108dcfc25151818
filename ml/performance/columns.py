"""Which column of a table holds what, and the conventions of the programs that write such tables.

Head space is ARKit's: x to the subject's left, y up, z ahead. What is known of each layout:

Live Link Face (Epic's app)
    ``Timecode, BlendShapeCount``, 52 names with capitals, ``HeadYaw`` ... ``RightEyeRoll``. Values
    0..1; radians, as Faceit, a Blender add-on for these files, reads them. The head's angles have
    the opposite sign of head space's (positive: up, to the subject's right, to the left shoulder),
    the eyes' have the same; the Blender receiver llv applies the same signs.
iFacialMocap
    ``eyeBlink_L`` and so on, 0..100; rotations about x, y and z in degrees, in head space: in the
    sample on the vendor's page for developers, eyes that look down and to the subject's left have
    positive numbers. Recorded lines of its stream are read, too (stream.py).
Rokoko Studio
    ARKit's own names, 0..100, as Rokoko's Blender add-on reads them. The faces of its files have
    no rotations.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from ..errors import PerformanceUnreadable
from ..head.arkit import EXPRESSION_NAMES

# Not in the first ARKit, nor in what MediaPipe finds.
_OPTIONAL = {"tongueOut"}
_SIDES = ("left", "right")
TIMECODE, FRAME = "timecode", "frame"
CLOCKS = ("timestampms", "timems", "timestamp", "time", "seconds")
# Other names of the same, with their units.
_ALSO = {
    "frame": ("framenumber", "frameindex"),
    "timestampms": ("timestampmilliseconds",),
    "timems": ("timemilliseconds", "milliseconds"),
    "timestamp": ("timestamps", "timestampsec", "timestampseconds"),
    "time": ("times", "timesec", "timeseconds"),
    "seconds": ("sec",),
}
_COUNT = "blendshapecount"
# Ours, in tables of values 0..100.
SCALE = "blendShapeScale"
# Live Link Face's angles of the head over those about x, y and z.
TURNED = -1.0


class Layout(Enum):
    """A program whose tables are known by their header."""

    LIVE_LINK = "live_link"
    IFACIALMOCAP = "ifacialmocap"
    ROKOKO = "rokoko"


@dataclass(frozen=True)
class Columns:
    """What a header says: columns by number, from 0.

    Attributes
    ----------
    layout: whose table it is. expressions: by ARKit's name.
    head, left, right: rotations about x, y and z; empty where there are none. named_angles: they
        are called yaw, pitch and roll, and so have Live Link Face's signs.
    times: TIMECODE, FRAME and CLOCKS, by name. count: of the column that says 0 where no face was
        seen. scale: of the one that says what 1 is written as.
    """

    layout: Layout
    expressions: Mapping[str, int]
    head: tuple[int, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    named_angles: bool
    times: Mapping[str, int]
    count: int | None
    scale: int | None


def plain_name(name: str) -> str:
    """A column's name without what programs add to it: case, separators, sides as letters."""
    side = re.sub(r"_([LR])$", lambda found: {"L": "Left", "R": "Right"}[found[1]], name)
    return re.sub(r"[^a-z0-9]", "", side.lower())


_EXPRESSIONS = {name.lower(): name for name in EXPRESSION_NAMES}


def columns_of(path: Path, header: list[str]) -> Columns:
    """What the columns of a table are. Raises PerformanceUnreadable: expressions are missing."""
    found: dict[str, int] = {}
    for number, name in enumerate(header):
        plain = plain_name(name)
        if plain in found and plain in _EXPRESSIONS:
            raise PerformanceUnreadable(
                f"{path} has two columns {header[found[plain]]} (row 1)", "Delete one of them"
            )
        found.setdefault(plain, number)
    found = _without_prefix(found)
    for name, others in _ALSO.items():
        if known := [found[other] for other in (name, *others) if other in found]:
            found[name] = known[0]
    expressions = {name: found[plain] for plain, name in _EXPRESSIONS.items() if plain in found}
    _check_complete(path, expressions)
    (head, left, right), named = _turns(found)
    return Columns(
        layout=_layout(header, found),
        expressions=expressions,
        head=head,
        left=left,
        right=right,
        named_angles=named,
        times={name: found[name] for name in (TIMECODE, FRAME, *CLOCKS) if name in found},
        count=found.get(_COUNT),
        scale=found.get(SCALE.lower()),
    )


def _without_prefix(found: Mapping[str, int]) -> dict[str, int]:
    """The columns by name, and without what a program writes before every expression's."""
    starts = [
        plain.removesuffix(name) for plain in found for name in _EXPRESSIONS if plain.endswith(name)
    ]
    prefix = max(starts, key=starts.count, default="")
    shorter = {name: found[prefix + name] for name in _EXPRESSIONS if prefix + name in found}
    return shorter | dict(found)


def _check_complete(path: Path, expressions: Mapping[str, int]) -> None:
    missing = [name for name in EXPRESSION_NAMES if name not in {*expressions, *_OPTIONAL}]
    if not missing:
        return
    named = ", ".join(missing[:4]) + (f" and {len(missing) - 4} more" if len(missing) > 4 else "")
    raise PerformanceUnreadable(
        f"{path} lacks columns of ARKit's expressions in its first row: {named}",
        "Record or export all 52, with their names in the first row, separated by commas",
    )


def _layout(header: list[str], found: Mapping[str, int]) -> Layout:
    if _COUNT in found or "EyeBlinkLeft" in header:
        return Layout.LIVE_LINK
    return Layout.IFACIALMOCAP if "eyeBlink_L" in header else Layout.ROKOKO


def _turns(found: Mapping[str, int]) -> tuple[list[tuple[int, ...]], bool]:
    """The columns of the three rotations, and whether they are called yaw, pitch and roll."""
    names = [("head",), *((f"{side}eye", f"eye{side}") for side in _SIDES)]
    for endings, named in ((("pitch", "yaw", "roll"), True), (("x", "y", "z"), False)):
        turns = [_three(found, owners, endings) for owners in names]
        if any(turns):
            return turns, named
    return [(), (), ()], False


def _three(
    found: Mapping[str, int], owners: tuple[str, ...], endings: tuple[str, ...]
) -> tuple[int, ...]:
    for owner in owners:
        for middle in ("", "rotation", "rot", "euler", "eulerangle"):
            wanted = [owner + middle + ending for ending in endings]
            if all(name in found for name in wanted):
                return tuple(found[name] for name in wanted)
    return ()
