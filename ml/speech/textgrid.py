"""Praat's TextGrid, long and short, as the Montreal Forced Aligner writes it.

As Praat does, only what stands by itself is read: numbers, texts in quotes and flags. The rest
("xmin =", "intervals [1]:") are words for people, which the short format leaves out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from .trouble import Row, Trouble, seconds

_TOKEN = re.compile(
    r'"(?P<text>(?:[^"]|"")*)"|(?P<flag><exists>|<absent>)|(?P<comment>(?<!\S)![^\n]*)'
    r"|(?P<number>(?<!\S)[-+]?(?:\d[\d.]*|\.\d+)(?:[eE][-+]?\d+)?%?(?!\S))"
    r'|(?P<open>")|(?P<word>[^\s"]+)'
)
# Also as older versions of Praat began their short files.
_FILES = ("ooTextFile", "ooTextFile short")
_INTERVALS, _POINTS = "IntervalTier", "TextTier"
_PHONE_TIERS = ("phones", "phone", "phonemes", "phoneme", "segments", "segment")
_HINT = "Export the TextGrid again from Montreal Forced Aligner or Praat"


@dataclass
class _Tier:
    name: str
    rows: list[Row] = field(default_factory=list)


class _Tokens:
    """The parts of a file that count, in order, with their lines."""

    def __init__(self, text: str) -> None:
        self._found = self._read(text)
        self.line = 1

    def _read(self, text: str) -> Iterator[tuple[str, str, int]]:
        line, place = 1, 0
        for match in _TOKEN.finditer(text):
            kind = str(match.lastgroup)
            line += text.count("\n", place, match.start())
            place = match.start()
            if kind == "open":
                raise Trouble(line, "a text in quotes does not end", _HINT)
            if kind not in ("comment", "word"):
                yield kind, match.group(kind), line

    def next(self, kind: str) -> str:
        found, value, self.line = next(self._found, ("end", "", self.line))
        if found != kind:
            what = "the file ends" if found == "end" else f"there is {value[:20]!r}"
            raise Trouble(self.line, f"{what} where a {kind} is needed", _HINT)
        return value.replace('""', '"') if kind == "text" else value

    def number(self) -> float:
        return seconds(self.next("number"), self.line)


def rows_of_textgrid(text: str, tier: str = "") -> list[Row]:
    """The intervals of a tier; an empty name: of the only one that holds phones.

    Raises
    ------
    Trouble: the file is damaged, or there is no such tier, or there are several.
    """
    tokens = _Tokens(text)
    if tokens.next("text") not in _FILES or tokens.next("text") != "TextGrid":
        raise Trouble(1, "this is no TextGrid of Praat", _HINT)
    tokens.number(), tokens.number()
    if tokens.next("flag") != "<exists>":
        raise Trouble(tokens.line, "the TextGrid has no tiers", _HINT)
    tiers = [_tier(tokens) for _ in range(int(_count(tokens)))]
    return _chosen(tiers, tier).rows


def _count(tokens: _Tokens) -> int:
    count = tokens.number()
    if not 0 <= count <= 10_000_000 or count != int(count):
        raise Trouble(tokens.line, f"{count:g} is no number of entries", _HINT)
    return int(count)


def _tier(tokens: _Tokens) -> _Tier:
    kind = tokens.next("text")
    if kind not in (_INTERVALS, _POINTS):
        raise Trouble(tokens.line, f"there is no kind of tier {kind[:20]!r}", _HINT)
    tier = _Tier(tokens.next("text"))
    tokens.number(), tokens.number()
    for _ in range(_count(tokens)):
        start = tokens.number()
        line = tokens.line
        end = tokens.number() if kind == _INTERVALS else start
        tier.rows.append(Row(line, start, end, tokens.next("text").strip()))
    return tier


def _chosen(tiers: list[_Tier], name: str) -> _Tier:
    names = ", ".join(repr(tier.name[:40]) for tier in tiers[:20]) or "none"
    if name:
        found = [tier for tier in tiers if tier.name == name]
        message = f"there is no tier {name!r}"
    else:
        # Of several speakers, each has one: "Ada - phones".
        found = [tier for tier in tiers if tier.name.lower().split(" - ")[-1] in _PHONE_TIERS]
        message = "there is no tier of phones"
    if not found:
        raise Trouble(0, message, f"Choose one of its tiers: {names}")
    if len(found) > 1 and not name:
        several = ", ".join(repr(tier.name[:40]) for tier in found[:20])
        raise Trouble(0, "there are several tiers of phones", f"Choose one as Tier: {several}")
    return found[0]
