"""Hair on the head: an opaque shell under hundreds of ribbons that are combed, fall and curl."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .anchors import COLUMNS, LOWEST, Wearer, angles, direction
from .extra import Extra, Floats, circle, surface, unit
from .haircuts import Cut, line_at
from .strands import Strands, grow, ribbons


def scalp_paint(wearer: Wearer, cut: Cut) -> Floats:
    """(D,) 0..1: how much of the drawn skin has hair growing on it."""
    anchors = wearer.anchors
    near = anchors.skull
    painted = np.zeros(len(anchors.polar), np.float32)
    inside = (line_at(cut.line, anchors.azimuth[near]) - anchors.polar[near]) / 0.08
    painted[near] = np.clip(inside, 0, 1)
    return painted


def shell(
    wearer: Wearer, line: Floats, thickness: float, colour: Floats, rng: np.random.Generator
) -> Extra:
    """An opaque cap of hair above the line, thin at its rim and a little uneven."""
    steps = np.sqrt(np.linspace(0, 1, 14))[:, None]
    polar = line * steps
    azimuth = np.broadcast_to(circle(COLUMNS), polar.shape)
    bumps = 1 + 0.18 * np.sin(azimuth * 5 + polar * 9 + rng.uniform(0, 6)) * steps
    swell = thickness * np.clip((1 - steps) / 0.3, 0, 1) ** 0.5 * bumps + 0.0006
    out = direction(polar, azimuth)
    grid = wearer.centre + out * (wearer.reach_at(polar, azimuth) + swell)[..., None]
    # Streaks run from the crown to the rim, as combed hair does.
    shades = rng.uniform(0.5, 0.95, (1, COLUMNS, 1)) * rng.uniform(0.75, 1.0, (*polar.shape, 1))
    return surface(grid, colour * shades, wearer.centre, closed=True)


_CURTAIN = 30


def _curtain_roots(cut: Cut) -> Floats:
    """(_CURTAIN, 3) roots from one temple round the back to the other.

    Their strands are the threads of a cloth that closes the gaps in falling hair.
    """
    azimuth = np.linspace(1.15, 2 * np.pi - 1.15, _CURTAIN)
    return direction(np.minimum(line_at(cut.line, azimuth) - 0.1, 1.35), azimuth)


def _roots(cut: Cut, count: int, rng: np.random.Generator) -> Floats:
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


def strands(wearer: Wearer, cut: Cut, colour: Floats, rng: np.random.Generator) -> list[Extra]:
    """The ribbons of a haircut, without its shell."""
    if cut.count == 0:
        return []
    out = _roots(cut, cut.count, rng)
    falls = cut.style in ("bob", "long")
    if falls:
        out = np.concatenate([_curtain_roots(cut), out])
    # Some broad dark ribbons below fill the gaps between the narrow ones above.
    inner = rng.random(len(out)) < (0.3 if falls else 0.12)
    lift = np.where(inner, 0.3, rng.uniform(0.4, 1, len(out))) * cut.lift
    base = cut.thickness if cut.style in ("afro", "curly") else 0.0
    lift = lift + base * 0.8
    root = wearer.centre + out * (wearer.reach(out) + base * 0.9)[:, None]
    way, length = _combed(cut, out, rng), _lengths(cut, root, out, rng)
    tie, bend = _tie(wearer, cut), (cut.gravity, cut.curl, cut.turns)
    lines = grow(wearer, Strands(root, way, length, lift, *bend, tie, falls), rng)
    width = np.where(inner, 2.6, rng.uniform(0.7, 1.3, len(out))) * cut.width
    tone = np.where(inner, 0.5, 1.0) * rng.lognormal(0, 0.2, len(out))
    made = []
    if falls:
        shades = rng.uniform(0.35, 0.6, (_CURTAIN, lines.shape[1], 1))
        made.append(surface(lines[:_CURTAIN], colour * shades, wearer.centre))
    made.append(ribbons(wearer, lines, width, colour, tone, rng))
    if cut.fringe:
        made.append(_fringe(wearer, cut, colour, rng))
    if cut.style in ("tail", "bun"):
        made.append(_gathered(wearer, cut, colour, rng))
    return made


def _tie(wearer: Wearer, cut: Cut) -> Floats | None:
    if cut.style not in ("tail", "bun"):
        return None
    # The parting's random number also says how high the hair is tied.
    polar = np.array(0.5 + abs(cut.part) * 28)
    out = direction(polar, np.array(np.pi))
    return np.asarray(wearer.centre + out * (wearer.reach(out) + 0.012), dtype=np.float32)


def _fringe(wearer: Wearer, cut: Cut, colour: Floats, rng: np.random.Generator) -> Extra:
    count = int(rng.integers(90, 220))
    spread = rng.uniform(0.45, 0.85)
    azimuth = rng.uniform(-spread, spread, count)
    above = np.abs(rng.normal(0, 0.14, count)) + 0.02
    out = direction(line_at(cut.line, azimuth) - above, azimuth)
    root = wearer.centre + out * (wearer.reach(out) + 0.002)[:, None]
    sweep = rng.uniform(-0.7, 0.7) * np.array([1, 0, 0])
    way = np.array([0, -0.25, 1]) + sweep + out * 0.3 + rng.normal(0, 0.12, out.shape)
    length = (cut.fringe + 0.085 * above) * rng.uniform(0.8, 1.1, count)
    lift = rng.uniform(0.003, 0.011, count)
    lines = grow(
        wearer, Strands(root, unit(way), length, lift, 0.45, cut.curl, cut.turns, None, False), rng
    )
    width = rng.uniform(0.8, 1.5, count) * cut.width
    return ribbons(wearer, lines, width, colour, rng.lognormal(0, 0.2, count), rng)


def _gathered(wearer: Wearer, cut: Cut, colour: Floats, rng: np.random.Generator) -> Extra:
    """What comes out of the hair tie: a tail, or a ball of hair."""
    tie = _tie(wearer, cut)
    assert tie is not None
    count = 90
    if cut.style == "tail":
        way = unit(np.array([0, 0.1, -1]) + rng.normal(0, 0.13, (count, 3)))
        length = rng.uniform(0.14, 0.26) * rng.uniform(0.8, 1.1, count)
        root = tie + rng.normal(0, 0.006, (count, 3))
        lift = rng.uniform(0.005, 0.025, count)
        lines = grow(
            wearer, Strands(root, way, length, lift, 0.8, cut.curl, cut.turns, None, False), rng
        )
    else:
        # Ribbons wound round a ball.
        size = rng.uniform(0.025, 0.042)
        turn = np.linspace(0, 1.8, 9)[None] * np.pi + rng.uniform(0, 6, (count, 1))
        a, b = unit(rng.normal(size=(count, 1, 3))), unit(rng.normal(size=(count, 1, 3)))
        middle = tie + unit(tie - wearer.centre) * size * 0.7
        lines = middle + size * unit(np.cos(turn)[..., None] * a + np.sin(turn)[..., None] * b)
    tone = rng.lognormal(-0.1, 0.22, count)
    return ribbons(wearer, lines, rng.uniform(0.006, 0.01, count), colour, tone, rng)


def pressed(wearer: Wearer, extra: Extra, line: Floats, room: float) -> Extra:
    """Hair under a hat that reaches down to ``line``: not further than ``room`` off the skin."""
    away = extra.vertices - wearer.centre
    far = np.linalg.norm(away, axis=1)
    out = away / np.maximum(far, 1e-6)[:, None]
    polar, azimuth = angles(out)
    under = np.clip((line_at(line, azimuth) + 0.04 - polar) / 0.12, 0, 1)
    limit = wearer.reach_at(polar, azimuth) + room
    far = far - under * np.clip(far - limit, 0, None)
    return replace(extra, vertices=(wearer.centre + out * far[:, None]).astype(np.float32))
