"""Alignment of a predicted surface with a scan: similarities and rigid movements.

All arrays are float64 in the scan's own unit. Nothing here knows a data set.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ...data import IntArray
from ...geometry.alignment import Similarity, best_rigid, best_similarity
from ...geometry.rotations import rotation_from_vector
from .closest import ClosestPoints

ITERATIONS, TOLERANCE = 100, 1e-6


@dataclass(frozen=True)
class Anchors:
    """Pairs that an ICP keeps whatever is nearest: (L, 3) on the surface, (L, 3) on the scan.

    ``weight``: how many scan vertices one pair counts as.
    """

    source: np.ndarray
    target: np.ndarray
    weight: float


def rigid_icp(
    vertices: np.ndarray, triangles: IntArray, scan: np.ndarray, anchors: Anchors | None = None
) -> Similarity:
    """How the surface moves rigidly, without scale, onto (N, 3) scan vertices.

    Every scan vertex pulls on its closest point of the surface, every anchor on its own. Ends
    after 100 rounds or when the mean squared error changes by less than 1e-6.
    Besl and McKay, "A method for registration of 3-D shapes", PAMI 1992.
    """
    closest = ClosestPoints(vertices, triangles)
    moved = Similarity(1.0, np.eye(3), np.zeros(3))
    if anchors is None:
        anchors = Anchors(np.zeros((0, 3)), np.zeros((0, 3)), 0.0)
    weights = np.concatenate([np.ones(len(scan)), np.full(len(anchors.source), anchors.weight)])
    target = np.concatenate([scan, anchors.target])
    before = np.inf
    for _ in range(ITERATIONS):
        # Bringing the scan to the surface, not the surface to the scan, keeps the search tree.
        near = moved.apply(closest(moved.undo(scan)))
        source = np.concatenate([near, moved.apply(anchors.source)])
        step = best_rigid(source, target, weights)
        moved = step.after(moved)
        error = float(np.average(((step.apply(source) - target) ** 2).sum(1), weights=weights))
        if abs(before - error) < TOLERANCE:
            break
        before = error
    return moved


def refine_similarity(
    vertices: np.ndarray, triangles: IntArray, scan: np.ndarray, start: Similarity
) -> Similarity:
    """From ``start``, the similarity with the least squared distance of (N, 3) scan to surface.

    Gauss-Newton on log-scale, rotation and translation, each scan vertex's distance taken along
    the way to its closest point. Where that gains nothing, the best similarity between the pairs
    does, unless it is the end. Ends as :func:`rigid_icp` does.
    """
    closest = ClosestPoints(vertices, triangles)

    def reached(pose: Similarity) -> tuple[np.ndarray, float]:
        near = pose.apply(closest(pose.undo(scan)))
        return near, float(((near - scan) ** 2).sum(1).mean())

    best = start
    near, error = reached(start)
    for _ in range(ITERATIONS):
        before = error
        for step in _steps(near, scan):
            trial = step.after(best)
            trial_near, trial_error = reached(trial)
            if trial_error < error:
                best, near, error = trial, trial_near, trial_error
                break
        if before - error < TOLERANCE:
            break
    return best


def _steps(near: np.ndarray, scan: np.ndarray) -> Iterator[Similarity]:
    """Small similarities that may bring ``near`` closer to ``scan``, the largest first."""
    yield _small_similarity(_descent(near, scan), near.mean(0))
    yield best_similarity(near, scan)


def _descent(near: np.ndarray, scan: np.ndarray) -> np.ndarray:
    """(7,) log-scale, rotation vector and translation that shorten the distances to ``scan``.

    The best to first order, about the middle of the (N, 3) points ``near``. Distances of zero have
    no direction and do not resist, which is why a step may go too far.
    """
    way = scan - near
    length = np.linalg.norm(way, axis=1)
    normal = way / np.maximum(length, 1e-12)[:, None]
    arm = near - near.mean(0)
    slopes = np.column_stack([(normal * arm).sum(1), np.cross(arm, normal), normal])
    found, *_ = np.linalg.lstsq(slopes, length, rcond=None)
    return np.asarray(found)


def _small_similarity(step: np.ndarray, middle: np.ndarray) -> Similarity:
    """The similarity that the (7,) of :func:`_descent` parametrise, about ``middle`` (3,)."""
    rotation, scale = rotation_from_vector(step[1:4]), float(np.exp(step[0]))
    return Similarity(scale, rotation, middle + step[4:] - scale * rotation @ middle)
