"""Where a new head goes: to the 3D cursor, and aside where something is there already."""

from __future__ import annotations

from collections.abc import Iterator

import bpy
import numpy as np
from mathutils import Matrix, Vector

_SOLID = {"MESH", "CURVE", "CURVES", "SURFACE", "META", "FONT", "VOLUME", "POINTCLOUD"}
# Between two heads, in head widths.
_GAP = 0.5
# What is larger than so many heads is a room, a ground or a sky: a head may stand in it.
_LARGEST = 12.0


def scale_of(scene: bpy.types.Scene) -> float:
    """How many Blender units are one metre."""
    units = scene.unit_settings
    return 1.0 / units.scale_length if units.system != "NONE" else 1.0


def place_head(scene: bpy.types.Scene, layer: bpy.types.ViewLayer, obj: bpy.types.Object) -> None:
    """Scale ``obj`` to the scene's unit and put it at the 3D cursor, in a free place.

    Where it would be inside another object it moves along +X, past it: heads form a row.
    ``obj`` has no parent and is not linked yet.
    """
    obj.scale = (scale_of(scene),) * 3
    low, high = _box(obj, Matrix.Diagonal((*obj.scale, 1.0)))
    place, size = np.array(scene.cursor.location), high - low
    others = list(_obstacles(layer, _LARGEST * float(size.max())))
    # Each step goes past one object for good.
    for _ in others:
        met = [box for box in others if _overlap((low + place, high + place), box)]
        if not met:
            break
        place[0] = max(box[1][0] for box in met) - low[0] + _GAP * size[0]
    obj.location = place


def _obstacles(layer: bpy.types.ViewLayer, largest: float) -> Iterator[tuple[np.ndarray, ...]]:
    layer.update()
    for obj in layer.objects:
        if obj.type in _SOLID and obj.visible_get():
            low, high = _box(obj, obj.matrix_world)
            if 0 < (high - low).max() <= largest:
                yield low, high


def _box(obj: bpy.types.Object, matrix: Matrix) -> tuple[np.ndarray, np.ndarray]:
    corners = np.array([matrix @ Vector(corner) for corner in obj.bound_box])
    return corners.min(0), corners.max(0)


def _overlap(one: tuple[np.ndarray, ...], other: tuple[np.ndarray, ...]) -> bool:
    return bool((one[0] < other[1]).all() and (other[0] < one[1]).all())
