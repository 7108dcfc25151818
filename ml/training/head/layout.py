"""The skin's quads: our own layout, drawn on the flat map of the left half and mirrored.

A grid of concentric rings round the mouth and spokes from the mouth to the neck covers the half
head. Three blocks of it give way to rings: round the eye, round the ear, and round the crown, where
the skull needs more rows than the throat. The grid then relaxes until its quads are even squares.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...data import FloatArray, IntArray
from ...head.model import SurfacePoints
from .blocks import Block, Inlay, inlay
from .domain import HalfDomain
from .relax import Constraints, relaxed


@dataclass(frozen=True)
class LayoutSize:
    """How many cells the half head has.

    Attributes
    ----------
    rings, spokes: of the grid round the mouth.
    eye, ear, crown: (rows, columns, rings) of the blocks. lid_rings: the eye's inner rings that
        stay where they were put.
    """

    rings: int
    spokes: int
    eye: tuple[int, int, int]
    ear: tuple[int, int, int]
    crown: tuple[int, int, int]
    lid_rings: int


BASE = LayoutSize(62, 52, (10, 12, 11), (14, 10, 9), (10, 5, 18), 3)
LOW = LayoutSize(38, 36, (8, 8, 7), (8, 6, 5), (6, 3, 11), 2)


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


# Where blocks are centred on the map: rows by x, columns by y (see domain.py). The ear's is where
# Tutte's embedding puts it, the crown's a little behind the middle of the upper side.
EAR, CROWN_ROW = (0.665, 0.23), 0.66
# How far from the mouth, on the map, the grid is bent to have a vertex at its corner.
MOUTH_REACH = 0.3
MOUTH_RINGS = 14


def lay_out_half(domain: HalfDomain, size: LayoutSize = BASE) -> HalfLayout:
    """Draw the grid, lay in the blocks, relax."""
    rings, spokes = size.rings, size.spokes
    grid = np.arange((rings + 1) * (spokes + 1)).reshape(rings + 1, spokes + 1)
    x, y = np.meshgrid(np.linspace(0, 1, rings + 1), np.linspace(0, 1, spokes + 1), indexing="ij")
    places = _with_mouth_corner(domain, np.column_stack([x.ravel(), y.ravel()]), grid[0])
    keep = np.ones((rings, spokes), bool)
    quads: list[IntArray] = []
    inlays: dict[str, Inlay] = {}
    for block in _blocks(domain, size):
        keep &= ~block.inside((rings, spokes))
        border = block.border(grid)
        rim = _rim_places(domain, len(border), places[border]) if block.hole else None
        piece = inlay(block, grid, places, rim)
        places = np.concatenate([places, piece.places])
        if block.hole:
            for k in range(len(border)):
                places[piece.rings[:, k]] = _spoke(
                    domain, places[piece.rings[-1, k]], places[border[k]], block.rings
                )
        quads.append(piece.quads)
        inlays[block.name] = piece
    cells = np.stack([grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]], -1)[keep]
    places, joined, index = _compact(places, np.concatenate([cells, *quads]))
    upper = _upper_midline(grid, inlays["crown"], _blocks(domain, size)[2])
    lines = [index[line] for line in (upper, grid[:, -1], grid[0], grid[-1])]
    eye_rings, mouth_rings = index[inlays["eye"].rings], index[grid[:MOUTH_RINGS]]
    pinned = np.append(eye_rings[-size.lid_rings :].ravel(), index[grid[0, spokes // 2]])
    constraints = Constraints(lines, pinned)
    places = relaxed(domain, places, joined, constraints)
    surface = domain.locate(places)
    eye_rings = _from_canthus(eye_rings, surface.on(domain.mean))
    upper, lower, mouth_rim, neck = lines
    return HalfLayout(
        places, joined, surface, upper, lower, mouth_rim, neck, eye_rings, mouth_rings
    )  # fmt: skip


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

    eye = domain.plane[domain.eye_rim].mean(0)
    (rows, columns, rings) = size.eye
    first = Block(
        "eye", centred(eye[0], size.rings, rows), centred(eye[1], size.spokes, columns), rings, True
    )
    (rows, columns, rings) = size.ear
    second = Block(
        "ear",
        centred(EAR[0], size.rings, rows),
        centred(EAR[1], size.spokes, columns),
        rings,
        False,
    )
    (rows, columns, rings) = size.crown
    start, end = centred(CROWN_ROW, size.rings, rows)
    third = Block("crown", (start, end), (0, columns), rings, False)
    return [first, second, third]


def _upper_midline(grid: IntArray, crown: Inlay, block: Block) -> IntArray:
    """From the lip over the crown to the nape: through the rings and the cap within them."""
    return np.concatenate([
        grid[: block.rows[0] + 1, 0], crown.rings[:, 0], crown.middle[1:-1, 0],
        crown.rings[::-1, -1], grid[block.rows[1] :, 0],
    ])  # fmt: skip


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
    share = (np.arange(rings)[::-1] / rings) ** 1.25
    at = np.interp(share * length[-1], length, along[:, 0])[:, None]
    return rim + at * (outer - rim)


def _compact(places: np.ndarray, quads: IntArray) -> tuple[np.ndarray, IntArray, IntArray]:
    """Drop unused vertices; also returns old -> new indices."""
    used = np.unique(quads)
    index = np.full(len(places), -1, np.int32)
    index[used] = np.arange(len(used))
    return places[used], index[quads], index


@dataclass(frozen=True)
class SkinMesh:
    """Both halves joined.

    Attributes
    ----------
    quads: (F, 4). half: (N,) the half's vertex that each vertex is or mirrors. flipped: (N,) bool,
    whether it is on the right. mouth_rim: in order. mouth_rings: HalfLayout's, of the left and the
    right half. eye_rings: (rings, P) of the left and right eye, outermost first, column 0 at the
    inner canthus, the upper lid next.
    """

    quads: IntArray
    half: IntArray
    flipped: np.ndarray
    mouth_rim: IntArray
    mouth_rings: tuple[IntArray, IntArray]
    eye_rings: tuple[IntArray, IntArray]

    @property
    def eye_rims(self) -> list[IntArray]:
        return [rings[-1] for rings in self.eye_rings]


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
        (layout.mouth_rings, twin[layout.mouth_rings]),
        (layout.eye_rings, twin[layout.eye_rings]),
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
