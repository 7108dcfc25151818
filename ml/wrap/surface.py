"""The two surfaces: the head that is wrapped, and the Effigy head that it is wrapped onto."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from ..data import FloatArray, HeadMesh, IntArray
from ..geometry.triangles import triangulate
from ..rendering import vertex_normals

# MediaPipe's landmarks along the inner lips and along the lids' rims, from corner to corner.
_RIMS = (
    (
        (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308),
        (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308),
    ),
    ((33, 246, 161, 160, 159, 158, 157, 173, 133), (33, 7, 163, 144, 145, 153, 154, 155, 133)),
    ((263, 466, 388, 387, 386, 385, 384, 398, 362), (263, 249, 390, 373, 374, 380, 381, 382, 362)),
)
# Metres from the rims within which skin belongs to one lip or lid, and how far apart both must be.
_REACH, _APART = (0.014, 0.008, 0.008), (0.003, 0.0015, 0.0015)
# The lips are told apart with the jaw open: at rest they touch.
_OPENED = 0.6
# Metres that jawOpen moves whatever belongs to the jaw.
_MOVING = 0.005


@dataclass(frozen=True, eq=False)
class Surface:
    """(V, 3) vertices, metres, and (T, 3) triangles, counter-clockwise seen from outside."""

    vertices: FloatArray
    triangles: IntArray

    @cached_property
    def edges(self) -> IntArray:
        """(E, 2) each edge once."""
        sides = np.concatenate([self.triangles[:, [k, (k + 1) % 3]] for k in range(3)])
        return np.unique(np.sort(sides, axis=1), axis=0)

    @cached_property
    def neighbours(self) -> sparse.csr_matrix:
        """(V, V) 1 where an edge is."""
        count, ones = len(self.vertices), np.ones(len(self.edges))
        half = sparse.coo_matrix((ones, tuple(self.edges.T)), shape=(count, count)).tocsr()
        return half + half.T

    @cached_property
    def components(self) -> np.ndarray:
        """(V,) number of the connected part that each vertex belongs to."""
        return np.asarray(connected_components(self.neighbours, directed=False)[1])

    @cached_property
    def normals(self) -> FloatArray:
        """(V, 3) unit normals."""
        return vertex_normals(self.vertices, self.triangles)

    def outward(self) -> Surface:
        """The same with all triangles turned over where most of them face inward."""
        corners = self.vertices[self.triangles].astype(np.float64)
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        sizes = np.linalg.norm(normals, axis=1)
        middles = corners.mean(1)
        centre = (sizes[:, None] * middles).sum(0) / max(sizes.sum(), 1e-30)
        if (normals * (middles - centre)).sum() >= 0:
            return self
        return Surface(self.vertices, self.triangles[:, ::-1].copy())

    def part(self, which: np.ndarray) -> Surface:
        """The surface of some vertices, in ascending order, and of the triangles that join them."""
        number = np.full(len(self.vertices), -1, np.int32)
        number[which] = np.arange(len(which))
        triangles = number[self.triangles]
        return Surface(self.vertices[which], triangles[(triangles >= 0).all(1)])


@dataclass(frozen=True, eq=False)
class Goal:
    """The skin of an Effigy head, and what else a wrapped head takes from it.

    Attributes
    ----------
    skin: its triangles are those of the skin, of all the head's vertices.
    side: (T,) 0, or the number of the lip or lid that a triangle belongs to; 2 k - 1 and 2 k are
        the two of one opening. border: (V,) bool, of a triangle with an edge at the skin's border.
    mesh: the whole head.
    """

    skin: Surface
    side: np.ndarray
    border: np.ndarray
    mesh: HeadMesh


def goal_of(mesh: HeadMesh) -> Goal:
    """The goal that ``mesh`` is, with its neutral expression."""
    triangles = triangulate(mesh.quads[mesh.part == mesh.part_names.index("skin")])
    skin = Surface(mesh.vertices, triangles)
    sides = np.sort(np.concatenate([triangles[:, [k, (k + 1) % 3]] for k in range(3)]), axis=1)
    _, which, times = np.unique(sides, axis=0, return_inverse=True, return_counts=True)
    border = np.zeros(len(mesh.vertices), bool)
    border[triangles[(times[which.ravel()] == 1).reshape(3, -1).any(0)]] = True
    return Goal(skin, _sides(mesh)[triangles].max(1), border, mesh)


def _sides(mesh: HeadMesh) -> np.ndarray:
    """(V,) the number of the lip or lid that each vertex belongs to, or 0."""
    side = np.zeros(len(mesh.vertices), np.int8)
    jaw = mesh.shape_keys[mesh.expression_names.index("jawOpen")]
    known = mesh.landmarks_478
    for number, (upper, lower) in enumerate(_RIMS):
        places, points = mesh.vertices, known
        if number == 0:
            places = mesh.vertices + _OPENED * jaw
            points = known + _OPENED * _moved_with(mesh, jaw)
        rims = points[list(upper)], points[list(lower)]
        both = np.concatenate(rims)
        low, high = both.min(0) - _REACH[number], both.max(0) + _REACH[number]
        round_it = np.flatnonzero(((places > low) & (places < high)).all(1))
        above, below = (_distance(places[round_it], rim) for rim in rims)
        near = np.minimum(above, below) < _REACH[number]
        near &= np.abs(above - below) > _APART[number]
        side[round_it[near]] = np.where(above < below, 2 * number + 1, 2 * number + 2)[near]
    return side


def _moved_with(mesh: HeadMesh, moved: FloatArray) -> FloatArray:
    """(478, 3) what (V, 3) ``moved`` is at the lower lip's rim; 0 elsewhere."""
    found = np.zeros_like(mesh.landmarks_478)
    moving = np.flatnonzero(np.linalg.norm(moved, axis=1) > _MOVING)
    rim = list(_RIMS[0][1][1:-1])
    apart = np.linalg.norm(mesh.landmarks_478[rim][:, None] - mesh.vertices[moving][None], axis=2)
    found[rim] = moved[moving[apart.argmin(1)]]
    return found


def _distance(places: FloatArray, line: FloatArray) -> np.ndarray:
    """(N,) metres from the nearest place of an open line through (P, 3)."""
    start, way = line[:-1], np.diff(line, axis=0)
    offset = places[:, None] - start
    along = np.clip((offset * way).sum(-1) / np.maximum((way**2).sum(-1), 1e-12), 0, 1)
    return np.asarray(np.linalg.norm(offset - along[..., None] * way, axis=-1).min(1))
