"""What a control board looks like: shapes of bones, which all rigs of a file share."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np

from .board import CONTROLS

# Frame of the board, metres: left, right, bottom, top; the view is from the front.
FRAME = (-0.112, 0.112, -0.146, 0.126)
_HANDLE, _TRACK, _LETTERS = 0.0038, 0.0012, 0.0072
_MARK = "effigy_shape"
_CIRCLE = 16


def handle_shape() -> bpy.types.Object:
    """A small ring, for each control."""
    return _shared("board handle", _ring)


def frame_shape() -> bpy.types.Object:
    """The board itself: its frame, a track for each control, and words."""
    return _shared("board", _board)


def _shared(kind: str, make) -> bpy.types.Object:
    """An object with a mesh of edges; that of the file, where there is one."""
    for obj in bpy.data.objects:
        if obj.get(_MARK) == kind and obj.library is None:
            return obj
    places, edges = make()
    mesh = bpy.data.meshes.new(f"Effigy {kind}")
    mesh.from_pydata(places, edges, [])
    obj = bpy.data.objects.new(mesh.name, mesh)
    obj[_MARK] = kind
    return obj


def _ring() -> tuple[list[tuple[float, ...]], list[tuple[int, int]]]:
    turns = np.linspace(0, 2 * np.pi, _CIRCLE, endpoint=False)
    places = [(_HANDLE * float(np.cos(t)), _HANDLE * float(np.sin(t)), 0.0) for t in turns]
    return places, _closed(0, _CIRCLE)


def _board() -> tuple[list[tuple[float, ...]], list[tuple[int, int]]]:
    boxes = [FRAME]
    for control in CONTROLS:
        (x, y), across, along = control.place, *control.limits
        edge = [(limit[0] - _TRACK, limit[1] + _TRACK) for limit in (across, along)]
        boxes.append((x + edge[0][0], x + edge[0][1], y + edge[1][0], y + edge[1][1]))
    places: list[tuple[float, ...]] = []
    edges: list[tuple[int, int]] = []
    for left, right, bottom, top in boxes:
        edges += _closed(len(places), 4)
        places += [(left, bottom, 0), (right, bottom, 0), (right, top, 0), (left, top, 0)]
    for control in CONTROLS:
        x, y = control.place
        lowest = y + control.limits[1][0] - _TRACK
        _write(control.label, (x, lowest - 0.9 * _LETTERS), places, edges)
    return places, edges


def _write(text: str, place: Sequence[float], places: list, edges: list) -> None:
    """Add the outlines of ``text``, its middle below ``place``."""
    curve = bpy.data.curves.new("Effigy words", "FONT")
    obj = bpy.data.objects.new("Effigy words", curve)
    try:
        curve.body, curve.size, curve.align_x = text, _LETTERS, "CENTER"
        curve.fill_mode, curve.resolution_u = "NONE", 2
        mesh = bpy.data.meshes.new_from_object(obj)
    finally:
        bpy.data.objects.remove(obj)
        bpy.data.curves.remove(curve)
    start = len(places)
    places += [(v.co.x + place[0], v.co.y + place[1], 0.0) for v in mesh.vertices]
    edges += [(start + edge.vertices[0], start + edge.vertices[1]) for edge in mesh.edges]
    bpy.data.meshes.remove(mesh)


def _closed(start: int, count: int) -> list[tuple[int, int]]:
    return [(start + n, start + (n + 1) % count) for n in range(count)]
