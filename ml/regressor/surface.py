"""Unwrap a picture along the estimated face onto a map that is the same for all people.

Every texel of the map is a fixed point of the head's surface; the picture is sampled where the
current estimate projects it. This removes pose, place and size from the network's input, and a
landmark with a wrong estimate appears as a feature displaced from its usual texel.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..assets.kept import kept
from ..data import FloatArray, IntArray
from ..geometry.cameras import Cameras
from ..geometry.triangles import triangulate
from ..head.model import HeadModel, LinearShape, SurfacePoints
from ..rendering import rasterize

SIDE = 96
# The map's extent: metres of height, and degrees to each side.
BOTTOM, TOP, AROUND = -0.1, 0.1, 100.0
# A column is a mixture of x / HALF_WIDTH (this share) and of the angle, so that the map's middle is
# wider than its sides.
FRONTAL, HALF_WIDTH = 0.55, 0.085
PARTS = ("skin", "eye_left", "iris_left", "pupil_left", "eye_right", "iris_right", "pupil_right")
# Channels per texel: three of colour, three of the normal, whether it lies inside the picture.
CHANNELS = 7


@dataclass(frozen=True)
class SurfaceMap:
    """The map's layout on the head.

    Attributes
    ----------
    shape: the head at the U vertices that the map needs.
    texels: SIDE * SIDE points on them, row by row from the top; weights are 0 where known is False.
    known: (SIDE, SIDE) bool, whether the surface covers the texel.
    places: (L, 2) of the dense landmarks in the map, -1..1 from left and top as in grid_sample;
        outside this range for landmarks outside the map. inside: (L,) bool.
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
    # Seen from outside: what lies farther from the axis is nearer.
    placed = np.column_stack([(flat[:, :2] * 0.5 + 0.5) * SIDE, flat[:, 2]])
    # Read, where it was drawn before: no process then loads a rasteriser for coefficients alone.
    drawn = kept(
        "surface_map",
        {"places": placed, "triangles": triangles},
        lambda: asdict(rasterize(placed, triangles, SIDE, SIDE)),
    )
    known = drawn["face"] >= 0
    corners = np.where(known[..., None], triangles[drawn["face"]], 0).reshape(-1, 3)
    weights = np.where(known[..., None], drawn["barycentric"], 0).reshape(-1, 3)
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
    """(T, 3) triangles of PARTS, without those at the back, where the map's two ends meet."""
    triangles = triangulate(model.quads[model.part_faces(*PARTS)])
    columns = flattened(model.shape.mean)[:, 0][triangles]
    return np.ascontiguousarray(triangles[np.ptp(columns, axis=1) < 0.5], np.int32)


def flattened(points: FloatArray) -> FloatArray:
    """(N, 3) on the mean head -> (N, 3) column and row, -1..1, and depth, smallest outside."""
    x, y, z = points.T
    angle = np.degrees(np.arctan2(x, z)) / AROUND
    # The subject's left lies on the map's right, as in a photo of somebody facing us.
    column = FRONTAL * x / HALF_WIDTH + (1 - FRONTAL) * angle
    row = 1 - 2 * (y - BOTTOM) / (TOP - BOTTOM)
    return np.stack([column, row, 1 - np.hypot(x, z)], 1).astype(np.float32)


class Unwrap(nn.Module):
    """Samples pictures where the surface of an estimate projects."""

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
        """(B, I + E) identity and expression -> (B, SIDE, SIDE, 3) metres in head space."""
        vertices = (self.mean + coefficients @ self.bases).view(len(coefficients), -1, 3)
        texels = (vertices[:, self.corners] * self.weights).sum(2)
        return texels.view(-1, SIDE, SIDE, 3)

    def forward(self, pictures: Tensor, coefficients: Tensor, cameras: Cameras) -> Tensor:
        """(B, 3, H, W) sRGB in 0..1, (B, I + E) and cameras -> (B, CHANNELS, SIDE, SIDE)."""
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
        """(B, 3, SIDE, SIDE) unit normals: the head's right and up in the picture, and depth."""
        across = functional.pad(surface[:, :, 2:] - surface[:, :, :-2], (0, 0, 1, 1))
        down = functional.pad(surface[:, 2:] - surface[:, :-2], (0, 0, 0, 0, 1, 1))
        normals = functional.normalize(torch.cross(down, across, dim=3), dim=3)
        seen = normals.flatten(1, 2) @ cameras.rotation.transpose(1, 2)
        axes, _ = cameras.frame()
        flat = seen[..., :2] @ axes.transpose(1, 2)
        both = torch.cat([flat, seen[..., 2:]], 2)
        return both.transpose(1, 2).view(len(surface), 3, SIDE, SIDE)


def _evened(colour: Tensor, weight: Tensor) -> Tensor:
    """(B, 3, S, S) normalised to mean 0 and deviation 1, weighted by (B, 1, S, S)."""
    total = weight.sum((1, 2, 3), keepdim=True).clamp(min=1e-3)
    mean = (colour.mean(1, keepdim=True) * weight).sum((1, 2, 3), keepdim=True) / total
    spread = ((colour - mean).square().mean(1, keepdim=True) * weight).sum((1, 2, 3), keepdim=True)
    return (colour - mean) / (spread / total + 1e-3).sqrt()
