"""A CSV file as text cells, or what is wrong with it: in words, with the row and a remedy."""

from __future__ import annotations

import codecs
import csv
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

from ..errors import PerformanceUnreadable

# An hour at 60 frames/s, written with all digits, is below 200 MB.
LARGEST_BYTES = 512 * 1024**2
_MOST_COLUMNS, _LONGEST_LINE = 1000, 64 * 1024
_DELIMITERS = ",;\t|"
# Lines before the header: comments, and what tells Excel the delimiter.
_BEFORE = re.compile(r"\s*(#|//|\"?sep=)", re.IGNORECASE)
_NOTHING = ("", "nan", "null", "none", "n/a", "#n/a")
_CLOCK = re.compile(
    r"(?:\d{4}-\d\d-\d\d[T ])?(\d{1,2}):(\d\d):(\d\d(?:[.,]\d+)?)(?:Z|[+-]\d\d:?\d\d)?"
)
_AGAIN = "Export it as CSV again"
# A line or a row's cells, with its number in the file.
Line = tuple[int, str]
Row = tuple[int, list[str]]
_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True)
class Table:
    """The cells of a CSV file.

    Attributes
    ----------
    path: of the file. header: the names of the columns, without blanks around them.
    rows: the number of each row in the file, from 1, and its cells, at most as many as the header
        has; read once, as they are asked for. delimiter: between cells.
    """

    path: Path
    header: list[str]
    rows: Iterator[Row]
    delimiter: str


def text_encoding(start: bytes) -> str:
    """The encoding of a text file that begins with the bytes ``start``: UTF-16 if marked so."""
    return "utf-16" if start.startswith(_MARKS) else "utf-8-sig"


def lines_of(path: Path) -> Iterator[Line]:
    """The lines of a text file that are not blank, with their numbers from 1.

    Raises
    ------
    PerformanceUnreadable: there is no such file, it is too large, not text, or empty.
    """
    if not path.is_file():
        raise PerformanceUnreadable(f"There is no file {path}", "Choose a recording")
    size = path.stat().st_size
    if size > LARGEST_BYTES:
        raise PerformanceUnreadable(
            f"{path} has {size / 1024**2:,.0f} MB; at most {LARGEST_BYTES // 1024**2} are read",
            "Cut the recording into shorter takes",
        )
    lines = _checked_lines(path)
    first = next((line for line in lines if not _BEFORE.match(line[1])), None)
    if first is None:
        raise PerformanceUnreadable(f"{path} is empty", "Choose another recording")
    return chain([first], lines)


def _checked_lines(path: Path) -> Iterator[Line]:
    with path.open("rb") as file:
        encoding = text_encoding(file.read(2))
    try:
        with path.open(encoding=encoding) as text:
            for number in count(1):
                line = text.readline(_LONGEST_LINE + 1)
                if len(line) > _LONGEST_LINE or "\0" in line:
                    raise PerformanceUnreadable(f"{path} is not a table of a performance", _AGAIN)
                if line.strip():
                    yield number, line
                elif not line:
                    return
    except UnicodeError as error:
        raise PerformanceUnreadable(f"{path} is not a text file", _AGAIN) from error


def table_of(path: Path, lines: Iterator[Line]) -> Table:
    """The table in the lines of a file. Raises PerformanceUnreadable, also while rows are read."""
    first = next(lines)
    delimiter = max(_DELIMITERS, key=first[1].count)
    numbers: list[int] = []

    def noted() -> Iterator[str]:
        for number, line in chain([first], lines):
            numbers[:] = [number]
            yield line

    rows = _csv_rows(path, csv.reader(noted(), delimiter=delimiter, strict=True))
    header = [name.strip() for name in next(rows)]
    if len(header) > _MOST_COLUMNS:
        raise PerformanceUnreadable(
            f"{path} has {len(header):,} columns; at most {_MOST_COLUMNS:,} are read", _AGAIN
        )
    cells = ((numbers[0], row) for row in rows if any(cell.strip() for cell in row))
    fitting = ((number, _fitting(path, number, row, len(header))) for number, row in cells)
    return Table(path, header, fitting, delimiter)


def _csv_rows(path: Path, reader: Iterator[list[str]]) -> Iterator[list[str]]:
    try:
        yield from reader
    except csv.Error as error:
        raise PerformanceUnreadable(f"{path} is not a CSV file ({error})", _AGAIN) from error


def _fitting(path: Path, number: int, row: list[str], columns: int) -> list[str]:
    if any(cell.strip() for cell in row[columns:]):
        raise PerformanceUnreadable(
            f"Row {number} of {path} has {len(row)} cells, but there are {columns} columns",
            "Numbers need a decimal point where cells are separated by commas; export it again",
        )
    return row[:columns]


def is_empty(cell: str) -> bool:
    """Whether a cell says that there is no value."""
    return cell.strip().lower() in _NOTHING


def number_in(table: Table, row: Row, column: int) -> float:
    """The number in a cell; of a time of day, seconds. Raises PerformanceUnreadable."""
    number, cells = row
    text = cells[column].strip() if column < len(cells) else ""
    # Of a spreadsheet in a language with decimal commas; Python itself takes 1_000 for a number.
    plain = text.replace(",", ".") if table.delimiter != "," else text
    if clock := _CLOCK.fullmatch(text):
        return 3600.0 * int(clock[1]) + 60.0 * int(clock[2]) + float(clock[3].replace(",", "."))
    plain = plain.removesuffix("%").rstrip()
    try:
        value = math.nan if "_" in plain else float(plain)
    except ValueError:
        value = math.nan
    if math.isfinite(value):
        return value
    said = f"says {text[:40]!r}" if text else "is empty"
    raise PerformanceUnreadable(
        f"Row {number} of {table.path}, column {table.header[column]}, {said} and not a number",
        "Correct that cell or delete the row",
    )
