"""Where the surfaces of a head lie in one texture: none on another.

All parts of a head lie side by side in one UV layout. There the layout stays. Surfaces that lie on
one another, on a head that was edited, go to sheets of their own, and the sheets side by side into
one image.
"""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np

from .uv_cover import covered

# Texels by which a surface is drawn beyond its edge: filters and mipmaps read there.
_MARGIN = 4
# Share of a surface, without its edge, that may lie on others: along seams both have the texels.
_SHARED = 0.05


@dataclass(frozen=True)
class Layout:
    """Which material slot each texel belongs to, and where each face lies.

    Attributes
    ----------
    owners: by sheet, (S, S) material slots, -1 for none; row 0 is v = 0. sheet: (F,) of each face.
    """

    owners: list[np.ndarray]
    sheet: np.ndarray


def lay_out(mesh: bpy.types.Mesh, count: int, size: int) -> Layout:
    """Sheets for ``count`` material slots, as few as keep surfaces from lying on one another."""
    mesh.calc_loop_triangles()
    loops, faces = (np.empty(width * len(mesh.loop_triangles), np.int32) for width in (3, 1))
    mesh.loop_triangles.foreach_get("loops", loops)
    mesh.loop_triangles.foreach_get("polygon_index", faces)
    slots = np.empty(len(mesh.polygons), np.int32)
    mesh.polygons.foreach_get("material_index", slots)
    slots = np.minimum(slots, count - 1)
    places = {
        slot: covered(_uv(mesh)[loops].reshape(-1, 3, 2)[slots[faces] == slot], size)
        for slot in np.unique(slots)
    }
    owners: list[np.ndarray] = []
    sheet_of = np.zeros(count, np.int32)
    for slot in sorted(places, key=lambda each: -int(places[each].sum())):
        place = places[slot]
        inner = _inside(place)
        most = _SHARED * inner.sum()
        fitting = [k for k, owner in enumerate(owners) if (owner[inner] >= 0).sum() <= most]
        if not fitting:
            fitting = [len(owners)]
            owners.append(np.full((size, size), -1, np.int32))
        sheet_of[slot] = fitting[0]
        owner = owners[fitting[0]]
        owner[place & (owner < 0)] = slot
    return Layout([_grown(owner) for owner in owners], sheet_of[slots])


def _uv(mesh: bpy.types.Mesh) -> np.ndarray:
    """(L, 2) of every loop in the layout that textures use."""
    uv = np.empty(2 * len(mesh.loops), np.float32)
    _uv_layer(mesh).uv.foreach_get("vector", uv)
    return uv.reshape(-1, 2)


def _uv_layer(mesh: bpy.types.Mesh) -> bpy.types.MeshUVLoopLayer:
    return next(layer for layer in mesh.uv_layers if layer.active_render)


def move_uv(
    mesh: bpy.types.Mesh, layout: Layout, target: bpy.types.MeshUVLoopLayer | None = None
) -> None:
    """Move the UV of each face to where its sheet lies among all.

    target: the layer that gets the places; None: the one that textures use, which they are of.
    """
    wide = side(len(layout.owners))
    if wide == 1:
        return
    loops = np.empty(len(mesh.polygons), np.int32)
    mesh.polygons.foreach_get("loop_total", loops)
    sheet = np.repeat(layout.sheet, loops)
    uv = (np.clip(_uv(mesh), 0, 1) + np.stack([sheet % wide, sheet // wide], 1)) / wide
    layer = target or _uv_layer(mesh)
    layer.uv.foreach_set("vector", np.ascontiguousarray(uv, np.float32).ravel())


def side(count: int) -> int:
    """How many sheets lie along each side of a square that holds ``count``."""
    return int(np.ceil(np.sqrt(count)))


def tiled(sheets: list[np.ndarray]) -> np.ndarray:
    """One square picture of all sheets, row by row, the first one at the bottom left."""
    wide = side(len(sheets))
    blank = [np.zeros_like(sheets[0])] * (wide * wide - len(sheets))
    rows = [np.concatenate((sheets + blank)[k * wide : (k + 1) * wide], 1) for k in range(wide)]
    return np.concatenate(rows, 0)


def _inside(place: np.ndarray) -> np.ndarray:
    """``place`` without the texels at its edge; as it is where it has no others."""
    inner = place.copy()
    for axis, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
        inner &= np.roll(place, step, axis)
    return inner if inner.any() else place


def _grown(owner: np.ndarray) -> np.ndarray:
    """``owner`` with every region larger by _MARGIN texels, where nothing else is."""
    for _ in range(_MARGIN):
        for axis, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
            owner = np.where(owner < 0, np.roll(owner, step, axis), owner)
    return owner
