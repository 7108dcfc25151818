"""A performance as a file that other programs read."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..head.arkit import EXPRESSION_NAMES
from ..results.files import replacing
from .columns import SCALE, TURNED, Layout
from .performance import Array, Performance
from .timecode import parts_of, rate_of, timecode

# Live Link Face's order of ARKit's expressions.
LIVE_LINK_ORDER = (
    *(
        f"eye{what}{side}"
        for side in ("Left", "Right")
        for what in ("Blink", "LookDown", "LookIn", "LookOut", "LookUp", "Squint", "Wide")
    ),
    "jawForward",
    "jawRight",
    "jawLeft",
    "jawOpen",
    "mouthClose",
    "mouthFunnel",
    "mouthPucker",
    "mouthRight",
    "mouthLeft",
    "mouthSmileLeft",
    "mouthSmileRight",
    "mouthFrownLeft",
    "mouthFrownRight",
    "mouthDimpleLeft",
    "mouthDimpleRight",
    "mouthStretchLeft",
    "mouthStretchRight",
    "mouthRollLower",
    "mouthRollUpper",
    "mouthShrugLower",
    "mouthShrugUpper",
    "mouthPressLeft",
    "mouthPressRight",
    "mouthLowerDownLeft",
    "mouthLowerDownRight",
    "mouthUpperUpLeft",
    "mouthUpperUpRight",
    "browDownLeft",
    "browDownRight",
    "browInnerUp",
    "browOuterUpLeft",
    "browOuterUpRight",
    "cheekPuff",
    "cheekSquintLeft",
    "cheekSquintRight",
    "noseSneerLeft",
    "noseSneerRight",
    "tongueOut",
)
_NAMED_ANGLES = tuple(
    f"{owner}{angle}"
    for owner in ("Head", "LeftEye", "RightEye")
    for angle in ("Yaw", "Pitch", "Roll")
)
_PLAIN_ANGLES = tuple(
    f"{owner}_{axis}" for owner in ("head", "leftEye", "rightEye") for axis in "xyz"
)
_FULL = 100
# The last column, where timecodes alone would be read at another rate.
_CLOCK = "Timestamp"


def write_performance(performance: Performance, path: Path, layout: Layout) -> None:
    """Write a performance as the table of a program; an earlier file is replaced in one go.

    Rotations that the performance lacks are written as 0. Raises OSError.
    """
    live_link = layout is Layout.LIVE_LINK
    header, rows = _live_link(performance) if live_link else _per_cent(performance, layout)
    with replacing(path, newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _live_link(performance: Performance) -> tuple[list[str], Iterator[list[str]]]:
    names = [f"{name[0].upper()}{name[1:]}" for name in LIVE_LINK_ORDER]
    turns = _turns(performance)
    turns[:, 0] *= TURNED
    numbers = np.concatenate(
        [
            performance.values[:, [EXPRESSION_NAMES.index(name) for name in LIVE_LINK_ORDER]],
            turns[:, :, [1, 0, 2]].reshape(len(turns), -1),
        ],
        1,
    )
    count, header = str(numbers.shape[1]), ["Timecode", "BlendShapeCount", *names, *_NAMED_ANGLES]
    if _codes_tell_the_rate(performance):
        rows = ([code, count, *row] for code, row in _coded(performance, numbers))
        return header, rows
    numbers = np.concatenate([numbers, performance.times[:, None]], 1)
    rows = ([code, count, *row] for code, row in _coded(performance, numbers))
    return [*header, _CLOCK], rows


def _per_cent(performance: Performance, layout: Layout) -> tuple[list[str], Iterator[list[str]]]:
    """Names of iFacialMocap or Rokoko Studio; the rest as in iFacialMocap's stream.

    A column tells the scale: a face at rest does not.
    """
    names = [_with_letter(name) for name in EXPRESSION_NAMES]
    if layout is Layout.ROKOKO:
        names = list(EXPRESSION_NAMES)
    turns = np.degrees(_turns(performance)).reshape(len(performance.times), -1)
    numbers = np.concatenate([performance.times[:, None], performance.values * _FULL, turns], 1)
    rows = ([code, *row, str(_FULL)] for code, row in _coded(performance, numbers))
    return ["timecode", "timestamp", *names, *_PLAIN_ANGLES, SCALE], rows


def _with_letter(name: str) -> str:
    """``eyeBlinkLeft`` -> ``eyeBlink_L``; ``jawLeft`` and ``mouthLeft`` stay: they are ways."""
    if name in ("jawLeft", "jawRight", "mouthLeft", "mouthRight"):
        return name
    return name.replace("Left", "_L").replace("Right", "_R")


def _turns(performance: Performance) -> Array:
    """(F, 3, 3) angles about x, y and z of head, left and right eye, radians."""
    turns = np.zeros((len(performance.times), 3, 3))
    if performance.head is not None:
        turns[:, 0] = performance.head
    if performance.eyes is not None:
        turns[:, 1:] = performance.eyes
    return turns


def _coded(performance: Performance, numbers: Array) -> Iterator[tuple[str, list[str]]]:
    """The timecode and the numbers of each frame, as text."""
    for code, row in zip(_codes(performance), numbers.tolist(), strict=True):
        yield code, [f"{number:.9f}" for number in row]


def _codes(performance: Performance) -> Iterator[str]:
    start, rate = performance.start or 0.0, performance.rate
    for time in performance.times.tolist():
        yield timecode(start + time, rate, drops=performance.drops)


def _codes_tell_the_rate(performance: Performance) -> bool:
    """Not so at 23.976 frames/s, of which codes count 24, nor of less than a second."""
    parts = [part for part in map(parts_of, _codes(performance)) if part is not None]
    return abs(rate_of(parts) - performance.rate) < 1e-6 * performance.rate
