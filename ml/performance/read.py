"""A performance from a file, whatever known program wrote it."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from ..errors import PerformanceUnreadable
from ..head.arkit import EXPRESSION_NAMES
from .columns import CLOCKS, FRAME, TIMECODE, TURNED, Columns, Layout, columns_of
from .performance import MOST_FRAMES, Array, Performance
from .stream import is_stream, table_of_stream
from .table import Row, Table, is_empty, lines_of, number_in, table_of
from .timecode import FACE_RATE, Parts, nearest_rate, parts_of, rate_of, seconds_of

# Larger activations are no face but another unit.
_LARGEST = 10.0
_TURN = 2 * np.pi


@dataclass(frozen=True)
class Units:
    """What a file's numbers mean; each None: as its program writes them.

    Attributes
    ----------
    full: an activation of 1. rate: frames per second. degrees: whether rotations are in degrees.
    """

    full: float | None = None
    rate: float | None = None
    degrees: bool | None = None


@dataclass(frozen=True)
class _Frames:
    """The rows in which a face was seen, F of them.

    Attributes
    ----------
    path: of the file. rows: (F,) their numbers in it. numbers: (F, C) of the wanted columns, whose
        numbers in the table are ``wanted``. codes: the timecodes, F or none. lost: how many more
        rows there are.
    """

    path: Path
    rows: list[int]
    numbers: Array
    wanted: list[int]
    codes: list[Parts]
    lost: int

    def of(self, columns: Sequence[int]) -> Array:
        """(F, n) the numbers of these columns of the table."""
        return self.numbers[:, [self.wanted.index(column) for column in columns]]


def read_performance(path: Path, units: Units | None = None) -> Performance:
    """The performance in a file. Raises PerformanceUnreadable, which names file, row and remedy."""
    units = units or Units()
    lines = lines_of(path)
    first = next(lines)
    read = table_of_stream if is_stream(first[1]) else table_of
    table = read(path, chain([first], lines))
    columns = columns_of(path, table.header)
    frames = _frames(table, columns)
    times, rate, start = _times(frames, columns, units.rate)
    drops = bool(frames.codes) and frames.codes[0][4]
    head, eyes = _rotations(frames, columns, units.degrees)
    values = _values(frames, columns, units.full)
    return Performance(times, values, head, eyes, rate, start, frames.lost, drops=drops)


def _frames(table: Table, columns: Columns) -> _Frames:
    """Read the rows, one after the other: a long take is not kept as text."""
    clocks = [column for name, column in columns.times.items() if name != TIMECODE]
    scale = [] if columns.scale is None else [columns.scale]
    turns = [*columns.head, *columns.left, *columns.right]
    wanted = list(dict.fromkeys([*columns.expressions.values(), *turns, *clocks, *scale]))
    rows: list[int] = []
    codes: list[Parts] = []
    numbers, lost = array("d"), 0
    for row in table.rows:
        if len(rows) + lost >= MOST_FRAMES:
            raise PerformanceUnreadable(
                f"{table.path} has more than {MOST_FRAMES:,} rows", "Cut it into shorter takes"
            )
        if not _has_face(row, columns):
            lost += 1
            continue
        rows.append(row[0])
        numbers.extend([number_in(table, row, column) for column in wanted])
        if TIMECODE in columns.times:
            codes.append(_code(table, row, columns.times[TIMECODE]))
    if not rows:
        raise PerformanceUnreadable(
            f"{table.path} has no row with a face below its first", "Choose another recording"
        )
    found = np.frombuffer(numbers, np.float64).reshape(len(rows), len(wanted))
    return _Frames(table.path, rows, found, wanted, codes, lost)


def _has_face(row: Row, columns: Columns) -> bool:
    """Whether a face was seen: Live Link Face counts 0 expressions else, and writes none."""
    cells = row[1]
    if columns.count is not None and columns.count < len(cells):
        count = cells[columns.count].strip()
        if count and not count.strip("0."):
            return False
    wanted = columns.expressions.values()
    return any(number < len(cells) and not is_empty(cells[number]) for number in wanted)


def _code(table: Table, row: Row, column: int) -> Parts:
    """The timecode of a row. Raises PerformanceUnreadable."""
    found = parts_of(row[1][column]) if column < len(row[1]) else None
    if found is None:
        raise PerformanceUnreadable(
            f"Row {row[0]} of {table.path} has no timecode such as 14:03:52:28.207",
            "Correct that cell or delete the row",
        )
    return found


def _values(frames: _Frames, columns: Columns, full: float | None) -> Array:
    names = list(columns.expressions)
    found = frames.of(list(columns.expressions.values()))
    if full is None and columns.scale is not None:
        full = float(frames.of([columns.scale])[0, 0])
    scaled = found / (full or _full(columns.layout, found))
    wrong = np.argwhere(np.abs(scaled) > _LARGEST)
    if len(wrong):
        row, column = wrong[0]
        raise PerformanceUnreadable(
            f"Row {frames.rows[row]} of {frames.path} has {names[column]} at "
            f"{found[row, column]:g}",
            "Values go from 0 to 1, or to 100: choose the right scale, or correct that cell",
        )
    values = np.zeros((len(scaled), len(EXPRESSION_NAMES)))
    values[:, [EXPRESSION_NAMES.index(name) for name in names]] = scaled
    return values


def _full(layout: Layout, found: Array) -> float:
    """What a file writes for an activation of 1."""
    if layout is Layout.IFACIALMOCAP:
        return 100.0
    # Others write ARKit's names, too, and a face at rest has more than 2 % of something.
    return 100.0 if float(np.abs(found).max()) > 2 else 1.0


def _rotations(
    frames: _Frames, columns: Columns, degrees: bool | None
) -> tuple[Array | None, Array | None]:
    """The head's and the eyes' angles, radians in head space; None where there are none."""
    groups = (columns.head, columns.left, columns.right)
    found = [frames.of(group) if group else None for group in groups]
    given = [angles for angles in found if angles is not None]
    if not given:
        return None, None
    if degrees is None:  # no head turns by more than once
        degrees = not columns.named_angles or max(np.abs(one).max() for one in given) > _TURN
    unit = np.pi / 180 if degrees else 1.0
    head, left, right = (None if angles is None else angles * unit for angles in found)
    if head is not None and columns.named_angles:
        head = head * TURNED
    # One eye's alone is that of both.
    left, right = (right if left is None else left), (left if right is None else right)
    eyes = None if left is None or right is None else np.stack([left, right], 1)
    return head, eyes


def _times(
    frames: _Frames, columns: Columns, rate: float | None
) -> tuple[Array, float, float | None]:
    """Seconds after the first frame, frames per second and the first frame's timecode."""
    codes = frames.codes
    clock = next((name for name in CLOCKS if name in columns.times), None)
    if clock is not None:
        found = _ordered(frames, frames.of([columns.times[clock]])[:, 0])
        found = found * (0.001 if _in_thousandths(clock, found) else 1.0)
        rate = rate or _rate(found)
        return found, rate, float(seconds_of(codes[:1], rate)[0]) if codes else None
    if codes:
        rate = rate or rate_of(codes)
        seconds = seconds_of(codes, rate)
        return _ordered(frames, seconds), rate, float(seconds[0])
    rate = rate or FACE_RATE
    if FRAME in columns.times:
        return _ordered(frames, frames.of([columns.times[FRAME]])[:, 0]) / rate, rate, None
    return _ordered(frames, np.array(frames.rows, np.float64)) / rate, rate, None


def _in_thousandths(clock: str, found: Array) -> bool:
    """Whether times are in milliseconds. Nobody records one frame a second, nor a thousand."""
    return clock.endswith("ms") or (len(found) > 1 and _step(found) >= 1)


def _step(times: Array) -> float:
    return float(np.median(np.diff(times)))


def _rate(times: Array) -> float:
    if len(times) < 2:
        return FACE_RATE
    # Single steps are rounded, and 60 and 59.94 differ by 0.1 %; longer ones are gaps.
    steps = np.diff(times)
    return nearest_rate(1.0 / float(steps[steps < 1.5 * _step(times)].mean()))


def _ordered(frames: _Frames, times: Array) -> Array:
    """The times after the first. Raises PerformanceUnreadable: they do not increase."""
    late = np.flatnonzero(np.diff(times) <= 0)
    if len(late):
        raise PerformanceUnreadable(
            f"The time in row {frames.rows[late[0] + 1]} of {frames.path} is not after that before",
            "Delete the row, or give the right frame rate",
        )
    return np.asarray(times - times[0])
