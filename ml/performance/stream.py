"""Recorded lines of iFacialMocap's stream: ``jawOpen-12|...|=head#x,y,z,...|leftEye#x,y,z|``.

Each line is a frame. The second version writes ``&`` for the dash, and negative numbers. The
stream carries no times: it comes at 60 frames/s, says the vendor.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from ..errors import PerformanceUnreadable
from .table import Line, Row, Table

_VALUE = re.compile(r"(\w+)[-&](-?[\d.eE+-]+)")
_TURNS = {"=head": "head", "leftEye": "leftEye", "rightEye": "rightEye"}


def is_stream(line: str) -> bool:
    """Whether the first line of a file is one of the stream."""
    return line.count("|") > 10 and "#" in line


def table_of_stream(path: Path, lines: Iterator[Line]) -> Table:
    """The lines as a table. Raises PerformanceUnreadable, also while rows are read."""
    number, line = next(lines)
    first = _frame(path, number, line)
    return Table(path, list(first), _rows(path, (number, first), lines), "|")


def _rows(path: Path, first: tuple[int, dict[str, str]], lines: Iterator[Line]) -> Iterator[Row]:
    names = first[1].keys()
    frames = ((number, _frame(path, number, line)) for number, line in lines)
    for number, frame in chain([first], frames):
        if frame.keys() != names:
            raise PerformanceUnreadable(
                f"Row {number} of {path} has other entries than the first", "Delete the row"
            )
        yield number, [frame[name] for name in names]


def entries_of(line: str) -> Iterator[tuple[str, float]]:
    """Names and numbers of a line, as :func:`table_of_stream` names its columns.

    What is no number is left out.
    """
    try:
        found = _frame(Path(), 0, line)
    except PerformanceUnreadable:
        return
    for name, text in found.items():
        try:
            number = float(text)
        except ValueError:
            continue
        if math.isfinite(number):
            yield name, number


def _frame(path: Path, number: int, line: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in filter(None, (part.strip() for part in line.split("|"))):
        name, _, numbers = entry.partition("#")
        if name in _TURNS:
            for axis, text in zip("xyz", numbers.split(","), strict=False):
                found[f"{_TURNS[name]}_{axis}"] = text
        elif (value := _VALUE.fullmatch(entry)) is not None:
            found[value[1]] = value[2]
        elif not numbers:
            raise PerformanceUnreadable(
                f"Row {number} of {path} has the entry {entry[:40]!r}",
                "Delete the row, or record again",
            )
    return found
