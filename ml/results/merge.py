"""One report from those of all shards of a batch, as one run without shards would have written it.

The row of a photo that a later run of its shard skipped is that of the run which made its heads.
"""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import HeadError, UsageError, explained
from .report import DONE, NAME, Row
from .shard import Shard

logger = logging.getLogger(__name__)

_LOG = re.compile(rf"{NAME}-([0-9]+)-of-([0-9]+)\.jsonl")


@dataclass(frozen=True)
class Merged:
    """The rows of all shards, in the order of the photos, and in words what is wrong with them."""

    rows: tuple[Row, ...]
    lacks: tuple[str, ...]


@dataclass
class _Log:
    """The log of a shard.

    Attributes
    ----------
    earlier, rows: of the runs before the last, and of the last: number in the batch and row of
        each photo. photos: how many the last run has to do.
    """

    earlier: dict[str, tuple[int, Row]] = field(default_factory=dict)
    rows: dict[str, tuple[int, Row]] = field(default_factory=dict)
    photos: int = -1

    @property
    def ended(self) -> bool:
        return len(self.rows) == self.photos

    def begin(self, photos: int) -> None:
        """What follows is of another run."""
        self.earlier |= self.rows
        self.rows, self.photos = {}, photos

    def add(self, number: int, row: Row) -> None:
        before = self.earlier.get(row.photo)
        if row.status == "skipped" and before and before[1].status == "ok":
            row = before[1]
        self.rows[row.photo] = number, row

    def known(self) -> list[tuple[int, Row]]:
        """The rows of the last run; before it has ended, also earlier ones of its other photos."""
        return list((self.rows if self.ended else self.earlier | self.rows).values())


def merge(folder: Path) -> Merged:
    """The report of the batch whose shards wrote theirs into ``folder``.

    Raises
    ------
    UsageError: there are none, or of two ways to divide the batch. HeadError: one cannot be read.
    """
    paths = _logs_in(folder)
    count = next(iter(paths)).count
    rows: list[tuple[int, Row]] = []
    lacks = []
    for number in range(1, count + 1):
        shard = Shard(number, count)
        again = f"run it with --shard {number}/{count}"
        if shard not in paths:
            lacks.append(f"Shard {number} of {count} has not begun: {again}")
            continue
        log = _read(paths[shard])
        if not log.ended:
            lacks.append(
                f"Shard {number} of {count} was ended after {len(log.rows)} of {log.photos} "
                f"photos: {again} --skip-existing"
            )
        rows += log.known()
    if wrong := _misplaced([number for number, _ in rows], complete=not lacks):
        lacks.append(
            f"The shards were not run on the same photos ({wrong} are in two of them or in none): "
            "run all again with --skip-existing, naming the same folder in the same way"
        )
    return Merged(_once(rows), tuple(lacks))


def _misplaced(numbers: list[int], *, complete: bool) -> int:
    """How many numbers of photos are there twice or, if rows are ``complete``, not at all."""
    known = set(numbers)
    gaps = max(known) + 1 - len(known) if known and complete else 0
    return len(numbers) - len(known) + gaps


def _once(rows: list[tuple[int, Row]]) -> tuple[Row, ...]:
    """The rows in the order of the photos; of two rows of a photo one, if possible a head's."""
    found: dict[str, Row] = {}
    for _, row in sorted(rows, key=lambda numbered: (numbered[0], numbered[1].photo)):
        if row.photo not in found or found[row.photo].status not in DONE:
            found[row.photo] = row
    return tuple(found.values())


def _logs_in(folder: Path) -> dict[Shard, Path]:
    try:
        found = {
            Shard(int(named[1]), int(named[2])): path
            for path in folder.iterdir()
            if (named := _LOG.fullmatch(path.name))
        }
    except OSError as error:
        raise UsageError(*_words(error, folder)) from error
    if not found:
        raise UsageError(
            f"{folder} holds no reports of shards", "Name the folder that --out of the shards named"
        )
    counts = sorted({shard.count for shard in found})
    if len(counts) > 1:
        raise UsageError(
            f"{folder} holds reports of shards of {' and of '.join(map(str, counts))}",
            f"Remove the {NAME}-*-of-* files of the earlier ones",
        )
    return found


def _read(path: Path) -> _Log:
    log, damaged = _Log(), 0
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                damaged += not _took(log, line)
    except OSError as error:
        raise HeadError(*_words(error, path)) from error
    if damaged:
        logger.warning("%s: %d lines are damaged and were left out", path, damaged)
    return log


def _took(log: _Log, line: str) -> bool:
    """Whether ``line`` of a log is whole; the log then holds it."""
    if not line.strip():
        return True
    try:
        about: dict[str, Any] = json.loads(line)
        if "photo" not in about:
            log.begin(int(about["photos"]))
            return True
        number = int(about.pop("number"))
        log.add(number, Row(**{**about, "heads": tuple(about["heads"])}))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return False
    return True


def _words(error: OSError, path: Path) -> tuple[str, str]:
    cause = explained(error, path)
    return cause.message, cause.hint
