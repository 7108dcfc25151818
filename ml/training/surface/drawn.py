"""The surface network's estimates drawn into the pictures they were made from.

Everything is differentiable but visibility and light: the update moves landmarks and person, the
pose follows the landmarks by a Gauss-Newton step, and the head is drawn with the mean face's
texture under the light that explains the picture best.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ...geometry.cameras import Cameras
from ...geometry.triangles import triangulate
from ...head.model import HeadModel
from ...regressor.surface import PARTS, SIDE, Unwrap, flattened
from ...regressor.surface_network import UNIT, Update
from ...rendering.differentiable import (
    Topology,
    batch_of,
    harmonics,
    normals_of,
    paint,
    rasterize_meshes,
    unit,
)
from .batches import Labels
from .estimates import Basis, Estimates, agreeing

# Residuals beyond this share of full brightness are hair, glasses or hands.
OUTLIER = 0.12


@dataclass(frozen=True)
class Drawing:
    """B pictures of side S.

    Attributes
    ----------
    drawn, photo: (B, 3, S, S) sRGB 0..1; the photo shows through where no head is.
    mask: (B, 1, S, S) 0..1 how much each pixel counts: skin that the light explains.
    photometric: scalar, mean robust difference on the skin.
    identity, expression: what was drawn.
    """

    drawn: Tensor
    photo: Tensor
    mask: Tensor
    photometric: Tensor
    identity: Tensor
    expression: Tensor


class Artist:
    """Draws heads at their low level; ``texture``: from :func:`mean_texture`."""

    def __init__(self, model: HeadModel, basis: Basis, texture: Tensor, contrast: float) -> None:
        level = model.low
        assert level is not None, "Effigy Head has a low level"
        shape = model.shape
        self._basis = basis
        quads = level.quads[np.isin(level.part, [model.part_names.index(p) for p in PARTS])]
        self._topology = Topology.of(triangulate(quads))
        self._mean = torch.from_numpy(level.points.on(shape.mean)).flatten()
        bases = [level.points.on(part) for part in (shape.identity, shape.expression)]
        self._bases = torch.from_numpy(np.concatenate(bases)).flatten(1)
        places = torch.from_numpy(flattened(level.points.on(shape.mean))[:, :2])
        # Beyond the map's borders the texture is even.
        looked = functional.grid_sample(
            texture[None], places[None, :, None], align_corners=False, padding_mode="zeros"
        )
        self._texture = 1 + contrast * looked[0, :, :, 0].T

    def draw(self, update: Update, estimates: Estimates, labels: Labels, side: int) -> Drawing:
        """What the updated estimates look like in their pictures, reduced to ``side`` pixels."""
        identity = update.identity
        expression = (estimates.expression + update.expression).clamp(0, 1)
        both = torch.cat([identity, expression], 1)
        axes, scale = estimates.cameras.frame()
        shift = UNIT * scale[:, None, None] * (update.moved @ axes)
        points = estimates.landmarks + shift
        cameras = agreeing(self._basis.at(both), points, estimates.cameras)
        return self.show(identity, expression, cameras, labels.pictures, side)

    def show(
        self, identity: Tensor, expression: Tensor, cameras: Cameras, pictures: Tensor, side: int
    ) -> Drawing:
        """What heads look like in (B, 3, S, S) pictures that ``cameras`` took."""
        both = torch.cat([identity, expression], 1)
        photo = functional.interpolate(
            pictures, (side, side), mode="bilinear", antialias=True
        ).clamp(0, 1)
        seen, normals, texture = self._look(both, cameras, pictures.shape[3], side)
        there = photo.permute(0, 2, 3, 1).reshape(-1, 3)[seen.pixel]
        shown = harmonics(normals)[:, :, None] * texture[:, None]
        colour, trust = _lit(seen.per_picture(shown), seen.per_picture(there))
        painted, coverage = paint(seen, colour, photo.permute(0, 2, 3, 1))
        count = seen.picture(trust[:, None]).permute(0, 3, 1, 2)
        off = (colour - there).square().mean(1)
        robust = (off / (off + OUTLIER**2)).mean()
        return Drawing(
            painted.permute(0, 3, 1, 2),
            photo,
            (count * coverage[:, None]).detach(),
            robust,
            identity,
            expression,
        )

    def _look(self, both, cameras: Cameras, whole: int, side: int):  # type: ignore[no-untyped-def]
        """What is seen, with normals in camera space and texture at its pixels."""
        vertices = (self._mean + both @ self._bases).view(len(both), -1, 3)
        points = cameras.project_with_depth(vertices)
        points = points * points.new_tensor([side / whole, side / whole, 1])
        seen = rasterize_meshes(batch_of(points, self._topology), side, side)
        turned = torch.cat(
            [
                normals_of(one, self._topology.triangles) @ rotation.T
                for one, rotation in zip(vertices, cameras.rotation, strict=True)
            ]
        )
        values = torch.cat([turned, self._texture.repeat(len(both), 1)], 1)
        at_pixels = seen.interpolate(values)
        return seen, unit(at_pixels[:, :3]), at_pixels[:, 3:]


def _lit(shown: tuple[Tensor, ...], there: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    """Colours (P, 3) under each picture's best light, and (P,) 0..1 how well they explain it.

    shown: (P_i, 9, 3) harmonics times texture. The light is solved for by least squares, again
    without what it does not explain; gradients do not flow through it.
    """
    colours, trusts = [], []
    for basis, photo in zip(shown, there, strict=True):
        weight = photo.new_ones(len(photo))
        light = photo.new_zeros(9, 3)
        for _ in range(3):
            light = torch.stack(
                [
                    _solved(
                        basis[..., channel].detach() * weight[:, None], photo[:, channel] * weight
                    )
                    for channel in range(3)
                ],
                1,
            )
            off = (torch.einsum("pkc,kc->pc", basis.detach(), light) - photo).square().mean(1)
            weight = OUTLIER**2 / (off + OUTLIER**2)
        colours.append(torch.einsum("pkc,kc->pc", basis, light))
        trusts.append(weight)
    return torch.cat(colours).clamp(0, 1), torch.cat(trusts).detach()


def _solved(basis: Tensor, values: Tensor) -> Tensor:
    """Least squares with a little ridge: a face in profile does not show every harmonic."""
    normal = basis.T @ basis
    ridge = (1e-3 * normal.diagonal().mean() + 1e-6) * torch.eye(len(normal))
    return torch.linalg.solve(normal + ridge, basis.T @ values)


@torch.no_grad()
def mean_texture(unwrap: Unwrap, labels: Labels, estimates: Estimates) -> Tensor:
    """(3, SIDE, SIDE) evened colours of faces unwrapped along ``estimates``, averaged over people
    with how much they face the camera, at most about 2 either way."""
    both = torch.cat([estimates.identity, estimates.expression], 1)
    texels = unwrap(labels.pictures, both, estimates.cameras)
    weight = (-texels[:, 5:6]).clamp(min=0) * texels[:, 6:7]
    total = (texels[:, :3] * weight).sum(0) / weight.sum(0).clamp(min=1e-3)
    assert total.shape == (3, SIDE, SIDE)
    return total.clamp(-2, 2)
