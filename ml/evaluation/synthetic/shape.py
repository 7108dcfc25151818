"""How far a head's shape is from the truth where every vertex has its true partner.

The regions are REALY's; the pairs are true ones, so nothing can slide, as nearest points do.
Beside every error stands the mean face's, because similarity-aligned errors reward shrinking to
the mean, and the share of a person's deviation from the mean that was recovered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...data import FloatArray
from ...geometry import MILLIMETRES
from ...geometry.alignment import best_rigid, best_similarity


@dataclass(frozen=True)
class ShapeError:
    """One head against the truth.

    Attributes
    ----------
    regions: mean distance in mm by region, each aligned rigidly after the whole face was aligned
        with scale. baseline: the mean face's, measured alike.
    face: mean distance over the face, aligned once with scale; face_baseline: the mean face's.
    recovered: share of the deviation from the mean face: 1 is all of it, 0 none.
    """

    regions: dict[str, float]
    baseline: dict[str, float]
    face: float
    face_baseline: float
    recovered: float

    @property
    def mean(self) -> float:
        """Mean of the regions, mm."""
        return float(np.mean(list(self.regions.values())))

    @property
    def mean_baseline(self) -> float:
        return float(np.mean(list(self.baseline.values())))


def shape_error(
    found: FloatArray, true: FloatArray, mean: FloatArray, regions: Mapping[str, np.ndarray]
) -> ShapeError:
    """``found``, ``true`` and the model's ``mean``: (V, 3) metres, vertex by vertex.

    regions: (V,) bool by name; together they are the face.
    """
    face = face_of(regions)
    placed, flat = (onto(points, true, face) for points in (found, mean))
    deviation, ours = (true - flat)[face], (placed - flat)[face]
    return ShapeError(
        {name: _rigid_error(placed, true, where) for name, where in regions.items()},
        {name: _rigid_error(flat, true, where) for name, where in regions.items()},
        _distance(placed[face], true[face]),
        _distance(flat[face], true[face]),
        float((ours * deviation).sum() / (deviation**2).sum()),
    )


def shape_means(errors: Sequence[ShapeError]) -> dict[str, float]:
    """Means over heads, at least one, beside the mean face's."""
    mean = float(np.mean([error.mean for error in errors]))
    baseline = float(np.mean([error.mean_baseline for error in errors]))
    return {
        "regions_mm": mean,
        "mean_face_mm": baseline,
        "ratio": mean / baseline,
        "recovered": float(np.mean([error.recovered for error in errors])),
    }


def face_of(regions: Mapping[str, np.ndarray]) -> np.ndarray:
    """(V,) bool: in any of the regions."""
    return np.asarray(np.any(list(regions.values()), axis=0))


def onto(points: FloatArray, goal: FloatArray, where: np.ndarray) -> FloatArray:
    """``points`` moved, turned and scaled so that those ``where`` lie best on the goal's."""
    found = best_similarity(points[where].astype(np.float64), goal[where].astype(np.float64))
    return np.asarray(found.apply(points), dtype=np.float64)


def _rigid_error(points: FloatArray, goal: FloatArray, where: np.ndarray) -> float:
    """Mean distance within a region after the best rotation and shift (Kabsch, 1976)."""
    ours, theirs = points[where], goal[where]
    return _distance(best_rigid(ours, theirs).apply(ours), theirs)


def _distance(one: FloatArray, other: FloatArray) -> float:
    return float(MILLIMETRES * np.linalg.norm(one - other, axis=1).mean())


def turn_between(one: FloatArray, other: FloatArray) -> float:
    """Angle in degrees between two rotations (3, 3)."""
    cosine = (np.trace(one.T.astype(np.float64) @ other) - 1) / 2
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
