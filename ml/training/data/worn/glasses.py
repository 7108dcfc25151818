"""Glasses and sunglasses, from the landmarks of the eyes and the ears."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ....geometry.colour import linear_of
from .anchors import Wearer
from .extra import Extra, Floats, circle, lattice, opaque, surface, unit

_RIGHT_EYE, _LEFT_EYE = (33, 133), (263, 362)
_POINTS = 32
# sRGB of frames of metal, horn and plastic.
_METALS = np.array([[150, 120, 60], [170, 170, 175], [90, 55, 30], [130, 30, 40]])
# How far a rim may sink into the skin, metres: pads and soft cheeks give way a little.
_GIVE = 0.002


@dataclass(frozen=True)
class Frame:
    """Glasses; metres.

    Attributes
    ----------
    outline: (_POINTS, 2) of the left lens about its centre, x away from the nose, y up.
    rim: width of the rim, 0 for none. upper_only: the rim runs over the top only.
    colour: (3,) linear. tint: (3,). opacity: of the lens' lower and upper edge. glare: strength
    of the reflection in it.
    """

    outline: Floats
    rim: float
    upper_only: bool
    colour: Floats
    tint: Floats
    opacity: tuple[float, float]
    glare: float


def random_frame(rng: np.random.Generator, dark: bool | None = None) -> Frame:
    """Random glasses; dark: whether they are sunglasses, random if None."""
    dark = rng.random() < 0.3 if dark is None else dark
    half = rng.uniform(0.022, 0.028) * (1.08 if dark else 1)
    power, aspect, drop, tilt = [
        (2.0, 0.92, 0.0, 0.0), (4.5, 0.62, 0.0, 0.05), (2.6, 0.72, 0.0, 0.0),
        (2.6, 0.86, 0.22, -0.05), (2.8, 0.7, 0.0, 0.22), (5.0, 0.8, 0.0, 0.0),
    ][rng.integers(6)]  # fmt: skip
    sine, cosine = np.sin(circle(_POINTS)), np.cos(circle(_POINTS))
    x = np.sign(cosine) * np.abs(cosine) ** (2 / power)
    y = np.sign(sine) * np.abs(sine) ** (2 / power) * aspect * rng.uniform(0.92, 1.1)
    y = np.where(y < 0, y * (1 + drop * (0.5 + 0.5 * x)), y) + tilt * np.clip(x, 0, 1) * (y > 0)
    rim = 0.0
    if rng.random() >= 0.1:
        rim = rng.choice([rng.uniform(0.001, 0.002), rng.uniform(0.003, 0.006)])
    colour = linear_of(rng.uniform(8, 45) * rng.normal(1, 0.1, 3))
    if rng.random() < 0.4:
        colour = linear_of(_METALS[rng.integers(4)])
    tint, opacity = _glass(dark, rng)
    glare = rng.uniform(0.2, 0.9) if rng.random() < 0.45 else 0.0
    return Frame(
        np.stack([x, y], -1).astype(np.float32) * half,
        rim,
        bool(rng.random() < 0.12 and rim),
        colour,
        tint,
        opacity,
        glare,
    )


def _glass(dark: bool, rng: np.random.Generator) -> tuple[Floats, tuple[float, float]]:
    """Tint and opacity of a lens."""
    clear = (0.05, 0.05 + 0.1 * rng.random())
    if dark:
        tint = linear_of(rng.uniform(3, 45) * rng.uniform(0.7, 1.3, 3))
        upper = rng.uniform(0.75, 0.99)
        return tint, (upper * rng.uniform(0.55, 1), upper)
    if rng.random() < 0.15:
        return linear_of(rng.uniform(40, 200, 3)), (rng.uniform(0.1, 0.3), rng.uniform(0.3, 0.6))
    return linear_of(np.array([235, 240, 245])), clear


def make_glasses(wearer: Wearer, frame: Frame, rng: np.random.Generator) -> list[Extra]:
    """Rims, bridge, temples and, last, the transparent lenses with their reflections."""
    rims, lenses = [], []
    plane = _plane(wearer, frame, rng)
    for side in (1, -1):
        outline = plane.on(frame.outline, side)
        inward = plane.on(frame.outline * 0.4, side).mean(0)
        rims += _rim(frame, plane, side)
        rims.append(_temple(wearer, frame, plane.on(frame.outline[[2]] * [1.06, 1], side)[0], side))
        lenses.append(_lens(frame, outline, inward, plane.forward))
        if frame.glare:
            lenses.append(_glare(frame, plane, side, rng))
    return [*rims, _bridge(frame, plane), *lenses]


@dataclass(frozen=True)
class _Plane:
    """Where the lenses lie: between the pupils, a little before the eyes, curved to the head."""

    middle: Floats
    across: Floats
    up: Floats
    forward: Floats
    half: float
    wrap: float

    def on(self, flat: Floats, side: int, ahead: float = 0.0) -> Floats:
        """(N, 2) places about a lens' centre -> (N, 3); ``side`` 1 is the subject's left."""
        x = self.half + flat[:, 0]
        bent = ahead - self.wrap * np.clip(np.abs(x) - 0.012, 0, None) ** 2
        place = self.middle + (side * x)[:, None] * self.across + flat[:, 1:] * self.up
        return np.asarray(place + bent[:, None] * self.forward, dtype=np.float32)


def _plane(wearer: Wearer, frame: Frame, rng: np.random.Generator) -> _Plane:
    marks = wearer.landmarks
    right, left = marks[list(_RIGHT_EYE)].mean(0), marks[list(_LEFT_EYE)].mean(0)
    across = unit(left - right)
    ears = wearer.ears[:, 0].mean(0)
    middle = (left + right) / 2
    # Temples hang level from the ears, lenses lean in a little at the bottom.
    forward = middle + np.array([0, 0.006, 0]) - ears
    forward = unit(forward - across * (forward @ across) + np.array([0, -0.012, 0]))
    up = np.cross(forward, across)
    half = float(np.linalg.norm(left - right)) / 2 + rng.uniform(-0.001, 0.0015)
    inner = half + float(frame.outline[:, 0].min()) - frame.rim
    # Not through the nose: narrow eyes get their lenses a little further apart.
    half += max(0.0, 0.0085 - inner)
    slide = rng.uniform(-0.004, 0.002)
    plane = _Plane(middle + up * slide, across, up, forward, half, rng.uniform(1.5, 4.0))
    return _before_the_face(wearer, frame, plane, rng.uniform(0, 0.004))


def _before_the_face(wearer: Wearer, frame: Frame, plane: _Plane, extra: float) -> _Plane:
    """Move the plane forward until no part of its rims sinks deeper than _GIVE."""
    grown = frame.outline * (1 + frame.rim / 0.025)
    rim = np.concatenate([plane.on(grown, 1), plane.on(grown, -1)]) - plane.middle
    skin = wearer.vertices[wearer.anchors.front[::2]] - plane.middle
    basis = np.stack([plane.across, plane.up, plane.forward], 1)
    rim, skin = rim @ basis, skin @ basis
    far = (rim[:, None, 0] - skin[None, :, 0]) ** 2 + (rim[:, None, 1] - skin[None, :, 1]) ** 2
    near = far < 0.0032**2
    above = np.where(near, skin[None, :, 2] - rim[:, None, 2], -1).max()
    eyes = (wearer.landmarks[[33, 133, 159, 263, 362, 386]] - plane.middle) @ plane.forward
    ahead = max(float(above) - _GIVE, float(eyes.max()) + 0.006) + extra
    return replace(plane, middle=plane.middle + plane.forward * ahead)


def _rim(frame: Frame, plane: _Plane, side: int) -> list[Extra]:
    """A flat ring with a rounded edge, or only its upper half."""
    if frame.rim <= 0:
        return []
    outline = frame.outline[: _POINTS // 2 + 1] if frame.upper_only else frame.outline
    away = unit(np.concatenate([outline, np.zeros((len(outline), 1), np.float32)], 1))[:, :2]
    rings = [
        plane.on(outline + away * frame.rim * out, side, ahead)
        for out, ahead in ((0, -0.003), (0, 0.001), (0.5, 0.0018), (1, 0.001), (1, -0.003))
    ]
    grid = np.stack(rings)
    behind = grid.mean((0, 1)) - plane.forward * 0.02
    shades = frame.colour * np.array([0.6, 0.9, 1.3, 0.9, 0.6])[:, None, None]
    return [surface(grid, shades, behind, closed=not frame.upper_only)]


def _bridge(frame: Frame, plane: _Plane) -> Extra:
    inner = plane.half + frame.outline[:, 0].min()
    thick = max(frame.rim, 0.0015)
    x = np.linspace(-inner, inner, 9)
    arch = 0.25 * frame.outline[:, 1].max() + 0.004 * (1 - (x / inner) ** 2)
    ahead = 0.002 * (1 - (x / inner) ** 2)
    rows = [
        plane.middle
        + x[:, None] * plane.across
        + (arch + drop)[:, None] * plane.up
        + (ahead + forth)[:, None] * plane.forward
        for drop, forth in ((thick * 0.6, 0), (0, 0.0015), (-thick * 0.6, 0))
    ]
    grid = np.stack(rows)
    return surface(grid, frame.colour, grid.mean((0, 1)) - plane.forward * 0.02)


def _temple(wearer: Wearer, frame: Frame, hinge: Floats, side: int) -> Extra:
    """The arm from the hinge over the ear and down behind it: a flattened tube."""
    top, back = wearer.ears[0 if side > 0 else 1][:2]
    outward = np.array([side * 0.0045, 0.003, 0], np.float32)
    side_way = np.array([float(side), 0, 0], np.float32)
    start = hinge + side_way * 0.002
    knee = start + side_way * 0.003 + np.array([0, 0, -0.008], np.float32)
    line = np.stack(
        [
            start,
            knee,
            knee * 0.5 + (top + outward) * 0.5 + side_way * 0.003,
            top + outward,
            back + outward,
        ]
    )
    tall = max(0.0014, 0.8 * frame.rim) * np.array([1.3, 1.2, 1, 0.9, 0.7])[:, None]
    up = np.array([0, 1, 0], np.float32)
    grid = np.stack(
        [
            line + up * tall,
            line + side_way * 0.0012 + up * tall * 0.5,
            line + side_way * 0.0012 - up * tall * 0.5,
            line - up * tall,
        ]
    )
    return surface(grid, frame.colour, grid.mean((0, 1)) - side_way * 0.05)


def _lens(frame: Frame, outline: Floats, inward: Floats, forward: Floats) -> Extra:
    share = np.linspace(0, 1, 4)[:, None, None]
    grid = inward + (outline - inward) * share
    mesh = surface(grid, frame.tint, inward - forward, closed=True)
    low, high = frame.opacity
    height = grid[..., 1].reshape(-1)
    rise = (height - height.min()) / max(float(np.ptp(height)), 1e-6)
    alpha = (low + (high - low) * rise).astype(np.float32)
    return replace(mesh, alpha=alpha)


def _glare(frame: Frame, plane: _Plane, side: int, rng: np.random.Generator) -> Extra:
    """A slanted bright window in the lens."""
    low, high = np.sort(rng.uniform(-0.75, 0.75, 2))
    x = np.array([low, max(high, low + 0.25)])
    y = np.array([[0.75], [0.0], [-0.7 * rng.uniform(0.2, 1)]])
    slant = rng.uniform(-0.3, 0.3)
    flat = np.stack(np.broadcast_arrays(x + slant * y, y), -1) * frame.outline.max(0) * 0.8
    grid = plane.on(flat.reshape(-1, 2), side, 0.0005)
    colours = np.broadcast_to(rng.uniform(0.8, 1.0, 3).astype(np.float32), grid.shape)
    normals = np.broadcast_to(plane.forward, grid.shape).astype(np.float32)
    mesh = opaque(grid, lattice(3, 2), colours, normals)
    alpha = (frame.glare * np.array([1, 1, 0.8, 0.8, 0.2, 0.2])).astype(np.float32)
    return replace(mesh, alpha=alpha)
