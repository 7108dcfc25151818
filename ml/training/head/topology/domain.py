"""A flat map of the left half of the reference's skin, on which the layout is drawn.

Cut along the midline, the skin is a rectangle with one hole, the eye: one side is the rim of the
mouth, the opposite one the rim of the neck, and the other two are the midline above the mouth
(nose, crown, nape) and below it (chin, throat). Tutte's embedding with equal weights maps it
without folds, whatever the surface does in nostrils, lips and ears, and gives room to where the
reference is dense.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....data import FloatArray, IntArray
from ....geometry.triangles import edges_of, triangulate, tube_quads
from ....head.model import HeadModel, SurfacePoints
from ..statistics.correspondence import locate_in_plane
from .flatten import harmonic

MIDLINE = 1e-5
HOLE_RINGS = 4
# The rectangle's corners: whether each is on the mouth, and whether it ends the upper midline.
_CORNERS = ((True, True), (True, False), (False, False), (False, True))


@dataclass(frozen=True)
class HalfDomain:
    """The flat map.

    Attributes
    ----------
    plane: (V, 2) place of every reference vertex of the half: x from mouth (0) to neck (1),
        y from the upper midline (0) to the lower (1); NaN elsewhere.
    triangles: (F, 3) of the half's skin. eye_rim: ordered vertices round the eye.
    mean: (V, 3) of the reference.
    """

    plane: np.ndarray
    triangles: IntArray
    eye_rim: IntArray
    mean: FloatArray

    def locate(self, places: np.ndarray) -> SurfacePoints:
        """Points of the surface at (L, 2) places of the map."""
        found = locate_in_plane(places, self.triangles, self.plane[self.triangles])
        weights = np.clip(found.weights, 0, None)
        return SurfacePoints(found.corners, weights / weights.sum(1, keepdims=True))


def make_domain(reference: HeadModel) -> HalfDomain:
    """Map the half with x >= 0 of the parts Face, and Head and Neck."""
    mean = reference.shape.mean
    skin = np.isin(
        reference.part, [reference.part_names.index(n) for n in ("Face", "Head and Neck")]
    )
    quads = reference.quads[skin]
    half = quads[(mean[quads][..., 0] > -MIDLINE).all(1)]
    loops = sorted(boundary_loops(half), key=len)
    eye, outer = loops[0], loops[-1]
    whole = sorted(boundary_loops(quads), key=lambda loop: mean[loop][:, 1].mean())
    neck, mouth = set(whole[0].tolist()), set(whole[1].tolist())
    sides = _sides(outer, mean, neck, mouth)
    plane = _tutte(half, eye, sides, len(mean))
    return HalfDomain(plane, triangulate(half), eye, mean)


def boundary_loops(quads: IntArray) -> list[IntArray]:
    """The ordered rims of a mesh, each running with the surface on its left."""
    following: dict[int, int] = {}
    directed: set[tuple[int, int]] = set()
    for quad in quads.tolist():
        corners = list(dict.fromkeys(quad))
        directed.update(zip(corners, corners[1:] + corners[:1], strict=True))
    for start, end in directed:
        if (end, start) not in directed:
            following[start] = end
    loops = []
    while following:
        start, vertex = following.popitem()
        loop = [start]
        while vertex != start:
            loop.append(vertex)
            vertex = following.pop(vertex)
        loops.append(np.array(loop, np.int32))
    return loops


def _sides(
    outer: IntArray, mean: FloatArray, neck: set[int], mouth: set[int]
) -> list[tuple[IntArray, np.ndarray, np.ndarray]]:
    """The outer rim as (vertices, from corner, to corner) for the four sides of the rectangle."""
    on_midline = np.abs(mean[outer, 0]) < MIDLINE
    in_mouth = np.array([int(v) in mouth for v in outer])
    in_neck = np.array([int(v) in neck for v in outer])
    corners = outer[on_midline & (in_mouth | in_neck)]
    by_place = {
        (bool(v in mouth), bool(higher)): int(v)
        for ring in (mouth, neck)
        for v, higher in _pair([int(c) for c in corners if int(c) in ring], mean, ring is neck)
    }
    order = [by_place[in_mouth, first] for in_mouth, first in _CORNERS]
    places = np.array([[0, 0], [0, 1], [1, 1], [1, 0]], float)
    ring = outer.tolist()
    if _between(ring, order[0], order[1])[1] not in mouth:
        ring = ring[::-1]
    sides = []
    for k, following in ((0, 1), (1, 2), (2, 3), (3, 0)):
        line = np.array(_between(ring, order[k], order[following]), np.int32)
        sides.append((line, places[k], places[following]))
    return sides


def _pair(two: list[int], mean: FloatArray, is_neck: bool) -> list[tuple[int, bool]]:
    """The two corners of a rim, marked by whether they end the upper midline: the upper lip's,
    and the nape's."""
    key = (lambda v: -mean[v, 2]) if is_neck else (lambda v: mean[v, 1])
    low, high = sorted(two, key=key)
    return [(low, False), (high, True)]


def _between(ring: list[int], start: int, end: int) -> list[int]:
    turned = ring[ring.index(start) :] + ring[: ring.index(start)]
    return turned[: turned.index(end) + 1]


def _tutte(
    quads: IntArray, eye: IntArray, sides: list[tuple[IntArray, np.ndarray, np.ndarray]], count: int
) -> np.ndarray:
    """Every free vertex at the mean of its neighbours; the eye is held open by virtual rings."""
    rings = [eye, *(count + k * len(eye) + np.arange(len(eye)) for k in range(HOLE_RINGS))]
    hub = count + HOLE_RINGS * len(eye)
    edges = edges_of(np.concatenate([quads, tube_quads(rings)]))
    edges = np.concatenate([edges, np.column_stack([rings[-1], np.full(len(eye), hub)])])
    edges = np.unique(np.sort(edges[edges[:, 0] != edges[:, 1]], axis=1), axis=0)
    plane = np.full((hub + 1, 2), np.nan)
    for vertices, start, end in sides:
        along = np.linspace(0, 1, len(vertices))[:, None]
        plane[vertices] = start + along * (end - start)
    return harmonic(edges, np.ones(len(edges)), plane)[:count]
