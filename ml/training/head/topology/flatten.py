"""Flatten a surface with little stretch and without folds.

Scalable Locally Injective Mappings (Rabinovich, Poranne, Panozzo and Sorkine-Hornung, ACM
Transactions on Graphics 2017): every round pulls each triangle towards the nearest rotation of its
wanted shape, weighted so that the pull follows the symmetric Dirichlet energy, and steps no
farther than to where the first triangle would turn over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import splu, spsolve

from ....data import IntArray

# How far of the way to the first fold a step may go, and how often it is halved in search of gain.
REACH, HALVINGS = 0.8, 12
# Strength of the walls of the box beside the stretch.
WALL = 1e-5
# How much of an area's error is asked for on top in the next round.
CORRECTION = 0.6
SMOOTHING = 3


@dataclass(frozen=True)
class Sheet:
    """What is to be flattened.

    Attributes
    ----------
    triangles: (T, 3), counter-clockwise. wanted: (T, 2, 2) their two edges from the first corner,
        as columns, in a plane of their own.
    weights: (T,) positive, of sum one.
    straight: vertices that stay on x = 0; all others stay in the box of ``size`` (2,) right of it.
    """

    triangles: IntArray
    wanted: np.ndarray
    weights: np.ndarray
    straight: IntArray
    size: np.ndarray


def wanted_shapes(places: np.ndarray, triangles: IntArray, scale: np.ndarray) -> np.ndarray:
    """(T, 2, 2) edges of (T, 3) triangles of (V, 3) places, laid flat, lengths times (T,) scale."""
    corner = places[triangles].astype(np.float64)
    first, second = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]
    length = np.linalg.norm(first, axis=1)
    along = (first * second).sum(1) / length
    height = np.linalg.norm(np.cross(first, second), axis=1) / length
    # Slivers would want infinitely many texels across: no height below a fiftieth of the base.
    height = np.maximum(height, 0.02 * length)
    flat = np.stack([np.column_stack([length, along]), np.column_stack([0 * length, height])], 1)
    return flat * scale[:, None, None]


def flattened_evenly(sheet: Sheet, start: np.ndarray, rounds: tuple[int, ...]) -> np.ndarray:
    """(V, 2) places with less stretch than the fold-free ``start`` (V, 2), and areas as wanted.

    A curved surface cannot keep lengths; what matters here is area. After each of ``rounds``,
    triangles that got too little area want more, and the other way round.
    """
    places, asked = start, sheet
    inverse = np.linalg.inv(sheet.wanted)
    for count in rounds:
        places = flattened(asked, places, count)
        area = np.linalg.det(jacobians(sheet.triangles, inverse, places))
        error = _smoothed(np.log(np.clip(area, 0.05, 20)), sheet.triangles)
        correction = np.exp(-CORRECTION / 2 * error)
        asked = replace(asked, wanted=asked.wanted * correction[:, None, None])
    return places


def _smoothed(values: np.ndarray, triangles: IntArray) -> np.ndarray:
    """(T,) values averaged with the neighbours', SMOOTHING times: small things such as nostrils
    should rather keep their shape."""
    uses = np.maximum(np.bincount(triangles.ravel()), 1)
    for _ in range(SMOOTHING):
        values = (np.bincount(triangles.ravel(), np.repeat(values, 3)) / uses)[triangles].mean(1)
    return values


def flattened(sheet: Sheet, start: np.ndarray, rounds: int) -> np.ndarray:
    """(V, 2) places with less stretch than the fold-free ``start`` (V, 2)."""
    places = start.copy()
    inverse = np.linalg.inv(sheet.wanted)
    for _ in range(rounds):
        goal = _proxy_minimum(sheet, inverse, places)
        move = goal - places
        step = min(1.0, REACH * _room(sheet, places, move))
        before = energy(sheet, inverse, places)
        for _ in range(HALVINGS):
            if energy(sheet, inverse, places + step * move) < before:
                places = places + step * move
                break
            step /= 2
        else:
            break
    return places


def harmonic(edges: IntArray, weights: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(V, 2) ``places``, those that are NaN put at the weighted mean of their neighbours.

    edges: (E, 2) with (E,) positive weights; vertices without any stay as they are. With a convex
    rim and no hole this is a map without folds (Tutte's theorem).
    """
    count = len(places)
    both = np.concatenate([edges, edges[:, ::-1]])
    joined = coo_matrix((np.tile(weights, 2), (both[:, 0], both[:, 1])), (count, count)).tocsr()
    degree = np.asarray(joined.sum(1)).ravel()
    system = coo_matrix((degree, (np.arange(count),) * 2), (count, count)).tocsr() - joined
    free, fixed = np.isnan(places[:, 0]) & (degree > 0), ~np.isnan(places[:, 0])
    filled = places.copy()
    known = -(system[free][:, fixed] @ places[fixed])
    filled[free] = spsolve(system[free][:, free].tocsc(), known)
    return filled


def jacobians(triangles: IntArray, inverse: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(T, 2, 2) from the wanted shapes to the plane."""
    corner = places[triangles]
    edges = np.stack([corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]], -1)
    return edges @ inverse


def energy(sheet: Sheet, inverse: np.ndarray, places: np.ndarray) -> float:
    """Symmetric Dirichlet energy with the walls' barrier; infinite where folded."""
    maps = jacobians(sheet.triangles, inverse, places)
    area = np.linalg.det(maps)
    gaps = _gaps(sheet, places)
    if min(area.min(), gaps.min()) <= 0:
        return np.inf
    stretch = (maps**2).sum((1, 2)) * (1 + area**-2)
    return float(sheet.weights @ stretch - WALL * np.log(gaps).sum())


def _proxy_minimum(sheet: Sheet, inverse: np.ndarray, places: np.ndarray) -> np.ndarray:
    maps = jacobians(sheet.triangles, inverse, places)
    u, sizes, vt = np.linalg.svd(maps)
    # Nothing is folded, so all rotations are proper.
    rotation = u @ vt
    sizes = np.maximum(sizes, 1e-9)
    near = np.abs(sizes - 1) < 1e-6
    pull = np.where(near, 4.0, (sizes - sizes**-3) / np.where(near, 1, sizes - 1))
    metric = (u * (sheet.weights[:, None] * pull)[:, None]) @ u.transpose(0, 2, 1)
    # J = places^T D inverse: how every corner enters the map.
    enters = np.stack([-inverse.sum(1), inverse[:, 0], inverse[:, 1]], 1)
    blocks = np.einsum("tak,tbk,tij->taibj", enters, enters, metric)
    right = np.einsum("tak,tij,tjk->tai", enters, metric, rotation)
    count = len(places)
    index = 2 * sheet.triangles[:, :, None] + np.arange(2)
    rows = np.broadcast_to(index[:, :, :, None, None], blocks.shape).ravel()
    columns = np.broadcast_to(index[:, None, None], blocks.shape).ravel()
    system = coo_matrix((blocks.ravel(), (rows, columns)), (2 * count,) * 2).tocsc()
    known = np.bincount(index.ravel(), right.ravel(), 2 * count)
    diagonal, push = _barriers(sheet, places)
    system = system + coo_matrix((diagonal, (np.arange(2 * count),) * 2), system.shape).tocsc()
    known += diagonal * places.ravel() + push
    free = np.ones(2 * count, bool)
    free[2 * sheet.straight] = False
    solved = np.zeros(2 * count)
    solved[free] = splu(system[free][:, free]).solve(known[free])
    return solved.reshape(-1, 2)


def _barriers(sheet: Sheet, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Curvature (2 V,) and force (2 V,) of the walls."""
    lower, upper = np.maximum(places, 1e-12), np.maximum(sheet.size - places, 1e-12)
    curve = WALL * (lower**-2 + upper**-2)
    push = WALL * (1 / lower - 1 / upper)
    push[sheet.straight, 0] = curve[sheet.straight, 0] = 0
    return curve.ravel(), push.ravel()


def _gaps(sheet: Sheet, places: np.ndarray) -> np.ndarray:
    """Distances to the four walls; the vertices on x = 0 have none to that one."""
    inner = np.ones(len(places), bool)
    inner[sheet.straight] = False
    return np.concatenate(
        [
            places[inner, 0],
            places[:, 1],
            sheet.size[0] - places[:, 0],
            sheet.size[1] - places[:, 1],
        ]
    )


def _room(sheet: Sheet, places: np.ndarray, move: np.ndarray) -> float:
    """How much of ``move`` can be made before a triangle's area becomes zero or a wall is met.

    The area along the move is a quadratic, a t^2 + b t + c; its first positive root counts.
    """
    corner, change = places[sheet.triangles], move[sheet.triangles]
    e, f = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]
    g, h = change[:, 1] - change[:, 0], change[:, 2] - change[:, 0]
    a = g[:, 0] * h[:, 1] - g[:, 1] * h[:, 0]
    b = e[:, 0] * h[:, 1] - e[:, 1] * h[:, 0] + g[:, 0] * f[:, 1] - g[:, 1] * f[:, 0]
    c = e[:, 0] * f[:, 1] - e[:, 1] * f[:, 0]
    root = np.sqrt(np.maximum(b * b - 4 * a * c, 0))
    with np.errstate(divide="ignore", invalid="ignore"):
        # The stable forms of both roots.
        q = -(b + np.where(b < 0, -1, 1) * root) / 2
        times = np.concatenate([q / a, c / q])
    times = times[np.concatenate([b * b >= 4 * a * c] * 2) & (times > 0)]
    gaps = _gaps(sheet, places)
    closing = gaps - _gaps(sheet, places + move)
    times = np.concatenate([times, gaps[closing > 0] / closing[closing > 0], [np.inf]])
    return float(times.min())
