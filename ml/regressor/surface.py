"""The face's surface laid out flat: where the current estimate projects, the picture is sampled.

Every texel of the map is a point of the head's surface, the same for all people. Pose, place and
size are thereby taken out of the picture before a network sees it, and a landmark that the
estimate puts beside its true place shows as a feature beside its usual texel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..data import FloatArray, IntArray
from ..geometry.cameras import Cameras
from ..geometry.triangles import triangulate
from ..head.model import HeadModel, LinearShape, SurfacePoints
from ..rendering import rasterize

SIDE = 96
# Metres above and below the head's origin, and degrees to each side, that the map shows.
BOTTOM, TOP, AROUND = -0.1, 0.1, 100.0
# The map's middle is drawn wider than its sides: this much of the column follows x, not the angle.
FRONTAL, HALF_WIDTH = 0.55, 0.085
PARTS = ("skin", "eye_left", "iris_left", "pupil_left", "eye_right", "iris_right", "pupil_right")
# What a texel tells the network: colour, normal, whether it lies inside the picture.
CHANNELS = 7


@dataclass(frozen=True)
class SurfaceMap:
    """The layout.

    Attributes
    ----------
    shape: the head at the U vertices that the map needs.
    texels: (SIDE * SIDE) points on them, row by row from the top; (0, 0, 0) where known is False.
    known: (SIDE, SIDE) bool.
    places: (L, 2) where the dense landmarks lie in the map, -1..1 from left and top as
        grid_sample counts; beyond that for those outside. inside: (L,) bool.
    """

    shape: LinearShape
    texels: SurfacePoints
    known: np.ndarray
    places: FloatArray
    inside: np.ndarray


def make_surface_map(model: HeadModel) -> SurfaceMap:
    """The layout on the mean head of ``model``."""
    triangles = _triangles(model)
    flat = flattened(model.shape.mean)
    cells = (flat[:, :2] * 0.5 + 0.5) * SIDE
    # Rays come from outside: what lies farther from the axis is nearer.
    drawn = rasterize(np.column_stack([cells, flat[:, 2]]), triangles, SIDE, SIDE)
    known = drawn.face >= 0
    corners = np.where(known[..., None], triangles[drawn.face], 0).reshape(-1, 3)
    weights = np.where(known[..., None], drawn.barycentric, 0).reshape(-1, 3)
    used, local = np.unique(corners, return_inverse=True)
    shape = LinearShape(
        model.shape.mean[used],
        np.ascontiguousarray(model.shape.identity[:, used]),
        np.ascontiguousarray(model.shape.expression[:, used]),
    )
    places = flattened(model.points("dense").mean)[:, :2]
    texels = SurfacePoints(local.reshape(-1, 3).astype(np.int32), weights.astype(np.float32))
    return SurfaceMap(shape, texels, known, places, (np.abs(places) < 1).all(1))


def _triangles(model: HeadModel) -> IntArray:
    """Those of PARTS, without the ones behind, where the map's two ends meet."""
    triangles = triangulate(model.quads[model.part_faces(*PARTS)])
    columns = flattened(model.shape.mean)[:, 0][triangles]
    return np.ascontiguousarray(triangles[np.ptp(columns, axis=1) < 0.5], np.int32)


def flattened(points: FloatArray) -> FloatArray:
    """(N, 3) mean head -> column and row, -1..1 in the map, and a depth that is least outside."""
    x, y, z = points.T
    angle = np.degrees(np.arctan2(x, z)) / AROUND
    # The subject's left lies on the map's right, as in a photo of somebody facing us.
    column = FRONTAL * x / HALF_WIDTH + (1 - FRONTAL) * angle
    row = 1 - 2 * (y - BOTTOM) / (TOP - BOTTOM)
    return np.stack([column, row, 1 - np.hypot(x, z)], 1).astype(np.float32)


class Unwrap(nn.Module):
    """Samples pictures where an estimate's surface projects."""

    mean: Tensor
    bases: Tensor
    corners: Tensor
    weights: Tensor
    known: Tensor

    def __init__(self, layout: SurfaceMap) -> None:
        super().__init__()
        shape = layout.shape
        bases = np.concatenate([shape.identity, shape.expression])
        for name, value in (
            ("mean", shape.mean.reshape(-1)),
            ("bases", bases.reshape(len(bases), -1)),
            ("corners", layout.texels.corners.astype(np.int64)),
            ("weights", layout.texels.weights[..., None]),
            ("known", layout.known.astype(np.float32)[None, None]),
        ):
            self.register_buffer(name, torch.from_numpy(value), persistent=False)

    def surface(self, coefficients: Tensor) -> Tensor:
        """(B, I + E) -> (B, SIDE, SIDE, 3) head space."""
        vertices = (self.mean + coefficients @ self.bases).view(len(coefficients), -1, 3)
        texels = (vertices[:, self.corners] * self.weights).sum(2)
        return texels.view(-1, SIDE, SIDE, 3)

    def forward(self, pictures: Tensor, coefficients: Tensor, cameras: Cameras) -> Tensor:
        """(B, 3, H, W) in 0..1 and an estimate of each -> (B, CHANNELS, SIDE, SIDE)."""
        surface = self.surface(coefficients)
        height, width = pictures.shape[2:]
        flat = cameras.project(surface.flatten(1, 2)).view(len(surface), SIDE, SIDE, 2)
        grid = flat / flat.new_tensor([width / 2, height / 2]) - 1
        colour = functional.grid_sample(pictures, grid, padding_mode="border", align_corners=False)
        inside = (grid.abs() < 1).all(3)[:, None].float() * self.known
        normals = self._normals(surface, cameras)
        facing = (-normals[:, 2:]).clamp(min=0) * inside
        return torch.cat([_evened(colour, facing) * inside, normals * self.known, inside], 1)

    def _normals(self, surface: Tensor, cameras: Cameras) -> Tensor:
        """(B, 3, SIDE, SIDE) unit normals: to the head's right and up in the picture, and away."""
        across = functional.pad(surface[:, :, 2:] - surface[:, :, :-2], (0, 0, 1, 1))
        down = functional.pad(surface[:, 2:] - surface[:, :-2], (0, 0, 0, 0, 1, 1))
        normals = functional.normalize(torch.cross(down, across, dim=3), dim=3)
        seen = normals.flatten(1, 2) @ cameras.rotation.transpose(1, 2)
        axes, _ = cameras.frame()
        flat = seen[..., :2] @ axes.transpose(1, 2)
        both = torch.cat([flat, seen[..., 2:]], 2)
        return both.transpose(1, 2).view(len(surface), 3, SIDE, SIDE)


def _evened(colour: Tensor, weight: Tensor) -> Tensor:
    """(B, 3, S, S) with mean 0 and deviation 1 over all channels where (B, 1, S, S) weight is."""
    total = weight.sum((1, 2, 3), keepdim=True).clamp(min=1e-3)
    mean = (colour.mean(1, keepdim=True) * weight).sum((1, 2, 3), keepdim=True) / total
    spread = ((colour - mean).square().mean(1, keepdim=True) * weight).sum((1, 2, 3), keepdim=True)
    return (colour - mean) / (spread / total + 1e-3).sqrt()
