"""What is seen at the corners of closed eyes: never the eye, nor the back of a face."""

from __future__ import annotations

import numpy as np

from ...data import FloatArray
from ...geometry import MILLIMETRES
from ...geometry.rotations import rotation_from_vector
from ...geometry.triangles import quad_of_triangle, triangulate
from ...head.model import HeadModel
from ...rendering import rasterize

# Pixels across what is drawn round a corner, its width, and how far off faces may hide it, metres.
SIDE, WIDTH, REACH = 160, 0.012, 0.04
# (yaw, pitch) of the viewer in degrees for a left eye: straight, from the side where the corner
# is not hidden, and from below.
INNER, OUTER = ((0, 0), (-30, 20), (0, -20)), ((0, 0), (30, 20), (0, -20))


def open_corners(model: HeadModel, vertices: FloatArray, side: str) -> float:
    """Square millimetres of eye, tears and backs of faces at both corners of an eye.

    The most that any view shows. vertices: (V, 3) with the lids of ``side`` ("Left", "Right")
    closed, metres.
    """
    rings = model.lids[side].rings
    mirror = 1 if side == "Left" else -1
    views = [(0, INNER), (rings.shape[1] // 2, OUTER)]
    return max(
        _seen(model, vertices, vertices[rings[-1, column]], (mirror * yaw, pitch))
        for column, turns in views
        for yaw, pitch in turns
    )


def _seen(
    model: HeadModel, vertices: FloatArray, focus: FloatArray, turn: tuple[float, float]
) -> float:
    """Square millimetres round ``focus`` (3,) that show no front of the skin; lashes left out."""
    yaw, pitch = np.radians(turn)
    rotation = rotation_from_vector(np.array([pitch, 0, 0])) @ rotation_from_vector(
        np.array([0, -yaw, 0])
    )
    quads = model.quads[~np.isin(model.part, _parts(model, "lashes"))]
    part = model.part[~np.isin(model.part, _parts(model, "lashes"))]
    triangles, label = triangulate(quads), part[quad_of_triangle(quads)]
    near = np.linalg.norm(vertices[triangles].mean(1) - focus, axis=1) < REACH
    triangles, label = triangles[near], label[near]
    seen = (vertices - focus) @ rotation.T
    x, y = seen[:, :2].T * (SIDE / WIDTH)
    flat = np.column_stack([SIDE / 2 + x, SIDE / 2 - y, 1 - seen[:, 2]]).astype(np.float32)
    corner = flat[triangles][..., :2]
    one, two = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]
    wrong = one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0] > 0
    wrong |= ~np.isin(label, _parts(model, "skin"))
    face = rasterize(flat, triangles.astype(np.int32), SIDE, SIDE).face
    pixels = int(((face >= 0) & wrong[np.maximum(face, 0)]).sum())
    return float(pixels * (MILLIMETRES * WIDTH / SIDE) ** 2)


def _parts(model: HeadModel, kind: str) -> list[int]:
    return [k for k, name in enumerate(model.part_names) if name.split("_")[0] == kind]
