"""Bring one head onto another: a similarity from pairs of points, then smooth displacements.

Closest places and a linear solve alternate, as in the non-rigid ICP of Amberg, Romdhani and Vetter
("Optimal Step Nonrigid ICP Algorithms for Surface Registration", CVPR 2007), with a thin plate's
energy (the squared Laplacian of the displacements) in place of their local affine stiffness.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse
from scipy.spatial import cKDTree

from ..data import FloatArray, Progress
from ..errors import HeadError
from ..geometry.alignment import Similarity, best_similarity
from .matching import Matches, Search, matched, outside, sides_of
from .plate import plate_of, settled
from .surface import Goal, Surface

FEWEST_PAIRS = 5
# Of each step: the plate's stiffness and the weight of a pair of points, relative to a match, and
# metres within which matches are. Marks are set by hand: in the end the surfaces know better.
_ENDS = ((3e5, 0.1), (30.0, 0.03), (0.03, 0.004))
_STEPS = tuple(zip(*(np.geomspace(*ends, 14) for ends in _ENDS), strict=True))
# The lips and lids are told apart anew at these steps.
_SIDES_AT = (4, 7, 10, 13)
# A part of the mesh is skin if it has that many vertices, as a share of the largest's.
_SKIN = 0.2
_UNFOLD_ROUNDS = 8
# Smaller triangles, as a share of the median's area, have no direction to speak of.
_SLIVER = 0.02
# Vertices of the skin near a vertex of an inner part that say where it goes.
_ROUND = 24
# Less of the skin than that is matched where the marks are at other points.
_FEWEST_MATCHED = 0.1


@dataclass(frozen=True)
class Pairs:
    """N points of both heads: (N,) vertices of the wrapped one, (N, 3) metres on the goal."""

    vertices: np.ndarray
    places: FloatArray


@dataclass(frozen=True, eq=False)
class Registered:
    """A wrapped head of V vertices.

    Attributes
    ----------
    surface: the head in the goal's shape. pose: from its own space to the goal's.
    skin: (V,) bool, in a large part of the mesh; eyes, teeth and lashes are small ones.
    matches: of all vertices. side: (V,) the number of the lip or lid that each belongs to, or 0.
    flipped: how many triangles are turned over.
    """

    surface: Surface
    pose: Similarity
    skin: np.ndarray
    matches: Matches
    side: np.ndarray
    flipped: int


def registered(surface: Surface, goal: Goal, pairs: Pairs, progress: Progress) -> Registered:
    """``surface`` in the shape of ``goal``.

    Raises
    ------
    HeadError: there are too few pairs, or the heads do not lie on each other.
    """
    if len(pairs.vertices) < FEWEST_PAIRS:
        raise HeadError(
            f"{len(pairs.vertices)} points are marked, and {FEWEST_PAIRS} are needed",
            "Mark more points of the face",
        )
    pose = best_similarity(surface.vertices[pairs.vertices], pairs.places)
    placed = replace(surface, vertices=pose.apply(surface.vertices).astype(np.float32))
    skin = np.flatnonzero(_in_large_parts(placed))
    marked = np.isin(pairs.vertices, skin)
    own = Pairs(np.searchsorted(skin, pairs.vertices[marked]), pairs.places[marked])
    rest = placed.part(skin)
    moved, match, side = _moved(rest, goal, own, progress)
    if (match.belief > 0).mean() < _FEWEST_MATCHED:
        raise HeadError(
            "The two heads do not lie on each other", "Check that each mark is at its point"
        )
    vertices = placed.vertices.copy()
    vertices[skin] += moved
    _carry_inner_parts(placed, vertices, skin)
    on_skin = np.zeros(len(vertices), bool)
    on_skin[skin] = True
    sides = np.zeros(len(vertices), np.int8)
    sides[skin] = side
    whole, over = match.spread(skin, len(vertices)), len(flipped(rest, rest.vertices + moved))
    return Registered(replace(placed, vertices=vertices), pose, on_skin, whole, sides, over)


def _moved(
    rest: Surface, goal: Goal, pairs: Pairs, progress: Progress
) -> tuple[FloatArray, Matches, np.ndarray]:
    """(V, 3) displacements of skin onto the goal, its matches at the end, and its sides."""
    plate, outer = plate_of(rest), outside(rest)
    moved, side = np.zeros_like(rest.vertices), np.zeros(len(rest.vertices), np.int8)
    for number, (stiffness, guide, reach) in enumerate(_STEPS):
        progress(number / len(_STEPS), "Wrapping")
        here = replace(rest, vertices=rest.vertices + moved)
        match = matched(here, goal, Search(reach, outer, side))
        if number in _SIDES_AT:
            side = sides_of(here, goal, match)
            match = matched(here, goal, Search(reach, outer, side))
        pull = _pull(rest, match.places.on(goal.skin.vertices), match.belief, (pairs, guide))
        moved = _displaced(stiffness * plate, *pull)
    moved = _unfolded(rest, moved, stiffness * plate, pull)
    here = replace(rest, vertices=rest.vertices + moved)
    return moved, matched(here, goal, Search(reach, outer, side)), side


def _pull(
    rest: Surface, places: FloatArray, belief: FloatArray, guide: tuple[Pairs, float]
) -> tuple[np.ndarray, np.ndarray]:
    """(V,) weights and (V, 3) weighted displacements that matches and pairs ask for.

    places, belief: (V, 3) and (V,) of the matches. guide: the pairs, and the weight of each.
    """
    (pairs, force), weight = guide, belief.astype(np.float64)
    wanted = weight[:, None] * (places - rest.vertices)
    weight[pairs.vertices] += force
    wanted[pairs.vertices] += force * (pairs.places - rest.vertices[pairs.vertices])
    return weight, wanted


def _displaced(plate: sparse.csr_matrix, weight: np.ndarray, wanted: np.ndarray) -> FloatArray:
    return np.asarray(settled(plate, weight, wanted), np.float32)


def _unfolded(
    rest: Surface, moved: FloatArray, plate: sparse.csr_matrix, pull: tuple[np.ndarray, np.ndarray]
) -> FloatArray:
    """``moved`` without triangles that are turned over: around them the plate alone decides."""
    weight, wanted = (values.copy() for values in pull)
    freed = np.zeros(len(weight), bool)
    for _ in range(_UNFOLD_ROUNDS):
        over = flipped(rest, rest.vertices + moved)
        if not len(over):
            break
        freed[rest.triangles[over]] = True
        freed[rest.edges[freed[rest.edges].any(1)]] = True
        weight[freed], wanted[freed] = 0, 0
        moved = _displaced(plate, weight, wanted)
    return moved


def flipped(rest: Surface, vertices: FloatArray) -> np.ndarray:
    """Triangles that face the other way than at rest, without slivers.

    Those in the seam of closed lips are hundreds of times smaller than others and face anywhere.
    """
    before, after = (
        np.cross(*(p[rest.triangles[:, k]] - p[rest.triangles[:, 0]] for k in (1, 2)))
        for p in (rest.vertices, vertices)
    )
    size = np.linalg.norm(before, axis=1)
    return np.flatnonzero(((before * after).sum(1) < 0) & (size > _SLIVER * np.median(size)))


def _in_large_parts(placed: Surface) -> np.ndarray:
    """(V,) bool."""
    sizes = np.bincount(placed.components)
    return np.asarray((sizes >= _SKIN * sizes.max())[placed.components])


def _carry_inner_parts(placed: Surface, vertices: FloatArray, skin: np.ndarray) -> None:
    """Move, turn and scale eyes, teeth and the like as what is round them moved, in place."""
    tree, inner = cKDTree(placed.vertices[skin]), np.ones(len(vertices), bool)
    inner[skin] = False
    for part in np.unique(placed.components[inner]):
        own = np.flatnonzero(placed.components == part)
        _, near = tree.query(placed.vertices[own], k=min(_ROUND, len(skin)))
        near = skin[np.unique(near)]
        vertices[own] = best_similarity(placed.vertices[near], vertices[near]).apply(
            placed.vertices[own]
        )


def error_of(result: Registered, goal: Goal) -> FloatArray:
    """(N,) metres from the goal's skin of the vertices that are matched."""
    on = result.matches.belief > 0
    gap = result.surface.vertices - result.matches.places.on(goal.skin.vertices)
    return np.asarray(np.linalg.norm(gap[on], axis=1), np.float32)
