"""Cameras and rotations of whole batches, as tensors with gradients."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Cameras:
    """B pinhole cameras in the pixels of B pictures; see data.Camera.

    Attributes
    ----------
    focal: (B,). principal: (B, 2). rotation: (B, 3, 3). translation: (B, 3).
    """

    focal: Tensor
    principal: Tensor
    rotation: Tensor
    translation: Tensor

    def to_camera_space(self, points: Tensor) -> Tensor:
        """(B, N, 3) head space -> (B, N, 3) camera space, metres."""
        return points @ self.rotation.transpose(1, 2) + self.translation[:, None]

    def project(self, points: Tensor) -> Tensor:
        """(B, N, 3) head space -> (B, N, 2) pixels; those of points behind mean nothing."""
        return self._pixels(self.to_camera_space(points))

    def project_with_depth(self, points: Tensor) -> Tensor:
        """(B, N, 3) head space -> (B, N, 3) pixel x, pixel y and depth, for the renderer."""
        moved = self.to_camera_space(points)
        return torch.cat([self._pixels(moved), moved[..., 2:]], 2)

    def _pixels(self, moved: Tensor) -> Tensor:
        # Rendering skips what lies behind the camera; only this division must not reach infinity.
        flat = moved[..., :2] / moved[..., 2:].clamp(min=1e-3)
        return flat * self.focal[:, None, None] + self.principal[:, None]

    def mirrored(self, width: int) -> Cameras:
        """Those of the pictures, ``width`` pixels wide, and of the heads mirrored."""
        flip = self.rotation.new_tensor([-1.0, 1.0, 1.0])
        principal = torch.stack([width - self.principal[:, 0], self.principal[:, 1]], 1)
        rotation = self.rotation * flip[:, None] * flip
        return Cameras(self.focal, principal, rotation, self.translation * flip)

    def frame(self) -> tuple[Tensor, Tensor]:
        """(B, 2, 2) the head's right and up in the picture, as rows, and (B,) pixels per metre.

        What a network says in this frame holds however the head is rolled and however large it is.
        """
        up = functional.normalize(self.rotation[:, :2, 1], dim=1)
        right = torch.stack([-up[:, 1], up[:, 0]], 1)
        return torch.stack([right, up], 1), self.focal / self.translation[:, 2]


def rotations_from_vectors(vectors: Tensor) -> Tensor:
    """(B, 3) unit axes times angles, radians -> (B, 3, 3) rotations."""
    x, y, z = vectors.unbind(1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], 1).view(-1, 3, 3)
    return torch.linalg.matrix_exp(cross)
