"""The skin's quads: our own layout, drawn on the flat map of the left half and mirrored.

A grid of concentric rings round the mouth and spokes from the mouth to the neck covers the half
head; a block of cells over the eye gives way to rings round the eye. Its only irregular points are
the four corners of that block. The grid then relaxes until edges on the surface are even.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.sparse import coo_matrix

from ...data import FloatArray, IntArray
from ...head.model import SurfacePoints
from .domain import HalfDomain

RINGS, SPOKES = 78, 52
EYE_BLOCK = (12, 10)
EYE_RINGS, LID_RINGS = 11, 8
RELAXATION, STEP = 220, 0.35
# Above 1, long edges pull more than their length: evens the mesh in fewer steps. It also lets
# neighbours alternate, which a few steps with equal pulls calm at the end.
PULL, CALMING = 1.25, 12


@dataclass(frozen=True)
class HalfLayout:
    """Vertices and quads of the left half.

    Attributes
    ----------
    places: (N, 2) on the map. quads: (F, 4). surface: where the vertices lie on the reference.
    upper, lower: vertices of the midline from lip to nape, and from lip to throat.
    mouth_rim: from upper to lower lip. neck: from nape to throat. eye_rim: round the eye.
    """

    places: np.ndarray
    quads: IntArray
    surface: SurfacePoints
    upper: IntArray
    lower: IntArray
    mouth_rim: IntArray
    neck: IntArray
    eye_rim: IntArray


def lay_out_half(domain: HalfDomain) -> HalfLayout:
    """Draw the grid, insert the eye, relax."""
    grid = np.arange((RINGS + 1) * (SPOKES + 1)).reshape(RINGS + 1, SPOKES + 1)
    x, y = np.meshgrid(np.linspace(0, 1, RINGS + 1), np.linspace(0, 1, SPOKES + 1), indexing="ij")
    places = np.column_stack([x.ravel(), y.ravel()])
    eye = domain.plane[domain.eye_rim].mean(0)
    first = [round(eye[k] * (RINGS, SPOKES)[k] - EYE_BLOCK[k] / 2) for k in range(2)]
    rows = slice(first[0], first[0] + EYE_BLOCK[0])
    columns = slice(first[1], first[1] + EYE_BLOCK[1])
    keep = np.ones((RINGS, SPOKES), bool)
    keep[rows, columns] = False
    cells = np.stack([grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]], -1)[keep]
    block = grid[rows.start : rows.stop + 1, columns.start : columns.stop + 1]
    perimeter = np.concatenate([block[:-1, 0], block[-1, :-1], block[:0:-1, -1], block[0, :0:-1]])
    rim = _rim_places(domain, len(perimeter), places[perimeter])
    places, eye_quads, rings = _eye_rings(domain, places, perimeter, rim)
    quads = np.concatenate([cells, eye_quads[:, ::-1]])
    places, quads, index = _compact(places, quads)
    lines = [index[line] for line in (grid[:, 0], grid[:, -1], grid[0], grid[-1])]
    # The lids' own rings stay where they were put; what lies outside them relaxes.
    lids = index[rings[-LID_RINGS:].ravel()]
    places = _relaxed(domain, places, quads, lines, lids)
    upper, lower, mouth_rim, neck = lines
    eye_rim = index[rings[-1]]
    surface = domain.locate(places)
    return HalfLayout(places, quads, surface, upper, lower, mouth_rim, neck, eye_rim)


def _rim_places(domain: HalfDomain, count: int, wanted: np.ndarray) -> np.ndarray:
    """``count`` places evenly round the eye's rim (evenly on the surface), turned so that they
    lie best opposite ``wanted``."""
    rim = domain.eye_rim
    if _area(domain.plane[rim]) * _area(wanted) < 0:
        rim = rim[::-1]
    closed = np.append(rim, rim[0])
    length = np.append(0, np.cumsum(np.linalg.norm(np.diff(domain.mean[closed], axis=0), axis=1)))
    best, lowest = np.zeros((0, 2)), np.inf
    for shift in np.linspace(0, 1, 4 * count, endpoint=False):
        at = (np.arange(count) / count + shift) % 1 * length[-1]
        places = np.column_stack(
            [np.interp(at, length, domain.plane[closed, axis]) for axis in range(2)]
        )
        centred = (places - places.mean(0)) / np.ptp(places, axis=0)
        goal = (wanted - wanted.mean(0)) / np.ptp(wanted, axis=0)
        cost = ((centred - goal) ** 2).sum()
        if cost < lowest:
            best, lowest = places, cost
    return best


def _area(ring: np.ndarray) -> float:
    following = np.roll(ring, -1, axis=0)
    return float((ring[:, 0] * following[:, 1] - ring[:, 1] * following[:, 0]).sum() / 2)


def _eye_rings(
    domain: HalfDomain, places: np.ndarray, perimeter: IntArray, rim: np.ndarray
) -> tuple[np.ndarray, IntArray, IntArray]:
    """Rings between the block's perimeter and the eye's rim: new places, quads, and the rings
    (EYE_RINGS, N) from the outermost to the rim."""
    count = len(perimeter)
    rings = len(places) + np.arange(EYE_RINGS * count).reshape(EYE_RINGS, count)
    every = [perimeter, *rings]
    quads = [np.column_stack([a, np.roll(a, -1), np.roll(b, -1), b]) for a, b in pairwise(every)]
    added = np.stack([_spoke(domain, rim[k], places[perimeter[k]]) for k in range(count)], axis=1)
    return np.concatenate([places, added.reshape(-1, 2)]), np.concatenate(quads), rings


def _spoke(domain: HalfDomain, rim: np.ndarray, outer: np.ndarray) -> np.ndarray:
    """(EYE_RINGS, 2) places from near ``outer`` to ``rim``, spaced by length on the surface.

    Near the rim, where the lid folds over, they lie closer.
    """
    along = np.linspace(0, 1, 240)[:, None]
    line = rim + along * (outer - rim)
    steps = np.linalg.norm(np.diff(domain.locate(line).on(domain.mean), axis=0), axis=1)
    length = np.append(0, np.cumsum(steps))
    share = (np.arange(EYE_RINGS)[::-1] / EYE_RINGS) ** 1.25
    at = np.interp(share * length[-1], length, along[:, 0])[:, None]
    return rim + at * (outer - rim)


def _compact(places: np.ndarray, quads: IntArray) -> tuple[np.ndarray, IntArray, IntArray]:
    """Drop unused vertices; also returns old -> new indices."""
    used = np.unique(quads)
    index = np.full(len(places), -1, np.int32)
    index[used] = np.arange(len(used))
    return places[used], index[quads], index


def _relaxed(
    domain: HalfDomain,
    places: np.ndarray,
    quads: IntArray,
    lines: list[IntArray],
    pinned: IntArray,
) -> np.ndarray:
    """Move every place towards its neighbours', the farther (on the surface) the stronger.

    Rims and midline only slide along themselves; ``pinned`` and the corners stay.
    """
    edges = np.concatenate([quads[:, [k, (k + 1) % 4]] for k in range(4)])
    edges = np.unique(np.sort(edges, axis=1), axis=0)
    fixed = np.zeros(len(places), bool)
    fixed[pinned] = True
    for line in lines:
        fixed[line[[0, -1]]] = True
    sliding = np.zeros(len(places), bool)
    sliding[np.concatenate(lines)] = True
    along = {tuple(sorted(pair)) for line in lines for pair in pairwise(line)}
    allowed = np.array([tuple(edge) in along for edge in edges.tolist()])
    both = np.concatenate([edges, edges[:, ::-1]])
    allowed = np.concatenate([allowed, allowed])
    both = both[(~sliding[both[:, 0]] | allowed) & ~fixed[both[:, 0]]]
    places = places.copy()
    for step in range(RELAXATION):
        at = domain.locate(places).on(domain.mean)
        length = np.linalg.norm(at[both[:, 0]] - at[both[:, 1]], axis=1) + 2e-4
        length *= density(at)[both].mean(1)
        length **= PULL if step < RELAXATION - CALMING else 0
        pull = coo_matrix((length, (both[:, 0], both[:, 1])), (len(places),) * 2).tocsr()
        total = np.asarray(pull.sum(1)).ravel()
        moved = pull @ places / np.maximum(total, 1e-12)[:, None]
        places[total > 0] += STEP * (moved - places)[total > 0]
    return places


def density(places: FloatArray) -> FloatArray:
    """(N,) how fine the mesh should be at (N, 3) places of the mean head, relative to the cheek."""
    x, y, z = np.abs(places[:, 0]), places[:, 1], places[:, 2]
    wanted = np.ones(len(places), np.float32)
    wanted[y < -0.085] = 0.6
    wanted[(x > 0.071) & (z < 0.035) & (y > -0.045) & (y < 0.055)] = 2.6
    wanted[(x < 0.024) & (y > -0.025) & (y < 0.012) & (z > 0.095)] = 1.7
    return wanted


@dataclass(frozen=True)
class SkinMesh:
    """Both halves joined.

    Attributes
    ----------
    quads: (F, 4). half: (N,) the half's vertex that each vertex is or mirrors. flipped: (N,) bool,
    whether it is on the right. mouth_rim, eye_rims: vertex indices in order (left eye, right eye).
    """

    quads: IntArray
    half: IntArray
    flipped: np.ndarray
    mouth_rim: IntArray
    eye_rims: tuple[IntArray, IntArray]


def join_halves(layout: HalfLayout) -> SkinMesh:
    """Mirror the half; midline vertices are shared."""
    count = len(layout.places)
    middle = np.zeros(count, bool)
    middle[np.concatenate([layout.upper, layout.lower])] = True
    twin = np.arange(count, dtype=np.int32)
    twin[~middle] = count + np.arange((~middle).sum())
    right = twin[layout.quads][:, ::-1]
    rim = np.concatenate([layout.mouth_rim, twin[layout.mouth_rim[-2:0:-1]]])
    return SkinMesh(
        np.concatenate([layout.quads, right]),
        np.concatenate([np.arange(count), np.flatnonzero(~middle)]).astype(np.int32),
        np.concatenate([np.zeros(count, bool), np.ones((~middle).sum(), bool)]),
        rim.astype(np.int32),
        (layout.eye_rim, twin[layout.eye_rim]),
    )


def sample(
    skin: SkinMesh, surface: SurfacePoints, field: FloatArray, opposite: IntArray
) -> FloatArray:
    """(..., V, 3) on the reference -> (..., N, 3) on the skin.

    Right-hand vertices read the field at the vertices opposite to the left-hand place, so both
    sides use the same triangles and the mean stays exactly mirrored.
    """
    left = surface.on(field)
    right = surface.on(field[..., opposite, :])
    picked = np.where(skin.flipped[:, None], right[..., skin.half, :], left[..., skin.half, :])
    return np.asarray(picked, dtype=np.float32)
