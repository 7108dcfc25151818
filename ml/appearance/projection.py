"""Project the head into the photo: the colour at each texel, and how well the photo shows it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..data import ByteArray, Camera, FloatArray, IntArray, Photo
from ..head.model import HeadModel
from ..rendering import rasterize, vertex_normals
from .atlas import Atlas

# The visibility test draws the head at most this large.
LARGEST_DRAWING = 700
DEPTH_TOLERANCE_M = 0.006
# Cosine between normal and view: no visibility below the first (projection smears skin at such
# slants), full visibility above the second.
STEEPEST, FRONTAL = 0.15, 0.55
# Where the photo's border cuts a head off, visibility fades over this share of the head's size.
BORDER = 0.03


@dataclass(frozen=True)
class Projection:
    """A head's vertices in a photo.

    Attributes
    ----------
    pixels: (V, 2) in the photo. normals: (V, 3) unit, in camera space.
    facing: (V,) cosine between the normal and the direction to the camera.
    """

    pixels: FloatArray
    normals: FloatArray
    facing: FloatArray


def project(camera: Camera, vertices: FloatArray, model: HeadModel) -> Projection:
    """Project (V, 3) vertices in head space, expression included, into the photo."""
    in_camera = camera.to_camera_space(vertices)
    # From head space to camera space is a rotation, so triangles keep their orientation.
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


def visibility_of(
    photo: Photo,
    camera: Camera,
    vertices: FloatArray,
    model: HeadModel,
    atlas: Atlas,
    projection: Projection,
    renderer: str = "builtin",
) -> FloatArray:
    """(N,) 0..1: how well the photo shows each texel.

    0 where the head hides the texel (found with ``renderer``) or the photo ends; else by the angle
    of view and the distance from the photo's border and from the head's outline.

    Raises
    ------
    EngineUnavailable: the renderer is not installed.
    """
    low = projection.pixels.min(0)
    extent = float((projection.pixels.max(0) - low).max())
    scale = min(LARGEST_DRAWING / extent, 1.0) if extent > 0 else 1.0
    side = int(np.ceil(extent * scale)) + 2
    depths = camera.to_camera_space(vertices)[:, 2:]
    points = np.column_stack([(projection.pixels - low) * scale + 1, depths])
    drawn = rasterize(points, model.triangles, side, side, renderer)
    # The farthest depth of the neighbourhood, so that rounding to pixels does not hide an outline.
    nearest = cv2.dilate(np.where(np.isfinite(drawn.depth), drawn.depth, 0), np.ones((3, 3)))
    facing = atlas.on(projection.facing[:, None])[:, 0]
    # Two thirds of a head look away from the camera, and need no more.
    turned = np.flatnonzero(facing > STEEPEST)
    angle = np.clip((facing[turned] - STEEPEST) / (FRONTAL - STEEPEST), 0, 1)
    pixels, depth = _mixed(np.column_stack([projection.pixels, depths]), atlas, turned)
    cell = np.clip(((pixels - low) * scale + 1).astype(int), 0, side - 1)
    visible = depth <= nearest[cell[:, 1], cell[:, 0]] + DEPTH_TOLERANCE_M
    across, down = np.minimum(pixels, [photo.width, photo.height] - pixels).T
    inside = np.clip((np.minimum(across, down) - 0.5) / max(BORDER * extent, 1.0), 0, 1)
    found = np.zeros(len(facing), np.float32)
    found[turned] = angle**1.5 * visible * inside * _from_silhouette(drawn.face, cell)
    return found


def _mixed(values: FloatArray, atlas: Atlas, chosen: IntArray) -> tuple[FloatArray, FloatArray]:
    """(V, 3) values of vertices -> (N, 2) and (N,) of them at the N ``chosen`` texels."""
    from .kernels import mix

    found = np.empty((len(chosen), 3), np.float32)
    corners, weights = (each.take(chosen, 0) for each in (atlas.corners, atlas.weights))
    mix(corners, weights, np.ascontiguousarray(values, np.float32), found)
    return found[:, :2], found[:, 2]


def _from_silhouette(face: np.ndarray, cell: np.ndarray) -> FloatArray:
    """(N,) 0 at the head's outline, 1 well inside: a fit is never exact to the pixel.

    face: (H, H) triangle per pixel, -1 for none. cell: (N, 2) column and row of each texel.
    """
    distance = cv2.distanceTransform((face >= 0).astype(np.uint8), cv2.DIST_L2, 3)
    margin = 0.02 * len(face)
    return np.clip((distance[cell[:, 1], cell[:, 0]] - 0.3 * margin) / margin, 0, 1)
