"""Which landmarks a picture shows."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ....data import FloatArray
from ....rendering import rasterize, vertex_normals
from ..portraits import Portrait
from .draw import NOTHING, Drawing, kinds_of
from .scene import DRAWN, Stage

# Metres by which a surface may lie before a point and still be taken for the point's own.
_TOLERANCE, _MOST = 0.002, 0.012
_AROUND = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
_GROUPS = {"Eyeball left": 1, "Eyeball right": 1, "Teeth": 2}


def _group(part: np.ndarray) -> np.ndarray:
    """Skin 0, eyes 1, teeth 2, all else 9: a point is seen where its own kind is."""
    table = np.full(256, 9, np.uint8)
    for name in ("Face", "Head and Neck"):
        table[DRAWN.index(name)] = 0
    for name, group in _GROUPS.items():
        table[DRAWN.index(name)] = group
    return table[part]


def visible_points(
    stage: Stage, places: FloatArray, normals: FloatArray, cells: FloatArray, drawing: Drawing
) -> np.ndarray:
    """(L,) bool: the landmark faces the camera and nothing lies before it.

    places: (L, 3) camera space, metres. normals: (D, 3) of the drawn vertices, camera space.
    cells: (L, 2) where the landmarks fall in the drawing's depth map.
    """
    height, width = drawing.depth.shape
    ray = places / np.linalg.norm(places, axis=1, keepdims=True)
    facing = -(normals[stage.anchor] * ray).sum(1)
    # One cell to the side, a slanting surface lies this much deeper.
    slope = np.sqrt(np.clip(1 - facing**2, 0, 1)) / np.clip(facing, 0.15, 1)
    near = np.linalg.norm(np.diff(cells[[10, 152]], axis=0)) + 1e-6
    cell = float(np.linalg.norm(places[10, :2] - places[152, :2]) / near)
    # At a grazing angle that would reach from one side of the nose to the other eye.
    allowed = np.minimum(_TOLERANCE + 1.5 * min(cell, 0.004) * slope, _MOST)
    own = _group(stage.part[stage.anchor])
    column, row = np.floor(cells).astype(int).T
    inside = (column >= 0) & (row >= 0) & (column < width) & (row < height)
    seen = np.zeros(len(places), bool)
    for dy, dx in _AROUND:
        y, x = np.clip(row + dy, 0, height - 1), np.clip(column + dx, 0, width - 1)
        same = _group(drawing.kind[y, x]) == own
        seen |= same & (np.abs(drawing.depth[y, x] - places[:, 2]) < allowed)
    return seen & inside & (facing > -0.05)


def hidden_by(before: np.ndarray, after: np.ndarray, points: FloatArray) -> np.ndarray:
    """(L,) bool: what was laid over the picture ``before`` lies on the point (L, 2) pixels."""
    changed = np.abs(after.astype(np.int16) - before).max(2) > 20
    x, y = np.clip(np.floor(points).astype(int), 0, len(before) - 1).T
    return np.asarray(changed[y, x])


@lru_cache(maxsize=1024)
def visible_in_photo(stage: Stage, portrait: Portrait) -> np.ndarray:
    """(L,) bool: landmarks that the fitted head does not hide; the photo's hair is unknown."""
    scale, camera = 2, portrait.camera
    vertices = stage.shape.at(portrait.coefficients)
    moved = camera.to_camera_space(vertices)
    points = np.column_stack([camera.project(vertices) * scale, moved[:, 2]]).astype(np.float32)
    drawn = rasterize(points, stage.triangles, camera.width * scale, camera.height * scale)
    covered = drawn.face >= 0
    kind = np.full(drawn.face.shape, NOTHING, np.uint8)
    kind[covered] = kinds_of(stage, drawn.face[covered])
    normals = vertex_normals(vertices, stage.triangles) @ camera.rotation.T
    dense = stage.dense.at(portrait.coefficients)
    return visible_points(
        stage,
        camera.to_camera_space(dense),
        normals,
        camera.project(dense) * scale,
        Drawing(portrait.rgb, drawn.depth, kind, drawn, np.zeros_like(drawn.depth)),
    )
