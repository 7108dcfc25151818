"""Frequency bands of a surface, measured on its mesh in true correspondence.

Features of a band, a feature being half a wave (see ml/detail/band.py), are what is left of vertex
positions between two diffusions over the mean face: a Gaussian's width for the finest and for the
coarsest feature. Diffusion is linear and the same for every head, so what differs in the
band differs there and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csc_matrix, diags
from scipy.sparse.linalg import splu

from ...data import FloatArray, IntArray
from ...detail.band import sigma_of
from ...geometry import MILLIMETRES
from ...rendering import vertex_normals

# Sizes of features in mm: of the middle band as a whole, and of its parts and what is next to it.
MIDDLE = (2.0, 20.0)
PARTS = ((2.0, 5.0), (5.0, 10.0), (10.0, 20.0), (20.0, 40.0))
# Diffusion in this many implicit steps is all but a Gaussian.
_STEPS = 4
Smooth = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class MidBand:
    """Diffusions of (N, C) values over part of a mesh.

    Attributes
    ----------
    vertices: (N,) numbers of the part's vertices. triangles: (F, 3) into these N.
    fine, coarse: averages at both ends of the band; ``coarse`` of what ``fine`` gave.
    """

    vertices: IntArray
    triangles: IntArray
    fine: Smooth
    coarse: Smooth

    def split(self, places: FloatArray) -> tuple[np.ndarray, np.ndarray]:
        """(V, 3) of the whole mesh -> the part's coarse places and its band, (N, 3) each."""
        fine = self.fine(places[self.vertices].astype(np.float64))
        coarse = self.coarse(fine)
        return coarse, fine - coarse


@dataclass(frozen=True)
class BandError:
    """Error of one head in the band.

    normal: mean angle in degrees. depth: mean distance along the normal in mm.
    """

    normal: float
    depth: float


def make_midband(
    mean: FloatArray, triangles: IntArray, sizes: tuple[float, float] = MIDDLE
) -> MidBand:
    """The band of ``sizes`` (mm) on the triangles (F, 3) of a mean head (V, 3), metres."""
    vertices, local = np.unique(triangles, return_inverse=True)
    local = local.reshape(triangles.shape).astype(np.int32)
    places = mean[vertices].astype(np.float64)
    stiffness, mass = _cotangents(places, local)
    widths = (sigma_of(feature) / MILLIMETRES for feature in sizes)
    return MidBand(
        vertices.astype(np.int32), local, *(_diffusion(stiffness, mass, width) for width in widths)
    )


def band_error(
    band: MidBand, true: FloatArray, found: FloatArray | None, where: np.ndarray
) -> BandError:
    """The band of ``found`` (V, 3) against that of ``true``, on vertices ``where`` (V,) bool.

    Both bands are put on the true coarse surface, so that only they differ. None: no band at all.
    """
    coarse, wanted = band.split(true)
    ours = np.zeros_like(wanted) if found is None else band.split(found)[1]
    some = where[band.vertices]
    normals = vertex_normals((coarse + wanted).astype(np.float32), band.triangles)[some]
    shown = vertex_normals((coarse + ours).astype(np.float32), band.triangles)[some]
    cosine = np.clip((normals * shown).sum(1), -1, 1)
    depth = np.abs(((ours - wanted)[some] * normals).sum(1))
    return BandError(float(np.degrees(np.arccos(cosine)).mean()), float(MILLIMETRES * depth.mean()))


def _cotangents(places: np.ndarray, triangles: IntArray) -> tuple[csc_matrix, np.ndarray]:
    """Cotangent stiffness (N, N) and lumped mass (N,) of a mesh (Pinkall and Polthier, 1993)."""
    count = len(places)
    rows, columns, values = [], [], []
    mass = np.zeros(count)
    for corner in range(3):
        a, b, c = (triangles[:, (corner + k) % 3] for k in range(3))
        one, other = places[b] - places[a], places[c] - places[a]
        twice = np.maximum(np.linalg.norm(np.cross(one, other), axis=1), 1e-12)
        # Obtuse triangles would have negative weights, which make diffusion unstable.
        half = np.maximum((one * other).sum(1) / twice / 2, 0)
        rows += [b, c]
        columns += [c, b]
        values += [-half, -half]
        mass += np.bincount(a, twice / 6, count)
    joined = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    off = csc_matrix(joined, shape=(count, count))
    return off - diags(np.asarray(off.sum(1)).ravel()), np.maximum(mass, 1e-12)


def _diffusion(stiffness: csc_matrix, mass: np.ndarray, width: float) -> Smooth:
    """Implicit heat flow whose kernel has the standard deviation ``width`` in metres."""
    step = width**2 / 2 / _STEPS
    solver = splu((diags(mass) + step * stiffness).tocsc())

    def smooth(values: np.ndarray) -> np.ndarray:
        for _ in range(_STEPS):
            values = solver.solve(mass[:, None] * values)
        return values

    return smooth
