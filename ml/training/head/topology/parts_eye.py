"""Eyeballs with cornea, iris and pupil, and lashes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....data import FloatArray, IntArray
from ....geometry.triangles import grid_quads, tube_quads
from ....head.model import HeadModel
from ..gaze import sphere
from .parts import Carry, Part, affine_follower, vertices_of

# The reference's balls almost touch its lids; ours leave room for the tear film.
BALL_SHRINK = 0.985
# Millimetre sizes of an adult eye that hardly vary: radii of pupil and visible iris, and how far
# the cornea stands out of the ball.
PUPIL, IRIS, BULGE = 0.0020, 0.00585, 0.0015
IRIS_RINGS, WHITE_RINGS, PUPIL_CELLS = 3, 10, 6
# The ball is open at the back, beyond this angle from its axis.
BACK = np.radians(140)
# Its texture: angles from the axis, and how far out in the island each lies. The iris and the white
# between the lids get most of it.
TEXTURE_ANGLES, TEXTURE_RADII = np.radians([0, 25, 75, 140]), (0.0, 0.42, 0.86, 1.0)


def eyeball(reference: HeadModel, side: str) -> Part:
    """An eyeball round the reference's, labelled white, iris and pupil. ``side``: the subject's."""
    ball = vertices_of(reference, f"Eyeball {side}")
    centre, radius = sphere(reference.shape.mean[ball].astype(np.float64))
    radius *= BALL_SHRINK
    angles, around, quads, label = _polar_grid(radius)
    edge = 1.3 * np.arcsin(IRIS / radius)
    bulge = BULGE * np.clip(1 - (angles / edge) ** 2, 0, None) ** 2
    direction = np.column_stack([np.sin(angles)[:, None] * around, np.cos(angles)])
    mean = (direction * (radius + bulge)[:, None] + centre).astype(np.float32)
    uv = 0.5 + around * (np.interp(angles, TEXTURE_ANGLES, TEXTURE_RADII) * 0.48)[:, None]
    return Part(
        f"eye_{side}",
        mean,
        quads,
        uv.astype(np.float32),
        affine_follower(mean, ball, reference.shape.mean),
        labels=label,
        label_names=(f"eye_{side}", f"iris_{side}", f"pupil_{side}"),
    )


def _polar_grid(radius: float) -> tuple[np.ndarray, np.ndarray, IntArray, np.ndarray]:
    """Angle from the axis (N,), direction round it (N, 2), quads, and each quad's label.

    The pupil is a square grid bent into a disc, so there is no fan of triangles.
    """
    line = np.linspace(-1, 1, PUPIL_CELLS + 1)
    x, y = np.meshgrid(line, line, indexing="ij")
    # Square to disc: scale each square ring to a circle of its half side.
    half, length = np.maximum(abs(x), abs(y)), np.maximum(np.hypot(x, y), 1e-9)
    disc = np.stack([x, y], -1) * (half / length)[..., None]
    grid = np.arange(x.size).reshape(x.shape)
    border = np.concatenate([grid[0, :-1], grid[:-1, -1], grid[-1, :0:-1], grid[:0:-1, 0]])
    radial = [np.arcsin(r / radius) for r in np.linspace(PUPIL, IRIS, IRIS_RINGS + 1)]
    white = np.linspace(radial[-1], BACK, WHITE_RINGS + 1)
    rings = np.array([*radial[1:], *white[1:]])
    unit = disc.reshape(-1, 2)[border]
    angles = np.concatenate(
        [np.hypot(*disc.reshape(-1, 2).T) * radial[0], np.repeat(rings, len(border))]
    )
    flat = disc.reshape(-1, 2)
    around = flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9)
    around = np.concatenate([around, np.tile(unit, (len(rings), 1))])
    loops = [border, *(x.size + np.arange(len(rings) * len(border)).reshape(len(rings), -1))]
    cells = grid_quads(grid)
    quads = np.concatenate([cells, tube_quads(loops)]).astype(np.int32)
    label = np.repeat([2, 1, 0], [len(cells), IRIS_RINGS * len(border), WHITE_RINGS * len(border)])
    return angles, around, quads, label.astype(np.uint8)


# Rings of the lid, counted from its inner edge: lashes grow from one and lie along the skin
# between it and the other.
ROOT_RING, SKIN_RING = -2, -6
UPPER_LASH, LOWER_LASH = 0.0085, 0.0048
LASHES_PER_CELL = 2
WIDTHS = np.array([0.00034, 0.00026, 0.00006])


@dataclass(frozen=True)
class _Blades:
    """B lashes along both lids.

    Attributes
    ----------
    rings: (K, P) vertices of the skin round the eye. column: (B,) where each grows, in columns of
    the rings. size: (B,) metres. upper: (B,) whether it belongs to the upper lid.
    """

    rings: IntArray
    column: np.ndarray
    size: np.ndarray
    upper: np.ndarray

    def on_ring(self, field: FloatArray, ring: int) -> np.ndarray:
        """(..., V, 3) on the skin -> (..., B, 3) at the columns of one ring."""
        count = self.rings.shape[1]
        line = field[..., self.rings[ring], :]
        low, part = np.floor(self.column).astype(int), (self.column % 1)[:, None]
        return np.asarray(line[..., low, :] * (1 - part) + line[..., (low + 1) % count, :] * part)


def lashes(
    name: str, mean: FloatArray, rings: IntArray, skin_carry: Carry
) -> tuple[Part, IntArray]:
    """Lashes along both lids as tapering blades; also the rim's column under every vertex.

    ``rings`` (K, P) vertices of the skin round the eye, outermost first, column 0 at the inner
    canthus, the upper lid next.
    """
    blades, count = _spread_blades(rings), rings.shape[1]
    number, column = len(blades.column), blades.column
    index = np.arange(6 * number).reshape(6, number)
    quads = [index[[r, r + 1, r + 3, r + 2]].T for r in (0, 2)]
    uv = np.column_stack([np.tile(column / count, 6), np.repeat([0, 0, 0.5, 0.5, 1, 1], number)])
    part = Part(
        name,
        _blade_places(blades, mean).astype(np.float32),
        np.concatenate(quads).astype(np.int32),
        uv.astype(np.float32),
        _lash_follower(blades, mean, skin_carry),
    )
    return part, np.tile(np.round(column).astype(np.int32) % count, 6)


def _spread_blades(rings: IntArray) -> _Blades:
    count = rings.shape[1]
    half = count // 2
    columns, sizes = [], []
    for first, last, length in ((2, half, UPPER_LASH), (half + 3, count - 3, LOWER_LASH)):
        at = np.arange(first, last, 1 / LASHES_PER_CELL)
        columns.append(at)
        # Longest a little outside the middle of the lid.
        share = (at - first) / (last - first)
        share = share if length == UPPER_LASH else 1 - share
        sizes.append(length * (0.6 + 0.4 * np.sin(np.pi * share**0.8)))
    at = np.concatenate(columns)
    return _Blades(rings, at, np.concatenate(sizes), at < half)


def _blade_places(blades: _Blades, mean: FloatArray) -> np.ndarray:
    """(6 B, 3): both edges of all blades at the root, then in their middle, then at the tip."""
    rim = mean[blades.rings[ROOT_RING]]
    low = np.floor(blades.column).astype(int)
    root = blades.on_ring(mean, ROOT_RING)
    along = np.roll(rim, -1, 0)[low] - rim[low]
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    fan = (root - rim.mean(0))[:, :1] * [[12.0, 0, 0]]
    forward = np.array([0, 0, 1.0]) + np.clip(fan, -0.4, 0.4)
    curl = np.where(blades.upper[:, None], [[0, 0.55, 0]], [[0, -0.5, 0]])
    places = []
    reach = [np.zeros_like(root), 0.55 * forward + 0.05 * curl, 0.85 * forward + curl]
    for offset, width in zip(reach, WIDTHS, strict=True):
        middle = root + offset * blades.size[:, None]
        places += [middle - along * width / 2, middle + along * width / 2]
    return np.concatenate(places)


def _lash_follower(blades: _Blades, mean: FloatArray, skin_carry: Carry) -> Carry:
    """The lid turns as its edge moves against the skin above it; lashes turn with it."""
    off = blades.on_ring(mean, ROOT_RING) - blades.on_ring(mean, SKIN_RING)
    stretch = blades.size / np.maximum(np.linalg.norm(off, axis=1), 1e-6)

    def carry(field: FloatArray) -> FloatArray:
        skin_field = skin_carry(field)
        near, far = blades.on_ring(skin_field, ROOT_RING), blades.on_ring(skin_field, SKIN_RING)
        turn = (near - far) * np.clip(stretch, 0, 1)[:, None]
        rows = [near + share * turn for share in np.repeat([0.0, 0.25, 0.5], 2)]
        return np.concatenate(rows, axis=-2).astype(np.float32)

    return carry
