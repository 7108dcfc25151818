"""Markers over the photo: dark round light, so that they can be seen on any photo."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np

from ...ml.pins.session import Marker

# Pixels of the screen at a scale of 1: landmarks, pins, what is added round them.
_SMALL, _LARGE, _RIM = 2.6, 5.0, 1.6
_HOVER = 1.5
_DARK = (0.03, 0.03, 0.05, 0.9)
_FREE, _FREE_AWAY = (1.0, 1.0, 1.0, 0.95), (0.75, 0.75, 0.8, 0.45)
_PIN, _LOCKED, _HOVERED = (1.0, 0.62, 0.1, 1.0), (0.35, 0.75, 1.0, 1.0), (1.0, 1.0, 0.35, 1.0)
_CORNERS = 14


def colour_of(marker: Marker, *, hovered: bool) -> tuple[float, ...]:
    """RGBA of a marker's inside."""
    if hovered:
        return _HOVERED
    if marker.number is not None:
        return _LOCKED if marker.pin.locked else _PIN
    return _FREE if marker.seen else _FREE_AWAY


def discs(
    markers: Sequence[Marker], places: np.ndarray, hovered: Marker | None, scale: float
) -> tuple[np.ndarray, np.ndarray]:
    """(T, 3) corners of triangles and (T, 4) their colours: a dark disc and a light one each.

    places: (M, 2) pixels of the region. Locked pins are squares.
    """
    corners, colours = [], []
    for marker, place in zip(markers, places, strict=True):
        over = hovered is not None and marker.pin.is_at(hovered.pin)
        radius = (_SMALL if marker.number is None else _LARGE) * scale * (_HOVER if over else 1)
        count = 4 if marker.pin.locked else _CORNERS
        for size, colour in (
            (radius + _RIM * scale, _DARK),
            (radius, colour_of(marker, hovered=over)),
        ):
            disc = _disc(count, size)
            corners.append(disc + np.array([place[0], place[1], 0.0]))
            colours.append(np.tile(np.float32(colour), (len(disc), 1)))
    if not corners:
        return np.empty((0, 3), np.float32), np.empty((0, 4), np.float32)
    return np.concatenate(corners).astype(np.float32), np.concatenate(colours)


def draw_discs(corners: np.ndarray, colours: np.ndarray) -> None:
    """Draw triangles in the pixels of the region that is being drawn."""
    import gpu  # where nothing is drawn, neither is needed
    from gpu_extras.batch import batch_for_shader

    if not len(corners):
        return
    shader = gpu.shader.from_builtin("SMOOTH_COLOR")
    batch = batch_for_shader(shader, "TRIS", {"pos": corners, "color": colours})
    gpu.state.blend_set("ALPHA")
    shader.bind()
    batch.draw(shader)
    gpu.state.blend_set("NONE")


def ui_scale() -> float:
    """How large the person's display wants things."""
    return float(bpy.context.preferences.system.ui_scale)


def _disc(count: int, radius: float) -> np.ndarray:
    """(3 count, 3) triangles of a regular polygon round the origin."""
    turn = np.arange(count + 1) * 2 * np.pi / count + np.pi / 4
    rim = np.stack([np.cos(turn), np.sin(turn), np.zeros(count + 1)], -1) * radius
    middle = np.zeros((count, 3))
    return np.stack([middle, rim[:-1], rim[1:]], 1).reshape(-1, 3)
