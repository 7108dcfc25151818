"""Strands that grow, fall and slide over a head, and the ribbons drawn along them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .anchors import Wearer
from .clothing import drape
from .extra import Extra, Floats, cross, dot, lattice, opaque, unit

SEGMENTS = 8


@dataclass(frozen=True)
class Strands:
    """N strands about to grow; lengths in metres.

    Attributes
    ----------
    root, way: (N, 3) where they start and their unit direction there. length, lift: (N,) the
    latter is their distance from the skin. gravity: 0..1 how fast they turn down. curl, turns:
    radius and number of their waves. tie: (3,) where all are gathered, or None. parted: they are
    kept off the face.
    """

    root: Floats
    way: Floats
    length: Floats
    lift: Floats
    gravity: float
    curl: float
    turns: float
    tie: Floats | None
    parted: bool


def grow(wearer: Wearer, strands: Strands, rng: np.random.Generator) -> Floats:
    """(N, SEGMENTS + 1, 3) centre lines; they slide over skin and shoulders."""
    point, way = strands.root.astype(np.float32), strands.way.astype(np.float32)
    count = len(point)
    step = (strands.length / SEGMENTS).astype(np.float32)[:, None]
    bend = rng.normal(0, 0.06, (count, 3)).astype(np.float32)
    lift = strands.lift.astype(np.float32)
    down = np.array([0, -0.8 * strands.gravity, 0], np.float32)
    lines = np.empty((count, SEGMENTS + 1, 3), np.float32)
    lines[:, 0] = point
    for index in range(1, SEGMENTS + 1):
        if strands.tie is not None:
            way = unit(strands.tie - point)
            point = point + way * np.minimum(
                step, np.linalg.norm(strands.tie - point, axis=1)[:, None]
            )
        else:
            way = way + down + bend
            if strands.parted:
                way = way + _off_the_face(wearer, point)
            way = unit(way)
            point = point + way * step
        point = _outside(wearer, point, lift * np.float32(min(1.0, index / 2.5)), strands.parted)
        lines[:, index] = point
        way = unit(point - lines[:, index - 1])
    if strands.curl:
        lines += _waves(wearer, lines, strands, rng)
    return lines


def _off_the_face(wearer: Wearer, point: Floats) -> Floats:
    relative = point - wearer.centre
    inside = (np.abs(relative[:, 0]) < 0.062) & (relative[:, 2] > 0.045) & (relative[:, 1] < 0.045)
    push = np.zeros_like(point)
    push[:, 0] = inside * np.where(relative[:, 0] < 0, -1.6, 1.6)
    push[:, 2] = -0.8 * inside
    return push


def _outside(wearer: Wearer, point: Floats, lift: Floats, close: bool) -> Floats:
    """Points at least ``lift`` off the skin and, if ``close``, not far off the skull either."""
    away = point - wearer.centre
    far = np.sqrt(dot(away, away))
    out = away / np.maximum(far, 1e-6)[:, None]
    least = wearer.reach(out) + lift
    if close:
        far = np.minimum(far, least + 0.004 + 0.12 * np.clip(0.35 - out[:, 1], 0, None))
    far = np.where(out[:, 1] > -0.8, np.maximum(far, least), far)
    return drape(wearer, (wearer.centre + out * far[:, None]).astype(np.float32), lift)


def _waves(wearer: Wearer, lines: Floats, strands: Strands, rng: np.random.Generator) -> Floats:
    """(N, K, 3) sideways waves; strands near each other wave together, in clumps."""
    count, knots = lines.shape[:2]
    out = unit(lines - wearer.centre)
    along = _along(lines)
    side = unit(cross(along, out))
    clumps = np.floor(strands.root @ rng.normal(0, 60, (3, 1)).astype(np.float32))[:, 0]
    phase = (clumps * 2.4 + rng.normal(0, 0.5, count))[:, None]
    angle = phase + np.linspace(0, 2 * np.pi * strands.turns, knots)
    grown = strands.curl * np.linspace(0.1, 1.1, knots)
    wave = side * (np.sin(angle) * grown)[..., None]
    return (wave + out * ((np.cos(angle) + 1) * 0.5 * grown)[..., None]).astype(np.float32)


def _along(lines: Floats) -> Floats:
    """(N, K, 3) the way each line goes at its knots, not of unit length."""
    along = np.empty_like(lines)
    along[:, 1:-1] = lines[:, 2:] - lines[:, :-2]
    along[:, 0], along[:, -1] = lines[:, 1] - lines[:, 0], lines[:, -1] - lines[:, -2]
    return along


def ribbons(
    wearer: Wearer,
    lines: Floats,
    width: Floats,
    colour: Floats,
    tone: Floats,
    rng: np.random.Generator,
) -> Extra:
    """Flat bands along (N, K, 3) ``lines``, (N,) metres wide, that lie on the head.

    ``tone`` (N,) brightens or darkens whole strands; roots are darker, and light varies along.
    """
    count, knots = lines.shape[:2]
    out = unit(lines - wearer.centre)
    side = unit(cross(_along(lines), out))
    length = np.linspace(0, 1, knots, dtype=np.float32)
    taper = np.interp(length, [0, 0.15, 0.6, 1], [0.7, 1, 0.95, 0.35])
    half = side * (width[:, None] * taper * 0.5).astype(np.float32)[..., None]
    vertices = np.stack([lines - half, lines + half], 2)
    # Normals leaning out at the edges round the band off; no two strands shine alike.
    lean = out + rng.standard_normal((count, 1, 3), np.float32) * 0.22
    side *= 0.45
    normals = unit(np.stack([lean - side, lean + side], 2))
    shine = 0.55 + 0.5 * np.clip(length / 0.35, 0, 1)
    turns, start = rng.random((2, count, 1), np.float32) * 8 + 2
    level = (tone[:, None] * (shine + 0.12 * np.sin(length * turns + start))).astype(np.float32)
    edges = np.array([0.88, 1.06], np.float32)[:, None] * np.float32(colour)
    colours = level[:, :, None, None] * edges
    return opaque(
        vertices.reshape(-1, 3),
        _band_triangles(count, knots),
        colours.reshape(-1, 3),
        normals.reshape(-1, 3),
    )


@lru_cache(maxsize=512)
def _band_triangles(count: int, knots: int) -> np.ndarray:
    band = lattice(knots, 2)
    first = np.arange(count, dtype=np.int32)[:, None, None] * (knots * 2)
    return (band[None] + first).reshape(-1, 3)
