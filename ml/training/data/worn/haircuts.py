"""Haircuts: styles, lengths, colours and hairlines."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ....geometry.colour import linear_of
from .anchors import COLUMNS, Wearer
from .extra import Floats, circle

# sRGB and how often: black, browns, blonds, reds, grey, white.
_COLOURS = np.array(
    [[22, 18, 17], [45, 32, 25], [78, 54, 37], [112, 80, 53], [150, 115, 74], [200, 165, 112],
     [138, 66, 36], [92, 45, 29], [140, 138, 136], [212, 208, 200]], np.float32,
)  # fmt: skip
_SHARES = np.array([0.26, 0.22, 0.15, 0.09, 0.06, 0.06, 0.03, 0.03, 0.07, 0.03])
# Styles and how often they come.
_STYLES = {
    "buzz": 0.08,
    "short": 0.15,
    "side part": 0.12,
    "back": 0.07,
    "quiff": 0.07,
    "curly": 0.09,
    "afro": 0.05,
    "bob": 0.1,
    "long": 0.12,
    "tail": 0.04,
    "bun": 0.04,
    "receding": 0.07,
}
STYLES = tuple(_STYLES)
_TIED = {"lift": 0.004, "gravity": 0.0}
_COILED = {"count": 900, "turns": 2.0, "gravity": 0.0, "width": 0.0028}


@dataclass(frozen=True)
class Cut:
    """A haircut; lengths in metres.

    Attributes
    ----------
    style: one of STYLES. line: (COLUMNS,) the hairline's polar angle. thickness: of the shell.
    count, width, lift, gravity, curl, turns: of the strands. end: height at which long hair is
    cut. part: where the parting lies, left of the middle. fringe: length over the forehead, or 0.
    """

    style: str
    line: Floats
    thickness: float
    count: int
    width: float
    length: float
    lift: float
    gravity: float
    curl: float
    turns: float
    end: float
    part: float
    fringe: float


def hair_colour(rng: np.random.Generator) -> Floats:
    """(3,) linear albedo of random hair, rarely dyed."""
    if rng.random() < 0.03:
        return linear_of(rng.uniform(20, 230, 3))
    colour = _COLOURS[rng.choice(len(_COLOURS), p=_SHARES / _SHARES.sum())]
    return linear_of(colour * rng.uniform(0.75, 1.2) * rng.normal(1, 0.03, 3))


def random_cut(wearer: Wearer, rng: np.random.Generator, style: str | None = None) -> Cut:
    """A haircut for this head."""
    style = style or str(rng.choice(STYLES, p=list(_STYLES.values())))
    around = circle(COLUMNS)
    waves = sum(rng.normal(0, 0.02) * np.cos(k * around + rng.uniform(0, 6)) for k in (2, 3, 5, 9))
    front = np.clip(np.cos(around), 0, 1) ** 2
    recede = rng.uniform(0, 0.16) if style != "receding" else rng.uniform(0.45, 1.0)
    temples = np.exp(-(((np.abs(np.sin(around / 2)) - 0.28) / 0.1) ** 2)) * (np.cos(around) > 0)
    line = wearer.anchors.hairline + waves - recede * front - rng.uniform(0, 0.15) * temples
    between = rng.uniform
    cut = Cut(
        style,
        line.astype(np.float32),
        between(0.004, 0.008),
        620,
        between(0.0018, 0.0036),
        between(0.022, 0.042),
        between(0.004, 0.014),
        between(0.1, 0.3),
        0,
        1,
        0.0,
        between(0.005, 0.04) * rng.choice([-1, 1]),
        0,
    )
    cut = replace(cut, **_tailored(style, rng))
    able = style in ("short", "side part", "bob", "long", "tail", "bun", "curly")
    return replace(cut, fringe=between(0.03, 0.07)) if able and rng.random() < 0.35 else cut


def _tailored(style: str, rng: np.random.Generator) -> dict[str, Any]:
    """What differs from a usual cut in this style."""
    between = rng.uniform
    falls = {"gravity": between(0.5, 0.9), "lift": between(0.006, 0.02), "count": 760}
    wavy = {"curl": between(0.002, 0.01), "turns": between(1, 2.2)} if rng.random() < 0.4 else {}
    return {
        "buzz": {"count": 0, "thickness": between(0.0005, 0.002)},
        "side part": {"length": between(0.05, 0.085), "lift": between(0.008, 0.02)},
        "back": {"length": between(0.06, 0.1), "gravity": 0.08},
        "quiff": {
            "length": between(0.025, 0.045),
            "gravity": 0.12,
            "count": 800,
            "width": between(0.0022, 0.004),
            "lift": between(0.006, 0.012),
        },
        "curly": {
            "length": between(0.035, 0.08),
            "thickness": between(0.008, 0.02),
            "count": 760,
            "curl": between(0.004, 0.01),
            "turns": between(1.2, 2.5),
            "gravity": 0.35,
            "lift": between(0.015, 0.03),
        },
        "afro": {
            "length": between(0.015, 0.03),
            "thickness": between(0.015, 0.055),
            "curl": between(0.003, 0.006),
            **_COILED,
        },
        "bob": {"end": between(-0.09, -0.02), **falls, **wavy},
        "long": {"end": between(-0.3, -0.11), "width": between(0.003, 0.006), **falls, **wavy},
        "tail": _TIED,
        "bun": _TIED,
        "receding": {"length": between(0.012, 0.03), "count": 380, "thickness": 0.003},
    }.get(style, {})


def line_at(line: Floats, azimuth: Floats) -> Floats:
    """The polar angle of a (COLUMNS,) line at any azimuth."""
    column = (azimuth * (COLUMNS / (2 * np.pi))) % COLUMNS
    left = column.astype(np.int32) % COLUMNS
    share = column - np.floor(column)
    return np.asarray(line[left] * (1 - share) + line[(left + 1) % COLUMNS] * share)
