"""Which place of the goal each vertex of the wrapped head lies on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from ..data import FloatArray
from ..head.model import SurfacePoints
from ..head.surface import nearest_on_triangles, normals_at
from ..rendering import rasterize, vertex_normals
from .surface import Goal, Surface

# A place is taken where both normals differ by less than this cosine says.
_AGREE = 0.4
# Beyond the skin's border nothing is known: a gap along the surface of this many metres.
_BESIDE = 0.0015
_CANDIDATES = 16
# Metres along the head's edges over which a lip's or lid's number is handed on.
_SPREAD = 0.03
# Side of the pictures that show what is outside, pixels; a vertex behind what is drawn by that many
# metres is hidden.
_PICTURE, _HIDDEN = 400, 0.002


@dataclass(frozen=True)
class Matches:
    """Of V vertices: their places on the goal's skin, and (V,) 0..1 how far each is believed."""

    places: SurfacePoints
    belief: FloatArray

    def spread(self, which: np.ndarray, count: int) -> Matches:
        """The same, as those of the vertices ``which`` among ``count``; others have none."""
        corners, weights = np.zeros((count, 3), np.int32), np.zeros((count, 3), np.float32)
        belief = np.zeros(count, np.float32)
        corners[which], weights[which] = self.places.corners, self.places.weights
        belief[which] = self.belief
        return Matches(SurfacePoints(corners, weights), belief)


@dataclass(frozen=True)
class Search:
    """How places are looked for.

    Attributes
    ----------
    reach: metres within which they are. which: (V,) bool, of which vertices.
    side: (V,) the number of the lip or lid that each belongs to, or 0; it is not matched with the
        other one of the same opening.
    """

    reach: float
    which: np.ndarray
    side: np.ndarray


def matched(surface: Surface, goal: Goal, search: Search) -> Matches:
    """The nearest places of the vertices of ``surface``."""
    which, side, reach = search.which, search.side, search.reach
    count = len(surface.vertices)
    corners, weights = np.zeros((count, 3), np.int32), np.zeros((count, 3), np.float32)
    rim = np.zeros(count, bool)
    for number in np.unique(side[which]):
        own = np.flatnonzero(which & (side == number))
        other = -1 if number == 0 else number + 1 if number % 2 else number - 1
        found = _nearest(surface.vertices[own], goal, np.flatnonzero(goal.side != other))
        corners[own], weights[own], rim[own] = found
    places = SurfacePoints(corners, weights)
    gap = surface.vertices - places.on(goal.skin.vertices)
    normal = normals_at(goal.skin.vertices, places)
    along = (gap * normal).sum(1)
    beside = np.linalg.norm(gap - along[:, None] * normal, axis=1)
    agree = (vertex_normals(surface.vertices, surface.triangles) * normal).sum(1)
    distance = np.linalg.norm(gap, axis=1)
    kept = which & (agree > _AGREE) & (distance < reach) & ~(rim & (beside > _BESIDE))
    belief = kept / (1 + (2 * distance / reach) ** 2)
    return Matches(places, belief.astype(np.float32))


def outside(surface: Surface) -> np.ndarray:
    """(V,) bool: seen from somewhere, as the inside of a mouth and the back of lids are not."""
    seen = np.zeros(len(surface.vertices), bool)
    centre = surface.vertices.mean(0)
    placed = surface.vertices - centre
    scale = _PICTURE / (2.1 * np.linalg.norm(placed, axis=1).max())
    for direction in _directions():
        ahead = direction / np.linalg.norm(direction)
        right = np.cross([0.1, 1, 0.05], ahead)
        right /= np.linalg.norm(right)
        flat = placed @ np.stack([right, np.cross(right, ahead), ahead], 1)
        pixels = flat * [scale, scale, 1] + [_PICTURE / 2, _PICTURE / 2, 1]
        drawn = rasterize(pixels.astype(np.float32), surface.triangles, _PICTURE, _PICTURE)
        column, row = np.clip(pixels[:, :2].astype(int), 0, _PICTURE - 1).T
        facing = surface.normals @ ahead < -0.15
        seen |= facing & (pixels[:, 2] < drawn.depth[row, column] + _HIDDEN)
    return seen


def _directions() -> list[np.ndarray]:
    """Lines of sight towards a head, from all sides but from below."""
    steps = [np.array(d, float) for d in np.ndindex(3, 3, 3)]
    return [d - 1 for d in steps if np.any(d != 1) and d[1] < 3]


def _nearest(
    points: FloatArray, goal: Goal, open_to: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Corners and weights of the nearest places among some triangles, and whether at the border."""
    triangles = goal.skin.triangles[open_to]
    found = nearest_on_triangles(goal.skin.vertices, triangles, points, _CANDIDATES)
    at_border = (goal.border[found.corners] | (found.weights < 1e-4)).all(1)
    return found.corners, found.weights, at_border


def sides_of(surface: Surface, goal: Goal, matches: Matches) -> np.ndarray:
    """(V,) the number of the lip or lid that each vertex belongs to, or 0.

    Vertices that lie well on one hand its number on along the edges: where lips touch, nearness
    alone would take the one for the other.
    """
    number = np.zeros(len(goal.skin.vertices), np.int8)
    for k in range(3):
        corner = goal.skin.triangles[:, k]
        number[corner] = np.maximum(number[corner], goal.side)
    own = number[matches.places.corners]
    sure = (own == own[:, :1]).all(1) & (matches.belief > 0.3)
    own = np.where(sure, own[:, 0], 0)
    count = len(surface.vertices)
    one, two = surface.edges.T
    length = np.linalg.norm(surface.vertices[one] - surface.vertices[two], axis=1)
    graph = sparse.coo_matrix((length, (one, two)), shape=(count, count)).tocsr()
    side, nearest = np.zeros(count, np.int8), np.full(count, np.inf)
    for label in np.unique(own[own > 0]):
        seeds = np.flatnonzero(own == label)
        away = dijkstra(graph, directed=False, indices=seeds, min_only=True, limit=_SPREAD)
        closer = away < nearest
        side[closer], nearest[closer] = label, away[closer]
    return side
