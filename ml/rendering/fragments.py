"""Rasterised meshes as tensors: gradients flow from the pixels to the vertices."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .meshes import Meshes
from .torch_zbuffer import edge_functions
from .visibility import visible_faces

# Twice a triangle's area in square pixels, below which float32 cannot resolve its shape.
SLIVER = 1e-8


@dataclass(frozen=True)
class MeshFragments:
    """The P covered pixels of B pictures, picture by picture, row by row.

    Attributes
    ----------
    meshes: the meshes that were drawn. size: (B, H, W).
    pixel: (P,) int64 index into the B * H * W pixels. face: (P,) int64 nearest triangle there.
    barycentric: (P, 3) perspective-correct weights of its corners. depth: (P,). Both carry
        gradients to the meshes' points: the choice of triangle is fixed, the place on it is not.
    counts: number of covered pixels per picture; they sum to P.
    """

    meshes: Meshes
    size: tuple[int, int, int]
    pixel: Tensor
    face: Tensor
    barycentric: Tensor
    depth: Tensor
    counts: tuple[int, ...]

    def interpolate(self, values: Tensor, triangles: Tensor | None = None) -> Tensor:
        """(N, C) values per vertex, mesh after mesh -> (P, C) at the pixels.

        Parameters
        ----------
        triangles: (F, 3) int64 indices into ``values`` for all meshes' triangles; by default
            their vertices. For UV coordinates with seams.
        """
        corners = self.meshes.topology.triangles if triangles is None else triangles
        return (take(values, corners[self.face]) * self.barycentric[..., None]).sum(1)

    def picture(self, values: Tensor, background: Tensor | float = 0.0) -> Tensor:
        """(P, C) values of the pixels -> (B, H, W, C); ``background`` broadcasts to that."""
        batch, height, width = self.size
        shape = (batch, height, width, values.shape[1])
        behind = torch.as_tensor(background, dtype=values.dtype, device=values.device)
        flat = behind.expand(shape).reshape(-1, values.shape[1])
        return flat.index_copy(0, self.pixel, values).view(shape)

    def per_picture(self, values: Tensor) -> tuple[Tensor, ...]:
        """(P, C) -> per picture the (P_i, C) values of its own pixels."""
        return values.split(self.counts)


def rasterize_meshes(
    meshes: Meshes, height: int, width: int, backend: str = "builtin"
) -> MeshFragments:
    """Rasterise B meshes at the pixels' centres of (B, H, W) pictures.

    Both orientations of a triangle are drawn; those with a corner at depth <= 0 are skipped.

    Raises
    ------
    EngineUnavailable, UsageError: see :func:`ml.rendering.visibility.visible_faces`.
    """
    flat = visible_faces(meshes, height, width, backend).view(-1)
    pixel = torch.nonzero(flat >= 0)[:, 0]
    face = flat[pixel]
    picture = torch.div(pixel, max(height * width, 1), rounding_mode="floor")
    counts = torch.bincount(picture, minlength=len(meshes)).tolist()
    corners = take(meshes.points, meshes.topology.triangles[face])
    within = pixel - picture * height * width
    row = torch.div(within, max(width, 1), rounding_mode="floor")
    centres = torch.stack([within - row * width, row], 1).to(corners.dtype) + 0.5
    barycentric, depth = _perspective(corners, centres)
    size = (len(meshes), height, width)
    return MeshFragments(meshes, size, pixel, face, barycentric, depth, tuple(counts))


def _perspective(corners: Tensor, centres: Tensor) -> tuple[Tensor, Tensor]:
    """Weights (P, 3) and depth (P,) of (P, 2) pixels in triangles (P, 3, 3) of x, y, depth.

    Attributes divided by depth are linear in the picture (Blinn, "Hyperbolic Interpolation", 1992).
    """
    edge = edge_functions(corners, centres)
    # A sliver's barycentric weights are not a stable function of its corners: no gradient.
    clear = (edge.sum(1, keepdim=True).abs() > SLIVER).expand(-1, 3)
    edge = torch.where(clear, edge, torch.ones_like(edge))
    share = edge / corners[..., 2]
    total = share.sum(1)
    return share / total[:, None], edge.sum(1) / total


def take(values: Tensor, index: Tensor) -> Tensor:
    """(N, C) values at (..., K) indices -> (..., K, C).

    Plain indexing gives the same, but its backward pass is several times as slow on a CPU.
    """
    rows = index.reshape(-1, 1).expand(-1, values.shape[1])
    return values.gather(0, rows).view(*index.shape, values.shape[1])
