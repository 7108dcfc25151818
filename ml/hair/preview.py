"""Pictures of a head with its strands: shaded points, hidden by the head and by each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..data import ByteArray, Camera, FloatArray, IntArray
from ..rendering import interpolate, rasterize, vertex_normals
from .strands import Strands

LIGHT = np.array([0.35, 0.6, 0.72], np.float32)
# Points along each strand.
DENSE = 64


def draw_hair(
    strands: Strands, head: tuple[FloatArray, IntArray], camera: Camera, skin: FloatArray
) -> ByteArray:
    """(h, w, 3) sRGB picture of a head with ``strands``, in the pixels of ``camera``.

    head: (V, 3) vertices and (T, 3) triangles. skin: (V, 3) or (3,) sRGB 0..255.
    """
    vertices, triangles = head
    width, height = camera.width, camera.height
    depth = camera.to_camera_space(vertices)[:, 2:]
    placed = np.hstack([camera.project(vertices), depth]).astype(np.float32)
    drawn = rasterize(placed, triangles, width, height)
    light = 0.35 + 0.65 * np.clip(vertex_normals(vertices, triangles) @ LIGHT, 0, 1)
    colours = np.broadcast_to(skin, vertices.shape) * light[:, None]
    picture = interpolate(drawn, colours.astype(np.float32), triangles)
    picture[drawn.face < 0] = (120, 130, 140)
    pixels, far, which, tangent = dense_points(strands.points, camera)
    shown = in_front(pixels, far, drawn.depth)
    pixels, which, tangent = pixels[shown], which[shown], tangent[shown]
    across = np.sqrt(np.clip(1 - (tangent @ LIGHT) ** 2, 0, 1))
    shade = (0.35 + 0.75 * across)[:, None] * strands.colour[which]
    picture[pixels[:, 1], pixels[:, 0]] = shade
    return np.clip(picture, 0, 255).astype(np.uint8)


def dense_points(
    points: FloatArray, camera: Camera, count: int = DENSE
) -> tuple[IntArray, FloatArray, IntArray, FloatArray]:
    """Points along (N, K, 3) strands within the picture, far ones first.

    (M, 2) pixels, (M,) depths, (M,) strands, (M, 3) tangents.
    """
    last = points.shape[1] - 1
    place = np.linspace(0, last - 1e-4, count)
    first, share = place.astype(int), (place % 1)[None, :, None]
    along = points[:, first] * (1 - share) + points[:, first + 1] * share
    way = points[:, first + 1] - points[:, first]
    way /= np.maximum(np.linalg.norm(way, axis=2, keepdims=True), 1e-9)
    flat = along.reshape(-1, 3).astype(np.float32)
    depth = camera.to_camera_space(flat)[:, 2]
    pixels = np.floor(camera.project(flat)).astype(np.int32)
    inside = ((pixels >= 0) & (pixels < [camera.width, camera.height])).all(1) & (depth > 0)
    order = np.flatnonzero(inside)
    order = order[np.argsort(-depth[order], kind="stable")]
    which = np.repeat(np.arange(len(points)), count)[order]
    return pixels[order], depth[order], which.astype(np.int32), way.reshape(-1, 3)[order]


def in_front(pixels: IntArray, depth: FloatArray, head: FloatArray) -> np.ndarray:
    """(M,) bool: which points the head, of (h, w) depth, does not hide."""
    return np.asarray(depth < head[pixels[:, 1], pixels[:, 0]] + 0.002)


def side_camera(degrees: float, size: int, distance: float = 1.2) -> Camera:
    """A camera level with the head, ``degrees`` round to the subject's left."""
    angle = np.radians(degrees)
    right = np.array([np.cos(angle), 0, -np.sin(angle)])
    back = -np.array([np.sin(angle), 0, np.cos(angle)])
    rotation = np.stack([right, [0, -1, 0], back]).astype(np.float32)
    middle = np.array([0, -0.02, 0.0], np.float32)
    focal = size * distance / 0.46
    lens = np.array([[focal, 0, size / 2], [0, focal, size / 2], [0, 0, 1]], np.float32)
    shift = np.array([0, 0, distance], np.float32) - rotation @ middle
    return Camera(lens, rotation, shift.astype(np.float32), size, size)


def reduced(camera: Camera, size: int) -> Camera:
    """The camera of the same photo, its longer side ``size`` pixels."""
    scale = size / max(camera.width, camera.height)
    lens = camera.intrinsics * np.array([[scale], [scale], [1]], np.float32)
    return replace(
        camera, intrinsics=lens.astype(np.float32),
        width=round(camera.width * scale), height=round(camera.height * scale),
    )  # fmt: skip
