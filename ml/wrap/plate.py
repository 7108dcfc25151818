"""The energy of a thin plate on a mesh: how bent a field of displacements is."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from .surface import Surface

# Weights of the slope beside the curvature, and of no displacement.
_SLOPE, _STILL = 0.02, 1e-6


def plate_of(surface: Surface) -> sparse.csr_matrix:
    """(V, V) the matrix of the energy: the squared Laplacian, with some of a membrane's."""
    count = len(surface.vertices)
    near = surface.neighbours
    valence = np.maximum(np.asarray(near.sum(1)).ravel(), 1)
    bent = sparse.eye(count) - sparse.diags(1 / valence) @ near
    slope = sparse.diags(valence) - near
    return (bent.T @ bent + _SLOPE / 6 * slope + _STILL * sparse.eye(count)).tocsr()


def settled(plate: sparse.csr_matrix, weight: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """(V, C) the field of least energy, with (V,) weights and (V, C) weighted wishes."""
    system = (plate + sparse.diags(weight)).tocsc()
    # It is symmetric and positive: without pivoting, and ordered for that, it takes a fifth.
    options = {"SymmetricMode": True}
    factors = splu(system, "MMD_AT_PLUS_A", diag_pivot_thresh=0, options=options)
    return np.asarray(factors.solve(np.asarray(wanted, np.float64)))
