"""pytorch3d's rasteriser behind the same interface, for those who have it installed."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..data import FloatArray, IntArray
from ..errors import EngineUnavailable


def fill(
    points: FloatArray,
    triangles: IntArray,
    face: IntArray,
    weights: FloatArray,
    depth: FloatArray,
) -> None:
    """Rasterise triangles of (V, 3) pixel x, y and depth into the three buffers, in place.

    Raises
    ------
    EngineUnavailable: pytorch3d is not installed, or was built for another torch.
    """
    height, width = face.shape
    faces = torch.from_numpy(triangles.astype(np.int64))
    hit, nearest, barycentric = _rasterise(torch.from_numpy(points), faces, height, width)
    seen = hit.numpy() >= 0
    face[seen] = hit.numpy()[seen]
    weights[seen] = barycentric.numpy()[seen]
    depth[seen] = nearest.numpy()[seen]


@torch.no_grad()
def visible_faces(
    points: Tensor, triangles: Tensor, first_face: tuple[int, ...], height: int, width: int
) -> Tensor:
    """(B, H, W) int64 index of the nearest triangle at each pixel's centre, -1 for none.

    Parameters are those of :class:`ml.rendering.meshes.Meshes`, on any device.

    Raises
    ------
    EngineUnavailable: pytorch3d is not installed, or was built for another torch.
    """
    pictures = []
    for begin, end in pairwise(first_face):
        hit, _, _ = _rasterise(points.detach().float(), triangles[begin:end], height, width)
        pictures.append(torch.where(hit >= 0, hit + begin, -1))
    if not pictures:
        return torch.empty(0, height, width, dtype=torch.int64, device=points.device)
    return torch.stack(pictures)


def _rasterise(
    points: Tensor, triangles: Tensor, height: int, width: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Face (H, W), -1 for none, depth (H, W) and barycentric weights (H, W, 3) of one mesh."""
    rasterize_meshes, meshes_class = load()
    # The conventions for non-square pictures differ between pytorch3d's versions: draw a square.
    side = max(height, width)
    # pytorch3d draws triangles with some corners behind the camera; this interface skips them.
    drawn = torch.nonzero((points[triangles][..., 2] > 0).all(1))[:, 0]
    if not len(drawn):
        nothing = torch.full((height, width), -1, dtype=torch.int64, device=points.device)
        return nothing, nothing.float(), nothing[..., None].expand(-1, -1, 3).float()
    # pytorch3d's axes point left and up, from -1 to 1.
    screen = torch.cat([1 - 2 * points[:, :2] / side, points[:, 2:]], 1)
    found, nearest, barycentric, _ = rasterize_meshes(
        meshes_class(screen[None], triangles[drawn][None]),
        image_size=side,
        blur_radius=0.0,
        faces_per_pixel=1,
        perspective_correct=True,
    )
    hit = found[0, :height, :width, 0]
    face = torch.where(hit >= 0, drawn[hit.clamp(min=0)], -1)
    return face, nearest[0, :height, :width, 0], barycentric[0, :height, :width, 0]


def load() -> tuple[Any, Any]:
    """pytorch3d's ``rasterize_meshes`` and ``Meshes``.

    Raises
    ------
    EngineUnavailable: pytorch3d is not installed, or was built for another torch.
    """
    try:
        from pytorch3d.renderer.mesh.rasterize_meshes import rasterize_meshes
        from pytorch3d.structures import Meshes
    except ImportError as error:
        raise EngineUnavailable(
            f"pytorch3d could not be loaded ({error})",
            "Install pytorch3d into the engine's Python, or use the built-in rasteriser",
        ) from error
    return rasterize_meshes, Meshes
