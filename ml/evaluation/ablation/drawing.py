"""Fitted heads drawn into their photos, in one colour of skin under the best light."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ...data import ByteArray, FitResult
from ...geometry.triangles import triangulate
from ...head.model import HeadModel
from ...regressor.surface import PARTS
from ...rendering.differentiable import (
    Topology,
    batch_of,
    harmonics,
    normals_of,
    paint,
    rasterize_meshes,
    unit,
)

# Residuals beyond this share of full brightness are hair, glasses or hands.
OUTLIER = 0.12


@dataclass(frozen=True)
class Drawing:
    """One picture of side S.

    Attributes
    ----------
    drawn, photo: (1, 3, S, S) sRGB 0..1; the photo shows through beside the head.
    mask: (1, 1, S, S) 0..1 weight of each pixel: skin whose colour the light explains.
    """

    drawn: Tensor
    photo: Tensor
    mask: Tensor


class HeadRenderer:
    """Draws heads at the low level of ``model``."""

    def __init__(self, model: HeadModel) -> None:
        assert model.low is not None, "Effigy Head has a low level"
        self._shape, self._level = model.shape, model.low
        skin = np.isin(self._level.part, [model.part_names.index(part) for part in PARTS])
        self._topology = Topology.of(triangulate(self._level.quads[skin]))

    @torch.no_grad()
    def draw(self, rgb: ByteArray, fit: FitResult, side: int) -> Drawing:
        """A head fitted to the square photo ``rgb`` (W, W, 3), drawn at ``side`` pixels."""
        camera, vertices = fit.camera, self._level.points.on(self._shape.at(fit.coefficients))
        flat = camera.project(vertices) * (side / rgb.shape[1])
        points = np.column_stack([flat, camera.to_camera_space(vertices)[:, 2]])
        seen = rasterize_meshes(
            batch_of(torch.from_numpy(points.astype(np.float32))[None], self._topology), side, side
        )
        rotation = torch.from_numpy(np.asarray(camera.rotation, np.float32))
        normals = normals_of(torch.from_numpy(vertices), self._topology.triangles) @ rotation.T
        basis = harmonics(unit(seen.interpolate(normals)))
        photo = functional.interpolate(
            torch.from_numpy(rgb).permute(2, 0, 1)[None].float() / 255,
            (side, side),
            mode="bilinear",
            antialias=True,
        ).clamp(0, 1)
        pixels = photo.permute(0, 2, 3, 1)
        colour, weight = _lit(basis, pixels.reshape(-1, 3)[seen.pixel])
        painted, coverage = paint(seen, colour, pixels)
        mask = seen.picture(weight[:, None]).permute(0, 3, 1, 2) * coverage[:, None]
        return Drawing(painted.permute(0, 3, 1, 2), photo, mask)


def _lit(basis: Tensor, photo: Tensor) -> tuple[Tensor, Tensor]:
    """Colours (P, 3) under the light that explains the photo best, and (P,) 0..1 how well it does.

    basis: (P, 9) harmonics. photo: (P, 3). The light is solved by least squares, repeated with
    smaller weights where it does not explain the photo.
    """
    weight = photo.new_ones(len(photo))
    shown = photo
    for _ in range(3):
        shown = basis @ _solved(basis * weight[:, None], photo * weight[:, None])
        weight = OUTLIER**2 / ((shown - photo).square().mean(1) + OUTLIER**2)
    return shown.clamp(0, 1), weight


def _solved(basis: Tensor, values: Tensor) -> Tensor:
    """Least squares with a small ridge: a face in profile does not show every harmonic."""
    normal = basis.T @ basis
    ridge = (1e-3 * normal.diagonal().mean() + 1e-6) * torch.eye(len(normal))
    return torch.linalg.solve(normal + ridge, basis.T @ values)
