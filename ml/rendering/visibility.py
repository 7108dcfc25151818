"""The nearest triangle at each pixel of a batch: the one step without a gradient."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .meshes import Meshes
from .rasterizer import known_backend


@torch.no_grad()
def visible_faces(meshes: Meshes, height: int, width: int, backend: str = "builtin") -> Tensor:
    """(B, H, W) int64 index into the meshes' triangles, -1 where there is none.

    Triangles with a corner at depth <= 0, or at no finite place, are skipped.

    Parameters
    ----------
    backend: one of :data:`ml.rendering.BACKENDS`. "builtin" is a numba z-buffer on the CPU and
        :mod:`ml.rendering.torch_zbuffer` on every other device.

    Raises
    ------
    EngineUnavailable: the backend is not installed. UsageError: there is no such backend.
    """
    known_backend(backend)
    points = meshes.points.detach().float()
    finite = torch.isfinite(points).all(1, keepdim=True)
    points = torch.where(finite, points, -1.0)
    if backend == "builtin" and points.device.type == "cpu":
        return _on_the_cpu(meshes, points, height, width)
    if backend == "pytorch3d":
        from .pytorch3d_backend import visible_faces as find
    else:
        from .torch_zbuffer import visible_faces as find
    return find(points, meshes.topology.triangles, meshes.first_face, height, width)


def _on_the_cpu(meshes: Meshes, points: Tensor, height: int, width: int) -> Tensor:
    from .zbuffer import fill

    triangles = meshes.topology.triangles.to(torch.int32).numpy()
    places = np.ascontiguousarray(points.numpy())
    face = np.full((len(meshes), height, width), -1, np.int32)
    weights = np.empty((height, width, 3), np.float32)
    for picture in range(len(meshes)):
        begin, end = meshes.first_face[picture : picture + 2]
        depth = np.full((height, width), np.inf, np.float32)
        fill(places, triangles[begin:end], face[picture], weights, depth)
        face[picture] += begin * (face[picture] >= 0)
    return torch.from_numpy(face).long()
