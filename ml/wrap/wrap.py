"""Wrap a head of another topology: from the arrays of both heads to those of the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..data import FloatArray, HeadMesh, Progress
from ..errors import HeadError
from ..geometry import MILLIMETRES
from .keys import transferred
from .lids import closing
from .marks import check_marks, places_of
from .register import Pairs, Registered, error_of, registered
from .surface import Surface, goal_of

# A mesh of more vertices takes minutes and gigabytes.
MOST_VERTICES = 200_000


@dataclass(frozen=True)
class Wrapped:
    """A head of V vertices with the shape keys of an Effigy head, in its own units and axes.

    Attributes
    ----------
    vertices: (V, 3) in the shape of the Effigy head, or as they were. keys: (E, V, 3).
    registered: how it lies on the Effigy head, metres in head space.
    median_mm, large_mm: distance from its skin of the vertices that have a place there: median, and
        what 95 % stay below. flipped: triangles that were turned over.
    """

    vertices: FloatArray
    keys: FloatArray
    registered: Registered
    median_mm: float
    large_mm: float
    flipped: int


def wrap(
    surface: Surface,
    marks: Mapping[str, int],
    mesh: HeadMesh,
    progress: Progress,
    *,
    keep_shape: bool = False,
) -> Wrapped:
    """Wrap ``surface`` onto ``mesh``.

    Parameters
    ----------
    surface: a head in any units and axes, in one or more parts.
    marks: vertices of it by the names of :data:`.marks.MARKS`.
    keep_shape: it stays as it is, and gets the keys alone; its lids close as far as its own eyes
        are open.

    Raises
    ------
    HeadError: the mesh is too large or damaged, there are too few marks, or they are wrong.
    """
    check_surface(surface)
    check_marks(marks, surface.vertices, mesh)
    surface, goal = surface.outward(), goal_of(mesh)
    result = registered(surface, goal, Pairs(*places_of(marks, mesh)), progress)
    progress(0.9, "Transferring the shape keys")
    keys = transferred(result, goal)
    vertices = result.pose.undo(result.surface.vertices)
    if keep_shape:
        placed = result.pose.apply(surface.vertices).astype(np.float32)
        keys = closing(result, placed, keys, mesh.expression_names)
        vertices = surface.vertices
    own = keys @ result.pose.rotation.astype(np.float32) / np.float32(result.pose.scale)
    middle, large = np.quantile(MILLIMETRES * error_of(result, goal), (0.5, 0.95)).tolist()
    return Wrapped(np.asarray(vertices, np.float32), own, result, middle, large, result.flipped)


def check_surface(surface: Surface) -> None:
    """Raise HeadError for a mesh that cannot be wrapped."""
    count = len(surface.vertices)
    if count > MOST_VERTICES:
        raise HeadError(
            f"The mesh has {count:,} vertices; at most {MOST_VERTICES:,} can be wrapped",
            "Wrap the mesh without its subdivision or multiresolution",
        )
    if not len(surface.triangles):
        raise HeadError("The mesh has no faces", "Choose the mesh of a head")
    if not np.isfinite(surface.vertices).all():
        raise HeadError("The mesh has vertices that are nowhere", "Remove them, or mend the mesh")
    if np.ptp(surface.vertices, axis=0).max() <= 0:
        raise HeadError("All vertices of the mesh are at one place", "Choose the mesh of a head")
