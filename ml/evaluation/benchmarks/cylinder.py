"""FaceScape's figures: two heads unwrapped about one cylinder and compared where both are seen.

Zhu et al., TPAMI 2023, section 6. The release's mean normal error is the angle between
normals to which (1, 1, 1) was added before they were normalised, as colours are; published
figures are of that kind. The plain angle stands beside it.
"""

from __future__ import annotations

import numpy as np

from ...geometry.triangles import triangulate
from .closest import ClosestPoints
from .rays import SIDE, Hits, cylinder_rays, unwrap
from .scans import Surface

CLIFF = 15.0  # mm between neighbours in the unwrapped head that are no common surface
METRICS = {"CD": "mm", "MNE": "rad", "angle": "rad", "CR": "share"}


def compare(ours: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """The METRICS of (F, 3, 3) triangles against the truth's, both in the cylinder's frame, mm.

    CD: mean distance of either's points to the other's surface. MNE and angle: see above.
    CR: the share of the truth that is there. NaN where they have nothing in common.
    """
    mine, theirs = unwrap(ours), unwrap(truth)
    common = mine.seen & theirs.seen
    if not common.any():
        return dict.fromkeys(METRICS, float("nan"))
    normals = _normals(ours, mine, common), _normals(truth, theirs, common)
    return {
        "CD": _chamfer(_sheet(mine, common), _sheet(theirs, common)),
        "MNE": _angle(_unit(normals[0] + 1), _unit(normals[1] + 1)),
        "angle": _angle(*normals),
        "CR": float(common.sum() / theirs.seen.sum()),
    }


def _normals(corners: np.ndarray, hits: Hits, where: np.ndarray) -> np.ndarray:
    """(P, 3) unit normals of the triangles hit."""
    hit = corners[hits.triangle[where]]
    return _unit(np.cross(hit[:, 1] - hit[:, 0], hit[:, 2] - hit[:, 0]))


def _unit(vectors: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-12))


def _angle(one: np.ndarray, other: np.ndarray) -> float:
    """Mean angle between (P, 3) unit vectors; half of it is the arc tangent of two lengths,
    which unlike the arc cosine is exact near nought."""
    apart = np.linalg.norm(one - other, axis=1)
    return float((2 * np.arctan2(apart, np.linalg.norm(one + other, axis=1))).mean())


def _sheet(hits: Hits, where: np.ndarray) -> Surface:
    """The unwrapped surface ``where`` (256, 256) as a mesh, without what spans a cliff."""
    origins, directions = cylinder_rays()
    places = (origins + hits.distance[..., None] * directions).reshape(-1, 3)
    index = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    cells = np.stack([index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]], -1)
    cells = cells.reshape(-1, 4)
    radius = hits.distance.reshape(-1)[cells]
    steps = np.abs(radius[:, 1:] - radius[:, :1]).max(1)
    whole = cells[where.reshape(-1)[cells].all(1) & (steps < CLIFF)]
    triangles = triangulate(whole[:, [2, 0, 1, 3]])
    used, numbers = np.unique(triangles, return_inverse=True)
    return Surface(places[used], numbers.reshape(-1, 3).astype(np.int32))


def _chamfer(one: Surface, other: Surface) -> float:
    """Mean distance of either's points to the other's surface; NaN if one is empty."""
    if not len(one.triangles) or not len(other.triangles):
        return float("nan")
    ways = [
        np.linalg.norm(ClosestPoints(b.vertices, b.triangles)(a.vertices) - a.vertices, axis=1)
        for a, b in ((one, other), (other, one))
    ]
    return float(np.concatenate(ways).mean())
