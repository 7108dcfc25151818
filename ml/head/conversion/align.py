"""Fits of pose and identity that bring one head onto another."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...data import FloatArray
from ...geometry.alignment import Similarity
from ...geometry.rotations import rotation_from_vector
from ..model import LinearShape

# Numbers of a motion without growth: three of a turn, three of a shift.
RIGID = 6


@dataclass(frozen=True)
class Pull:
    """How strongly pairs of points are drawn together.

    Attributes
    ----------
    normals: (N, 3) of the surface; a gap along them counts fully.
    weights: (N,) of each pair.
    tangential: 0..1, what a gap along the surface counts beside: points of different meshes lie
        on the same surface more surely than at the same place of it.
    """

    normals: np.ndarray
    weights: np.ndarray
    tangential: float

    def on(self, rows: np.ndarray) -> np.ndarray:
        """(..., N, 3) -> (..., N, 3) weighted."""
        # einsum, because a (K, N, 3) product with a kept axis would be made a second time.
        along = np.einsum("...nc,nc->...n", rows, self.normals)[..., None] * self.normals
        pulled = (1 - self.tangential) * along + self.tangential * rows
        return pulled * (self.weights / self.weights.sum())[:, None]


def approach(points: np.ndarray, goal: np.ndarray, pull: Pull, start: Similarity) -> Similarity:
    """One Gauss-Newton step of the similarity that draws (N, 3) ``points`` to ``goal``."""
    moved = start.apply(points)
    motion = _motions(moved - moved.mean(0))
    pulled = pull.on(motion)
    system = _products(motion, pulled) + 1e-15 * np.eye(len(motion))
    answer = np.linalg.solve(system, -_products(pulled, (goal - moved)[None])[:, 0])
    return _moved(start, moved.mean(0), answer)


def fit(
    target: LinearShape, points: np.ndarray, pull: Pull, start: Similarity, ridge: float, steps: int
) -> tuple[FloatArray, Similarity]:
    """Identity of ``target`` and the pose that bring it and ``points`` together.

    Gauss-Newton on rotation and translation, linear in the identity; minimises the weighted mean
    of squared gaps plus ``ridge**2`` times the squared length of the identity. The scale stays: a
    person's size is theirs, and a free scale would shrink every gap.

    Parameters
    ----------
    target: its mean (N, 3) and identity (I, N, 3) at the pairs.
    points: (N, 3) in the space that ``start`` maps from.
    pull: its normals (N, 3) are in the points' space.
    ridge: metres; the gap that one standard deviation of one mode costs as much as.

    Returns
    -------
    (I,) standard deviations, and the similarity from the points' space to the target's.
    """
    pose, identity = start, np.zeros(len(target.identity), np.float32)
    basis = target.identity.astype(np.float64)
    for _ in range(steps):
        moved = pose.apply(points)
        motion = _motions(moved - moved.mean(0))[:RIGID]
        here = replace(pull, normals=pull.normals @ pose.rotation.T)
        columns = np.concatenate([motion, basis])
        pulled = here.on(columns)
        system = _products(columns, pulled)
        system[np.diag_indices(len(system))] += [1e-15] * RIGID + [ridge**2] * len(basis)
        right = -_products(pulled, (target.mean - moved)[None])[:, 0]
        answer = np.linalg.solve(system, right)
        pose = _moved(pose, moved.mean(0), np.append(answer[:RIGID], 0.0))
        identity = answer[RIGID:].astype(np.float32)
    return identity, pose


def _moved(pose: Similarity, centre: np.ndarray, motion: np.ndarray) -> Similarity:
    """``pose``, then (7,) ``motion`` about ``centre``: see :func:`_motions`."""
    turn, growth = rotation_from_vector(motion[:3]), float(np.exp(motion[6]))
    return Similarity(
        growth * pose.scale,
        turn @ pose.rotation,
        growth * turn @ (pose.translation - centre) + centre + motion[3:6],
    )


def _motions(places: np.ndarray) -> np.ndarray:
    """(N, 3) from their centre -> (7, N, 3): minus what turns, shifts and growing do."""
    axes = np.eye(3)
    turns = [np.cross(places, axis) for axis in axes]
    shifts = [np.broadcast_to(-axis, places.shape) for axis in axes]
    return np.stack([*turns, *shifts, -places])


def _products(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(A, N, 3), (B, N, 3) -> (A, B) inner products."""
    flat = one.reshape(len(one), one.shape[1] * 3)
    return flat @ other.reshape(len(other), other.shape[1] * 3).T
