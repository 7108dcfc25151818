"""Hair on the head: an opaque shell under hundreds of ribbons that are combed, fall and curl."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..picture.colour import linear
from .anchors import COLUMNS, LOWEST, Extra, Floats, Person, angles, direction, surface, unit
from .strands import Strands, grow, ribbons

# sRGB and how often: black, browns, blonds, reds, grey, white.
_COLOURS = np.array(
    [[22, 18, 17], [45, 32, 25], [78, 54, 37], [112, 80, 53], [150, 115, 74], [200, 165, 112],
     [138, 66, 36], [92, 45, 29], [140, 138, 136], [212, 208, 200]], np.float32,
)  # fmt: skip
_SHARES = np.array([0.26, 0.22, 0.15, 0.09, 0.06, 0.06, 0.03, 0.03, 0.07, 0.03])
STYLES = (
    "buzz",
    "short",
    "side part",
    "back",
    "quiff",
    "curly",
    "afro",
    "bob",
    "long",
    "tail",
    "bun",
    "receding",
)
_STYLE_SHARES = np.array([0.08, 0.15, 0.12, 0.07, 0.07, 0.09, 0.05, 0.1, 0.12, 0.04, 0.04, 0.07])


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
    """(3,) linear albedo of somebody's hair; rarely dyed."""
    if rng.random() < 0.03:
        return linear(rng.uniform(20, 230, 3))
    colour = _COLOURS[rng.choice(len(_COLOURS), p=_SHARES / _SHARES.sum())]
    return linear(colour * rng.uniform(0.75, 1.2) * rng.normal(1, 0.03, 3))


def random_cut(person: Person, rng: np.random.Generator, style: str | None = None) -> Cut:
    """A haircut for this head."""
    style = style or str(rng.choice(STYLES, p=_STYLE_SHARES / _STYLE_SHARES.sum()))
    around = np.arange(COLUMNS) / COLUMNS * 2 * np.pi
    waves = sum(rng.normal(0, 0.02) * np.cos(k * around + rng.uniform(0, 6)) for k in (2, 3, 5, 9))
    front = np.clip(np.cos(around), 0, 1) ** 2
    recede = rng.uniform(0, 0.16) if style != "receding" else rng.uniform(0.45, 1.0)
    temples = np.exp(-(((np.abs(np.sin(around / 2)) - 0.28) / 0.1) ** 2)) * (np.cos(around) > 0)
    line = person.rig.hairline + waves - recede * front - rng.uniform(0, 0.15) * temples
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
    between = rng.uniform
    falls = {"gravity": between(0.5, 0.9), "lift": between(0.006, 0.02), "count": 760}
    wavy = {"curl": between(0.002, 0.01), "turns": between(1, 2.2)} if rng.random() < 0.4 else {}
    special: dict[str, dict[str, float]] = {
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
            "count": 900,
            "curl": between(0.003, 0.006),
            "turns": 2.0,
            "gravity": 0.0,
            "width": 0.0028,
        },
        "bob": {"end": between(-0.09, -0.02), **falls, **wavy},
        "long": {"end": between(-0.3, -0.11), "width": between(0.003, 0.006), **falls, **wavy},
        "tail": {"lift": 0.004, "gravity": 0},
        "bun": {"lift": 0.004, "gravity": 0},
        "receding": {"length": between(0.012, 0.03), "count": 380, "thickness": 0.003},
    }
    return special.get(style, {})


def line_at(line: Floats, azimuth: Floats) -> Floats:
    """The polar angle of a (COLUMNS,) line at any azimuth."""
    column = (azimuth * (COLUMNS / (2 * np.pi))) % COLUMNS
    left = column.astype(np.int32) % COLUMNS
    share = column - np.floor(column)
    return np.asarray(line[left] * (1 - share) + line[(left + 1) % COLUMNS] * share)


def scalp_paint(person: Person, cut: Cut) -> Floats:
    """(D,) 0..1: how much of the drawn skin has hair growing on it."""
    rig = person.rig
    near = rig.skull
    painted = np.zeros(len(rig.polar), np.float32)
    inside = (line_at(cut.line, rig.azimuth[near]) - rig.polar[near]) / 0.08
    painted[near] = np.clip(inside, 0, 1)
    return painted


def shell(
    person: Person, line: Floats, thickness: float, colour: Floats, rng: np.random.Generator
) -> Extra:
    """An opaque cap of hair above the line, thin at its rim and a little uneven."""
    around = np.arange(COLUMNS) / COLUMNS * 2 * np.pi
    steps = np.sqrt(np.linspace(0, 1, 14))[:, None]
    polar = line * steps
    azimuth = np.broadcast_to(around, polar.shape)
    bumps = 1 + 0.18 * np.sin(azimuth * 5 + polar * 9 + rng.uniform(0, 6)) * steps
    swell = thickness * np.clip((1 - steps) / 0.3, 0, 1) ** 0.5 * bumps + 0.0006
    out = direction(polar, azimuth)
    grid = person.centre + out * (person.reach_at(polar, azimuth) + swell)[..., None]
    # Streaks run from the crown to the rim, as combed hair does.
    shades = rng.uniform(0.5, 0.95, (1, COLUMNS, 1)) * rng.uniform(0.75, 1.0, (*polar.shape, 1))
    return surface(grid, colour * shades, person.centre, closed=True)


_CURTAIN = 30


def _curtain_roots(cut: Cut) -> Floats:
    """(_CURTAIN, 3) roots from one temple round the back to the other.

    Their strands are the threads of a cloth that closes the gaps in falling hair.
    """
    azimuth = np.linspace(1.15, 2 * np.pi - 1.15, _CURTAIN)
    return direction(np.minimum(line_at(cut.line, azimuth) - 0.1, 1.35), azimuth)


def _roots(person: Person, cut: Cut, count: int, rng: np.random.Generator) -> Floats:
    """(N, 3) unit directions from the centre to where hairs grow, even over the scalp."""
    top = rng.uniform(np.cos(np.minimum(cut.line.max(), LOWEST)), 1, 3 * count)
    polar, azimuth = np.arccos(top), rng.uniform(-np.pi, np.pi, 3 * count)
    inside = polar < line_at(cut.line, azimuth) - 0.02
    return direction(polar[inside], azimuth[inside])[:count]


def _combed(cut: Cut, out: Floats, rng: np.random.Generator) -> Floats:
    """(N, 3) the way each hair is combed at its root."""
    side = np.sign(out[:, :1] - cut.part / 0.09 + 1e-6)
    x, y, z = np.eye(3, dtype=np.float32)
    front = np.clip(out[:, 2:] * 2, 0, 1)
    whorl = unit(np.array([cut.part, 0.085, -0.045], np.float32))
    ways = {
        "side part": side * x * 1.2 + 0.3 * z * front - 0.3 * y,
        "back": -z + 0.15 * side * x,
        "quiff": -0.8 * z + out * 0.6 * np.clip(out[:, 1:2], 0, 1) - 0.8 * y * (1 - front),
        "curly": rng.normal(0, 0.8, out.shape) - whorl * 0.4 + out * 0.6,
        "afro": rng.normal(0, 0.6, out.shape) + out * 1.5,
    }
    falling = side * x - 0.55 * z * front + 0.15 * y * front
    way = ways.get(cut.style, falling if cut.style in ("bob", "long") else -whorl)
    flat = way - out * (way * out).sum(1, keepdims=True)
    stands = cut.style in ("quiff", "curly", "afro")
    mess = rng.uniform(0.03, 0.1 if cut.style == "quiff" else 0.15)
    return unit((way if stands else flat + 0.08 * out) + rng.normal(0, mess, out.shape))


def _lengths(cut: Cut, root: Floats, out: Floats, rng: np.random.Generator) -> Floats:
    if cut.style in ("bob", "long"):
        # Down from the root to where the scissors cut, and round the skull on the way.
        length = root[:, 1] - cut.end + 0.045 * np.clip(out[:, 1], 0, 1)
        return np.clip(length, 0.03, None) * rng.uniform(0.82, 1.04, len(root))
    length = np.full(len(root), cut.length)
    if cut.style in ("short", "side part", "quiff", "back"):
        # Sides are cut shorter than the top.
        length *= 0.45 + 0.55 * np.clip(out[:, 1] * 2.2, 0, 1)
    return length * rng.uniform(0.7, 1.15, len(root))


def strands(person: Person, cut: Cut, colour: Floats, rng: np.random.Generator) -> list[Extra]:
    """The ribbons of a haircut, without its shell."""
    if cut.count == 0:
        return []
    out = _roots(person, cut, cut.count, rng)
    falls = cut.style in ("bob", "long")
    if falls:
        out = np.concatenate([_curtain_roots(cut), out])
    # Some broad dark ribbons below fill the gaps between the narrow ones above.
    inner = rng.random(len(out)) < (0.3 if falls else 0.12)
    lift = np.where(inner, 0.3, rng.uniform(0.4, 1, len(out))) * cut.lift
    base = cut.thickness if cut.style in ("afro", "curly") else 0.0
    lift = lift + base * 0.8
    root = person.centre + out * (person.reach(out) + base * 0.9)[:, None]
    lines = grow(
        person,
        Strands(
            root,
            _combed(cut, out, rng),
            _lengths(cut, root, out, rng),
            lift,
            cut.gravity,
            cut.curl,
            cut.turns,
            _tie(person, cut),
            falls,
        ),
        rng,
    )
    width = np.where(inner, 2.6, rng.uniform(0.7, 1.3, len(out))) * cut.width
    tone = np.where(inner, 0.5, 1.0) * rng.lognormal(0, 0.2, len(out))
    made = []
    if falls:
        shades = rng.uniform(0.35, 0.6, (_CURTAIN, lines.shape[1], 1))
        made.append(surface(lines[:_CURTAIN], colour * shades, person.centre))
    made.append(ribbons(person, lines, width, colour, tone, rng))
    if cut.fringe:
        made.append(_fringe(person, cut, colour, rng))
    if cut.style in ("tail", "bun"):
        made.append(_gathered(person, cut, colour, rng))
    return made


def _tie(person: Person, cut: Cut) -> Floats | None:
    if cut.style not in ("tail", "bun"):
        return None
    # The parting's random number also says how high the hair is tied.
    polar = np.array(0.5 + abs(cut.part) * 28)
    out = direction(polar, np.array(np.pi))
    return np.asarray(person.centre + out * (person.reach(out) + 0.012), dtype=np.float32)


def _fringe(person: Person, cut: Cut, colour: Floats, rng: np.random.Generator) -> Extra:
    count = int(rng.integers(90, 220))
    spread = rng.uniform(0.45, 0.85)
    azimuth = rng.uniform(-spread, spread, count)
    above = np.abs(rng.normal(0, 0.14, count)) + 0.02
    out = direction(line_at(cut.line, azimuth) - above, azimuth)
    root = person.centre + out * (person.reach(out) + 0.002)[:, None]
    sweep = rng.uniform(-0.7, 0.7) * np.array([1, 0, 0])
    way = np.array([0, -0.25, 1]) + sweep + out * 0.3 + rng.normal(0, 0.12, out.shape)
    length = (cut.fringe + 0.085 * above) * rng.uniform(0.8, 1.1, count)
    lift = rng.uniform(0.003, 0.011, count)
    lines = grow(
        person, Strands(root, unit(way), length, lift, 0.45, cut.curl, cut.turns, None, False), rng
    )
    width = rng.uniform(0.8, 1.5, count) * cut.width
    return ribbons(person, lines, width, colour, rng.lognormal(0, 0.2, count), rng)


def _gathered(person: Person, cut: Cut, colour: Floats, rng: np.random.Generator) -> Extra:
    """What comes out of the hair tie: a tail, or a ball of hair."""
    tie = _tie(person, cut)
    assert tie is not None
    count = 90
    if cut.style == "tail":
        way = unit(np.array([0, 0.1, -1]) + rng.normal(0, 0.13, (count, 3)))
        length = rng.uniform(0.14, 0.26) * rng.uniform(0.8, 1.1, count)
        root = tie + rng.normal(0, 0.006, (count, 3))
        lift = rng.uniform(0.005, 0.025, count)
        lines = grow(
            person, Strands(root, way, length, lift, 0.8, cut.curl, cut.turns, None, False), rng
        )
    else:
        # Ribbons wound round a ball.
        size = rng.uniform(0.025, 0.042)
        turn = np.linspace(0, 1.8, 9)[None] * np.pi + rng.uniform(0, 6, (count, 1))
        a, b = unit(rng.normal(size=(count, 1, 3))), unit(rng.normal(size=(count, 1, 3)))
        middle = tie + unit(tie - person.centre) * size * 0.7
        lines = middle + size * unit(np.cos(turn)[..., None] * a + np.sin(turn)[..., None] * b)
    tone = rng.lognormal(-0.1, 0.22, count)
    return ribbons(person, lines, rng.uniform(0.006, 0.01, count), colour, tone, rng)


def pressed(person: Person, extra: Extra, line: Floats, room: float) -> Extra:
    """Hair under a hat that reaches down to ``line``: not further than ``room`` off the skin."""
    away = extra.vertices - person.centre
    far = np.linalg.norm(away, axis=1)
    out = away / np.maximum(far, 1e-6)[:, None]
    polar, azimuth = angles(out)
    under = np.clip((line_at(line, azimuth) + 0.04 - polar) / 0.12, 0, 1)
    limit = person.reach_at(polar, azimuth) + room
    far = far - under * np.clip(far - limit, 0, None)
    return replace(extra, vertices=(person.centre + out * far[:, None]).astype(np.float32))
