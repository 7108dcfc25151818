"""Unwrap the photo onto the face's window, with visibility, normals and places per texel."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..data import ByteArray, FloatArray
from ..geometry.colour import linear_of
from ..geometry.sampling import colours_at
from ..head.model import HeadModel
from ..rendering import rasterize, vertex_normals
from .view import PersonView
from .window import TEXEL_MM, window_of

# Size in pixels of the drawing for the visibility test, and its tolerance of depth in metres, so
# that rounding does not hide outlines.
DRAWING, TOLERANCE_M = 256, 0.006
# Cosine between normal and view: not visible below the first, fully visible above the second.
STEEPEST, FRONTAL = 0.15, 0.5
# The pixel coordinate of texels off the skin.
_NOWHERE = -1e4
# Standard deviation of the average that a texel takes of a finer photo, in texels.
_FOOTPRINT = 0.45


@dataclass(frozen=True)
class UnwrappedPhoto:
    """The photo resampled on the window; S is the window's side.

    Attributes
    ----------
    colours: (S, S, 3) linear light 0..1.
    seen: (S, S) 0..1, visibility: 0 if hidden or outside the photo, else by the angle of view.
    normals: (S, S, 3) unit, places: (S, S, 3) mm; camera space, of the head with its expression.
    pixels: (S, S, 2) of the photo; far outside it off the skin.
    pixels_per_mm: how fine the photo shows the face.
    """

    colours: FloatArray
    seen: FloatArray
    normals: FloatArray
    places: FloatArray
    pixels: FloatArray
    pixels_per_mm: float


def unwrap_photo(view: PersonView, model: HeadModel) -> UnwrappedPhoto:
    """Unwrap the photo of ``view`` along its head.

    Raises
    ------
    EngineUnavailable: the renderer is not installed.
    """
    window, camera, expressed = window_of(model), view.camera, view.person.expressed
    in_camera = camera.to_camera_space(expressed)
    normals = vertex_normals(in_camera, model.triangles)
    away = np.linalg.norm(in_camera, axis=1, keepdims=True)
    facing = -(normals * in_camera).sum(1, keepdims=True) / away
    flat = camera.project(expressed)
    values = np.concatenate([flat, in_camera[:, 2:], facing, 1000 * in_camera, normals], 1)
    found = window.on(values)
    pixels = np.where(window.skin[..., None], found[..., :2], np.float32(_NOWHERE))
    height, width = view.rgb.shape[:2]
    inside = ((pixels > 0.5) & (pixels < [width - 0.5, height - 0.5])).all(-1)
    angle = np.clip((found[..., 3] - STEEPEST) / (FRONTAL - STEEPEST), 0, 1)
    head = np.column_stack([flat, in_camera[:, 2]])
    shown = _visible(head, model, pixels, found[..., 2], view.renderer)
    fineness = float(camera.intrinsics[0, 0] / max(float(in_camera[:, 2].mean()), 1e-3)) / 1000
    turned = found[..., 7:10]
    turned /= np.maximum(np.linalg.norm(turned, axis=-1, keepdims=True), 1e-9)
    return UnwrappedPhoto(
        _colours(view.rgb, pixels, inside & window.skin, fineness),
        (angle * shown * inside).astype(np.float32),
        np.ascontiguousarray(turned),
        np.ascontiguousarray(found[..., 4:7]),
        pixels,
        fineness,
    )


def _colours(rgb: ByteArray, pixels: FloatArray, inside: np.ndarray, fineness: float) -> FloatArray:
    """(S, S, 3) linear colours at (S, S, 2) pixels, averaged over what a texel covers."""
    if not inside.any():
        return np.zeros((*inside.shape, 3), np.float32)
    sigma = _FOOTPRINT * fineness * TEXEL_MM
    margin = int(np.ceil(3 * sigma)) + 2
    size = np.array([rgb.shape[1], rgb.shape[0]])
    low = np.clip(np.floor(pixels[inside].min(0)).astype(int) - margin, 0, size - 1)
    high = np.clip(np.ceil(pixels[inside].max(0)).astype(int) + margin, low + 1, size)
    part = rgb[low[1] : high[1], low[0] : high[0]]
    scale = min(1 / sigma, 1.0) if sigma > 1 else 1.0
    if scale < 1:
        # A large photo first becomes one whose texels cover about two pixels.
        small = np.maximum(np.round((high - low) * scale), 1).astype(int)
        part = cv2.resize(part, small.tolist(), interpolation=cv2.INTER_AREA)
        pixels = (pixels - low) * (small / (high - low))
    else:
        part = cv2.GaussianBlur(part, (0, 0), sigma) if sigma > 0.5 else part
        pixels = pixels - low
    return linear_of(colours_at(part, pixels))


def _visible(
    head: FloatArray, model: HeadModel, pixels: FloatArray, depth: FloatArray, renderer: str
) -> np.ndarray:
    """(S, S) bool: the head does not hide the texel.

    head: (V, 3) pixels and depths of the vertices. pixels: (S, S, 2), depth: (S, S) of the texels.
    """
    flat = head[:, :2]
    low = flat.min(0)
    scale = DRAWING / max(float((flat.max(0) - low).max()), 1e-6)
    points = np.column_stack([(flat - low) * scale + 1, head[:, 2]])
    side = DRAWING + 2
    drawn = rasterize(points, model.triangles, side, side, renderer)
    nearest = cv2.dilate(np.where(np.isfinite(drawn.depth), drawn.depth, 0), np.ones((3, 3)))
    cell = np.clip((pixels - low) * scale + 1, 0, side - 1).astype(np.int32)
    return np.asarray(depth <= nearest[cell[..., 1], cell[..., 0]] + TOLERANCE_M)
