"""Unwrap the photo onto the face's window, with visibility, normals and positions per texel."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..data import ByteArray, Camera, FloatArray
from ..geometry.sampling import colours_at
from ..head.model import HeadModel
from ..rendering import rasterize, vertex_normals
from .band import COARSEST_MM, GRID, STEP, sigma_of
from .network import BLOCK, FINE_CHANNELS
from .window import TEXEL_MM, window_of

# Finer photos are reduced to this resolution, so that the grid's samples skip no pixels.
PIXELS_PER_MM = 0.65
# Size in pixels of the drawing for the visibility test, and its tolerance of depth in metres, so
# that rounding does not hide outlines.
DRAWING, TOLERANCE_M = 256, 0.006
# Cosine between normal and view: not visible below the first, fully visible above the second.
STEEPEST, FRONTAL = 0.1, 0.4
# Metres per unit of the positions.
_REACH = 0.1
# The pixel coordinate of texels off the skin.
_NOWHERE = -1e4
# Folds change brightness by some hundredths: relief is multiplied by this.
_RELIEF = 4.0
# Brightness is at least this share of the face's tone: a nostril must not count as deep relief.
_DARKEST = 0.1


@dataclass(frozen=True)
class UnwrappedPhoto:
    """The photo resampled on the window; G is GRID.

    Attributes
    ----------
    colours: (G, G, 3) 0..255. seen, coarse: as in DetailInput.
    """

    colours: FloatArray
    seen: FloatArray
    coarse: FloatArray


@dataclass(frozen=True)
class DetailInput:
    """The detail network's input on the window; G is GRID.

    Attributes
    ----------
    fine: (5, G, G) three colours as ratios to the visible face's mean, minus 1; visibility; and
        relief, the logarithm of brightness relative to the visible surroundings, times 4.
    coarse: (6, G/2, G/2) normals in camera space, and positions of the head at rest over 0.1 m.
    seen: (G, G) 0..1, visibility: 0 if hidden or outside the photo, else by the angle of view.
    """

    fine: FloatArray
    coarse: FloatArray
    seen: FloatArray


def prepare_input(
    rgb: ByteArray,
    camera: Camera,
    rest: FloatArray,
    expressed: FloatArray,
    model: HeadModel,
    renderer: str = "builtin",
) -> DetailInput:
    """Unwrap a photo and normalise it for the network.

    Parameters
    ----------
    rgb: (H, W, 3) uint8 that ``camera`` projects to. rest, expressed: (V, 3) the head without and
        with the photo's expression; head space, metres. renderer: one of ml.rendering.BACKENDS.

    Raises
    ------
    EngineUnavailable: the renderer is not installed.
    """
    unwrapped = unwrap_photo(rgb, camera, rest, expressed, model, renderer)
    return network_input(unwrapped, window_of(model, GRID).allowed)


def unwrap_photo(
    rgb: ByteArray,
    camera: Camera,
    rest: FloatArray,
    expressed: FloatArray,
    model: HeadModel,
    renderer: str = "builtin",
) -> UnwrappedPhoto:
    """Unwrap a photo; parameters as for :func:`prepare_input`.

    Training stores this and augments the colours before :func:`network_input`.
    """
    window = window_of(model, GRID)
    in_camera = camera.to_camera_space(expressed)
    normals = vertex_normals(in_camera, model.triangles)
    rays = in_camera / np.linalg.norm(in_camera, axis=1, keepdims=True)
    facing = -(normals * rays).sum(1, keepdims=True)
    flat = camera.project(expressed)
    values = window.on(np.column_stack([flat, in_camera[:, 2], facing]))
    pixels = np.where(window.skin[..., None], values[..., :2], _NOWHERE)
    height, width = rgb.shape[:2]
    inside = ((pixels > 0.5) & (pixels < [width - 0.5, height - 0.5])).all(-1)
    angle = np.clip((values[..., 3] - STEEPEST) / (FRONTAL - STEEPEST), 0, 1)
    head = np.column_stack([flat, in_camera[:, 2]])
    shown = _visible(head, model, pixels, values[..., 2], renderer)
    geometry = window_of(model, GRID // BLOCK).on(np.concatenate([normals, rest / _REACH], 1))
    return UnwrappedPhoto(
        _colours(rgb, camera, in_camera, pixels),
        (angle * shown * inside).astype(np.float32),
        np.ascontiguousarray(geometry.transpose(2, 0, 1)),
    )


def network_input(unwrapped: UnwrappedPhoto, allowed: FloatArray) -> DetailInput:
    """Normalise an unwrapped photo; ``allowed``: (G, G) 0..1, see Window."""
    colours, seen = unwrapped.colours, unwrapped.seen
    weight = seen * allowed
    tone = np.einsum("rc,rcx->x", weight, colours) / max(float(weight.sum()), 1e-6)
    shown = (seen > 0)[..., None]
    ratio = colours / np.maximum(tone, 4).astype(np.float32)
    fine = np.empty((FINE_CHANNELS, *seen.shape), np.float32)
    fine[:3], fine[3] = (np.clip(ratio - 1, -1, 2) * shown).transpose(2, 0, 1), seen
    fine[4] = _relief(ratio.mean(-1), seen)
    return DetailInput(fine, unwrapped.coarse, seen)


def _relief(bright: FloatArray, seen: FloatArray) -> FloatArray:
    """(G, G) logarithm of brightness minus its average over the band's coarsest feature."""
    shown = (seen > 0).astype(np.float32)
    light = np.log(np.maximum(bright, _DARKEST)) * shown
    sigma = sigma_of(COARSEST_MM) / (STEP * TEXEL_MM)
    wide, known = (cv2.GaussianBlur(values, (0, 0), sigma) for values in (light, shown))
    return np.asarray(np.clip(_RELIEF * (light - wide / np.maximum(known, 1e-3)), -2, 2) * shown)


def _colours(
    rgb: ByteArray, camera: Camera, in_camera: FloatArray, pixels: FloatArray
) -> FloatArray:
    """(G, G, 3) 0..255 at (G, G, 2) pixels, from the photo reduced to PIXELS_PER_MM."""
    fineness = float(camera.intrinsics[0, 0]) / max(float(in_camera[:, 2].mean()), 1e-3) / 1000
    scale = min(PIXELS_PER_MM / fineness, 1.0)
    if scale < 0.9:
        inside = pixels[pixels[..., 0] > _NOWHERE / 2]
        size = np.array([rgb.shape[1], rgb.shape[0]])
        low = np.clip(np.floor(inside.min(0) - 2 / scale), 0, size - 1).astype(int)
        high = np.clip(np.ceil(inside.max(0) + 2 / scale), low + 1, size).astype(int)
        part = rgb[low[1] : high[1], low[0] : high[0]]
        small = np.maximum(np.round((high - low) * scale), 1).astype(int)
        rgb = cv2.resize(part, small.tolist(), interpolation=cv2.INTER_AREA)
        pixels = (pixels - low) * (small / (high - low))
    return np.asarray(colours_at(rgb, pixels), dtype=np.float32)


def _visible(
    head: FloatArray, model: HeadModel, pixels: FloatArray, depth: FloatArray, renderer: str
) -> np.ndarray:
    """(G, G) bool: the head does not hide the texel.

    head: (V, 3) pixels and depths of the vertices. pixels: (G, G, 2), depth: (G, G) of the texels.
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
