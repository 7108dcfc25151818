"""The three formats of Rhubarb Lip Sync."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any
from xml.parsers import expat

from .trouble import Row, Trouble, seconds

_EXPORT = "Write it again: rhubarb -f {kind} -o FILE RECORDING"


def rows_of_tsv(text: str) -> list[Row]:
    """``time<TAB>shape`` line by line; the last line is where the recording ends."""
    marks = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        fields = line.split("\t")
        if len(fields) != 2:
            raise Trouble(
                number, "a line needs a time, a tab and a mouth shape", _EXPORT.format(kind="tsv")
            )
        marks.append(Row(number, seconds(fields[0].strip(), number), 0.0, fields[1].strip()))
    return [mark._replace(end=following.start) for mark, following in pairwise(marks)]


def rows_of_json(text: str) -> list[Row]:
    """``{"mouthCues": [{"start": 0.0, "end": 0.1, "value": "X"}, ...]}``."""
    hint = _EXPORT.format(kind="json")
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise Trouble(error.lineno, f"this is no JSON ({error.msg})", hint) from error
    except (ValueError, RecursionError) as error:
        raise Trouble(0, "this JSON is nested too deep or has absurd numbers", hint) from error
    cues = found.get("mouthCues") if isinstance(found, dict) else None
    if not isinstance(cues, list):
        raise Trouble(1, 'there is no list "mouthCues"', hint)
    lines = _lines_of_cues(text)
    return [_row(cue, lines[k] if k < len(lines) else 0) for k, cue in enumerate(cues)]


def _row(cue: Any, line: int) -> Row:
    if not isinstance(cue, dict) or not {"start", "end", "value"} <= cue.keys():
        raise Trouble(line, "a mouth cue needs start, end and value", _EXPORT.format(kind="json"))
    return Row(line, seconds(cue["start"], line), seconds(cue["end"], line), str(cue["value"]))


def _lines_of_cues(text: str) -> list[int]:
    """The line of each object after the word mouthCues."""
    start = text.find('"mouthCues"')
    line, place, found = text.count("\n", 0, start) + 1, start, []
    for match in re.finditer(r"\{", text[start:]):
        here = start + match.start()
        line += text.count("\n", place, here)
        place = here
        found.append(line)
    return found


def rows_of_xml(text: str) -> list[Row]:
    """``<mouthCue start="0.00" end="0.10">X</mouthCue>``; entities and DTDs are refused."""
    cues = _Cues()
    try:
        cues.parser.Parse(text, True)
    except expat.ExpatError as error:
        raise Trouble(
            error.lineno,
            f"this is no XML ({expat.errors.messages[error.code]})",
            _EXPORT.format(kind="xml"),
        ) from error
    return cues.rows


class _Cues:
    """Collects mouth cues while a file is parsed."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._open = False
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.CharacterDataHandler = self._add
        self.parser.EndElementHandler = self._end

    def _refuse(self, *_: object) -> None:
        # Entities are declared there: files that expand without end, and files of other places.
        line = self.parser.CurrentLineNumber
        raise Trouble(line, "a DOCTYPE is not allowed", "Take the DOCTYPE out; Rhubarb has none")

    def _start(self, name: str, given: dict[str, str]) -> None:
        self._open = name == "mouthCue"
        if self._open:
            line = self.parser.CurrentLineNumber
            start, end = (seconds(given.get(key, "nothing"), line) for key in ("start", "end"))
            self.rows.append(Row(line, start, end, ""))

    def _add(self, text: str) -> None:
        if self._open:
            last = self.rows[-1]
            self.rows[-1] = last._replace(label=last.label + text.strip())

    def _end(self, _: str) -> None:
        self._open = False
