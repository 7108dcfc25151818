"""Rasterise triangle meshes: the nearest triangle at each pixel, and the place on it.

Camera-space conventions of :mod:`ml.data`: pixels continuous with (0, 0) the top-left corner, so a
pixel's centre is at +0.5; depth positive and growing away from the camera.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..data import FloatArray, IntArray
from ..errors import UsageError

Fill = Callable[[FloatArray, IntArray, IntArray, FloatArray, FloatArray], None]
# "builtin" is a numba z-buffer on a CPU, where it is much faster, and "torch" on a GPU.
BACKENDS = ("builtin", "torch", "pytorch3d")


@dataclass(frozen=True)
class Fragments:
    """The nearest triangle at each pixel of a picture.

    Attributes
    ----------
    face: (H, W) int32 index of the nearest triangle, -1 where there is none.
    barycentric: (H, W, 3) perspective-correct weights of its corners.
    depth: (H, W) depth of the triangle; infinite where there is none.
    """

    face: IntArray
    barycentric: FloatArray
    depth: FloatArray


def rasterize(
    vertices: FloatArray, triangles: IntArray, width: int, height: int, backend: str = "builtin"
) -> Fragments:
    """Find the nearest triangle at every pixel.

    Parameters
    ----------
    vertices: (V, 3) pixel x, pixel y, depth. Triangles with a corner at depth <= 0 are skipped.
    triangles: (F, 3); both orientations are drawn.
    backend: one of BACKENDS. pytorch3d is never chosen automatically: on a CPU it is far slower.

    Raises
    ------
    EngineUnavailable: the backend is not installed. UsageError: there is no such backend.
    """
    fill = load_backend(backend)
    face = np.full((height, width), -1, np.int32)
    weights = np.zeros((height, width, 3), np.float32)
    depth = np.full((height, width), np.inf, np.float32)
    fill(
        np.ascontiguousarray(vertices, dtype=np.float32),
        np.ascontiguousarray(triangles, dtype=np.int32),
        face,
        weights,
        depth,
    )
    return Fragments(face, weights, depth)


def known_backend(name: str) -> None:
    """Raise UsageError unless there is a rasteriser of this name."""
    if name not in BACKENDS:
        raise UsageError(f"There is no rasteriser {name!r}", f"Use one of: {', '.join(BACKENDS)}")


def load_backend(name: str) -> Fill:
    """The function that fills face, weight and depth buffers, of the rasteriser ``name``.

    Raises
    ------
    EngineUnavailable: it is not installed. UsageError: there is none of this name.
    """
    known_backend(name)
    # Imported on use: numba and torch take longer to load than a small picture to draw.
    if name == "builtin":
        from .zbuffer import fill as builtin

        return builtin
    if name == "torch":
        from .torch_zbuffer import fill as in_torch

        return in_torch
    from . import pytorch3d_backend

    pytorch3d_backend.load()  # Fails now if it is not installed, not at the first picture.
    return pytorch3d_backend.fill


def interpolate(fragments: Fragments, values: FloatArray, triangles: IntArray) -> FloatArray:
    """(V, C) values per vertex -> (H, W, C) picture; zero where there is no triangle."""
    seen = fragments.face >= 0
    picture = np.zeros((*fragments.face.shape, values.shape[1]), np.float32)
    corners = values[triangles[fragments.face[seen]]]
    picture[seen] = (corners * fragments.barycentric[seen][..., None]).sum(1)
    return picture


def vertex_normals(vertices: FloatArray, triangles: IntArray) -> FloatArray:
    """(V, 3) unit vertex normals: the area-weighted means of the (T, 3) triangles' normals."""
    a, b, c = (vertices[triangles[:, corner]] for corner in range(3))
    across = np.cross(b - a, c - a)
    normals = np.empty((len(vertices), 3), np.float32)
    for axis in range(3):
        normals[:, axis] = np.bincount(
            triangles.ravel(), np.repeat(across[:, axis], 3), len(vertices)
        )
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return normals / np.maximum(length, 1e-20)
