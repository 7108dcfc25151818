"""How long the differentiable renderer takes for one face, forward and backward.

python -m ml.evaluation rendering
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ...geometry.cameras import Cameras
from ...rendering.differentiable import (
    Topology,
    batch_of,
    normals_of,
    paint,
    rasterize_meshes,
    sample_texture,
    shade,
    unit,
)
from ...rendering.visibility import visible_faces
from ..benchmark import Outcome, add_json_option, outcome_of
from .clock import milliseconds

SIZE = 256
RINGS, AROUND = 100, 101
TEXTURE = 512


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--repeats", type=int, default=50, help="the best of them counts")
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> Outcome:
    return outcome_of(measure(arguments.repeats), "{:36} {:9.2f}")


def measure(repeats: int) -> dict[str, float]:
    """Figures by name, of a bumpy ball that fills the picture as a head does.

    The gradients are those of vertices, camera, light and texture. The peer is a 3x3 convolution
    from 64 to 64 channels on a 64 x 64 map, forward and backward.
    """
    topology, leaves = _scene()
    vertices, *camera = (leaf.detach() for leaf in leaves[:5])
    points = Cameras(*camera).project_with_depth(vertices)
    meshes = batch_of(points, topology)
    convolution = torch.nn.Conv2d(64, 64, 3, padding=1)
    inputs = torch.rand(1, 64, 64, 64, requires_grad=True)
    work: dict[str, Callable[[], object]] = {
        "visibility": lambda: visible_faces(meshes, SIZE, SIZE),
        "forward": lambda: _draw(topology, leaves),
        "forward and backward": lambda: torch.autograd.grad(_draw(topology, leaves), leaves),
        "peer": lambda: torch.autograd.grad(convolution(inputs).square().mean(), inputs),
    }
    spent = {f"{name}, ms": float(milliseconds(do, repeats).min()) for name, do in work.items()}
    return {
        "triangles": len(topology.triangles),
        f"pixels of {SIZE} x {SIZE}": int((visible_faces(meshes, SIZE, SIZE) >= 0).sum()),
        **spent,
        "forward and backward over the peer": spent["forward and backward, ms"] / spent["peer, ms"],
    }


def _scene() -> tuple[Topology, list[Tensor]]:
    """Vertices, focal length, principal point, rotation, translation, light and texture of a ball
    like a head."""
    polar, around = np.meshgrid(
        np.linspace(0.01, np.pi - 0.01, RINGS), np.linspace(0, 2 * np.pi, AROUND), indexing="ij"
    )
    radius = 0.1 * (1 + 0.02 * np.sin(9 * polar) * np.sin(8 * around))
    ball = np.stack(
        [np.sin(polar) * np.sin(around), np.cos(polar), np.sin(polar) * np.cos(around)], -1
    )
    index = np.arange(RINGS * AROUND).reshape(RINGS, AROUND)
    a, b, c, d = index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]
    triangles = np.stack([a, b, c, a, c, d], -1).reshape(-1, 3)
    focal, principal = np.array(650.0), np.full(2, SIZE / 2)
    light = np.random.default_rng(0).normal(size=(9, 3)) * 0.1
    light[0] = 3.0
    texture = np.random.default_rng(1).uniform(size=(3, TEXTURE, TEXTURE))
    arrays = [
        (ball * radius[..., None]).reshape(-1, 3), focal, principal, np.diag([1.0, -1, -1]),
        np.array([0, 0, 0.6]), light, texture,
    ]  # fmt: skip
    leaves = [torch.from_numpy(array).float()[None].requires_grad_() for array in arrays]
    return Topology.of(triangles), leaves


def _draw(topology: Topology, leaves: list[Tensor]) -> Tensor:
    """All steps of a photometric loss for one picture."""
    vertices, *camera, light, texture = leaves
    meshes = batch_of(Cameras(*camera).project_with_depth(vertices), topology)
    seen = rasterize_meshes(meshes, SIZE, SIZE)
    normals = normals_of(vertices[0], topology.triangles)
    places = 0.5 + 4 * vertices[0, :, :2].detach()
    values = seen.interpolate(torch.cat([normals, places], 1))
    colour = shade(seen, unit(values[:, :3]), light) * sample_texture(seen, texture, values[:, 3:])
    picture, coverage = paint(seen, colour)
    return picture.square().mean() + coverage.mean()
