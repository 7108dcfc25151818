"""The differentiable renderer, for training.

A picture is made in five steps, each of which may be left out or replaced::

    points = cameras.project_with_depth(vertices)                    # head space to pixels
    fragments = rasterize_meshes(batch_of(points, topology), height, width)
    normals = fragments.interpolate(normals_of(...)); uv = fragments.interpolate(uv, uv_triangles)
    colour = shade(fragments, unit(normals), light) * sample_texture(fragments, texture, uv)
    rgb, coverage = paint(fragments, colour, background)             # antialiased pictures

Separate from the package's own interface, which uses NumPy only and does not load PyTorch.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from .fragments import MeshFragments, rasterize_meshes
from .meshes import Meshes, Topology, batch_of, joined
from .shading import harmonics, normals_of, sample_texture, shade
from .silhouettes import antialias

__all__ = [
    "MeshFragments",
    "Meshes",
    "Topology",
    "antialias",
    "batch_of",
    "harmonics",
    "joined",
    "normals_of",
    "paint",
    "rasterize_meshes",
    "sample_texture",
    "shade",
    "unit",
]


def paint(
    fragments: MeshFragments, values: Tensor, background: Tensor | float = 0.0
) -> tuple[Tensor, Tensor]:
    """(P, C) values of the pixels -> antialiased pictures (B, H, W, C) and coverage (B, H, W) 0..1.

    ``background`` broadcasts to (B, H, W, C). It is blended in at outlines, so pass the background
    of the picture that the result is compared with.
    """
    drawn = fragments.picture(values, background)
    covered = fragments.picture(values.new_ones(len(values), 1))
    both = antialias(torch.cat([drawn, covered], -1), fragments)
    return both[..., :-1], both[..., -1]


def unit(directions: Tensor) -> Tensor:
    """(P, 3) -> the same of length 1, as after interpolation."""
    return functional.normalize(directions, dim=1)
