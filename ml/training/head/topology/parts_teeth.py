"""Teeth, and the gums that they stand in with the palate and the floor of the mouth.

Both are closed surfaces, so that nothing is seen through them from any side.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ....data import FloatArray, IntArray
from ....geometry.mirror import MIRROR
from ....geometry.triangles import grid_quads
from ....head.model import HeadModel
from .parts import (
    Chart,
    Part,
    affine_follower,
    ladder,
    laid_flat,
    quad_normals,
    smoothstep,
    vertices_of,
)

TOOTH_COLUMNS, TEETH, ARCH_DEGREES = 4, 14, 72.0
# The reference's teeth have roots; ours end in the gum, this far from the biting edge.
CROWN = 0.0105
# How much lower than the reference's the front teeth stand, upper and lower: its jawOpen draws the
# upper lip down over the upper ones, which a mouth that opens shows.
LOWERED = (0.0032, 0.0036)
# Across the band of teeth: outer gum, outer wall, biting edge, inner wall, inner gum, root.
TOOTH_DEPTH = np.array([0.86, 1, 1, 0.78, 0.5, 0.28, 0.05, 0.0, 0.1, 0.48])
TOOTH_HEIGHT = np.array([0, 0.12, 0.72, 0.97, 1, 0.97, 0.72, 0.2, 0, -0.15])
GUM_HEIGHT, GUM_OVERLAP = 0.009, 0.0014
# Height of the palate and depth of the mouth's floor above and below the gum line, and how thick
# they are.
VAULTS, VAULT_WALL = (0.0135, 0.007), 0.0015
# How far behind the front teeth the vault's middle line begins.
VAULT_FRONT = 0.008
# From the gum's inner border to the vault's middle line: shares of the way, and of the height.
VAULT_WAY, VAULT_RISE = np.array([0.62, 0.3, 0.08]), np.array([0.93, 0.66, 0.28])


@dataclass(frozen=True)
class _Arch:
    """A dental arch by angle: (C,) radii of its walls, heights of biting edge and gum line.

    ``back``: z of the axis that the angles turn about. ``away``: +1 if the gum lies above.
    """

    angle: FloatArray
    inner: FloatArray
    outer: FloatArray
    edge: FloatArray
    gum: FloatArray
    back: float
    away: float

    def places(self, radius: FloatArray, height: FloatArray) -> FloatArray:
        """(R, C) radii and heights -> (R * C, 3)."""
        grid = [radius * np.sin(self.angle), height, radius * np.cos(self.angle) + self.back]
        return np.stack(grid, -1).reshape(-1, 3).astype(np.float32)


def teeth_and_gums(reference: HeadModel, jaw_open: FloatArray) -> list[Part]:
    """Both rows of teeth, each a band bent over the biting edge and notched between teeth, and
    the gums with the palate above and the floor of the mouth below."""
    mean = reference.shape.mean
    vertices = vertices_of(reference, "Teeth")
    is_lower = np.isin(vertices, lower_teeth(reference, jaw_open))
    parts = []
    for lower, name in ((False, "upper"), (True, "lower")):
        own = vertices[is_lower == lower]
        arch = _arch(mean, own, lower)
        for kind, make in (("teeth", _tooth_band), ("gums", _gums)):
            places, (quads, uv, uv_quads) = make(arch)
            carry = affine_follower(places, own, mean)
            parts.append(Part(f"{kind}_{name}", places, quads, uv, carry, uv_quads=uv_quads))
    return parts


def lower_teeth(reference: HeadModel, jaw_open: FloatArray) -> IntArray:
    """The reference's vertices of the lower row."""
    vertices = vertices_of(reference, "Teeth")
    lowered = jaw_open[vertices, 1]
    # The jaw turns: molars sink far less than incisors. Upper teeth do not move at all.
    return vertices[lowered < -0.001]


def _arch(mean: FloatArray, vertices: IntArray, lower: bool) -> _Arch:
    points = mean[vertices]
    points = np.concatenate([points, points * MIRROR])
    back = float(points[:, 2].min())
    columns = np.radians(np.linspace(-ARCH_DEGREES, ARCH_DEGREES, TEETH * TOOTH_COLUMNS + 1))
    angle = np.arctan2(points[:, 0], points[:, 2] - back)
    edge = _even_curve(angle, points[:, 1], columns, 97 if lower else 3)
    away = -1.0 if lower else 1.0
    crown = np.abs(points[:, 1] - np.interp(angle, columns, edge)) < CROWN
    radius = np.hypot(points[crown, 0], points[crown, 2] - back)
    inner, outer = (_even_curve(angle[crown], radius, columns, share) for share in (12, 90))
    edge = edge - LOWERED[int(lower)] * np.cos(columns) ** 2
    return _Arch(columns, inner, outer, edge, edge + away * CROWN, back, away)


_Flat = tuple[IntArray, FloatArray, IntArray]


def _tooth_band(arch: _Arch) -> tuple[FloatArray, _Flat]:
    within = np.abs((np.arange(len(arch.angle)) % TOOTH_COLUMNS) / TOOTH_COLUMNS - 0.5) * 2
    notch = within**4
    radius = arch.inner + np.outer(TOOTH_DEPTH, arch.outer - arch.inner)
    radius -= np.outer(TOOTH_DEPTH, 0.0009 * notch)
    rise = np.outer(TOOTH_HEIGHT, arch.edge - arch.gum)
    rise += np.outer(TOOTH_HEIGHT, 0.0012 * notch) * arch.away
    places = arch.places(radius, arch.gum + rise)
    grid = np.arange(radius.size, dtype=np.int32).reshape(radius.shape)
    row, column = np.divmod(np.arange(radius.size), radius.shape[1])
    flat, root = np.column_stack([column, row]), np.column_stack([column, 0 * row])
    root[grid[-1], 1] = -1
    ends = np.column_stack([np.minimum(row, len(grid) - 1 - row), row >= len(grid) // 2])
    charts = [
        Chart(grid_quads(grid), flat, (0, 0, 1, 0.84)),
        Chart(grid_quads(grid[[-1, 0]]), root, (0, 0.86, 0.8, 0.98)),
        Chart(ladder(grid[::-1, 0]), ends, (0.82, 0.86, 0.9, 0.98)),
        Chart(ladder(grid[:, -1]), ends, (0.92, 0.86, 1, 0.98)),
    ]
    return places, _outward(places, charts)


def _gums(arch: _Arch) -> tuple[FloatArray, _Flat]:
    """A closed body: its rows lead from the vault over the gum's inner border, under the teeth and
    over the outer border to the root; both ends are joined along the middle line."""
    angle, inner, outer, edge, gum = (
        curve[::2] for curve in (arch.angle, arch.inner, arch.outer, arch.edge, arch.gum)
    )
    thin = _Arch(angle, inner, outer, edge, gum, arch.back, arch.away)
    ridge, middle = _gum_rows(thin), _middle_lines(thin)
    rows, columns = ridge.shape[:2]
    places = np.concatenate([ridge.reshape(-1, 3), middle.reshape(-1, 3)]).astype(np.float32)
    grid = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    vault, root = (grid.size + np.arange(middle[..., 0].size)).reshape(2, -1)
    row, column = np.divmod(np.arange(len(places)), columns)
    over = places[:, [0, 2]]
    ends = np.column_stack([np.minimum(row, rows - 1 - row), row >= rows // 2])
    back = [
        [grid[-1, 0], grid[0, 0], vault[0], root[0]],
        [grid[0, -1], grid[-1, -1], root[0], vault[0]],
    ]
    wall = np.zeros((len(places), 2))
    wall[back[0]], wall[back[1]] = (
        [(0, 1), (0, 0), (1, 0), (1, 1)],
        [(2, 0), (2, 1), (1, 1), (1, 0)],
    )
    charts = [
        Chart(grid_quads(grid), np.column_stack([column, row]), (0, 0, 1, 0.5)),
        Chart(_to_middle(grid[0], vault), over, (0, 0.52, 0.44, 1)),
        Chart(_to_middle(grid[-1], root)[:, ::-1], over, (0.46, 0.52, 0.9, 1)),
        Chart(ladder(grid[::-1, 0]), ends, (0.92, 0.52, 0.95, 0.7)),
        Chart(ladder(grid[:, -1]), ends, (0.97, 0.52, 1, 0.7)),
        Chart(np.array(back, np.int32), wall, (0.92, 0.72, 1, 1)),
    ]
    return places, _outward(places, charts)


def _gum_rows(arch: _Arch) -> FloatArray:
    """(8, C, 3): three rows of the vault, the gum's inner border, its outer one, and its root."""
    wall = arch.outer - arch.inner
    depth = np.array([-0.04, 1.04, 1.14, 1.2, 0.9])
    height = np.array([-GUM_OVERLAP, -GUM_OVERLAP, 0.002, 0.6 * GUM_HEIGHT, GUM_HEIGHT])
    radius = arch.inner + np.outer(depth, wall)
    low = arch.gum + arch.away * height[:, None] + 0 * radius
    ridge = arch.places(radius, low).reshape(len(depth), -1, 3)
    border, half = ridge[0], len(arch.angle) // 2
    goal = _middle_lines(arch)[0]
    front = goal[-1] + (goal[-1] - goal[-2]) * 0.5
    goal = np.concatenate([goal, [front], goal[::-1]])
    rows = border + VAULT_WAY[:, None, None] * (goal - border)
    rise = goal[:, 1] - border[:, 1]
    rows[..., 1] = border[:, 1] + VAULT_RISE[:, None] * rise
    # The front is the middle itself: its rows stay short of the vault's line.
    rows[:, half, 1] = border[half, 1] + 0.85 * VAULT_RISE * rise[half]
    return np.concatenate([rows, ridge])


def _middle_lines(arch: _Arch) -> FloatArray:
    """(2, C // 2, 3) from back to front: the middle of the vault, and of the surface behind it."""
    half = len(arch.angle) // 2
    inner = (arch.inner * np.cos(arch.angle) + arch.back)[[0, half]]
    depth = np.linspace(inner[0], inner[1] - VAULT_FRONT, half)
    # The vault falls towards the front teeth.
    fall = smoothstep((inner[1] - depth) / 0.022) * 0.75 + 0.25
    tall = VAULTS[int(arch.away < 0)] * fall
    height = arch.gum[:half] + arch.away * np.stack([tall, tall + VAULT_WALL])
    return np.stack([0 * height, height, depth + 0 * height], -1)


def _to_middle(row: IntArray, middle: IntArray) -> IntArray:
    """Quads from a row (C,) round the arch to its middle line (C // 2,)."""
    half = len(row) // 2
    left = np.column_stack([row[: half - 1], row[1:half], middle[1:], middle[:-1]])
    right = np.column_stack([row[half + 1 : -1], row[half + 2 :], middle[-2::-1], middle[:0:-1]])
    front = [[row[half - 1], row[half], row[half + 1], middle[-1]]]
    return np.concatenate([left, front, right]).astype(np.int32)


def _outward(places: FloatArray, charts: list[Chart]) -> _Flat:
    """The charts' quads, UV and UV quads; all are turned if the first chart faces inwards."""
    quads, uv, uv_quads = laid_flat(charts)
    # The volume that a closed surface encloses is positive if it faces outwards.
    corner = places[quads] - places.mean(0)
    volume = (corner.mean(1) * quad_normals(places, quads)).sum()
    return (quads, uv, uv_quads) if volume > 0 else (quads[:, ::-1], uv, uv_quads[:, ::-1])


def _even_curve(
    angle: FloatArray, values: FloatArray, columns: FloatArray, share: float
) -> FloatArray:
    """A smooth, symmetric curve through the ``share`` percentile of values by angle."""
    bins = np.linspace(0, np.abs(columns).max(), 12)
    middle, level = [], []
    for low, high in pairwise(bins):
        inside = (np.abs(angle) >= low) & (np.abs(angle) < high)
        if inside.any():
            middle.append((low + high) / 2)
            level.append(np.percentile(values[inside], share))
    fit = np.polynomial.Polynomial.fit(np.square(middle), level, 3)
    return fit(np.square(columns))
