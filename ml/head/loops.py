"""Loops of edges in a mesh of quads: round a hole, and round the mouth."""

from __future__ import annotations

import numpy as np

from ..data import IntArray
from ..geometry.triangles import edges_of


def mesh_edges(quads: IntArray) -> tuple[IntArray, IntArray]:
    """Edges (E, 2), lower index first, and how many of the (F, 4) quads use each."""
    pairs = edges_of(quads)
    edges, uses = np.unique(np.sort(pairs, axis=1), axis=0, return_counts=True)
    return edges.astype(np.int32), uses.astype(np.int32)


def concentric_loops(quads: IntArray, rim: IntArray, most: int | None = None) -> list[IntArray]:
    """The closed loops of edges round a hole, from its ``rim`` (P,), in order, outwards.

    Each loop is the opposite side of the ring of quads along the last one, so all have P vertices.
    The last loop is the one beyond which that ring does not close: at an irregular vertex, a
    border, or its own end; or the ``most``-th.
    """
    beside: dict[tuple[int, int], list[tuple[int, int, int]]] = {}
    for face, quad in enumerate(quads.tolist()):
        for k in range(4):
            a, b, c, d = (quad[(k + step) % 4] for step in range(4))
            beside.setdefault((a, b), []).append((face, d, c))
            beside.setdefault((b, a), []).append((face, c, d))
    loops, used, seen = [np.asarray(rim, np.int32)], set[int](), set(rim.tolist())
    while most is None or len(loops) < most:
        loop, following, ring = loops[-1].tolist(), [], set[int]()
        for a, b in zip(loop, loop[1:] + loop[:1], strict=True):
            found = [item for item in beside.get((a, b), []) if item[0] not in used]
            if len(found) != 1:
                return loops
            ring.add(found[0][0])
            following.append(found[0][1:])
        outer = [start for start, _ in following]
        closes = all(end == outer[(k + 1) % len(outer)] for k, (_, end) in enumerate(following))
        if not closes or len(set(outer)) < len(outer) or seen & set(outer):
            return loops
        used |= ring
        seen |= set(outer)
        loops.append(np.array(outer, np.int32))
    return loops


def mouth_rim(quads: IntArray, part: np.ndarray, part_names: tuple[str, ...]) -> IntArray:
    """(P,) the loop in which the skin meets the bag of the mouth, in order; empty without one.

    quads: (F, 4). part: (F,) index into ``part_names`` of each.
    """
    if not {"skin", "mouth"} <= set(part_names):
        return np.zeros(0, np.int32)
    pieces = [quads[part == part_names.index(name)] for name in ("skin", "mouth")]
    both = np.intersect1d(*pieces)
    # Only faces at the rim count: the other ones take most of the time.
    edges = [mesh_edges(piece[np.isin(piece, both).any(1)]) for piece in pieces]
    borders = [{tuple(edge) for edge in e[uses == 1].tolist()} for e, uses in edges]
    shared = np.array(sorted(borders[0] & borders[1]), np.int32).reshape(-1, 2)
    return ordered_loop(shared) if len(shared) else np.zeros(0, np.int32)


def ordered_loop(edges: IntArray) -> IntArray:
    """(P, 2) edges of one loop -> its (P,) vertices in order."""
    beside: dict[int, list[int]] = {}
    for a, b in edges.tolist():
        beside.setdefault(a, []).append(b)
        beside.setdefault(b, []).append(a)
    loop = [int(edges[0, 0]), int(edges[0, 1])]
    while True:
        one, other = beside[loop[-1]]
        following = other if one == loop[-2] else one
        if following == loop[0]:
            return np.array(loop, np.int32)
        loop.append(following)
