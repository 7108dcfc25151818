"""Blocks of the grid that give way to rings: round an eye, an ear, the nose, and the crown.

A rectangle of cells is taken out of the grid and replaced by rings that follow its border. Inside
the last ring lies a hole (the eye) or a smaller copy of the rectangle. The rectangle's corners
become points of five edges, the copy's corners points of three: the only irregular points.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ....data import IntArray
from ....geometry.triangles import grid_quads, tube_quads


@dataclass(frozen=True)
class Block:
    """A rectangle of grid cells.

    Attributes
    ----------
    name: what it surrounds. rows, columns: first cell and the one after the last.
    rings: how many rings replace it. hole: whether its middle stays open.
    shrink: size of the last ring relative to the rectangle, on the map.
    gather: below 1, rings lie closer to the last one than to the rectangle.
    """

    name: str
    rows: tuple[int, int]
    columns: tuple[int, int]
    rings: int
    hole: bool
    shrink: float = 0.45
    gather: float = 1.0

    @property
    def on_midline(self) -> bool:
        """Whether it is cut by the upper midline, and so only half a rectangle."""
        return self.columns[0] == 0

    def inside(self, shape: tuple[int, int]) -> np.ndarray:
        """(rings, spokes) bool: the grid's cells that it replaces."""
        cells = np.zeros(shape, bool)
        cells[self.rows[0] : self.rows[1], self.columns[0] : self.columns[1]] = True
        return cells

    def border(self, grid: IntArray) -> IntArray:
        """The rectangle's border on a grid of vertices: a loop, or a path between two points of
        the midline."""
        part = grid[self.rows[0] : self.rows[1] + 1, self.columns[0] : self.columns[1] + 1]
        if self.on_midline:
            return np.concatenate([part[0], part[1:, -1], part[-1, -2::-1]])
        return np.concatenate([part[:-1, 0], part[-1, :-1], part[:0:-1, -1], part[0, :0:-1]])


@dataclass(frozen=True)
class Inlay:
    """What replaces a block.

    Attributes
    ----------
    places: (N, 2) of the new vertices. quads: (F, 4). rings: (rings, P), outermost first.
    middle: (rows, columns) vertices of the copy, whose border is the last ring; empty for a hole.
    """

    places: np.ndarray
    quads: IntArray
    rings: IntArray
    middle: IntArray


def inlay(block: Block, grid: IntArray, places: np.ndarray, rim: np.ndarray | None) -> Inlay:
    """Rings inside ``block`` of ``grid``, new vertices numbered from ``len(places)``.

    ``rim`` (P, 2): where the hole's rim lies; without it the rings shrink towards the middle.
    """
    border = block.border(grid)
    centre = _centre(block, places[border])
    last = centre + block.shrink * (places[border] - centre) if rim is None else rim
    shares = (np.linspace(0, 1, block.rings + 1) ** block.gather)[1:, None, None]
    added = places[border] + shares * (last - places[border])
    rings = len(places) + np.arange(block.rings * len(border)).reshape(block.rings, -1)
    quads = [_between(a, b, closed=not block.on_midline) for a, b in pairwise([border, *rings])]
    added = added.reshape(-1, 2)
    if block.hole:
        return Inlay(added, np.concatenate(quads), rings, np.zeros((0, 0), np.int32))
    middle, more = _middle(block, grid, places, rings[-1], centre, len(places) + len(added))
    quads.append(grid_quads(middle)[:, [0, 3, 2, 1]])
    return Inlay(np.concatenate([added, more]), np.concatenate(quads), rings, middle)


def _centre(block: Block, border: np.ndarray) -> np.ndarray:
    centre: np.ndarray = (border.min(0) + border.max(0)) / 2
    if block.on_midline:
        centre[1] = border[0, 1]
    return centre


def _between(outer: IntArray, inner: IntArray, *, closed: bool) -> IntArray:
    quads = tube_quads([outer, inner])
    # Turned like the grid's own cells; a midline's path runs the other way round than a loop.
    return quads[:, ::-1] if closed else quads[:-1]


def _middle(
    block: Block, grid: IntArray, places: np.ndarray, ring: IntArray, centre: np.ndarray, first: int
) -> tuple[IntArray, np.ndarray]:
    """The copy of the rectangle inside ``ring``: its vertices, and places of the new ones."""
    part = grid[block.rows[0] : block.rows[1] + 1, block.columns[0] : block.columns[1] + 1]
    known = dict(zip(block.border(grid).tolist(), ring.tolist(), strict=True))
    middle = np.empty(part.shape, np.int32)
    added: list[np.ndarray] = []
    for at, vertex in np.ndenumerate(part):
        if int(vertex) in known:
            middle[at] = known[int(vertex)]
        else:
            middle[at] = first + len(added)
            added.append(centre + block.shrink * (places[vertex] - centre))
    return middle, np.array(added).reshape(-1, 2)
