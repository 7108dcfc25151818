"""What the photo shows of each texel, and how well."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..data import ByteArray, Camera, FloatArray, Photo
from ..head.model import HeadModel
from ..rendering import rasterize, vertex_normals
from .atlas import Atlas

# The visibility test draws the head at most this large.
LARGEST_DRAWING = 700
DEPTH_TOLERANCE_M = 0.006
# Skin seen at a steeper angle than this (cosine) is smeared by projection.
STEEPEST, FRONTAL = 0.15, 0.55
# A head that is cut off fades over this share of its size, not in a line.
BORDER = 0.03


@dataclass(frozen=True)
class Projection:
    """A head in a photo.

    Attributes
    ----------
    pixels: (V, 2) where its vertices are. normals: (V, 3) unit, in camera space.
    facing: (V,) cosine between normal and the way to the camera.
    """

    pixels: FloatArray
    normals: FloatArray
    facing: FloatArray


def project(camera: Camera, vertices: FloatArray, model: HeadModel) -> Projection:
    """The head with (V, 3) vertices, expression included, as the camera sees it."""
    in_camera = camera.to_camera_space(vertices)
    # Camera space is the head's turned by half a turn about x: triangles keep their orientation.
    normals = vertex_normals(in_camera, model.triangles)
    rays = in_camera / np.linalg.norm(in_camera, axis=1, keepdims=True)
    facing = -(normals * rays).sum(1)
    return Projection(camera.project(vertices), normals, facing.astype(np.float32))


def sample(rgb: ByteArray, pixels: FloatArray, atlas: Atlas) -> FloatArray:
    """(N, 3) bilinear colours 0..255 of the texels, given (V, 2) pixels of the vertices.

    The photo's rim is repeated.
    """
    from .kernels import sample as pick

    where = atlas.on(pixels)
    colours = np.empty((len(where), 3), np.float32)
    pick(rgb, np.nan_to_num(where), colours)
    return colours


def trust_in(
    photo: Photo,
    camera: Camera,
    vertices: FloatArray,
    model: HeadModel,
    atlas: Atlas,
    seen: Projection,
    renderer: str = "builtin",
) -> FloatArray:
    """(N,) 0..1: how well the photo shows each texel, by what ``renderer`` draws."""
    low = seen.pixels.min(0)
    extent = float((seen.pixels.max(0) - low).max())
    scale = min(LARGEST_DRAWING / extent, 1.0) if extent > 0 else 1.0
    side = int(np.ceil(extent * scale)) + 2
    depths = camera.to_camera_space(vertices)[:, 2:]
    drawn = rasterize(
        np.column_stack([(seen.pixels - low) * scale + 1, depths]),
        model.triangles,
        side,
        side,
        renderer,
    )
    # The farthest depth of the neighbourhood: a rim must not hide itself for a rounded pixel.
    nearest = cv2.dilate(np.where(np.isfinite(drawn.depth), drawn.depth, 0), np.ones((3, 3)))
    of_texels = atlas.on(np.column_stack([seen.pixels, depths, seen.facing]))
    pixels, depth, facing = of_texels[:, :2], of_texels[:, 2], of_texels[:, 3]
    cell = np.clip(((pixels - low) * scale + 1).astype(int), 0, side - 1)
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
