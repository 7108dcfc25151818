"""Depths and normals of the labelled people, as an estimate's camera would see them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ...geometry.cameras import Cameras
from ...head.model import HeadModel
from ...regressor.surface_network import UNIT
from .batches import Labels
from .estimates import Basis, Estimates, basis_of


@dataclass(frozen=True)
class SolidBasis:
    """places: the head at the L dense landmarks. edges: two edges of the triangle of each, the
    first of all, then the second (2 L); their cross product points out of the head."""

    places: Basis
    edges: Basis

    def normals(self, coefficients: Tensor) -> Tensor:
        """(B, I + E) -> (B, L, 3) unit normals in head space."""
        first, second = self.edges.at(coefficients).chunk(2, 1)
        return functional.normalize(torch.cross(first, second, dim=2), dim=2)


def make_solid_basis(model: HeadModel) -> SolidBasis:
    """The basis of ``model``."""
    return SolidBasis(basis_of(model.points("dense")), basis_of(model.edges("dense")))


def lacking_solid(basis: SolidBasis, estimates: Estimates, labels: Labels) -> tuple[Tensor, Tensor]:
    """(B, L) UNITs by which landmarks lie nearer than estimated, but for one number per face, and
    (B, L, 2) what their normals have more than estimated; see Update.

    How large and how far away a face is, a photo does not tell: the labelled head is made as large
    as the estimated camera takes it for. Where the camera's axis runs neither: both heads are
    turned so that they are looked at alike.
    """
    guessed = torch.cat([estimates.identity, estimates.expression], 1)
    true = torch.cat([labels.identity, labels.expression], 1)
    cameras = estimates.cameras
    turn = _alike(cameras) @ labels.rotation
    there = _rotated(basis.places.at(true) + labels.bumps[..., :3], labels.rotation)
    here = _rotated(basis.places.at(guessed), cameras.rotation)
    size = _pixels_per_metre(there, labels.points) / _pixels_per_metre(here, estimates.landmarks)
    there = _rotated(basis.places.at(true) + labels.bumps[..., :3], turn)
    nearer = (here[..., 2] - size[:, None] * there[..., 2]) / UNIT
    normal = functional.normalize(basis.normals(true) + labels.bumps[..., 3:], dim=2)
    more = _rotated(normal, turn) - _rotated(basis.normals(guessed), cameras.rotation)
    axes, _ = cameras.frame()
    return nearer, more[..., :2] @ axes.transpose(1, 2)


def centred(values: Tensor, weight: Tensor) -> Tensor:
    """(B, L) values without their weighted mean over the landmarks."""
    total = weight.sum(1, keepdim=True).clamp(min=1e-6)
    return values - (values * weight).sum(1, keepdim=True) / total


def _rotated(points: Tensor, rotation: Tensor) -> Tensor:
    return points @ rotation.transpose(1, 2)


def _pixels_per_metre(places: Tensor, points: Tensor) -> Tensor:
    """(B,) from (B, L, 3) in camera space, wherever they lie, to (B, L, 2) pixels."""
    flat = places[..., :2] - places[..., :2].mean(1, keepdim=True)
    pixels = points - points.mean(1, keepdim=True)
    return (flat * pixels).sum((1, 2)) / flat.square().sum((1, 2))


def _alike(cameras: Cameras) -> Tensor:
    """(B, 3, 3) turns of the axis of a camera that looks at the head's origin, as those that drew
    the labelled heads do, to the direction in which these cameras see it."""
    x, y, z = functional.normalize(cameras.translation, dim=1).unbind(1)
    # The shortest turn from (0, 0, 1) to (x, y, z).
    share = 1 / (1 + z)
    rows = [
        torch.stack([1 - x * x * share, -x * y * share, x], 1),
        torch.stack([-x * y * share, 1 - y * y * share, y], 1),
        torch.stack([-x, -y, z], 1),
    ]
    return torch.stack(rows, 1)
