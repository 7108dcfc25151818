"""What is wrong in a file, and where; the rows that all formats come down to."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """An interval as a file has it: the line it is on, from 1, seconds, and its label."""

    line: int
    start: float
    end: float
    label: str


class Trouble(Exception):
    """Something is wrong on a line, from 1; 0: with the file as a whole."""

    def __init__(self, line: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.line, self.message, self.hint = line, message, hint


def seconds(text: object, line: int) -> float:
    """A time in a file. Raises Trouble: it is no number."""
    try:
        if isinstance(text, bool) or not isinstance(text, str | int | float):
            raise ValueError
        return float(text)
    except (ValueError, OverflowError):
        raise Trouble(line, f"{str(text)[:20]!r} is no time in seconds") from None
