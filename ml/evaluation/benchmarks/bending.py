"""REALY's non-rigid registration: a piece of a scan bent onto the surface that is compared with it.

Amberg, Romdhani and Vetter, "Optimal step nonrigid ICP algorithms for surface registration",
CVPR 2007, equations 6-12, with the schedule of REALY's release (its ``NICP``). Two
things differ from Amberg's: maps start anew from where the last round left the vertices, and
pairs are sought among the points that the unbent vertices are closest to, not on the surface.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

from ...data import IntArray

STIFFNESS, SOFTENING, STAGES = 50.0, 0.5, 3
# The release counts from nought to ten.
ROUNDS = 11
# Pairs farther apart than this, or than twice the mean distance, do not pull; scan units.
FAR = 1.0
# Landmarks pull alone once, on a surface three times as stiff, and then ever less.
FIRST_PULL, LATER_PULL, FADING = 50.0, 5.0, 0.9
FIRST_STIFFNESS = 3 * STIFFNESS * np.array([2.0, 2.0, 3.0, 2.0])


@dataclass(frozen=True)
class Guides:
    """Landmarks: (L,) vertices that are drawn to (L, 3) places."""

    vertices: IntArray
    places: np.ndarray


@dataclass(frozen=True)
class _Stage:
    """One stiffness: (4,) weights of a map's rows; how many rounds, and the change that ends it."""

    stiffness: np.ndarray
    rounds: int
    enough: float
    pairs: bool = True


def bend(
    vertices: np.ndarray, triangles: IntArray, cloud: np.ndarray, guides: Guides | None
) -> np.ndarray:
    """(N, 3) ``vertices`` bent onto the (C, 3) points ``cloud``: the moved vertices, scan units.

    Every vertex has an affine map; maps at the two ends of an edge are to be alike.
    """
    bent = np.array(vertices, np.float64)
    differences = _differences(triangles, len(bent))
    tree = cKDTree(cloud)
    maps, change, count = np.zeros((4 * len(bent), 3)), np.inf, 0
    for stage in _stages(guides):
        alike = sparse.kron(differences, sparse.diags(stage.stiffness**2), format="csc")
        for _ in range(stage.rounds):
            if change <= stage.enough:
                break
            weights, goals = _pairs(tree, bent) if stage.pairs else _nothing(bent)
            if guides is not None:
                pull = LATER_PULL * np.exp(-FADING * count) if stage.pairs else FIRST_PULL
                weights, goals = _guided(weights, goals, guides, pull)
            before, (maps, bent) = maps, _solved(alike, bent, weights, goals)
            change = float(np.linalg.norm(maps - before))
            count += 1
    return bent


def _stages(guides: Guides | None) -> Iterator[_Stage]:
    """The schedule; the first stage only where there are landmarks."""
    if guides is not None:
        yield _Stage(FIRST_STIFFNESS, 1, 0.0, pairs=False)
    for number in range(STAGES):
        stiffness = STIFFNESS * np.exp(-SOFTENING * number) * np.ones(4)
        yield _Stage(stiffness, ROUNDS, 0.5**number)


def _differences(triangles: IntArray, count: int) -> sparse.csc_matrix:
    """(N, N) such that ``x.T @ it @ x`` sums the squared differences of ``x`` along all edges."""
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    edges = np.unique(np.sort(edges, axis=1), axis=0)
    rows = np.repeat(np.arange(len(edges)), 2)
    signs = np.tile([1.0, -1.0], len(edges))
    arcs = sparse.csr_matrix((signs, (rows, edges.ravel())), (len(edges), count))
    return (arcs.T @ arcs).tocsc()


def _pairs(tree: cKDTree, bent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(N,) squared weights 0 or 1, and the (N, 3) closest points of the cloud."""
    distance, index = tree.query(bent)
    kept = distance < max(2 * distance.mean(), FAR)
    return kept.astype(np.float64), tree.data[index]


def _nothing(bent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights and goals of a round in which only landmarks pull."""
    return np.zeros(len(bent)), bent


def _guided(
    weights: np.ndarray, goals: np.ndarray, guides: Guides, pull: float
) -> tuple[np.ndarray, np.ndarray]:
    """Squared weights and goals with the landmarks' added: two pulls act as one on their mean."""
    weights, goals = weights.copy(), goals.copy()
    for vertex, place in zip(guides.vertices, guides.places, strict=True):
        both = weights[vertex] + pull**2
        goals[vertex] = (weights[vertex] * goals[vertex] + pull**2 * place) / both
        weights[vertex] = both
    return weights, goals


def _solved(
    alike: sparse.csc_matrix, bent: np.ndarray, weights: np.ndarray, goals: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(4 N, 3) affine maps with the least weighted squares, and the vertices that they move."""
    count = len(bent)
    homogeneous = np.column_stack([bent, np.ones(count)])
    places = sparse.csr_matrix(
        (homogeneous.ravel(), (np.repeat(np.arange(count), 4), np.arange(4 * count)))
    )
    weighted = places.T @ sparse.diags(weights)
    # A piece without any pair would leave the system singular; this holds it where it is.
    hold = 1e-8
    system = alike + weighted @ places + hold * sparse.identity(4 * count)
    stay = np.tile(np.eye(4, 3), (count, 1))
    solver = splu(
        system.tocsc(),
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
    maps = np.asarray(solver.solve(weighted @ goals + hold * stay))
    return maps, places @ maps
