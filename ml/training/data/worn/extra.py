"""Things worn: meshes, the cloth that most of them are made of, and short vector products."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ....data import IntArray

# Things worn are made in whichever float width comes; Extra holds float32.
Floats = np.ndarray


@dataclass(frozen=True)
class Extra:
    """A thing worn: a mesh in the head's space.

    Attributes
    ----------
    vertices: (N, 3) metres. triangles: (F, 3) into them. normals: (N, 3) unit, outward.
    colours: (N, 3) linear albedo 0..1.
    alpha: (N,) 1 opaque; what is not is blended over all that is. gloss: how much it shines.
    kind: what it is, by the name of a class of ml.parsing.classes.CLASSES.
    """

    vertices: Floats
    triangles: IntArray
    colours: Floats
    normals: Floats
    alpha: Floats
    gloss: float = 0.04
    kind: str = "other"


def circle(count: int) -> Floats:
    """(count,) angles from 0, evenly round a circle, radians."""
    return np.arange(count) / count * 2 * np.pi


def dot(a: Floats, b: Floats) -> Floats:
    """(..., 3) dot products."""
    product = a * b
    return np.asarray(product[..., 0] + product[..., 1] + product[..., 2])


def unit(vectors: Floats) -> Floats:
    """(..., 3) vectors at length 1."""
    length = np.sqrt(dot(vectors, vectors))[..., None]
    return np.asarray(vectors / np.maximum(length, 1e-9), dtype=np.float32)


@lru_cache(maxsize=64)
def lattice(rows: int, columns: int, closed: bool = False) -> IntArray:
    """(F, 3) triangles of a grid of vertices; ``closed`` joins its last column to the first."""
    across = columns if closed else columns - 1
    row, column = np.meshgrid(np.arange(rows - 1), np.arange(across), indexing="ij")
    a, b = row * columns + column, row * columns + (column + 1) % columns
    corners = np.stack([a, b, b + columns, a, b + columns, a + columns], -1)
    return corners.reshape(-1, 3).astype(np.int32)


def surface(grid: Floats, colours: Floats, away_from: Floats, closed: bool = False) -> Extra:
    """A cloth through the (R, C, 3) ``grid``; its normals point away from ``away_from``."""
    triangles = lattice(grid.shape[0], grid.shape[1], closed)
    grid = np.ascontiguousarray(grid, dtype=np.float32)
    vertices = grid.reshape(-1, 3)
    normals = unit(cross(_slope(grid, False), _slope(grid.swapaxes(0, 1), closed).swapaxes(0, 1)))
    normals = normals.reshape(-1, 3)
    outward = dot(vertices - np.asarray(away_from, np.float32), normals)
    normals = np.where(outward[:, None] < 0, -normals, normals)
    colours = np.broadcast_to(colours, grid.shape).reshape(-1, 3)
    return opaque(vertices, triangles, colours, normals)


def _slope(grid: Floats, closed: bool) -> Floats:
    """Central differences down the first axis."""
    slope = np.empty_like(grid)
    slope[1:-1] = grid[2:] - grid[:-2]
    slope[0] = grid[1] - (grid[-1] if closed else grid[0])
    slope[-1] = (grid[0] if closed else grid[-1]) - grid[-2]
    return slope


def cross(a: Floats, b: Floats) -> Floats:
    """(..., 3) cross products; on small arrays NumPy's own costs three times as much."""
    result = np.empty(np.broadcast_shapes(a.shape, b.shape), np.float32)
    for axis in range(3):
        i, j = (axis + 1) % 3, (axis + 2) % 3
        result[..., axis] = a[..., i] * b[..., j] - a[..., j] * b[..., i]
    return result


def opaque(vertices: Floats, triangles: IntArray, colours: Floats, normals: Floats) -> Extra:
    """An Extra that hides what is behind it."""
    return Extra(
        vertices.astype(np.float32),
        triangles,
        np.clip(colours, 0, 1).astype(np.float32),
        normals.astype(np.float32),
        np.ones(len(vertices), np.float32),
    )
