"""Project the photo onto the visible skin; mirror or fill in what it does not show."""

from __future__ import annotations

import cv2
import numpy as np

from ..data import ByteArray, Camera, FloatArray, Photo
from ..head.model import HeadModel
from ..rendering import rasterize, vertex_normals
from .atlas import Atlas, atlas_of
from .belief import FACE, believed, lip_colour, on_lips, within
from .paint import paint_inner_parts

# The visibility test draws the head at most this large.
LARGEST_DRAWING = 700
DEPTH_TOLERANCE_M = 0.006
# Skin seen at a steeper angle than this (cosine) is smeared by projection.
STEEPEST, FRONTAL = 0.15, 0.55
# A head that is cut off fades over this share of its size, not in a line.
BORDER = 0.03


def make_albedo(
    photo: Photo, camera: Camera, vertices: FloatArray, model: HeadModel, size: int
) -> ByteArray:
    """(size, size, 3) uint8 sRGB texture in the model's UV layout, first row at v = 1.

    Parameters
    ----------
    vertices: (V, 3) the head as the photo shows it, expression included; head space, metres.
    camera: maps head space to the photo's pixels.
    """
    atlas = atlas_of(model, size)
    skin = atlas.part == model.part_names.index("skin")
    pixels = camera.project(atlas.on(vertices))
    colours = _sample(photo.rgb, pixels)
    trust = _trust(photo, camera, vertices, model, atlas, pixels) * skin
    tone = _skin_tone(colours, trust * within(atlas.mean, FACE))
    trust *= believed(colours, tone, trust, model, atlas, size)
    lip = lip_colour(colours, trust, atlas)
    mixed, weight = _with_twins(colours, trust, atlas)
    if lip is not None:
        # What teeth hid in the photo, and the lips' insides, are red, too.
        share = on_lips(atlas) * skin * (1 - weight)
        mixed = (mixed * weight[:, None] + lip * share[:, None]) / _divisor(weight + share)
        weight = weight + share
    canvas = np.zeros((size, size, 4), np.float32)
    canvas[atlas.rows, atlas.columns, :3] = mixed
    canvas[atlas.rows, atlas.columns, 3] = weight
    filled = _fill(canvas, tone)
    return paint_inner_parts(filled, photo, camera, vertices, model, atlas, tone)


def _with_twins(
    colours: FloatArray, trust: FloatArray, atlas: Atlas
) -> tuple[FloatArray, FloatArray]:
    """Colours (N, 3) and their weight (N,) 0..1: what is hidden has the other side's colours."""
    seen_there = np.where(atlas.mirror >= 0, trust[atlas.mirror], 0)
    twin = 0.6 * seen_there * np.clip(1 - 1.5 * trust, 0, 1)
    weight = trust + twin
    mixed = colours * trust[:, None] + colours[atlas.mirror] * twin[:, None]
    return (mixed / _divisor(weight)).astype(np.float32), np.clip(weight, 0, 1).astype(np.float32)


def _divisor(weight: FloatArray) -> FloatArray:
    return np.maximum(weight, 1e-6)[:, None]


def _sample(rgb: ByteArray, pixels: FloatArray) -> FloatArray:
    """(N, 3) bilinear colours at (N, 2) pixels; the photo's rim is repeated."""
    colours = np.empty((len(pixels), 3), np.float32)
    step = 30_000  # OpenCV's remap takes at most 32,767 columns
    for first in range(0, len(pixels), step):
        where = (pixels[first : first + step] - 0.5).astype(np.float32)
        # Indices are 16 bits wide: move the window instead of the photo.
        colours[first : first + step] = _remap(rgb, where)
    return colours


def _remap(rgb: ByteArray, where: FloatArray) -> FloatArray:
    picked = cv2.remap(
        rgb, where[None, :, 0], where[None, :, 1], cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    return picked[0].astype(np.float32)


def _trust(
    photo: Photo, camera: Camera, vertices: FloatArray, model: HeadModel, atlas: Atlas,
    pixels: FloatArray,
) -> FloatArray:  # fmt: skip
    """(N,) 0..1: how well the photo shows each texel."""
    in_camera = camera.to_camera_space(vertices)
    triangles = model.triangles
    normals = vertex_normals(in_camera, triangles)
    rays = in_camera / np.linalg.norm(in_camera, axis=1, keepdims=True)
    facing = atlas.on(-(normals * rays).sum(1, keepdims=True))[:, 0]
    projected = camera.project(vertices)
    low = projected.min(0)
    extent = float((projected.max(0) - low).max())
    scale = min(LARGEST_DRAWING / extent, 1.0) if extent > 0 else 1.0
    side = int(np.ceil(extent * scale)) + 2
    drawn = rasterize(
        np.column_stack([(projected - low) * scale + 1, in_camera[:, 2]]), triangles, side, side
    )
    # The farthest depth of the neighbourhood: a rim must not hide itself for a rounded pixel.
    nearest = cv2.dilate(np.where(np.isfinite(drawn.depth), drawn.depth, 0), np.ones((3, 3)))
    cell = np.clip(((pixels - low) * scale + 1).astype(int), 0, side - 1)
    depth = atlas.on(in_camera[:, 2:])[:, 0]
    visible = depth <= nearest[cell[:, 1], cell[:, 0]] + DEPTH_TOLERANCE_M
    border = np.minimum(pixels, [photo.width, photo.height] - pixels).min(1)
    inside = np.clip((border - 0.5) / max(BORDER * extent, 1.0), 0, 1)
    angle = np.clip((facing - STEEPEST) / (FRONTAL - STEEPEST), 0, 1)
    return (angle**1.5 * visible * inside * _from_silhouette(drawn.face, cell)).astype(np.float32)


def _from_silhouette(face: np.ndarray, cell: np.ndarray) -> FloatArray:
    """(N,) 0 at the head's outline, 1 well inside: the fit is never exact to the pixel."""
    distance = cv2.distanceTransform((face >= 0).astype(np.uint8), cv2.DIST_L2, 3)
    margin = 0.02 * len(face)
    return np.clip((distance[cell[:, 1], cell[:, 0]] - 0.3 * margin) / margin, 0, 1)


def _skin_tone(colours: FloatArray, trust: FloatArray) -> FloatArray:
    """(3,) the person's robust mean skin colour."""
    clear = trust > 0.6 * trust.max()
    return np.median(colours[clear], axis=0).astype(np.float32)


def _fill(canvas: FloatArray, tone: FloatArray) -> FloatArray:
    """Where nothing is known, the average of what is known around, farther away the skin's tone.

    A push-pull pyramid: colours are averaged by weight on coarser and coarser levels, then each
    level fills the gaps of the finer one.
    """
    level = canvas.copy()
    level[..., :3] *= level[..., 3:]
    pyramid = [level]
    while min(pyramid[-1].shape[:2]) > 2:
        half = [max(1, side // 2) for side in pyramid[-1].shape[1::-1]]
        pyramid.append(cv2.resize(pyramid[-1], half, interpolation=cv2.INTER_AREA))
    known = np.zeros_like(pyramid[-1][..., :3]) + tone
    for level in reversed(pyramid):
        known = cv2.resize(known, level.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        # A pull towards the tone at each level: far from known skin it wins.
        known = known + 0.1 * (tone - known)
        share = np.clip(level[..., 3:] * 1.0, 0, 1)
        colour = level[..., :3] / np.maximum(level[..., 3:], 1e-6)
        known = known * (1 - share) + colour * share
    return known
