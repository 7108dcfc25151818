"""The rotation, rigid movement or similarity that brings paired points closest together.

Kabsch, "A solution for the best rotation to relate two sets of vectors", 1976; Umeyama,
"Least-squares estimation of transformation parameters between two point patterns", PAMI 1991,
equations 40-43. The sign of the last singular vector keeps mirror images out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import UsageError


@dataclass(frozen=True)
class Similarity:
    """``x -> scale * rotation @ x + translation``.

    Attributes
    ----------
    scale: positive. rotation: (3, 3), proper. translation: (3,), in the target's unit.
    """

    scale: float
    rotation: np.ndarray
    translation: np.ndarray

    def apply(self, points: np.ndarray) -> np.ndarray:
        """(..., 3) -> (..., 3)."""
        return np.asarray(self.scale * points @ self.rotation.T + self.translation)

    def undo(self, points: np.ndarray) -> np.ndarray:
        """(..., 3) -> (..., 3), the inverse of :meth:`apply`."""
        return np.asarray((points - self.translation) @ self.rotation / self.scale)

    def after(self, first: Similarity) -> Similarity:
        """The similarity that applies ``first`` and then this one."""
        rotation = self.rotation @ first.rotation
        return Similarity(self.scale * first.scale, rotation, self.apply(first.translation))


def best_rotation(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The (3, 3) rotation that brings (N, 3) ``source`` closest to ``target``, both centred."""
    return _rotation_and_sizes(source, target)[0]


def best_rigid(
    source: np.ndarray, target: np.ndarray, weights: np.ndarray | None = None
) -> Similarity:
    """Like :func:`best_similarity`, at scale 1."""
    centre, aim = _centres(source, target, weights)
    rotation = best_rotation(source - centre, _weighted(target - aim, weights))
    return Similarity(1.0, rotation, aim - rotation @ centre)


def best_similarity(
    source: np.ndarray, target: np.ndarray, weights: np.ndarray | None = None
) -> Similarity:
    """The similarity that brings (N, 3) ``source`` closest to ``target``, in least squares.

    ``weights``: (N,) >= 0, equal if None.

    Raises
    ------
    UsageError: fewer than three points, or points that all coincide.
    """
    centre, aim = _centres(source, target, weights)
    spread = source - centre
    rotation, sizes = _rotation_and_sizes(spread, _weighted(target - aim, weights))
    scale = float(sizes.sum() / _weighted(spread**2, weights).sum())
    return Similarity(scale, rotation, aim - scale * rotation @ centre)


def _rotation_and_sizes(source: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    u, sizes, vt = np.linalg.svd(target.T @ source)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    return u @ np.diag(signs) @ vt, sizes * signs


def _centres(
    source: np.ndarray, target: np.ndarray, weights: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    if len(source) != len(target) or len(source) < 3 or (weights is not None and not weights.any()):
        raise UsageError(f"{len(source)} and {len(target)} points do not define a similarity")
    if (source == source[0]).all():
        raise UsageError("Points that all coincide do not define a similarity")
    return np.average(source, 0, weights), np.average(target, 0, weights)


def _weighted(rows: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    return rows if weights is None else rows * weights[:, None]
