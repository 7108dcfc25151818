"""pytorch3d's rasteriser behind the same buffers, for those who have it installed."""

from __future__ import annotations

import numpy as np

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
    try:
        import torch
        from pytorch3d.renderer.mesh.rasterize_meshes import rasterize_meshes
        from pytorch3d.structures import Meshes
    except ImportError as error:
        raise EngineUnavailable(
            f"pytorch3d could not be loaded ({error})",
            "Install pytorch3d into the engine's Python, or use the built-in rasteriser",
        ) from error
    height, width = face.shape
    # Oblong pictures differ between pytorch3d's versions; a square one is the same in all.
    side = max(height, width)
    # It would draw a triangle with some corners behind the camera; the interface skips it.
    drawn = np.flatnonzero((points[triangles, 2] > 0).all(1))
    if not len(drawn):
        return
    # Its axes point left and up, from -1 to 1.
    screen = np.column_stack([1 - 2 * points[:, :2] / side, points[:, 2]]).astype(np.float32)
    mesh = Meshes(
        torch.from_numpy(screen)[None], torch.from_numpy(triangles[drawn].astype(np.int64))[None]
    )
    found, nearest, barycentric, _ = rasterize_meshes(
        mesh, image_size=side, blur_radius=0.0, faces_per_pixel=1, perspective_correct=True
    )
    hit = found[0, :height, :width, 0].numpy()
    seen = hit >= 0
    face[seen] = drawn[hit[seen]]
    weights[seen] = barycentric[0, :height, :width, 0].numpy()[seen]
    depth[seen] = nearest[0, :height, :width, 0].numpy()[seen]
