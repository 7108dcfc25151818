"""Simulated estimates: with errors like those of a fit, which the network learns to undo."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...fitting.camera import FACE_HEIGHT_M
from ...geometry.cameras import Cameras, rotations_from_vectors
from ...head.model import HeadModel, LinearShape
from ...photo.crop import FACE_POINTS
from .batches import Labels

# Gauss-Newton steps from a first pose to one that fits the points: more steps move the points by
# a tenth of a pixel.
STEPS = 2


@dataclass(frozen=True)
class Estimates:
    """identity: (B, I). expression: (B, E). cameras: B of them. landmarks: (B, L, 2) projected."""

    identity: Tensor
    expression: Tensor
    cameras: Cameras
    landmarks: Tensor


@dataclass(frozen=True)
class Basis:
    """Linear points or edges of the head, for batches: mean (3 L,), bases (I + E, 3 L)."""

    mean: Tensor
    bases: Tensor

    def at(self, coefficients: Tensor) -> Tensor:
        """(B, I + E) -> (B, L, 3)."""
        return (self.mean + coefficients @ self.bases).view(len(coefficients), -1, 3)


def make_basis(model: HeadModel) -> Basis:
    """That of ``model``'s dense landmarks."""
    return basis_of(model.points("dense"))


def basis_of(shape: LinearShape) -> Basis:
    """The same points or edges, as tensors."""
    bases = torch.cat([torch.from_numpy(b).flatten(1) for b in (shape.identity, shape.expression)])
    return Basis(torch.from_numpy(shape.mean).flatten(), bases)


@dataclass(frozen=True)
class Wrong:
    """How large the estimates' errors are; see config.toml."""

    most_known: float
    expression: float
    missed: float
    side: float
    turn: float
    roll: float
    shift: float
    scale: float


def simulate(basis: Basis, labels: Labels, wrong: Wrong, random: torch.Generator) -> Estimates:
    """Estimates of the labelled people, with random errors."""
    identity, expression = labels.identity, labels.expression
    known = wrong.most_known * torch.rand(len(identity), 1, generator=random)
    # As a posterior mean is: the truth is the estimate plus an independent error.
    noise = torch.randn(identity.shape, generator=random)
    person = known * identity + (known * (1 - known)).sqrt() * noise * 0.85
    keys = _expressions(expression, known, wrong, random)
    shape = basis.at(torch.cat([person, keys], 1))
    cameras = _cameras(shape, labels, wrong, random)
    return Estimates(person, keys, cameras, cameras.project(shape))


def _expressions(true: Tensor, known: Tensor, wrong: Wrong, random: torch.Generator) -> Tensor:
    """Too weak and noisy; of some faces, most of what they do is missed."""
    amount = wrong.expression * (1 - known)
    noise = torch.randn(true.shape, generator=random) * torch.rand(true.shape, generator=random)
    left = torch.rand(len(true), 1, generator=random).square()
    missed = torch.rand(len(true), 1, generator=random) < wrong.missed
    left = torch.where(missed, left, 1 - 0.5 * amount)
    return (true * left + amount * noise).clamp(0, 1)


def _cameras(shape: Tensor, labels: Labels, wrong: Wrong, random: torch.Generator) -> Cameras:
    """With a guessed focal length, fitted to the points, then moved at random."""
    points, size = labels.points, labels.pictures.shape[3]
    count = len(shape)

    def normal(*sides: int) -> Tensor:
        return torch.randn(*sides, generator=random)

    face = points[:, :FACE_POINTS]
    extent = (face.amax(1) - face.amin(1)).amax(1)
    distance = torch.exp(torch.rand(count, generator=random) * 1.2 - 0.1)
    focal = extent * distance / FACE_HEIGHT_M
    principal = size / 2 + normal(count, 2) * 0.4 * extent[:, None]
    cameras = _weak_perspective(shape, labels.rotation, points, focal, principal)
    for _ in range(STEPS):
        cameras = agreeing(shape, points, cameras)
    # Half of a face that looks aside is hidden: less is known of where it is.
    more = 1 + wrong.side * (1 + labels.rotation[:, 2, 2].clamp(max=0))
    turns = points.new_tensor([wrong.turn, wrong.turn, wrong.roll])
    turn = torch.deg2rad(normal(count, 3) * turns * more[:, None])
    depth = cameras.translation[:, 2]
    aside = normal(count, 2) * (more * wrong.shift * extent / focal * depth)[:, None]
    along = (torch.exp(normal(count) * wrong.scale * more) - 1) * depth
    shift = torch.cat([aside, along[:, None]], 1)
    return Cameras(
        focal,
        principal,
        rotations_from_vectors(turn) @ cameras.rotation,
        cameras.translation + shift,
    )


def _weak_perspective(
    shape: Tensor, rotation: Tensor, points: Tensor, focal: Tensor, principal: Tensor
) -> Cameras:
    """Like fitting.camera.first_camera, for a batch."""
    placed = shape @ rotation.transpose(1, 2)
    centre, target = placed[..., :2].mean(1), points.mean(1)
    away = placed[..., :2] - centre[:, None]
    scale = (away * (points - target[:, None])).sum((1, 2)) / away.square().sum((1, 2))
    depth = focal / scale.clamp(min=1.0)
    shift = (target - principal) / focal[:, None] * depth[:, None] - centre
    translation = torch.cat([shift, (depth - placed[..., 2].mean(1))[:, None]], 1)
    return Cameras(focal, principal, rotation, translation)


def agreeing(shape: Tensor, points: Tensor, cameras: Cameras) -> Cameras:
    """Cameras after one Gauss-Newton step of the pose towards the points; see fitting/view.py."""
    rotated = shape @ cameras.rotation.transpose(1, 2)
    x, y, z = (rotated + cameras.translation[:, None]).unbind(2)
    zero, focal = torch.zeros_like(z), cameras.focal[:, None]
    by_point = torch.stack(
        [
            torch.stack([focal / z, zero, -focal * x / z**2], 2),
            torch.stack([zero, focal / z, -focal * y / z**2], 2),
        ],
        2,
    )
    crosses = torch.stack(
        [torch.linalg.cross(axis.expand_as(rotated), rotated) for axis in torch.eye(3)], 3
    )
    jacobian = torch.cat([by_point @ crosses, by_point], 3).flatten(1, 2)
    residual = (points - cameras.project(shape)).flatten(1)
    normal = jacobian.transpose(1, 2) @ jacobian
    damped = normal + 1e-4 * torch.diag_embed(normal.diagonal(dim1=1, dim2=2))
    step = torch.linalg.solve(damped, (residual[:, None] @ jacobian)[:, 0])
    return Cameras(
        cameras.focal,
        cameras.principal,
        rotations_from_vectors(step[:, :3]) @ cameras.rotation,
        cameras.translation + step[:, 3:],
    )


def in_frame(cameras: Cameras, pixels: Tensor) -> Tensor:
    """(B, L, 2) differences in pixels -> metres at the head's depth, to its right and up."""
    axes, scale = cameras.frame()
    return pixels @ axes.transpose(1, 2) / scale[:, None, None]
