"""The skin's quads: our own layout, drawn on the flat map of the left half and mirrored.

A grid of concentric rings round the mouth and spokes from the mouth to the neck covers the half
head. Four blocks of it give way to rings: round the eye, the ear, the tip of the nose, and the
crown, where the skull needs more rows than the throat. The grid then relaxes until its quads are
even squares.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....data import FloatArray, IntArray
from ....geometry.triangles import grid_quads
from ....head.model import SurfacePoints
from .blocks import Block, Inlay, inlay
from .domain import HalfDomain
from .relax import Constraints, relaxed


@dataclass(frozen=True)
class LayoutSize:
    """How many cells the half head has.

    Attributes
    ----------
    rings, spokes: of the grid round the mouth.
    eye, ear, crown, nose: (rows, columns, rings) of the blocks. lid_rings: the eye's inner rings
        that stay where they were put.
    """

    rings: int
    spokes: int
    eye: tuple[int, int, int]
    ear: tuple[int, int, int]
    crown: tuple[int, int, int]
    nose: tuple[int, int, int]
    lid_rings: int


BASE = LayoutSize(68, 34, (12, 10, 9), (10, 8, 16), (10, 7, 22), (4, 8, 6), 3)
LOW = LayoutSize(42, 28, (8, 8, 7), (6, 5, 9), (6, 4, 11), (3, 6, 3), 2)


@dataclass(frozen=True)
class HalfLayout:
    """Vertices and quads of the left half.

    Attributes
    ----------
    places: (N, 2) on the map. quads: (F, 4). surface: where the vertices lie on the reference.
    upper, lower: vertices of the midline from lip to nape, and from lip to throat.
    mouth_rim: from upper to lower lip. neck: from nape to throat.
    eye_rings: (rings, P) round the eye, outermost first, the last one is its rim; column 0 at the
        inner canthus, the upper lid next.
    mouth_rings: (rings, spokes + 1) round the mouth from its rim outwards, from upper to lower
        lip; the corner in the middle.
    ear_rings: (rings, P) round the ear, outermost first, closed.
    """

    places: np.ndarray
    quads: IntArray
    surface: SurfacePoints
    upper: IntArray
    lower: IntArray
    mouth_rim: IntArray
    neck: IntArray
    eye_rings: IntArray
    mouth_rings: IntArray
    ear_rings: IntArray


# Where blocks are centred on the map: rows by x, columns by y (see domain.py). The ear's is inside
# the loop of its helix, the crown's a little behind the middle of the upper side, the nose's on the
# tip.
EAR, CROWN_ROW, NOSE_ROW = (0.652, 0.215), 0.66, 0.2
# How far from the mouth, on the map, the grid is bent to have a vertex at its corner.
MOUTH_REACH = 0.3
MOUTH_RINGS = 8
# The grid's columns are denser on the upper side, where nose, eyes, ear and skull need them more
# than jaw and throat do.
BEND = 1.8
# The grid's rings: which share of them lies within which distance from the mouth on the map. They
# are dense on the lips and sparse on the cheeks, to the eye's block, past the ear's, to the neck.
RING_SHARES = (0, 0.118, 0.209, 0.357, 0.424, 0.674, 1)
RING_PLACES = (0, 0.13, 0.355, 0.516, 0.548, 0.774, 1)


def lay_out_half(domain: HalfDomain, size: LayoutSize = BASE) -> HalfLayout:
    """Draw the grid, lay in the blocks, relax."""
    count, spokes = size.rings, size.spokes
    grid = np.arange((count + 1) * (spokes + 1)).reshape(count + 1, spokes + 1)
    y = np.linspace(0, 1, spokes + 1) ** BEND
    x = np.interp(np.linspace(0, 1, count + 1), RING_SHARES, RING_PLACES)
    x, y = np.meshgrid(x, y, indexing="ij")
    places = _with_mouth_corner(domain, np.column_stack([x.ravel(), y.ravel()]), grid[0])
    keep = np.ones((count, spokes), bool)
    quads: list[IntArray] = []
    inlays: dict[str, Inlay] = {}
    for block in _blocks(domain, size):
        keep &= ~block.inside((count, spokes))
        border = block.border(grid)
        rim = _rim_places(domain, len(border), places[border]) if block.hole else None
        piece = inlay(block, grid, places, rim)
        places = np.concatenate([places, piece.places])
        if block.hole:
            for k, outer in enumerate(places[border]):
                line = piece.rings[:, k]
                places[line] = _spoke(domain, places[line[-1]], outer, block.rings)
        quads.append(piece.quads)
        inlays[block.name] = piece
    cells = grid_quads(grid)[keep.ravel()][:, [0, 3, 2, 1]]
    places, joined, index = _compact(places, np.concatenate([cells, *quads]))
    upper = _upper_midline(grid, inlays, _blocks(domain, size))
    lines = [index[line] for line in (upper, grid[:, -1], grid[0], grid[-1])]
    eye_rings, mouth_rings = index[inlays["eye"].rings], index[grid[:MOUTH_RINGS]]
    # Rings that the nose's block interrupts are none round the mouth.
    mouth_rings = mouth_rings[(mouth_rings >= 0).all(1)]
    pinned = np.append(eye_rings[-size.lid_rings :].ravel(), index[grid[0, spokes // 2]])
    constraints = Constraints(lines, pinned)
    places = relaxed(domain, places, joined, constraints)
    surface = domain.locate(places)
    eye_rings = _from_canthus(eye_rings, surface.on(domain.mean))
    upper, lower, mouth_rim, neck = lines
    rings = eye_rings, mouth_rings, index[inlays["ear"].rings]
    return HalfLayout(places, joined, surface, upper, lower, mouth_rim, neck, *rings)


def _from_canthus(rings: IntArray, mean: FloatArray) -> IntArray:
    """The eye's rings, each starting at the inner canthus and going over the upper lid."""
    rings = np.roll(rings, -int(mean[rings[-1], 0].argmin()), axis=1)
    quarter = rings.shape[1] // 4
    if mean[rings[-1, quarter], 1] < mean[rings[-1, -quarter], 1]:
        rings = np.roll(rings[:, ::-1], 1, axis=1)
    return np.asarray(rings, np.int32)


def _blocks(domain: HalfDomain, size: LayoutSize) -> list[Block]:
    def centred(at: float, count: int, cells: int) -> tuple[int, int]:
        first = max(1, round(at * count - cells / 2))
        return first, first + cells

    def along(at: float, cells: int) -> tuple[int, int]:
        return centred(float(np.interp(at, RING_PLACES, RING_SHARES)), size.rings, cells)

    def across(at: float, cells: int) -> tuple[int, int]:
        return centred(at ** (1 / BEND), size.spokes, cells)

    eye = domain.plane[domain.eye_rim].mean(0)
    (rows, columns, rings) = size.eye
    first = Block("eye", along(eye[0], rows), across(eye[1], columns), rings, True)
    (rows, columns, rings) = size.ear
    second = Block("ear", along(EAR[0], rows), across(EAR[1], columns), rings, False, 0.42, 0.7)
    blocks = [first, second]
    for name, at, (rows, columns, rings) in (
        ("nose", NOSE_ROW, size.nose),
        ("crown", CROWN_ROW, size.crown),
    ):
        blocks.append(Block(name, along(at, rows), (0, columns), rings, False))
    return blocks


def _upper_midline(grid: IntArray, inlays: dict[str, Inlay], blocks: list[Block]) -> IntArray:
    """From the lip over nose and crown to the nape: through the rings and the caps within them."""
    line, row = [], 0
    for block in blocks:
        if block.on_midline:
            rings, middle = inlays[block.name].rings, inlays[block.name].middle
            line += [
                grid[row : block.rows[0] + 1, 0],
                rings[:, 0],
                middle[1:-1, 0],
                rings[::-1, -1],
            ]
            row = block.rows[1]
    return np.concatenate([*line, grid[row:, 0]])


def _rim_places(domain: HalfDomain, count: int, wanted: np.ndarray) -> np.ndarray:
    """``count`` places round the eye's rim, turned so that they lie best opposite ``wanted``.

    The canthi are among them, half of the others on each lid, evenly spaced on the surface: so
    every place has a partner on the other lid (see ml/head/contact.py).
    """
    rim = domain.eye_rim
    if _area(domain.plane[rim]) * _area(wanted) < 0:
        rim = rim[::-1]
    rim = np.roll(rim, -int(domain.mean[rim, 0].argmin()))
    outer = int(domain.mean[rim, 0].argmax())
    arcs = [rim[: outer + 1], np.append(rim[outer:], rim[0])]
    even = np.concatenate([_evenly(domain, arc, count // 2)[:-1] for arc in arcs])

    def misfit(shift: int) -> float:
        places = np.roll(even, shift, axis=0)
        centred = (places - places.mean(0)) / np.ptp(places, axis=0)
        goal = (wanted - wanted.mean(0)) / np.ptp(wanted, axis=0)
        return float(((centred - goal) ** 2).sum())

    return np.roll(even, min(range(count), key=misfit), axis=0)


def _evenly(domain: HalfDomain, line: IntArray, cells: int) -> np.ndarray:
    """(cells + 1, 2) places on the map, evenly spaced on the surface along a line of vertices."""
    steps = np.linalg.norm(np.diff(domain.mean[line], axis=0), axis=1)
    length = np.append(0, np.cumsum(steps))
    at = np.linspace(0, length[-1], cells + 1)
    return np.column_stack([np.interp(at, length, domain.plane[line, axis]) for axis in range(2)])


def _with_mouth_corner(domain: HalfDomain, places: np.ndarray, mouth: IntArray) -> np.ndarray:
    """``places`` with the ring ``mouth`` even on both lips, its middle vertex at the corner.

    Rings near it follow, less and less.
    """
    rim = np.flatnonzero(domain.plane[:, 0] == 0)
    rim = rim[np.argsort(domain.plane[rim, 1])].astype(np.int32)
    corner = int(domain.mean[rim, 0].argmax())
    half = len(mouth) // 2
    upper = _evenly(domain, rim[: corner + 1], half)
    lower = _evenly(domain, rim[corner:], len(mouth) - 1 - half)
    wanted = np.concatenate([upper, lower[1:]])[:, 1]
    moved = np.interp(places[:, 1], places[mouth, 1], wanted)
    near = np.clip(1 - places[:, 0] / MOUTH_REACH, 0, 1)
    return np.column_stack([places[:, 0], places[:, 1] + near * (moved - places[:, 1])])


def _area(ring: np.ndarray) -> float:
    following = np.roll(ring, -1, axis=0)
    return float((ring[:, 0] * following[:, 1] - ring[:, 1] * following[:, 0]).sum() / 2)


def _spoke(domain: HalfDomain, rim: np.ndarray, outer: np.ndarray, rings: int) -> np.ndarray:
    """(rings, 2) places from near ``outer`` to ``rim``, spaced by length on the surface.

    Near the rim, where the lid folds over, they lie closer.
    """
    along = np.linspace(0, 1, 240)[:, None]
    line = rim + along * (outer - rim)
    steps = np.linalg.norm(np.diff(domain.locate(line).on(domain.mean), axis=0), axis=1)
    length = np.append(0, np.cumsum(steps))
    share = (np.arange(rings)[::-1] / rings) ** 1.6
    at = np.interp(share * length[-1], length, along[:, 0])[:, None]
    return rim + at * (outer - rim)


def _compact(places: np.ndarray, quads: IntArray) -> tuple[np.ndarray, IntArray, IntArray]:
    """Drop unused vertices; also returns old -> new indices."""
    used = np.unique(quads)
    index = np.full(len(places), -1, np.int32)
    index[used] = np.arange(len(used))
    return places[used], index[quads], index
