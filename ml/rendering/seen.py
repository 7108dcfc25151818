"""What the pixels of a batch see, as tensors through which gradients flow to the vertices."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .meshes import Meshes
from .torch_zbuffer import edge_functions
from .visibility import visible_faces

# Twice a triangle's area in square pixels, below which its shape says nothing in float32.
SLIVER = 1e-8


@dataclass(frozen=True)
class Seen:
    """The P pixels of B pictures that see a surface, picture by picture, row by row.

    Attributes
    ----------
    meshes: what was drawn. size: (B, H, W).
    pixel: (P,) int64 index into the B * H * W pixels. face: (P,) int64 triangle seen there.
    barycentric: (P, 3) perspective-correct weights of its corners. depth: (P,). Both carry
        gradients to the meshes' points: *which* triangle is seen is fixed, *where* on it is not.
    counts: how many of the P pixels belong to each picture.
    """

    meshes: Meshes
    size: tuple[int, int, int]
    pixel: Tensor
    face: Tensor
    barycentric: Tensor
    depth: Tensor
    counts: tuple[int, ...]

    def interpolate(self, values: Tensor, triangles: Tensor | None = None) -> Tensor:
        """(N, C) values at vertices, mesh after mesh -> (P, C) at the pixels.

        Parameters
        ----------
        triangles: (F, 3) int64 indices into ``values`` for all meshes' triangles, where they are
            not the vertices' own: places in a UV layout with seams.
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
        """(P, C) -> for each picture the (P_i, C) of its own pixels."""
        return values.split(self.counts)


def look(meshes: Meshes, height: int, width: int, backend: str = "builtin") -> Seen:
    """What (B, H, W) pictures of the meshes see at their pixels' centres.

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
    return Seen(meshes, size, pixel, face, barycentric, depth, tuple(counts))


def _perspective(corners: Tensor, centres: Tensor) -> tuple[Tensor, Tensor]:
    """Weights (P, 3) and depth (P,) of (P, 2) pixels in triangles (P, 3, 3) of x, y, depth.

    Attributes divided by depth are linear in the picture (Blinn, "Hyperbolic Interpolation", 1992).
    """
    edge = edge_functions(corners, centres)
    # A sliver's place under the pixel is no function of its corners; it gets no gradient.
    clear = (edge.sum(1, keepdim=True).abs() > SLIVER).expand(-1, 3)
    edge = torch.where(clear, edge, torch.ones_like(edge))
    share = edge / corners[..., 2]
    total = share.sum(1)
    return share / total[:, None], edge.sum(1) / total


def take(values: Tensor, index: Tensor) -> Tensor:
    """(N, C) values at (..., K) indices -> (..., K, C).

    Plain indexing means the same, but summing its gradient up costs several times as much on a CPU.
    """
    rows = index.reshape(-1, 1).expand(-1, values.shape[1])
    return values.gather(0, rows).view(*index.shape, values.shape[1])
