"""The differentiable renderer: everything that training and polishing draw with.

A picture is made in five steps, each of which may be left out or replaced::

    points = cameras.project_with_depth(vertices)                    # head space to pixels
    seen = look(batch_of(points, topology), height, width)           # which triangle, where on it
    normals = seen.interpolate(normals_of(...)); uv = seen.interpolate(uv, uv_triangles)
    colour = shade(seen, unit(normals), light) * sample_texture(seen, texture, uv)
    rgb, coverage = paint(seen, colour, background)                  # pictures, outlines blended

Kept apart from the package's own interface, which is numpy only and does not load torch.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from .meshes import Meshes, Topology, batch_of, joined
from .seen import Seen, look
from .shading import harmonics, normals_of, sample_texture, shade
from .silhouettes import antialias

__all__ = [
    "Meshes",
    "Seen",
    "Topology",
    "antialias",
    "batch_of",
    "harmonics",
    "joined",
    "look",
    "normals_of",
    "paint",
    "sample_texture",
    "shade",
    "unit",
]


def paint(seen: Seen, values: Tensor, background: Tensor | float = 0.0) -> tuple[Tensor, Tensor]:
    """(P, C) values of the pixels -> antialiased pictures (B, H, W, C) and coverage (B, H, W) 0..1.

    ``background`` broadcasts to (B, H, W, C). It shows through at outlines, so give the one that
    the picture is compared with.
    """
    drawn = seen.picture(values, background)
    covered = seen.picture(values.new_ones(len(values), 1))
    both = antialias(torch.cat([drawn, covered], -1), seen)
    return both[..., :-1], both[..., -1]


def unit(directions: Tensor) -> Tensor:
    """(P, 3) -> the same of length 1, as after interpolation."""
    return functional.normalize(directions, dim=1)
