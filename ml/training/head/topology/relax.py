"""Move the vertices of a layout until its quads are even and square, as seen on the surface.

First springs make edges as long as they should be; then every quad pulls its corners towards the
square nearest to it (Bouaziz et al., "Shape-Up", SGP 2012). Vertices move on the flat map, which
has no folds, so lips, lids and ears cannot be confused with what lies behind them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.sparse import coo_matrix

from ....data import IntArray
from ....geometry.triangles import edges_of
from .domain import HalfDomain

SPRING_STEPS, SQUARE_STEPS = 260, 450
SPRING_STEP, SQUARE_STEP = 0.35, 0.6
# Above 1, long edges pull more than their length: evens the mesh in fewer steps.
PULL = 1.25
# How much of the way to its wanted size a square grows or shrinks in a step.
RESIZE = 0.35
# No vertex may move farther in a step than this share of the way to its nearest neighbour.
REACH = 0.45


@dataclass(frozen=True)
class Constraints:
    """Which vertices are free.

    Attributes
    ----------
    lines: rims and midlines; their vertices only slide along them. pinned: do not move.
    """

    lines: list[IntArray]
    pinned: IntArray


def relaxed(
    domain: HalfDomain, places: np.ndarray, quads: IntArray, constraints: Constraints
) -> np.ndarray:
    """(N, 2) places on the map, relaxed."""
    places = _springs(domain, places, quads, constraints)
    return _squares(domain, places, quads, constraints)


def edge_length(places: np.ndarray) -> np.ndarray:
    """(N,) metres that edges should have at (N, 3) places of the mean head."""
    x, y, z = np.abs(places[:, 0]), places[:, 1], places[:, 2]
    wanted = np.full(len(places), 0.0052)
    wanted[(x > 0.024) & (y > -0.05) & (y < 0.018) & (z > 0.03)] = 0.0095
    wanted[z < 0.035] = 0.0085
    wanted[y > 0.05] = 0.0062
    wanted[(y > 0.075) & (z < 0.06)] = 0.0085
    wanted[y < -0.085] = 0.0075
    wanted[(x > 0.066) & (z < 0.024) & (z > -0.03) & (y > -0.036) & (y < 0.05)] = 0.0023
    wanted[(x < 0.026) & (y > -0.022) & (y < 0.014) & (z > 0.092)] = 0.0022
    wanted[(x < 0.03) & (np.abs(y + 0.034) < 0.015) & (z > 0.09)] = 0.0021
    return wanted


def _springs(
    domain: HalfDomain, places: np.ndarray, quads: IntArray, constraints: Constraints
) -> np.ndarray:
    """Every place moves towards its neighbours', the farther (on the surface) the stronger."""
    edges = edges_of(quads)
    edges = np.unique(np.sort(edges, axis=1), axis=0)
    fixed, sliding = _fixed(len(places), constraints), np.zeros(len(places), bool)
    sliding[np.concatenate(constraints.lines)] = True
    along = {tuple(sorted(pair)) for line in constraints.lines for pair in pairwise(line.tolist())}
    allowed = np.array([tuple(edge) in along for edge in edges.tolist()])
    both = np.concatenate([edges, edges[:, ::-1]])
    both = both[(~sliding[both[:, 0]] | np.tile(allowed, 2)) & ~fixed[both[:, 0]]]
    places = places.copy()
    for _ in range(SPRING_STEPS):
        at = domain.locate(places).on(domain.mean)
        length = np.linalg.norm(at[both[:, 0]] - at[both[:, 1]], axis=1)
        pull = (length / edge_length(at)[both].mean(1) + 0.04) ** PULL
        springs = coo_matrix((pull, (both[:, 0], both[:, 1])), (len(places),) * 2).tocsr()
        total = np.asarray(springs.sum(1)).ravel()
        moved = springs @ places / np.maximum(total, 1e-12)[:, None]
        places[total > 0] += SPRING_STEP * (moved - places)[total > 0]
    return places


def _fixed(count: int, constraints: Constraints) -> np.ndarray:
    fixed = np.zeros(count, bool)
    fixed[constraints.pinned] = True
    for line in constraints.lines:
        fixed[line[[0, -1]]] = True
    return fixed


def _squares(
    domain: HalfDomain, places: np.ndarray, quads: IntArray, constraints: Constraints
) -> np.ndarray:
    fixed = _fixed(len(places), constraints)
    slide = np.ones_like(places)
    for line, axis in zip(constraints.lines, (1, 1, 0, 0), strict=True):
        slide[line, axis] = 0
    slide[fixed] = 0
    uses = np.bincount(quads.ravel(), minlength=len(places))[:, None]
    neighbours = edges_of(quads)
    upright = np.sign(np.median(_areas(places, quads)))
    for _ in range(SQUARE_STEPS):
        surface = domain.locate(places)
        at = surface.on(domain.mean).astype(np.float64)
        goal = np.zeros_like(at)
        np.add.at(goal, quads.ravel(), nearest_squares(at[quads], edge_length(at)[quads].mean(1)))
        moves = _on_map(domain, surface.corners, goal / uses - at) * slide * SQUARE_STEP
        room = np.full(len(places), np.inf)
        gaps = np.linalg.norm(places[neighbours[:, 0]] - places[neighbours[:, 1]], axis=1)
        np.minimum.at(room, neighbours.ravel(), np.repeat(gaps, 2))
        size = np.linalg.norm(moves, axis=1)
        moves *= np.minimum(1, REACH * room / np.maximum(size, 1e-12))[:, None]
        places = _without_folds(places, moves, quads, upright)
    return places


def nearest_squares(corners: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """(F * 4, 3): the corners of the square nearest to each of (F, 4, 3) quads, resized a little
    towards edges of ``wanted`` (F,) metres.

    A square's second diagonal is its first one turned by a right angle; the nearest square has the
    mean of the first diagonal and the second turned back.
    """
    centre = corners.mean(1, keepdims=True)
    first, second = corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1]
    normal = np.cross(first, second)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-15)
    half = (first - np.cross(normal, second)) / 4
    length = np.linalg.norm(half, axis=1) * np.sqrt(2)
    half *= ((wanted / np.maximum(length, 1e-9)) ** RESIZE)[:, None]
    other = np.cross(normal, half)
    return (centre + np.stack([-half, -other, half, other], 1)).reshape(-1, 3)


def _on_map(domain: HalfDomain, corners: IntArray, moves: np.ndarray) -> np.ndarray:
    """(N, 2) moves on the map that come closest to (N, 3) moves in space."""
    space, plane = domain.mean[corners].astype(np.float64), domain.plane[corners]
    edges3 = space[:, 1:] - space[:, :1]
    edges2 = plane[:, 1:] - plane[:, :1]
    # Rows of edges3 = rows of edges2 times J^T; least squares in space for what J can reach.
    along = np.einsum("nkc,nc->nk", edges3, moves)
    gram = np.einsum("nkc,njc->nkj", edges3, edges3)
    gram += 1e-9 * np.trace(gram, axis1=1, axis2=2)[:, None, None] * np.eye(2) + 1e-18 * np.eye(2)
    return np.einsum("nk,nkc->nc", np.linalg.solve(gram, along[..., None])[..., 0], edges2)


def _areas(places: np.ndarray, quads: IntArray) -> np.ndarray:
    """(F, 4) signed areas of the triangles at the quads' corners, on the map."""
    corner = places[quads]
    before, after = np.roll(corner, 1, axis=1) - corner, np.roll(corner, -1, axis=1) - corner
    return np.asarray(after[..., 0] * before[..., 1] - after[..., 1] * before[..., 0])


def _without_folds(
    places: np.ndarray, moves: np.ndarray, quads: IntArray, upright: float
) -> np.ndarray:
    """``places + moves``, without the moves that would turn a convex corner inside out."""
    was_fine = _areas(places, quads) * upright > 0
    for _ in range(4):
        moved = places + moves
        broken = (_areas(moved, quads) * upright <= 0) & was_fine
        if not broken.any():
            return moved
        moves = moves.copy()
        moves[np.unique(quads[broken.any(1)])] *= 0.3
    moves[np.unique(quads[broken.any(1)])] = 0
    return np.asarray(places + moves)
