"""Read what lip-sync programs write: Rhubarb's TSV, XML and JSON, and Praat's TextGrids."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ..errors import HeadError
from ..performance.table import text_encoding
from .rhubarb import rows_of_json, rows_of_tsv, rows_of_xml
from .sounds import RHUBARB, sound_of_phone
from .textgrid import rows_of_textgrid
from .trouble import Row, Trouble

SUFFIXES = (".json", ".tsv", ".txt", ".xml", ".textgrid")
_RHUBARB = {".json": rows_of_json, ".tsv": rows_of_tsv, ".txt": rows_of_tsv, ".xml": rows_of_xml}
MOST_BYTES, MOST_ROWS, MOST_SECONDS = 32 << 20, 200_000, 4 * 3600.0
# Programs round times, so intervals may overlap by that much, seconds.
_ROUNDING = 0.002
_AGAIN = "Write the file again with the program that made it"


class Cue(NamedTuple):
    """A sound from ``start`` to ``end``, seconds; its name in :data:`.sounds.SOUNDS`."""

    start: float
    end: float
    sound: str


@dataclass(frozen=True)
class Speech:
    """What is said.

    Attributes
    ----------
    cues: in order, without overlaps, each longer than 0. unknown: phones that no viseme shows.
    """

    cues: tuple[Cue, ...]
    unknown: tuple[str, ...] = ()


def read_speech(path: Path, tier: str = "") -> Speech:
    """Read a file of one of SUFFIXES.

    tier: of a TextGrid; empty: its only tier of phones.

    Raises
    ------
    HeadError: it is of another kind, damaged or too large; it names file, line and remedy.
    OSError: it cannot be read.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise HeadError(
            f"{path} is no file of lip sync that Effigy knows",
            "Choose a .json, .tsv, .txt or .xml of Rhubarb, or a .TextGrid",
        )
    try:
        text = _text(path)
        reader = _RHUBARB.get(suffix)
        rows = rows_of_textgrid(text, tier) if reader is None else reader(text)
        _check(rows)
        return _speech(rows, phones=reader is None)
    except Trouble as trouble:
        where = f"{path}, line {trouble.line}" if trouble.line else f"{path}"
        raise HeadError(f"{where}: {trouble.message}", trouble.hint or _AGAIN) from trouble


def _text(path: Path) -> str:
    with path.open("rb") as file:
        raw = file.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise Trouble(0, f"the file is larger than {MOST_BYTES >> 20} MB", "Split the recording")
    try:
        text = raw.decode(text_encoding(raw))
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise Trouble(line, "this is no text in UTF-8 or UTF-16", "Save it in UTF-8") from error
    # Some programs end lines with CR alone, and lines are counted.
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _check(rows: Sequence[Row]) -> None:
    """Raise Trouble where times are no times, run backwards or overlap."""
    if not rows:
        raise Trouble(0, "there are no sounds in it")
    if len(rows) > MOST_ROWS:
        raise Trouble(
            rows[MOST_ROWS].line, f"there are more than {MOST_ROWS:,} sounds", "Split the recording"
        )
    before = 0.0
    for row in rows:
        if not all(math.isfinite(time) and 0 <= time <= MOST_SECONDS for time in row[1:3]):
            raise Trouble(
                row.line, f"times must be seconds from 0 to {MOST_SECONDS:.0f}", "Correct the times"
            )
        if row.end < row.start:
            raise Trouble(
                row.line, f"a sound ends at {row.end:g} s, before it starts", "Correct the times"
            )
        if row.start < before - _ROUNDING:
            raise Trouble(
                row.line,
                f"a sound starts at {row.start:g} s, while the one before lasts to {before:g} s",
                "Sort the lines by time, and let no sounds overlap",
            )
        before = max(before, row.end)


def _speech(rows: Sequence[Row], *, phones: bool) -> Speech:
    cues: list[Cue] = []
    unknown: dict[str, None] = {}
    before = 0.0
    for row in rows:
        sound = sound_of_phone(row.label) if phones else RHUBARB.get(row.label)
        if sound is None and not phones:
            raise Trouble(
                row.line,
                f"there is no mouth shape {row.label[:20]!r}",
                f"Rhubarb's are {', '.join(RHUBARB)}",
            )
        if sound is None:
            unknown[row.label[:20]] = None
        start = max(row.start, before)
        if sound is not None and row.end > start:
            cues.append(Cue(start, row.end, sound))
        before = max(before, row.end)
    return Speech(tuple(cues), tuple(unknown))
