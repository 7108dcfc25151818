"""Teeth, gums, tongue and the bag of the mouth."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ....data import FloatArray, IntArray
from ....geometry.mirror import MIRROR
from ....geometry.triangles import grid_quads, tube_quads
from ....head.model import HeadModel
from .parts import (
    Carry,
    Part,
    affine_follower,
    quad_normals,
    surface_follower,
    vertices_of,
)


def open_sphere(cells: int) -> tuple[FloatArray, IntArray, FloatArray]:
    """A unit sphere of quads without its back (-Z) sixth: vertices, quads, UV.

    A cube's five faces, bulged. The UV is the angle from +Z, laid flat.
    """
    line = np.tan(np.linspace(-np.pi / 4, np.pi / 4, cells + 1))
    a, b = np.meshgrid(line, line, indexing="ij")
    one = np.ones_like(a)
    faces = [
        np.stack(face, -1)
        for face in ((a, b, one), (one, b, -a), (-one, b, a), (a, one, -b), (a, -one, b))
    ]
    points = np.concatenate([face.reshape(-1, 3) for face in faces])
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    grid = np.arange((cells + 1) ** 2).reshape(cells + 1, cells + 1)
    quads = np.concatenate([grid_quads(grid) + k * grid.size for k in range(5)])
    _, first, index = np.unique(points.round(6), axis=0, return_index=True, return_inverse=True)
    points, quads = points[first], index.ravel()[quads].astype(np.int32)
    outward = (quad_normals(points, quads) * points[quads].mean(1)).sum(1) > 0
    quads = np.where(outward[:, None], quads, quads[:, ::-1])
    angle = np.arccos(np.clip(points[:, 2], -1, 1))
    around = points[:, :2] / np.maximum(np.linalg.norm(points[:, :2], axis=1, keepdims=True), 1e-9)
    uv = 0.5 + around * (angle / np.pi * 0.62)[:, None]
    return points.astype(np.float32), quads, uv.astype(np.float32)


# Centre and half sizes of the tongue at rest, between the teeth of the mean head.
TONGUE_CENTRE, TONGUE_SIZE = (0.0, -0.0405, 0.062), (0.0165, 0.0075, 0.029)
# Where the tongue's middle lies when it is out: (share of its length, height, depth). It passes
# between the biting edges and over the lower lip; it is this much thinner then.
TONGUE_OUT = np.array([(0.0, -0.0405, 0.042), (0.55, -0.0385, 0.092), (0.8, -0.0405, 0.115),
                       (1.0, -0.0480, 0.133)])  # fmt: skip
TONGUE_THIN = 0.45


def tongue(reference: HeadModel, jaw_open: FloatArray) -> Part:
    """A tongue that lies in the lower jaw and moves with it."""
    unit, quads, uv = open_sphere(7)
    narrow = 1 - 0.25 * np.clip(unit[:, 2:], 0, 1)
    places = unit * np.array(TONGUE_SIZE) * np.concatenate([narrow, narrow, narrow**0], 1)
    places = (places + np.array(TONGUE_CENTRE)).astype(np.float32)
    lower = _lower_teeth(reference, jaw_open)
    return Part("tongue", places, quads, uv, affine_follower(places, lower, reference.shape.mean))


def tongue_out(part: Part, jaw: FloatArray) -> FloatArray:
    """(N, 3) displacement of the tongue's vertices when it is put out, beside ``jaw`` (N, 3), what
    the jaw does to them then."""
    depth = part.mean[:, 2]
    along = (depth - depth.min()) / np.ptp(depth)
    height, reach = (np.interp(along, TONGUE_OUT[:, 0], TONGUE_OUT[:, k]) for k in (1, 2))
    across = part.mean[:, 1] - TONGUE_CENTRE[1]
    goal = np.column_stack([part.mean[:, 0] * 0.8, height + TONGUE_THIN * across, reach])
    # The root stays in the throat and follows the jaw.
    share = np.clip(along / 0.3, 0, 1)[:, None]
    return (share * (goal - part.mean - jaw)).astype(np.float32)


def _lower_teeth(reference: HeadModel, jaw_open: FloatArray) -> IntArray:
    vertices = vertices_of(reference, "Teeth")
    lowered = jaw_open[vertices, 1]
    # The jaw turns: molars sink far less than incisors. Upper teeth do not move at all.
    return vertices[lowered < -0.001]


TOOTH_COLUMNS, TEETH, ARCH_DEGREES = 4, 14, 72.0
# The reference's teeth have roots; ours end in the gum, this far from the biting edge.
CROWN = 0.0105
GUM_HEIGHT, GUM_OVERLAP = 0.009, 0.0014


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
    the gums that they stand in."""
    mean = reference.shape.mean
    vertices = vertices_of(reference, "Teeth")
    is_lower = np.isin(vertices, _lower_teeth(reference, jaw_open))
    parts = []
    for lower, name in ((False, "upper"), (True, "lower")):
        own = vertices[is_lower == lower]
        arch = _arch(mean, own, lower)
        for kind, make in (("teeth", _tooth_band), ("gums", _gum_band)):
            places, quads, uv = make(arch)
            carry = affine_follower(places, own, mean)
            parts.append(Part(f"{kind}_{name}", places, quads, uv, carry))
    return parts


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
    return _Arch(columns, inner, outer, edge, edge + away * CROWN, back, away)


def _tooth_band(arch: _Arch) -> tuple[FloatArray, IntArray, FloatArray]:
    within = np.abs((np.arange(len(arch.angle)) % TOOTH_COLUMNS) / TOOTH_COLUMNS - 0.5) * 2
    notch = within**4
    # Across the band: outer gum, outer wall, biting edge, inner wall, inner gum.
    depth = np.array([0.86, 1, 1, 0.78, 0.5, 0.28, 0.05, 0.0, 0.1])
    height = np.array([0, 0.12, 0.72, 0.97, 1, 0.97, 0.72, 0.2, 0])
    radius = arch.inner + np.outer(depth, arch.outer - arch.inner)
    radius -= np.outer(depth, 0.0009 * notch)
    rise = np.outer(height, arch.edge - arch.gum) + np.outer(height, 0.0012 * notch) * arch.away
    return _outward(arch, radius, arch.gum + rise)


def _gum_band(arch: _Arch) -> tuple[FloatArray, IntArray, FloatArray]:
    angle, inner, outer, edge, gum = (
        curve[::2] for curve in (arch.angle, arch.inner, arch.outer, arch.edge, arch.gum)
    )
    thin = _Arch(angle, inner, outer, edge, gum, arch.back, arch.away)
    wall = thin.outer - thin.inner
    # From the outer gum line over the ridge's root to the inner gum line.
    depth = np.array([1.04, 1.14, 1.2, 0.9, 0.4, 0.0, -0.14, -0.04])
    rise = [-GUM_OVERLAP, 0.002, 0.6 * GUM_HEIGHT, GUM_HEIGHT]
    height = np.array([*rise, *rise[::-1]])
    radius = thin.inner + np.outer(depth, wall)
    return _outward(thin, radius, thin.gum + thin.away * height[:, None] + 0 * radius)


def _outward(
    arch: _Arch, radius: FloatArray, height: FloatArray
) -> tuple[FloatArray, IntArray, FloatArray]:
    """A band's vertices, quads and UV; its outer wall in the middle faces forwards."""
    places = arch.places(radius, height)
    rows, across = radius.shape
    # Counter-clockwise where rows run down and columns to the left.
    grid = np.arange(radius.size, dtype=np.int32).reshape(rows, across)
    quads = grid_quads(grid)[:, [0, 3, 2, 1]]
    v, u = np.meshgrid(np.linspace(0, 1, rows), np.linspace(0, 1, across), indexing="ij")
    uv = np.column_stack([u.ravel(), v.ravel()]).astype(np.float32)
    columns = across - 1
    wall = columns + columns // 2
    return places, quads if quad_normals(places, quads)[wall, 2] > 0 else quads[:, ::-1], uv


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


BAG_RINGS = 8


def mouth_bag(reference: HeadModel, rim: FloatArray, rim_carry: Carry) -> Part:
    """A bag behind the lips, open at the throat.

    ``rim`` (N, 3) is the ring of the lips' inner edge, from the upper lip's middle to the
    subject's left; ``rim_carry`` moves it. The bag's first ring coincides with it.
    """
    mean = reference.shape.mean
    quads = reference.quads[reference.part == reference.part_names.index("Mouth socket")]
    socket = mean[np.unique(quads)]
    half = len(rim) // 2
    corner = int(rim[: half + 1, 0].argmax())
    angle = np.interp(np.arange(half + 1), [0, corner, half], [90, 0, -90])
    angle = np.radians(np.concatenate([angle, 180 - angle[half - 1 : 0 : -1]]))
    depths = np.linspace(rim[:, 2].min() - 0.006, socket[:, 2].min() + 0.006, BAG_RINGS)
    rings = [rim]
    for depth in depths:
        near = socket[np.abs(socket[:, 2] - depth) < 0.004]
        low, high = near.min(0), near.max(0)
        width, height = 0.94 * high[0], 0.47 * (high[1] - low[1])
        centre = (low[1] + high[1]) / 2
        rings.append(
            np.column_stack(
                [width * np.cos(angle), centre + height * np.sin(angle), np.full(len(rim), depth)]
            )
        )
    places = np.concatenate(rings).astype(np.float32)
    share = np.repeat(np.arange(BAG_RINGS + 1) / 3, len(rim)).clip(0, 1)[:, None]
    ride = surface_follower(places, quads, mean)

    def carry(field: FloatArray) -> FloatArray:
        edge = np.concatenate([rim_carry(field)] * (BAG_RINGS + 1), axis=-2)
        return np.asarray((1 - share) * edge + share * ride(field), dtype=np.float32)

    index = np.arange(len(places), dtype=np.int32).reshape(BAG_RINGS + 1, len(rim))
    reach = np.linspace(0.5, 0.12, BAG_RINGS + 1)
    uv = np.concatenate([0.5 + r * np.column_stack([np.cos(angle), np.sin(angle)]) for r in reach])
    return Part("mouth", places, tube_quads(index), uv.astype(np.float32), carry)
