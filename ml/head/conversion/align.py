"""Fit pose and identity to bring one head onto another."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...data import FloatArray
from ...geometry.alignment import Similarity
from ...geometry.rotations import rotation_from_vector
from ..model import LinearShape

# Unknowns of a rigid motion: three of rotation, three of translation.
RIGID = 6


@dataclass(frozen=True)
class GapWeights:
    """Weights of the gaps between N pairs of points: point-to-plane with a point-to-point share.

    Attributes
    ----------
    normals: (N, 3) unit normals of the surface; gaps along them have weight 1.
    weights: (N,) of each pair.
    tangential: 0..1, the weight of gaps along the surface. It is below 1 because corresponding
        points of different meshes lie on the same surface, but not at exactly the same place.
    """

    normals: np.ndarray
    weights: np.ndarray
    tangential: float

    def on(self, rows: np.ndarray) -> np.ndarray:
        """(..., N, 3) gaps -> (..., N, 3) weighted gaps."""
        # einsum avoids a temporary (K, N, 3) product.
        along = np.einsum("...nc,nc->...n", rows, self.normals)[..., None] * self.normals
        pulled = (1 - self.tangential) * along + self.tangential * rows
        return pulled * (self.weights / self.weights.sum())[:, None]


def similarity_step(
    points: np.ndarray, goal: np.ndarray, gaps: GapWeights, start: Similarity
) -> Similarity:
    """``start`` after one Gauss-Newton step that brings (N, 3) ``points`` closer to ``goal``."""
    moved = start.apply(points)
    motion = _motions(moved - moved.mean(0))
    weighted = gaps.on(motion)
    system = _products(motion, weighted) + 1e-15 * np.eye(len(motion))
    answer = np.linalg.solve(system, -_products(weighted, (goal - moved)[None])[:, 0])
    return _moved(start, moved.mean(0), answer)


def fit(
    target: LinearShape,
    points: np.ndarray,
    gaps: GapWeights,
    start: Similarity,
    ridge: float,
    steps: int,
) -> tuple[FloatArray, Similarity]:
    """The identity of ``target`` and the pose that minimise the gaps to ``points``.

    Gauss-Newton on rotation and translation, linear in the identity; minimises the weighted mean
    of squared gaps plus ``ridge**2`` times the squared length of the identity. The scale of
    ``start`` is kept: size is a property of the person, and a free scale would shrink every gap.

    Parameters
    ----------
    target: its mean (N, 3) and identity (I, N, 3) at the pairs.
    points: (N, 3) in the space that ``start`` maps from.
    gaps: with normals (N, 3) in the points' space.
    ridge: metres; the gap with the same cost as one standard deviation of one mode.

    Returns
    -------
    (I,) standard deviations, and the similarity from the points' space to the target's.
    """
    pose, identity = start, np.zeros(len(target.identity), np.float32)
    basis = target.identity.astype(np.float64)
    for _ in range(steps):
        moved = pose.apply(points)
        motion = _motions(moved - moved.mean(0))[:RIGID]
        here = replace(gaps, normals=gaps.normals @ pose.rotation.T)
        columns = np.concatenate([motion, basis])
        weighted = here.on(columns)
        system = _products(columns, weighted)
        system[np.diag_indices(len(system))] += [1e-15] * RIGID + [ridge**2] * len(basis)
        answer = np.linalg.solve(system, -_products(weighted, (target.mean - moved)[None])[:, 0])
        pose = _moved(pose, moved.mean(0), np.append(answer[:RIGID], 0.0))
        identity = answer[RIGID:].astype(np.float32)
    return identity, pose


def _moved(pose: Similarity, centre: np.ndarray, motion: np.ndarray) -> Similarity:
    """``pose`` followed by (7,) ``motion`` about ``centre``; see :func:`_motions`."""
    turn, growth = rotation_from_vector(motion[:3]), float(np.exp(motion[6]))
    return Similarity(
        growth * pose.scale,
        turn @ pose.rotation,
        growth * turn @ (pose.translation - centre) + centre + motion[3:6],
    )


def _motions(places: np.ndarray) -> np.ndarray:
    """(N, 3) relative to their centre -> (7, N, 3): minus the derivatives of the gaps.

    By rotation about and translation along three axes, and by the logarithm of the scale.
    """
    axes = np.eye(3)
    turns = [np.cross(places, axis) for axis in axes]
    shifts = [np.broadcast_to(-axis, places.shape) for axis in axes]
    return np.stack([*turns, *shifts, -places])


def _products(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(A, N, 3), (B, N, 3) -> (A, B) inner products."""
    flat = one.reshape(len(one), one.shape[1] * 3)
    return flat @ other.reshape(len(other), other.shape[1] * 3).T
