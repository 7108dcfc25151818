"""Eyeballs with cornea, iris and pupil."""

from __future__ import annotations

import numpy as np

from ....data import IntArray
from ....geometry.triangles import grid_quads, tube_quads
from ....head.model import HeadModel
from ..gaze import sphere
from .parts import Part, affine_follower, vertices_of

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
