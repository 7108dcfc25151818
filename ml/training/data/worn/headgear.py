"""Hats, caps, scarves, helmets, headphones and earrings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ....geometry.colour import linear_of
from .anchors import COLUMNS, Wearer, direction
from .clothing import drape, fabric_colour, pattern
from .extra import Extra, Floats, circle, surface, unit

HATS = ("cap", "beanie", "wide brim", "scarf", "helmet")
_SHARES = (0.3, 0.25, 0.2, 0.15, 0.1)
# Polar angle of the rim before the forehead, above the ears and behind the head.
_LINES = {"beanie": (1.02, 1.55, 1.75), "helmet": (1.0, 1.6, 1.9), "scarf": (1.0, 1.6, 1.9)}
# sRGB of gold, silver and pearls.
_JEWELS = np.array([[225, 190, 90], [215, 215, 220], [240, 235, 225]])
_AROUND = circle(COLUMNS).astype(np.float32)


def random_kind(rng: np.random.Generator) -> str:
    """One of HATS."""
    return str(rng.choice(HATS, p=_SHARES))


def hat_line(kind: str, rng: np.random.Generator) -> Floats:
    """(COLUMNS,) polar angle of a hat's rim: forehead, above the ears, back of the head."""
    front, side, back = _LINES.get(kind, (1.08, 1.4, 1.6))
    front = front + rng.normal(0, 0.08)
    cosine, sine = np.cos(_AROUND), np.sin(_AROUND)
    ahead, behind = np.clip(cosine, 0, 1) ** 2, np.clip(-cosine, 0, 1) ** 2
    line = front * ahead + side * sine**2 + back * behind
    return np.asarray(line + rng.normal(0, 0.03) * sine, dtype=np.float32)


def make_hat(wearer: Wearer, kind: str, line: Floats, rng: np.random.Generator) -> list[Extra]:
    """A hat whose rim follows the ``line``."""
    colour = fabric_colour(rng)
    if kind == "scarf":
        return [_scarf(wearer, colour, rng)]
    if kind == "wide brim":
        return _brimmed(wearer, line, colour, rng)
    thick = {"cap": 0.009, "beanie": 0.008, "helmet": 0.024}[kind]
    tall = {"cap": rng.uniform(0, 0.012), "beanie": rng.uniform(0, 0.03), "helmet": 0.006}[kind]
    made = [_dome(wearer, line, thick, tall, colour, kind, rng)]
    if kind == "cap":
        made.append(_visor(wearer, line, fabric_colour(rng) if rng.random() < 0.3 else colour, rng))
    if kind == "beanie" and rng.random() < 0.7:
        made.append(_cuff(wearer, line, colour * rng.uniform(0.6, 1.2), rng))
    return made


def _dome(
    wearer: Wearer,
    line: Floats,
    thick: float,
    tall: float,
    colour: Floats,
    kind: str,
    rng: np.random.Generator,
) -> Extra:
    steps = np.linspace(0, 1, 16)[:, None]
    polar = line * steps
    azimuth = np.broadcast_to(_AROUND, polar.shape)
    reach = wearer.reach_at(polar, azimuth)
    # Cloth spans the hollows of a head: nearly the same reach all round each height.
    reach = 0.6 * reach + 0.4 * reach.max(1, keepdims=True) * (reach[-1] / reach[-1].max()) ** steps
    swell = np.clip((1 - steps) / 0.12, 0, 1) ** 0.5 * 0.004
    ribs = 0.0012 * np.sin(_AROUND * 24) if kind == "beanie" else 0
    grid = wearer.centre + direction(polar, azimuth) * (reach + thick + swell + ribs)[..., None]
    grid[..., 1] += tall * np.clip(np.cos(polar), 0, 1)
    colours = pattern(grid, np.broadcast_to(colour, grid.shape), rng)
    if kind == "helmet":
        vents = (np.sin(_AROUND * 8) > 0.75) & (np.abs(steps - 0.5) < 0.25)
        colours = np.where(vents[..., None], 0.02, np.broadcast_to(colour, grid.shape))
    elif kind == "cap" and rng.random() < 0.4:
        badge = (np.abs((_AROUND + np.pi) % (2 * np.pi) - np.pi) < 0.28) & (
            np.abs(steps - 0.75) < 0.12
        )
        colours = np.where(badge[..., None], fabric_colour(rng), colours)
    # The rim turns inwards, so that no gap shows between hat and head.
    inner = (
        wearer.centre + direction(line, _AROUND) * (wearer.reach_at(line, _AROUND) - 0.004)[:, None]
    )
    grid = np.concatenate([grid, inner[None]])
    colours = np.concatenate([colours, colours[-1:] * 0.4])
    return surface(grid, colours, wearer.centre, closed=True)


def _rim_points(wearer: Wearer, line: Floats, off: float) -> Floats:
    reach = wearer.reach_at(line, _AROUND) + off
    return np.asarray(wearer.centre + direction(line, _AROUND) * reach[:, None])


def _visor(wearer: Wearer, line: Floats, colour: Floats, rng: np.random.Generator) -> Extra:
    wide = round(COLUMNS * 0.18)
    side = np.linspace(-1, 1, 2 * wide + 1)
    turned = rng.choice([1.0, -1.0], p=[0.93, 0.07])
    first = wide if turned > 0 else wide - COLUMNS // 2
    rim = np.roll(_rim_points(wearer, line - 0.03, 0.009), first, axis=0)[: 2 * wide + 1]
    length = rng.uniform(0.055, 0.08) * np.sqrt(np.clip(1 - side**2, 0.0, 1))
    share = np.linspace(0, 1, 5)[:, None]
    droop = rng.uniform(-0.25, 0.45)
    curve = 0.012 * side**2
    grid = np.repeat(rim[None], 5, 0)
    grid[..., 2] += turned * length * share
    grid[..., 1] -= (droop * length + curve) * share
    return _two_sided(grid, colour, 0.002, wearer.centre - [0, 0.2, 0])


def _two_sided(grid: Floats, colour: Floats, thick: float, below: Floats) -> Extra:
    """A stiff sheet: its underside is darker, and faces down."""
    down = grid[::-1] - [0, thick, 0]
    whole = np.concatenate([grid, down])
    shade = np.concatenate([np.ones(len(grid)), np.full(len(grid), 0.55)])[:, None, None]
    made = surface(whole, colour * shade, below)
    flip = np.repeat(np.array([1.0, -1.0]), len(made.normals) // 2)[:, None]
    upward = np.sign(made.normals[:, 1:2] + 1e-6) * flip
    return replace(made, normals=made.normals * upward)


def _cuff(wearer: Wearer, line: Floats, colour: Floats, rng: np.random.Generator) -> Extra:
    tall = rng.uniform(0.25, 0.4)
    rows = [(0.02, 0.002), (0.01, 0.013), (-tall * 0.5, 0.016), (-tall, 0.014), (-tall, 0.006)]
    grid = np.stack([_rim_points(wearer, line + drop, off) for drop, off in rows])
    stripes = 1 + 0.2 * np.sin(_AROUND * 30)[:, None]
    return surface(grid, np.broadcast_to(colour * stripes, grid.shape), wearer.centre, closed=True)


def _brimmed(wearer: Wearer, line: Floats, colour: Floats, rng: np.random.Generator) -> list[Extra]:
    """A crown with straight or rounded walls, a ribbon, and a brim all round."""
    rim = _rim_points(wearer, line, 0.008)
    middle = rim.mean(0)
    top = wearer.centre[1] + wearer.reach_at(np.zeros(1), np.zeros(1))[0] + rng.uniform(0.008, 0.05)
    straight = rng.uniform(0.7, 0.92)
    crown = []
    heights = (0, 0.15, 0.3, 0.7, 0.95, 1.0, 0.97)
    widths = (1.0, 1.0, 0.99, 0.5 + 0.5 * straight, straight, straight * 0.85, 0.0)
    for height, width in zip(heights, widths, strict=True):
        ring = middle + (rim - middle) * [width, 1, width]
        ring[:, 1] += (top - ring[:, 1]) * height
        crown.append(ring)
    grid = np.stack(crown)
    ribbon = fabric_colour(rng) if rng.random() < 0.7 else colour
    walls = np.broadcast_to(colour, grid.shape).copy()
    walls[:2] = ribbon
    length = rng.uniform(0.035, 0.11)
    share = np.linspace(0, 1, 5)[:, None, None]
    out = unit((rim - middle) * [1, 0, 1])
    sag = rng.uniform(-0.15, 0.5) + 0.25 * rng.normal() * np.cos(2 * _AROUND)
    brim = rim + out * share * length
    brim[..., 1] -= (sag * length)[None] * share[..., 0] ** 1.5
    closed = np.concatenate([brim, brim[:, :1]], 1)
    return [
        surface(grid, walls, wearer.centre, closed=True),
        _two_sided(closed, colour, 0.002, wearer.centre - [0, 0.3, 0]),
    ]


def _scarf(wearer: Wearer, colour: Floats, rng: np.random.Generator) -> Extra:
    """A scarf or hood: everything but an oval round the face, down to the shoulders."""
    face = wearer.landmarks
    middle = (face[10] + face[152]) / 2 - [0, 0, 0.045]
    turn = circle(48)
    half = (face[10] - face[152])[1] / 2
    tall = np.where(np.cos(turn) > 0, rng.uniform(0.82, 1.1), rng.uniform(0.98, 1.12)) * half
    wide = float(np.ptp(face[[234, 454], 0])) / 2 * rng.uniform(0.92, 1.04)
    opening = middle + np.stack(
        [wide * np.sin(turn), tall * np.cos(turn), 0.02 - 0.03 * np.sin(turn) ** 2], -1
    )
    back = wearer.centre + np.array([0, -0.05, -0.2])
    share = np.linspace(0, 1, 18)[:, None, None]
    # From the opening the cloth runs round the skull to the back; below it falls on the chest.
    spread = 1 - np.cos(share * np.pi / 2)
    grid = opening + (back - opening) * spread
    outward = unit(opening - middle) * [1.0, 1.0, 0]
    grid = grid + outward * np.sin(share * np.pi) * 0.12
    below = np.clip(-np.cos(turn), 0, 1)[:, None]
    grid = grid + below * np.sin(share * np.pi) * np.array([0, -0.12, 0.03])
    flat = grid.reshape(-1, 3)
    away = flat - wearer.centre
    far = np.linalg.norm(away, axis=1)
    out = unit(away)
    cover = 0.009 + 0.004 * np.sin(out @ rng.normal(0, 14, 3) + rng.uniform(0, 6))
    for ear in wearer.ears:
        # The field of radii knows no ears.
        near = out @ unit(ear[:2].mean(0) - wearer.centre)
        cover = cover + 0.02 * np.exp((near - 1) / 0.05)
    close = wearer.reach(out) + np.clip(cover, 0.004, None)
    hanging = out[:, 1] < -0.55
    far[48:] = np.where(hanging, np.maximum(far, close), close)[48:]
    flat = (wearer.centre + out * far[:, None]).astype(np.float32)
    flat = drape(wearer, flat, np.full(len(flat), 0.01))
    grid = flat.reshape(grid.shape)
    colours = pattern(grid, np.broadcast_to(colour, grid.shape), rng)
    return surface(grid, colours, wearer.centre, closed=True)


def headphones(wearer: Wearer, rng: np.random.Generator) -> list[Extra]:
    """A band over the crown and a cup on each ear."""
    colour = linear_of(rng.uniform(10, 230) * rng.normal(1, 0.1, 3))
    sweep = np.linspace(-1.5, 1.5, 25)
    lean = rng.uniform(-0.1, 0.15)
    rows = []
    for wide, off in ((-0.09, 0.012), (-0.06, 0.02), (0.06, 0.02), (0.09, 0.012)):
        out = unit(np.stack([np.sin(sweep), np.cos(sweep), (wide + lean) * np.ones(25)], -1))
        rows.append(wearer.centre + out * (wearer.reach(out) + off)[:, None])
    made = [surface(np.stack(rows), colour, wearer.centre)]
    size = rng.uniform(0.03, 0.042)
    turn = circle(20)
    rim = np.stack([0 * turn, 1.15 * size * np.sin(turn), size * np.cos(turn)], -1)
    for ear in wearer.ears:
        side = np.sign(ear[3, 0])
        profile = ((0.85, 0.006), (1, 0.012), (1, 0.026), (0.85, 0.033), (0, 0.034))
        rings = [ear[3] + rim * wide + [side * out, 0, 0] for wide, out in profile]
        made.append(surface(np.stack(rings), colour * 0.8, ear[3], closed=True))
    return made


def earrings(wearer: Wearer, rng: np.random.Generator) -> list[Extra]:
    """Studs or hoops under the lobes."""
    colour = linear_of(_JEWELS[rng.integers(3)])
    size = rng.choice([rng.uniform(0.003, 0.006), rng.uniform(0.01, 0.02)])
    thick = 0.0014 if size > 0.008 else size * 0.6
    turn, tube = circle(20), circle(6)[:, None]
    made = []
    for ear in wearer.ears:
        middle = ear[2] - [-np.sign(ear[2, 0]) * 0.003, size, 0]
        ring = size + thick * np.cos(tube)
        parts = thick * np.sin(tube), ring * np.cos(turn), ring * np.sin(turn)
        grid = middle + np.stack(np.broadcast_arrays(*parts), -1)
        made.append(surface(grid, colour, middle, closed=True))
    return made
