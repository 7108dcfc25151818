"""What all parts of the head that are not skin share: meshes, and what moves them.

Each part is a small regular mesh of our own, shaped after the reference's part and moved by it.
Rigid parts follow the affine motion that fits the reference part's best; soft ones ride on its
surface.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ....data import FloatArray, IntArray
from ....geometry.triangles import triangulate
from ....head.model import HeadModel
from ....head.surface import nearest_on_triangles

Carry = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class Part:
    """A part's mesh.

    Attributes
    ----------
    name: as in the head model. mean: (N, 3) metres. quads: (F, 4), outward counter-clockwise.
    uv: (T, 2) in its own unit square. carry: (..., V, 3) displacements on the reference ->
    (..., N, 3) on the part. labels (F,): index of each quad into label_names, where the mesh holds
    several named parts. uv_quads (F, 4): indices into uv; None: those of quads.
    """

    name: str
    mean: FloatArray
    quads: IntArray
    uv: FloatArray
    carry: Carry
    labels: np.ndarray | None = None
    label_names: tuple[str, ...] = ()
    uv_quads: IntArray | None = None


@dataclass(frozen=True)
class Chart:
    """Quads that are laid flat as one piece.

    Attributes
    ----------
    quads: (F, 4) vertices. flat: (N, 2) where each vertex of the part lies, in any unit. box: the
        (left, bottom, right, top) in the part's unit square that the chart fills.
    """

    quads: IntArray
    flat: np.ndarray
    box: tuple[float, float, float, float]


def laid_flat(charts: Sequence[Chart]) -> tuple[IntArray, FloatArray, IntArray]:
    """All charts' quads (F, 4), the part's UV (T, 2), and its quads' indices (F, 4) into it."""
    uv, uv_quads, count = [], [], 0
    for chart in charts:
        used, local = np.unique(chart.quads, return_inverse=True)
        flat = chart.flat[used]
        low, size = flat.min(0), np.maximum(np.ptp(flat, axis=0), 1e-9)
        (left, bottom), (right, top) = chart.box[:2], chart.box[2:]
        uv.append([left, bottom] + (flat - low) / size * [right - left, top - bottom])
        uv_quads.append(local.reshape(-1, 4) + count)
        count += len(used)
    quads = np.concatenate([chart.quads for chart in charts]).astype(np.int32)
    return (
        quads,
        np.concatenate(uv).astype(np.float32),
        np.concatenate(uv_quads).astype(np.int32),
    )


def ladder(loop: IntArray) -> IntArray:
    """(2 K,) vertices of a closed loop -> (K - 1, 4) quads that close it, in the loop's sense."""
    steps = np.arange(len(loop) // 2 - 1)
    last = len(loop) - 1
    return loop[np.column_stack([steps, steps + 1, last - 1 - steps, last - steps])]


def quad_normals(points: FloatArray, quads: IntArray) -> FloatArray:
    """(F, 3) normals of (F, 4) quads, twice their area long."""
    p = points[quads]
    return np.cross(p[:, 2] - p[:, 0], p[:, 3] - p[:, 1])


def smoothstep(share: np.ndarray) -> np.ndarray:
    """0 below 0, 1 above 1, smooth between."""
    share = np.clip(share, 0, 1)
    return np.asarray(share * share * (3 - 2 * share))


def affine_follower(places: FloatArray, follow: IntArray, mean: FloatArray) -> Carry:
    """``places`` move as the best affine map of the reference's vertices ``follow`` does."""
    centre = mean[follow].mean(0)
    design = np.column_stack([mean[follow] - centre, np.ones(len(follow))])
    solve = np.linalg.pinv(design)
    mine = np.column_stack([places - centre, np.ones(len(places))])
    weights = (mine @ solve).astype(np.float32)

    def carry(field: FloatArray) -> FloatArray:
        return np.asarray(
            np.einsum("nv,...vc->...nc", weights, field[..., follow, :], optimize=True),
            dtype=np.float32,
        )

    return carry


def surface_follower(places: FloatArray, quads: IntArray, mean: FloatArray) -> Carry:
    """``places`` ride on the nearest points of the reference's ``quads``."""
    return nearest_on_triangles(mean, triangulate(quads), places).on


def vertices_of(reference: HeadModel, part: str) -> IntArray:
    """The vertices of a part of the reference."""
    return np.unique(reference.quads[reference.part == reference.part_names.index(part)])
