"""The tongue, and the bag of the mouth that lips, cheeks and throat form from inside."""

from __future__ import annotations

import numpy as np

from ....data import FloatArray, IntArray
from ....geometry.triangles import grid_quads, tube_quads
from ....head.model import HeadModel
from .parts import (
    Carry,
    Chart,
    Part,
    affine_follower,
    laid_flat,
    quad_normals,
    smoothstep,
    surface_follower,
)
from .parts_teeth import lower_teeth


def sphere_of_quads(cells: int) -> tuple[FloatArray, IntArray]:
    """A unit sphere, a cube's six faces bulged: vertices (N, 3), and quads whose last sixth is the
    back (-Z)."""
    line = np.tan(np.linspace(-np.pi / 4, np.pi / 4, cells + 1))
    a, b = np.meshgrid(line, line, indexing="ij")
    one = np.ones_like(a)
    walls = ((a, b, one), (one, b, -a), (-one, b, a), (a, one, -b), (a, -one, b), (-a, b, -one))
    points = np.concatenate([np.stack(wall, -1).reshape(-1, 3) for wall in walls])
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    grid = np.arange((cells + 1) ** 2).reshape(cells + 1, cells + 1)
    quads = np.concatenate([grid_quads(grid) + k * grid.size for k in range(len(walls))])
    _, first, index = np.unique(points.round(6), axis=0, return_index=True, return_inverse=True)
    points, quads = points[first], index.ravel()[quads].astype(np.int32)
    outward = (quad_normals(points, quads) * points[quads].mean(1)).sum(1) > 0
    return points.astype(np.float32), np.where(outward[:, None], quads, quads[:, ::-1])


TONGUE_CELLS = 7
# Centre and half sizes of the tongue at rest, between the teeth of the mean head; how far its root
# sinks behind into the floor of the mouth.
TONGUE_CENTRE, TONGUE_SIZE = (0.0, -0.0425, 0.058), (0.0165, 0.0075, 0.033)
ROOT_SINKS = 0.016
# Where the tongue's middle lies when it is out and the jaw is shut: (share of its length, height,
# depth). It lies on the lower teeth and lip, and is this much thinner and narrower then.
TONGUE_OUT = np.array([(0.0, -0.0425, 0.025), (0.5, -0.0315, 0.088), (0.68, -0.0300, 0.104),
                       (0.82, -0.0340, 0.116), (1.0, -0.0420, 0.130)])  # fmt: skip
TONGUE_THIN, TONGUE_NARROW = 0.36, 0.85
# How the lips part for it: shares of the reference's expressions. The jaw stays where it is.
LIPS_PART = {
    "mouthLowerDownLeft": 0.5,
    "mouthLowerDownRight": 0.5,
    "mouthUpperUpLeft": 0.35,
    "mouthUpperUpRight": 0.35,
}


def tongue(reference: HeadModel, jaw_open: FloatArray) -> Part:
    """A tongue that lies in the lower jaw and moves with it."""
    unit, quads = sphere_of_quads(TONGUE_CELLS)
    narrow = 1 - 0.25 * np.clip(unit[:, 2:], 0, 1)
    places = unit * np.array(TONGUE_SIZE) * np.concatenate([narrow, narrow, narrow**0], 1)
    places = places + np.array(TONGUE_CENTRE)
    places[:, 1] -= ROOT_SINKS * smoothstep(-0.15 - unit[:, 2])
    angle = np.arccos(np.clip(unit[:, 2], -1, 1))
    around = unit[:, :2] / np.maximum(np.linalg.norm(unit[:, :2], axis=1, keepdims=True), 1e-9)
    front = len(quads) * 5 // 6
    charts = [
        Chart(quads[:front], around * angle[:, None], (0, 0, 0.82, 1)),
        Chart(quads[front:], unit[:, :2], (0.84, 0, 1, 0.2)),
    ]
    quads, uv, uv_quads = laid_flat(charts)
    places = places.astype(np.float32)
    lower = lower_teeth(reference, jaw_open)
    carry = affine_follower(places, lower, reference.shape.mean)
    return Part("tongue", places, quads, uv, carry, uv_quads=uv_quads)


def tongue_out(part: Part) -> FloatArray:
    """(N, 3) displacement of the tongue's vertices when it is put out."""
    depth = part.mean[:, 2]
    along = (depth - depth.min()) / np.ptp(depth)
    height, reach = (np.interp(along, TONGUE_OUT[:, 0], TONGUE_OUT[:, k]) for k in (1, 2))
    across = part.mean[:, 1] - TONGUE_CENTRE[1]
    goal = np.column_stack([part.mean[:, 0] * TONGUE_NARROW, height + TONGUE_THIN * across, reach])
    # The root stays in the throat.
    share = np.clip(along / 0.3, 0, 1)[:, None]
    return (share * (goal - part.mean)).astype(np.float32)


# Rings of the bag from behind the lips to the throat; its size in the reference's; the rings that
# close it there: how much farther back they lie, how wide and how high they are. The last one is
# drawn together to a line, from which upper and lower wall go on into each other.
BAG_RINGS, BAG_SIZE = 7, 0.94
THROAT = ((0.005, 0.85, 0.7), (0.007, 0.6, 0.0))
# The roof behind the palate comes down to it: depth where it begins, and its height there.
PALATE_END, ROOF = 0.064, -0.0125


def mouth_bag(reference: HeadModel, rim: FloatArray, rim_carry: Carry) -> Part:
    """A closed bag behind the lips: cheeks, throat, and what lies behind palate and tongue.

    ``rim`` (N, 3) is the ring of the lips' inner edge, from the upper lip's middle to the
    subject's left, its corners halfway; ``rim_carry`` moves it. The bag's first ring coincides
    with it.
    """
    mean = reference.shape.mean
    quads = reference.quads[reference.part == reference.part_names.index("Mouth socket")]
    rings, angle = _bag_rings(rim, mean[np.unique(quads)])
    count, rows = len(rim), len(rings)
    index = np.arange(rows * count, dtype=np.int32).reshape(rows, count)
    quarter, half = count // 4, count // 2
    upper = np.concatenate([np.arange(quarter + 1), np.arange(count - quarter, count)])
    index[-1, upper] = index[-1, 0] + np.arange(len(upper))
    index[-1, (half - upper) % count] = index[-1, upper]
    places = np.concatenate([*rings[:-1], rings[-1][upper]]).astype(np.float32)
    row = np.minimum(np.arange(len(places)) // count, rows - 1)
    column = np.concatenate([np.tile(np.arange(count), rows - 1), upper])
    share = np.clip(row / 3, 0, 1)[:, None]
    ride = surface_follower(places, quads, mean)

    def carry(field: FloatArray) -> FloatArray:
        edge = rim_carry(field)[..., column, :]
        return np.asarray((1 - share) * edge + share * ride(field), dtype=np.float32)

    reach = np.linspace(0.5, 0.08, rows)[row]
    across = np.where(row < rows - 1, np.sin(angle[column]), 0)
    uv = 0.5 + reach[:, None] * np.column_stack([np.cos(angle[column]), across])
    return Part("mouth", places, tube_quads(index), uv.astype(np.float32), carry)


def _bag_rings(rim: FloatArray, socket: FloatArray) -> tuple[list[np.ndarray], np.ndarray]:
    """The rings (N, 3) from the lips to the throat, and the angle (N,) round them.

    socket: (M, 3) the vertices of the reference's mouth.
    """
    half = len(rim) // 2
    angle = np.radians(np.interp(np.arange(half + 1), [0, half // 2, half], [90, 0, -90]))
    angle = np.concatenate([angle, np.pi - angle[half - 1 : 0 : -1]])
    depths = np.linspace(rim[:, 2].min() - 0.006, socket[:, 2].min() + 0.014, BAG_RINGS)
    sizes = [(depth, 1.0, 1.0) for depth in depths]
    sizes += [(depths[-1] - far, wide, high) for far, wide, high in THROAT]
    rings = [rim.astype(np.float64)]
    for depth, wide, high in sizes:
        near = socket[np.abs(socket[:, 2] - depth) < 0.004]
        (right, low, _), (left, top, _) = near.min(0), near.max(0)
        if depth < PALATE_END:
            top = min(top, ROOF / BAG_SIZE)
        middle, tall = (low + top) / 2, BAG_SIZE * high * (top - low) / 2
        x = BAG_SIZE * wide * (left - right) / 2 * np.cos(angle)
        rings.append(np.column_stack([x, middle + tall * np.sin(angle), np.full(len(rim), depth)]))
    return rings, angle
