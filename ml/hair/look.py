"""What a photo tells of a person's hair, in words and numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .strands import Strands

# From none to below the chin. "shaved": too short to have a thickness of its own.
LENGTHS = ("bald", "shaved", "short", "middle", "long")
BEARDS = ("none", "stubble", "beard")


@dataclass(frozen=True)
class HairLook:
    """A person's hair.

    Attributes
    ----------
    length: one of LENGTHS. colour: sRGB, without the photo's light where that is known.
    hat: whether a hat hides it. beard: one of BEARDS. moustache: whether there is one.
    brows: whether the photo shows them; where it does not they are the usual ones.
    tied: whether the hair is tied in a knot.
    """

    length: str
    colour: tuple[int, int, int]
    hat: bool
    beard: str
    moustache: bool
    brows: bool
    tied: bool = False

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "colour": list(self.colour)}


@dataclass(frozen=True)
class Hair:
    """A person's hair: in words, and as strands on the neutral head."""

    look: HairLook
    strands: Strands


def look_of(about: Mapping[str, Any]) -> HairLook | None:
    """The look in what :meth:`HairLook.to_json` gave; None if it is not one.

    Raises ValueError: it is damaged.
    """
    stored = about.get("hair")
    if stored is None:
        return None
    try:
        red, green, blue = (int(value) for value in stored["colour"])
        named = {name: stored[name] for name in ("length", "hat", "beard", "moustache", "brows")}
        tied = bool(stored.get("tied", False))  # older results do not say
        return HairLook(colour=(red, green, blue), **named, tied=tied)
    except (TypeError, KeyError) as error:
        raise ValueError(f"its hair is damaged: {error}") from error
