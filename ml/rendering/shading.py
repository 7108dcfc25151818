"""Normals, light and texture of what is seen, differentiable."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from .seen import Seen, take


def normals_of(vertices: Tensor, triangles: Tensor) -> Tensor:
    """(V, 3) unit normals, each the area-weighted mean of its triangles'.

    They live in the space of ``vertices`` (V, 3) and point to where the (F, 3) triangles run
    counter-clockwise, in a right-handed space. A vertex without triangles gets zero.
    """
    corner = take(vertices, triangles)
    across = torch.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0], dim=1)
    rows = triangles.reshape(-1, 1).expand(-1, 3)
    spread = across[:, None].expand(-1, 3, -1).reshape(-1, 3)
    total = torch.zeros_like(vertices).scatter_add(0, rows, spread)
    # Areas in square metres are tiny; functional.normalize would take its floor for a length.
    length = total.square().sum(1, keepdim=True)
    some = length > 0
    return total * torch.where(some, torch.rsqrt(torch.where(some, length, 1.0)), 0.0)


def harmonics(normals: Tensor) -> Tensor:
    """(P, 3) unit directions -> (P, 9) real spherical harmonics up to degree 2.

    In the order 1, y, z, x, xy, yz, 3z²-1, xz, x²-y². Their constants are those of Ramamoorthi and
    Hanrahan, "An Efficient Representation for Irradiance Environment Maps" (2001).
    """
    x, y, z = normals.unbind(1)
    return torch.stack(
        [
            torch.full_like(x, 0.282095),
            0.488603 * y,
            0.488603 * z,
            0.488603 * x,
            1.092548 * x * y,
            1.092548 * y * z,
            0.315392 * (3 * z * z - 1),
            1.092548 * x * z,
            0.546274 * (x * x - y * y),
        ],
        1,
    )


def shade(seen: Seen, normals: Tensor, light: Tensor) -> Tensor:
    """(P, 3) linear light that a matt white surface sends back.

    Parameters
    ----------
    normals: (P, 3) unit, one for each pixel of ``seen``.
    light: (B, 9, 3) RGB coefficients of irradiance over pi for :func:`harmonics`, in the space of
        ``normals``: an environment's own coefficients times 1 (degree 0), 2/3 (1) and 1/4 (2), the
        clamped cosine's, after the same paper.
    """
    basis = seen.per_picture(harmonics(normals))
    parts = [own @ light[picture] for picture, own in enumerate(basis)]
    return torch.cat(parts) if parts else normals.new_zeros(0, 3)


def sample_texture(seen: Seen, texture: Tensor, places: Tensor) -> Tensor:
    """(P, C) bilinear samples of a texture.

    Parameters
    ----------
    texture: (B, C, H, W), or (1, C, H, W) for all pictures; row 0 is its top, v = 1.
    places: (P, 2) u to the right and v up, 0..1; beyond that its border goes on.
    """
    grid = torch.stack([2 * places[:, 0] - 1, 1 - 2 * places[:, 1]], 1)
    if len(texture) == 1:
        return _sample(texture, grid)
    parts = [
        _sample(texture[picture : picture + 1], own)
        for picture, own in enumerate(seen.per_picture(grid))
    ]
    return torch.cat(parts) if parts else grid.new_zeros(0, texture.shape[1])


def _sample(texture: Tensor, grid: Tensor) -> Tensor:
    """(1, C, H, W) at (P, 2) x, y from -1 to 1 -> (P, C)."""
    found = functional.grid_sample(
        texture, grid[None, None], padding_mode="border", align_corners=False
    )
    return found[0, :, 0].T
