"""A loop that NumPy is too slow for."""

from __future__ import annotations

import numpy as np

from ....data import FloatArray, IntArray
from ....geometry.compiled import compiled


def fast_normals(vertices: FloatArray, triangles: IntArray) -> FloatArray:
    """(V, 3) unit normals, as rendering.vertex_normals makes them, in a tenth of its time."""
    return np.asarray(_normals(np.ascontiguousarray(vertices, np.float32), triangles))


@compiled
def _normals(vertices, triangles):  # type: ignore[no-untyped-def]
    normals = np.zeros((len(vertices), 3), np.float32)
    for index in range(len(triangles)):
        a, b, c = triangles[index, 0], triangles[index, 1], triangles[index, 2]
        ux, uy = vertices[b, 0] - vertices[a, 0], vertices[b, 1] - vertices[a, 1]
        uz = vertices[b, 2] - vertices[a, 2]
        vx, vy = vertices[c, 0] - vertices[a, 0], vertices[c, 1] - vertices[a, 1]
        vz = vertices[c, 2] - vertices[a, 2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for corner in (a, b, c):
            normals[corner, 0] += nx
            normals[corner, 1] += ny
            normals[corner, 2] += nz
    for row in range(len(normals)):
        x, y, z = normals[row, 0], normals[row, 1], normals[row, 2]
        length = max(np.sqrt(x * x + y * y + z * z), 1e-20)
        normals[row, 0], normals[row, 1], normals[row, 2] = x / length, y / length, z / length
    return normals
