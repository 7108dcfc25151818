"""Shards: parts of a batch of photos that run on their own, at once, into one folder of results."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError

_SHARD = re.compile(r"([0-9]{1,6})/([0-9]{1,6})")
# What a batch itself leaves among the folders of its results, such as report-1-of-4.json.
OF_A_BATCH = re.compile(
    r"(report|coefficients)(-[0-9]+-of-[0-9]+)?"
    r"\.(json|json\.provenance\.json|jsonl|csv|html|npz|parquet|parts)"
)


@dataclass(frozen=True)
class Shard:
    """Part ``number``, from 1, of a batch in ``count`` parts."""

    number: int
    count: int

    def holds(self, name: str) -> bool:
        """Whether the photo with this relative path belongs to the shard.

        It depends on nothing but the path: photos that are added or removed move no others.
        """
        key = os.fsencode(unicodedata.normalize("NFC", name))
        digest = hashlib.sha256(key).digest()
        return int.from_bytes(digest[:8], "big") % self.count == self.number - 1


def stem_of(name: str, shard: Shard | None) -> str:
    """The stem of a shard's file ``name``: ``report-1-of-4``; of a whole batch's, ``report``."""
    return name if shard is None else f"{name}-{shard.number}-of-{shard.count}"


def shard_of(text: str) -> Shard:
    """The shard that ``text`` names: ``1/4`` is the first of four. UsageError: it names none."""
    found = _SHARD.fullmatch(text)
    shard = Shard(int(found[1]), int(found[2])) if found else Shard(0, 0)
    if not 1 <= shard.number <= shard.count:
        raise UsageError(
            f"--shard {text[:40]} is not possible",
            "Use I/N with I from 1 to N, such as 1/4 for the first of four parts",
        )
    return shard


def relative_names(photos: Sequence[Path], sources: Sequence[Path]) -> list[str]:
    """The path of every photo below the folder that it was found in, with ``/`` on all systems.

    Of a photo that was named itself it is the file's name.
    """
    places: dict[Path, int] = {}
    for place, source in enumerate(sources):
        if source.is_dir():
            places.setdefault(source, place)
    return [_below(photo, places) for photo in photos]


def _below(photo: Path, places: Mapping[Path, int]) -> str:
    """places: of the folders in the order in which they were named; the first counts."""
    # Not by trying each folder: there may be as many as photos.
    above = [folder for folder in photo.parents if folder in places]
    if not above:
        return photo.name
    return photo.relative_to(min(above, key=places.__getitem__)).as_posix()
