"""A layer over the coefficients: smooth local displacements that the head's modes do not have.

Each is a bump round a point of the surface: Wendland's compactly supported function of the distance
("Piecewise polynomial, positive definite and compactly supported radial functions of minimal
degree", 1995), so that what lies farther away stays exactly where it is. Distances are measured on
the average head with its mouth open: at rest the lips touch and would move each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..data import FloatArray
from .model import HeadModel, SurfacePoints

# Metres from a point within which its displacement is felt.
REACH = 0.04
OPEN = 0.6
# Parts that are stiff: all of a group moves alike.
_STIFF = (
    ("eye_left", "iris_left", "pupil_left"),
    ("eye_right", "iris_right", "pupil_right"),
    ("teeth_upper", "gums_upper"),
    ("teeth_lower", "gums_lower"),
)


@dataclass(frozen=True)
class Layer:
    """Displacements at N points of the base mesh, spread over their surroundings.

    Attributes
    ----------
    points: (N, 3) corners and weights. shifts: (N, 3) metres, head space: the height of each bump.
    """

    points: SurfacePoints
    shifts: FloatArray

    def on(self, model: HeadModel) -> FloatArray:
        """(V, 3) displacements of the base mesh's vertices at rest, metres."""
        return np.asarray(bumps(model, self.points).T @ self.shifts, np.float32)


def bumps(model: HeadModel, points: SurfacePoints) -> FloatArray:
    """(N, V) how far each vertex follows each point: 1 at the point, 0 from REACH on."""
    places, centres = opened(model), points.on(opened(model))
    shares = np.empty((len(points), len(places)), np.float32)
    for row, centre in zip(shares, centres, strict=True):
        row[:] = bump(np.linalg.norm(places - centre, axis=1))
    for group in _stiff_groups(model):
        shares[:, group] = shares[:, group].mean(1, keepdims=True)
    return shares


def bump(distance: np.ndarray) -> np.ndarray:
    """1 at a distance of 0, falling smoothly to 0 at REACH; metres."""
    share = distance / REACH
    return np.asarray(np.clip(1 - share, 0, None) ** 4 * (4 * share + 1))


@lru_cache(maxsize=2)
def opened(model: HeadModel) -> FloatArray:
    """(V, 3) the average head with its mouth open, if the model can open it; metres."""
    mean = model.shape.mean
    if "jawOpen" not in model.expression_names:
        return mean
    jaw = model.shape.expression[model.expression_names.index("jawOpen")]
    return np.asarray(mean + OPEN * jaw, np.float32)


@lru_cache(maxsize=2)
def _stiff_groups(model: HeadModel) -> tuple[np.ndarray, ...]:
    """The vertices of each stiff group that the model has."""
    groups = []
    for names in _STIFF:
        known = [name for name in names if name in model.part_names]
        if known:
            groups.append(np.unique(model.quads[model.part_faces(*known)]))
    return tuple(groups)
