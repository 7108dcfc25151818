"""Clothes: a shell round the bust with a neckline, so that heads do not float; and draping."""

from __future__ import annotations

import numpy as np

from ....geometry.colour import linear_of
from .anchors import Wearer
from .extra import Extra, Floats, circle, surface

# Rings down the mean bust: height at the side, how much lower the front is than the side per metre
# of depth, half width, half depth, middle's z. The first is where the neck begins.
_RINGS = np.array(
    [
        [-0.060, 0.55, 0.061, 0.060, -0.012],
        [-0.085, 0.60, 0.063, 0.059, -0.017],
        [-0.108, 0.62, 0.078, 0.062, -0.021],
        [-0.124, 0.60, 0.106, 0.068, -0.022],
        [-0.142, 0.45, 0.144, 0.077, -0.021],
        [-0.168, 0.28, 0.184, 0.087, -0.019],
        [-0.215, 0.10, 0.212, 0.100, -0.012],
        [-0.280, 0.00, 0.222, 0.110, -0.006],
        [-0.480, 0.00, 0.215, 0.112, 0.000],
    ],
    np.float32,
)
_NECK = 2.0  # index of the ring where a plain collar lies
KINDS = ("round", "v", "shirt", "jacket", "turtle", "hood", "boat")
_SHARES = (0.27, 0.14, 0.17, 0.2, 0.08, 0.07, 0.07)
_COLUMNS = 64


def _rings(at: Floats) -> Floats:
    """The (..., 5) ring at fractional indices."""
    steps = np.arange(len(_RINGS))
    return np.stack([np.interp(at, steps, _RINGS[:, k]) for k in range(5)], -1)


def _loft(wearer: Wearer, at: Floats, ease: Floats) -> Floats:
    """(R, _COLUMNS, 3) the bust at ring positions ``at`` (R, _COLUMNS), ``ease`` metres off it."""
    ring = _rings(at)
    around = circle(_COLUMNS)
    power = np.clip((at - 3) * 0.15, 0, 0.25)
    sine, cosine = np.sin(around), np.cos(around)
    x = (ring[..., 2] + ease) * np.sign(sine) * np.abs(sine) ** (1 - power)
    depth = (ring[..., 3] + ease) * np.sign(cosine) * np.abs(cosine) ** (1 - power)
    y = ring[..., 0] - ring[..., 1] * depth + ease * 0.6
    return wearer.on_body(np.stack([x, y, ring[..., 4] + depth], -1))


def drape(wearer: Wearer, points: Floats, lift: Floats) -> Floats:
    """Move (N, 3) points out of the clothed bust, to its front or its back."""
    local = (points - wearer.bust[1]) / wearer.bust[0]
    x, y, z = local.T
    y = y + np.float32(0.35) * (z + np.float32(0.02))
    low = y < _RINGS[0, 0]
    if not low.any():
        return points
    heights = _RINGS[::-1, 0]
    wide, deep, middle = (
        np.interp(y, heights, _RINGS[::-1, k]).astype(np.float32) for k in (2, 3, 4)
    )
    wide, deep = wide + np.float32(0.012), deep + np.float32(0.012) + np.float32(0.5) * lift
    room = deep * np.sqrt(np.clip(1 - (x / wide) ** 2, 0, 1))
    inside = low & (np.abs(z - middle) < room)
    pushed = np.where(z >= middle, middle + room, middle - room) * wearer.bust[0, 2]
    moved = points.copy()
    moved[:, 2] = np.where(inside, pushed + wearer.bust[1, 2], points[:, 2])
    return moved


def random_clothes(wearer: Wearer, rng: np.random.Generator) -> list[Extra]:
    """A shirt, a jacket, a jumper: one to three shells."""
    kind = str(rng.choice(KINDS, p=_SHARES))
    colour, second = fabric_colour(rng), fabric_colour(rng)
    around = circle(_COLUMNS)
    front = np.clip(np.cos(around), 0, 1)
    low = {"v": 2.4 * front**6, "jacket": 4.0 * front**9, "boat": 1.2 + 0.4 * front}.get(
        kind, rng.uniform(0.1, 1.0) * front
    )
    top = _NECK + rng.uniform(-0.15, 0.3) + low
    ease = rng.uniform(0.004, 0.012) + 0.006 * (kind == "jacket")
    made = [_shell(wearer, top, colour, ease, rng)]
    if kind == "jacket":
        made.append(_shirt(wearer, _inner(second, around)))
    if kind in ("jacket", "shirt"):
        pale = 0.35 + 0.6 * second
        made.append(_collar(wearer, pale if kind == "jacket" else colour * 1.06, 0.012, front))
    if kind == "jacket":
        made.append(_band(wearer, top, colour * rng.uniform(0.7, 1.1), ease, 1.0))
    if kind == "turtle":
        made.append(_collar(wearer, colour * 0.95, 0.034, front * 0))
    if kind == "hood":
        made.append(_collar(wearer, colour * 0.9, -0.03, front))
    if kind in ("round", "v") and rng.random() < 0.6:
        made.append(_band(wearer, top, colour * rng.uniform(0.5, 1.2), ease))
    return made


def fabric_colour(rng: np.random.Generator) -> Floats:
    """(3,) linear: much dark, grey and white, some colour."""
    kind = rng.random()
    if kind < 0.35:
        return linear_of(rng.uniform(12, 70) * rng.normal(1, 0.12, 3))
    if kind < 0.6:
        return linear_of(rng.uniform(150, 245) * rng.normal(1, 0.03, 3))
    if kind < 0.72:
        return linear_of(np.array([35, 45, 75]) * rng.uniform(0.6, 1.6))
    return linear_of(rng.uniform(10, 235, 3))


def pattern(grid: Floats, colour: Floats, rng: np.random.Generator) -> Floats:
    """(..., 3) colours of a fabric: plain, stripes or checks, with folds."""
    x, y = grid[..., :1], grid[..., 1:2]
    fold = np.sin(x * rng.uniform(30, 70) + np.sin(y * 40) * 2 + rng.uniform(0, 6))
    cloth = colour * (1 + 0.12 * fold)
    kind = rng.random()
    if kind < 0.72:
        return np.asarray(cloth)
    other = fabric_colour(rng) * 0.6 + colour * 0.4
    pitch = rng.uniform(70, 160)
    across, down = np.sin(x * pitch) > 0.2, np.sin(y * pitch) > 0.2
    lines = down if kind < 0.82 else across if kind < 0.9 else across ^ down
    return np.asarray(np.where(lines, other, cloth))


def _inner(shirt: Floats, around: Floats) -> Floats:
    """(_COLUMNS, 3) a shirt under a jacket, perhaps with a tie down the middle."""
    tie = np.abs((around + np.pi) % (2 * np.pi) - np.pi) < 0.17
    pale = 0.35 + 0.6 * shirt
    return np.where(tie[:, None], shirt[::-1] * 0.6, pale).astype(np.float32)


def _shell(
    wearer: Wearer, top: Floats, colour: Floats, ease: float, rng: np.random.Generator
) -> Extra:
    share = np.linspace(0, 1, 22)[:, None] ** 1.2
    at = top + (len(_RINGS) - 1 - top) * share
    folds = 0.004 * np.sin(at * 5 + np.arange(_COLUMNS) * 0.6 + rng.uniform(0, 6)) * share
    grid = _loft(wearer, at, ease + folds)
    colours = pattern(grid, np.broadcast_to(colour, grid.shape), rng)
    return surface(grid, colours, wearer.on_body(np.array([0, -0.25, -0.02])), closed=True)


def _shirt(wearer: Wearer, colours: Floats) -> Extra:
    """What shows of a shirt under a jacket: only its upper part, close to the body."""
    at = np.broadcast_to(np.linspace(_NECK, 6.6, 12)[:, None], (12, _COLUMNS))
    grid = _loft(wearer, at, np.full(at.shape, 0.003))
    return surface(grid, colours, wearer.on_body(np.array([0, -0.25, -0.02])), closed=True)


def _collar(wearer: Wearer, colour: Floats, rise: float, front: Floats) -> Extra:
    """A band that stands round the neck and folds over; a negative ``rise`` is a thick roll."""
    thick = 0.008 if rise > 0 else 0.03
    at = np.array([_NECK + 0.2, _NECK - 0.1, _NECK - abs(rise) / 0.022, _NECK, _NECK + 0.55])
    at[4] += 0.4 * (rise < 0)
    ease = np.array([0.004, 0.006, thick * 0.7, thick * 1.3, thick * 1.2])
    points = 0.6 * front**14 * np.array([0, 0.8, 1, 1, 1.4])[:, None]
    grid = _loft(wearer, at[:, None] + points, np.broadcast_to(ease[:, None], (5, _COLUMNS)))
    return surface(grid, colour, wearer.on_body(np.array([0, -0.12, -0.02])), closed=True)


def _band(wearer: Wearer, top: Floats, colour: Floats, ease: float, wide: float = 0.25) -> Extra:
    """The hem round a neckline, or lapels."""
    at = top + np.array([-0.12, -0.1, wide / 2, wide])[:, None]
    off = np.broadcast_to(np.array([[0], [0.004], [0.004], [0.001]]), at.shape)
    grid = _loft(wearer, at, ease + off)
    return surface(grid, colour, wearer.on_body(np.array([0, -0.2, -0.02])), closed=True)
