"""The UV layout: one island of skin, cut at the back of the head, and small ones for the rest.

The skin is flattened by Tutte's embedding onto a square, so no two places share a texel, and
the face, which the photo shows, is given the most room.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import splu

from ...data import FloatArray, IntArray
from ...head.surface import triangulate
from ...rendering import vertex_normals
from .layout import SkinMesh

SKIN_BOX = (0.004, 0.15, 0.996, 0.996)
# Strength of the anchors, relative to a spring.
ANCHOR = 3.0
ISLANDS = {
    "eye_left": (0.004, 0.004, 0.136, 0.136),
    "eye_right": (0.144, 0.004, 0.276, 0.136),
    "teeth_upper": (0.284, 0.074, 0.496, 0.136),
    "teeth_lower": (0.284, 0.004, 0.496, 0.066),
    "gums_upper": (0.504, 0.074, 0.716, 0.136),
    "gums_lower": (0.504, 0.004, 0.716, 0.066),
    "tongue": (0.724, 0.004, 0.846, 0.136),
    "mouth": (0.854, 0.004, 0.956, 0.136),
    "lashes_left": (0.964, 0.074, 0.996, 0.136),
    "lashes_right": (0.964, 0.004, 0.996, 0.066),
}


@dataclass(frozen=True)
class SkinUnwrap:
    """UV of the skin: (T, 2) coordinates and (F, 4) indices into them."""

    uv: FloatArray
    uv_quads: IntArray


def into_box(uv: FloatArray, box: tuple[float, float, float, float]) -> FloatArray:
    """Unit-square UV placed in (left, bottom, right, top)."""
    low, high = np.array(box[:2]), np.array(box[2:])
    return (low + uv * (high - low)).astype(np.float32)


def unwrap_skin(mesh: SkinMesh, mean: FloatArray, upper: IntArray, neck: IntArray) -> SkinUnwrap:
    """Flatten the skin.

    ``upper`` is the upper midline from the lip over the crown to the nape, ``neck`` the left
    half's neck rim from nape to throat.
    """
    crown = int(mean[upper, 1].argmax())
    # The cut ends a little before the crown, where hair usually hides it.
    seam = upper[crown:]
    count = len(mean)
    copies = np.full(count, -1)
    copies[seam[1:]] = count + np.arange(len(seam) - 1)
    on_right = mean[mesh.quads][..., 0].min(1) < -1e-6
    uv_quads = mesh.quads.copy()
    cut = on_right[:, None] & (copies[uv_quads] >= 0)
    uv_quads[cut] = copies[uv_quads[cut]]
    places = np.concatenate([mean, mean[seam[1:]]])
    flat = np.full((len(places), 2), np.nan)
    _pin_border(flat, mesh, mean, seam, copies, neck)
    flat = _relax(flat, places, uv_quads, [mesh.mouth_rim, *mesh.eye_rims])
    return SkinUnwrap(into_box(flat, SKIN_BOX), uv_quads)


def _pin_border(
    flat: np.ndarray, mesh: SkinMesh, mean: FloatArray, seam: IntArray, copies: IntArray,
    neck: IntArray,
) -> None:  # fmt: skip
    """Neck along the bottom, the seam up both sides and along the top to its middle."""
    length = np.append(0, np.cumsum(np.linalg.norm(np.diff(mean[seam], axis=0), axis=1)))
    along = length / length[-1]
    turn = 0.4
    x = np.where(along < turn, 0.5 + 0.5 * along / turn, 1.0)
    y = np.where(along < turn, 1.0, 1 - (along - turn) / (1 - turn))
    flat[seam] = np.column_stack([x, y])
    flat[copies[seam[1:]]] = np.column_stack([1 - x, y])[1:]
    round_neck = np.append(0, np.cumsum(np.linalg.norm(np.diff(mean[neck], axis=0), axis=1)))
    share = round_neck / round_neck[-1]
    flat[neck] = np.column_stack([1 - 0.5 * share, np.zeros(len(neck))])
    right = _right_twins(mesh, neck)
    inner = slice(1, len(neck) - 1)
    flat[right[inner]] = np.column_stack([0.5 * share, np.zeros(len(neck))])[inner]


def _right_twins(mesh: SkinMesh, left: IntArray) -> IntArray:
    twin = np.full(int(mesh.half.max()) + 1, -1)
    twin[mesh.half[mesh.flipped]] = np.flatnonzero(mesh.flipped)
    return np.where(twin[left] >= 0, twin[left], left)


def _relax(
    flat: np.ndarray, places: FloatArray, quads: IntArray, holes: list[IntArray]
) -> np.ndarray:
    """Flatten with springs, and with anchors where a cylindrical projection is faithful.

    Springs alone (Tutte's embedding) never fold but shrink what lies far from the border. Face and
    temples are held at their cylindrical place; ears, lips, nostrils and the far side of the
    skull, which would fold over themselves there, hang free between them.
    """
    edges = np.concatenate([quads[:, [k, (k + 1) % 4]] for k in range(4)])
    edges = np.unique(np.sort(edges, axis=1), axis=0)
    stiff = 1 / (np.linalg.norm(places[edges[:, 0]] - places[edges[:, 1]], axis=1) + 3e-4)
    hubs = [
        np.column_stack([rim, np.full(len(rim), len(places) + k)]) for k, rim in enumerate(holes)
    ]
    hub_stiff = np.full(sum(map(len, hubs)), 0.1 * np.median(stiff))
    start = np.concatenate([flat, np.full((len(holes), 2), np.nan)])
    anchors, hold = cylindrical(places), np.zeros(len(start))
    hold[: len(places)] = ANCHOR * np.median(stiff) * _faithful(places, quads)
    anchors = np.concatenate([anchors, np.zeros((len(holes), 2))])
    springs = np.concatenate([edges, *hubs])
    solved = _balance(start, springs, np.concatenate([stiff, hub_stiff]), anchors, hold)
    return solved[: len(places)]


def cylindrical(places: FloatArray) -> FloatArray:
    """(N, 3) -> (N, 2) in the unit square: angle round the head, the front widened; height."""
    radius = np.hypot(places[:, 0], places[:, 2])
    turn = np.arctan2(places[:, 0], places[:, 2]) / np.pi
    x = 0.5 + 0.5 * turn * (1.6 - 0.6 * np.abs(turn))
    above = places[:, 1] - 0.03
    height = np.where(above > 0, 0.1 * np.arctan2(above, radius), above)
    return np.column_stack([x, (height + 0.195) / 0.352])


def _faithful(places: FloatArray, quads: IntArray) -> FloatArray:
    """(N,) 0..1: how well the cylindrical projection shows the surface at each vertex."""
    normals = vertex_normals(places.astype(np.float32), triangulate(quads))
    x, y, z = places.T
    radial = np.column_stack([x, np.clip(y - 0.03, 0, None), z])
    radial /= np.maximum(np.linalg.norm(radial, axis=1, keepdims=True), 1e-9)
    outward = np.clip(((normals * radial).sum(1) - 0.45) / 0.2, 0, 1)
    turn = np.abs(np.arctan2(x, z))
    front = np.clip((2.1 - turn) / 1.0, 0, 1) ** 2 * np.clip((0.12 - y) / 0.05, 0, 1)
    front *= np.clip((y + 0.13) / 0.03, 0, 1)
    ear = (np.abs(x) > 0.066) & (z < 0.04) & (np.abs(y) < 0.06)
    mouth = ((x / 0.036) ** 2 + ((y + 0.034) / 0.02) ** 2 < 1) & (z > 0.08)
    nose = (np.abs(x) < 0.024) & (np.abs(y + 0.008) < 0.014) & (z > 0.09)
    return outward * front * ~(ear | mouth | nose)


def _balance(
    flat: np.ndarray, edges: IntArray, stiff: np.ndarray, anchors: np.ndarray, hold: np.ndarray
) -> np.ndarray:
    """Free (NaN) places where their springs, and anchors of strength ``hold``, balance."""
    size = len(flat)
    both = np.concatenate([edges, edges[:, ::-1]])
    springs = coo_matrix((np.tile(stiff, 2), (both[:, 0], both[:, 1])), (size, size)).tocsr()
    total = np.asarray(springs.sum(1)).ravel()
    free = np.isnan(flat[:, 0])
    system = coo_matrix((total + hold, (np.arange(size),) * 2), (size, size)).tocsr() - springs
    known = (hold[:, None] * anchors)[free] - system[free][:, ~free] @ flat[~free]
    solve = splu(system[free][:, free].tocsc())
    solved = flat.copy()
    solved[free] = solve.solve(known)
    return solved
