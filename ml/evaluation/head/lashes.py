"""Whether lashes cross each other or the lids."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.spatial import cKDTree

from ...data import FloatArray, IntArray
from ...geometry import MILLIMETRES
from ...geometry.triangles import triangulate
from ...head.model import HeadModel

# Points along a blade at which it is measured; its first share is rooted in the lid.
POINTS, ROOTED = 24, 0.2
# Metres below which two lashes are close, and round the eye within which skin is looked at.
CLOSE, REACH = 0.0003, 0.04


def blade_lines(model: HeadModel, side: str) -> list[IntArray]:
    """For each lash of a side ("left", "right"), pairs of vertices (K, 2) from root to tip."""
    quads = model.quads[model.part_faces(f"lashes_{side}")]
    # A blade is a strip of quads; its vertices are no other blade's.
    label = {int(v): int(v) for v in np.unique(quads)}

    def top(vertex: int) -> int:
        while label[vertex] != vertex:
            vertex = label[vertex]
        return vertex

    for quad in quads.tolist():
        for one, other in pairwise(quad):
            a, b = sorted((top(one), top(other)))
            label[b] = a
    blades: dict[int, list[int]] = {}
    for vertex in sorted(label):
        blades.setdefault(top(vertex), []).append(vertex)
    return [np.array(own, np.int32).reshape(-1, 2) for own in blades.values()]


def measure_lashes(model: HeadModel, vertices: FloatArray, side: str) -> dict[str, float]:
    """Figures on one eye's lashes with ``vertices`` (V, 3), metres.

    Millimetres: "shortest" and "longest" lash, and the least distance "apart" of two beyond their
    roots, where it is below CLOSE. "through_skin": the number of lashes that cross the skin.
    """
    bends = np.stack([vertices[own].mean(1) for own in blade_lines(model, side)])
    lines = np.stack([_even(line) for line in bends])
    length = np.linalg.norm(np.diff(lines, axis=1), axis=2).sum(1)
    free = lines[:, int(ROOTED * POINTS) :]
    owner = np.repeat(np.arange(len(free)), free.shape[1])
    flat = free.reshape(-1, 3)
    near = cKDTree(flat).query_pairs(CLOSE, output_type="ndarray")
    near = near[owner[near[:, 0]] != owner[near[:, 1]]]
    apart = np.linalg.norm(flat[near[:, 0]] - flat[near[:, 1]], axis=1)
    skin = triangulate(model.quads[model.part_faces("skin")])
    middle = vertices[skin].mean(1)
    skin = skin[np.linalg.norm(middle - flat.mean(0), axis=1) < REACH]
    way = np.concatenate([free[:, :1], bends[:, 1:]], axis=1)
    crossed = [_crosses(line, vertices[skin].astype(np.float64)) for line in way]
    return {
        "shortest": MILLIMETRES * float(length.min()),
        "longest": MILLIMETRES * float(length.max()),
        "apart": MILLIMETRES * float(apart.min(initial=CLOSE)),
        "through_skin": float(np.sum(crossed)),
    }


def _crosses(line: np.ndarray, corner: np.ndarray) -> bool:
    """Whether a line (K, 3) crosses any of the triangles (T, 3, 3).

    Möller and Trumbore, "Fast, minimum storage ray/triangle intersection" (1997).
    """
    one, two = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]
    for start, end in pairwise(line):
        across = np.cross(end - start, two)
        scale = (one * across).sum(1)
        scale = np.where(np.abs(scale) < 1e-18, np.inf, scale)
        away = start - corner[:, 0]
        u = (away * across).sum(1) / scale
        other = np.cross(away, one)
        v, at = (other @ (end - start)) / scale, (two * other).sum(1) / scale
        if ((u >= 0) & (v >= 0) & (u + v <= 1) & (at >= 0) & (at <= 1)).any():
            return True
    return False


def _even(line: np.ndarray) -> np.ndarray:
    """(K, 3) -> (POINTS, 3) at equal shares between the points of a line."""
    at = np.linspace(0, len(line) - 1, POINTS)
    return np.stack([np.interp(at, np.arange(len(line)), line[:, k]) for k in range(3)], -1)
