"""Differentiable shading: normals, light and texture at rasterised pixels."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from .fragments import MeshFragments, take


def normals_of(vertices: Tensor, triangles: Tensor) -> Tensor:
    """(V, 3) unit vertex normals: the area-weighted means of the triangles' normals.

    They are in the space of ``vertices`` (V, 3), which is right-handed, and point to the side from
    which the (F, 3) triangles are counter-clockwise. A vertex without triangles gets zero.
    """
    corner = take(vertices, triangles)
    across = torch.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0], dim=1)
    rows = triangles.reshape(-1, 1).expand(-1, 3)
    spread = across[:, None].expand(-1, 3, -1).reshape(-1, 3)
    total = torch.zeros_like(vertices).scatter_add(0, rows, spread)
    # Areas in square metres are smaller than the floor in functional.normalize.
    length = total.square().sum(1, keepdim=True)
    some = length > 0
    return total * torch.where(some, torch.rsqrt(torch.where(some, length, 1.0)), 0.0)


def harmonics(normals: Tensor) -> Tensor:
    """(P, 3) unit directions -> (P, 9) real spherical harmonics up to degree 2.

    In the order 1, y, z, x, xy, yz, 3z²-1, xz, x²-y². The constants are from Ramamoorthi and
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


def shade(fragments: MeshFragments, normals: Tensor, light: Tensor) -> Tensor:
    """(P, 3) linear light that a white Lambertian surface reflects.

    Parameters
    ----------
    normals: (P, 3) unit, one per pixel of ``fragments``.
    light: (B, 9, 3) RGB coefficients of irradiance over pi for :func:`harmonics`, in the space of
        ``normals``: an environment's own coefficients times 1 (degree 0), 2/3 (1) and 1/4 (2), the
        coefficients of the clamped cosine, after the same paper.
    """
    basis = fragments.per_picture(harmonics(normals))
    parts = [own @ light[picture] for picture, own in enumerate(basis)]
    return torch.cat(parts) if parts else normals.new_zeros(0, 3)


def sample_texture(fragments: MeshFragments, texture: Tensor, places: Tensor) -> Tensor:
    """(P, C) bilinear samples of a texture.

    Parameters
    ----------
    texture: (B, C, H, W), or (1, C, H, W) for all pictures; row 0 is its top, v = 1.
    places: (P, 2) u to the right and v up, 0..1; beyond that the border is repeated.
    """
    grid = torch.stack([2 * places[:, 0] - 1, 1 - 2 * places[:, 1]], 1)
    if len(texture) == 1:
        return _sample(texture, grid)
    parts = [
        _sample(texture[picture : picture + 1], own)
        for picture, own in enumerate(fragments.per_picture(grid))
    ]
    return torch.cat(parts) if parts else grid.new_zeros(0, texture.shape[1])


def _sample(texture: Tensor, grid: Tensor) -> Tensor:
    """(1, C, H, W) at (P, 2) x, y from -1 to 1 -> (P, C)."""
    found = functional.grid_sample(
        texture, grid[None, None], padding_mode="border", align_corners=False
    )
    return found[0, :, 0].T
