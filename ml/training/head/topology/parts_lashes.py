"""Lashes: curved blades of uneven length along the front edges of both lids."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....data import FloatArray, IntArray
from ....geometry.triangles import grid_quads
from ....head.contact import ROOT_RING
from .parts import Carry, Part

# A ring of the lid, counted from its inner edge, towards which the skin lies that lashes turn with.
SKIN_RING = -6
# Points along a blade, and its width at each in metres.
WIDTHS = np.array([0.00017, 0.00015, 0.0001, 0.00002])
POINTS = len(WIDTHS)
# The share of the space between two blades by which their roots are off.
ROOT_OFF, SEED = 0.22, 11
# How much a blade leans aside as its neighbours do.
LEAN = (0.2, 0.35, 0.4, 0.35, 0.2)


@dataclass(frozen=True)
class _Row:
    """The lashes of one lid.

    Attributes
    ----------
    columns: first and last, of the lid's rings, as shares of all columns. blades: how many grow
        there. length: metres along the longest. start, end: degrees from straight ahead, up, at
        root and tip. uneven: standard deviations of the length's logarithm, of the tip's degrees
        up, and of its degrees aside.
    """

    columns: tuple[float, float]
    blades: int
    length: float
    start: float
    end: float
    uneven: tuple[float, float, float]


ROWS = (
    _Row((0.14, 0.455), 45, 0.0098, -10, 50, (0.08, 6, 6)),
    _Row((0.61, 0.89), 31, 0.0062, -62, -38, (0.1, 4, 6)),
)


@dataclass(frozen=True)
class _Blades:
    """B lashes along both lids.

    Attributes
    ----------
    rings: (K, P) vertices of the skin round the eye. column: (B,) where each grows, in columns of
    the rings. size: (B,) metres. turn: (B, 2) degrees up at root and tip. aside: (B,) degrees.
    """

    rings: IntArray
    column: np.ndarray
    size: np.ndarray
    turn: np.ndarray
    aside: np.ndarray

    def on_ring(self, field: FloatArray, ring: int) -> np.ndarray:
        """(..., V, 3) on the skin -> (..., B, 3) at the columns of one ring."""
        count = self.rings.shape[1]
        line = field[..., self.rings[ring], :]
        low, part = np.floor(self.column).astype(int), (self.column % 1)[:, None]
        return np.asarray(line[..., low, :] * (1 - part) + line[..., (low + 1) % count, :] * part)


def lashes(
    name: str, mean: FloatArray, rings: IntArray, skin_carry: Carry
) -> tuple[Part, IntArray]:
    """Lashes along both lids as tapering blades; also the rim's column under every vertex.

    ``rings`` (K, P) vertices of the skin round the eye, outermost first, column 0 at the inner
    canthus, the upper lid next.
    """
    blades, count = _spread_blades(rings), rings.shape[1]
    number, column = len(blades.column), blades.column
    index = np.arange(2 * POINTS * number, dtype=np.int32).reshape(POINTS, 2, number)
    # Seen from the front, upper ones from above and lower ones from below.
    quads = np.concatenate([grid_quads(index[:, ::-1, blade]) for blade in range(number)])
    along = np.repeat(np.linspace(0, 1, POINTS), 2 * number)
    uv = np.column_stack([np.tile(column / count, 2 * POINTS), along])
    part = Part(
        name,
        _blade_places(blades, mean).astype(np.float32),
        quads,
        uv.astype(np.float32),
        _lash_follower(blades, mean, skin_carry),
    )
    return part, np.tile(np.round(column).astype(np.int32) % count, 2 * POINTS)


def _spread_blades(rings: IntArray) -> _Blades:
    """The same on both sides: their numbers are drawn anew from one seed."""
    rng, count = np.random.default_rng(SEED), rings.shape[1]
    columns, sizes, turns, asides = [], [], [], []
    for row in ROWS:
        first, last = row.columns
        share = np.linspace(0, 1, row.blades)
        off = rng.uniform(-ROOT_OFF, ROOT_OFF, row.blades) / row.blades
        at = count * (first + (last - first) * (share + off))
        # Longest a little outside the middle of the lid.
        share = share if row is ROWS[0] else 1 - share
        uneven = rng.normal(size=(3, row.blades)).clip(-1.8, 1.8) * np.array(row.uneven)[:, None]
        # Neighbours lean the same way, so that they do not cross.
        uneven[2] = np.convolve(uneven[2], LEAN, "same")
        columns.append(at)
        longest = row.length / np.exp(1.8 * row.uneven[0])
        sizes.append(longest * (0.82 + 0.18 * np.sin(np.pi * share**0.8)) * np.exp(uneven[0]))
        turns.append(np.column_stack([row.start + 0 * at, row.end + uneven[1]]))
        asides.append(uneven[2])
    merged = (np.concatenate(parts) for parts in (columns, sizes, turns, asides))
    return _Blades(rings, *merged)


def _blade_places(blades: _Blades, mean: FloatArray) -> np.ndarray:
    """(2 POINTS B, 3): one edge of all blades at the root, then the other, then the next point."""
    rim = mean[blades.rings[ROOT_RING]]
    low = np.floor(blades.column).astype(int)
    along = np.roll(rim, -1, 0)[low] - rim[low]
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    ahead, up = _frames(blades, mean)
    point = blades.on_ring(mean, ROOT_RING)
    step = (blades.size / (POINTS - 1))[:, None]
    places = []
    for number, width in enumerate(WIDTHS):
        places += [point - along * width / 2, point + along * width / 2]
        # The way between two points has the direction halfway.
        share = (number + 0.5) / (POINTS - 1)
        angle = np.radians(blades.turn[:, 0] + share * np.diff(blades.turn, axis=1)[:, 0])[:, None]
        point = point + step * (np.cos(angle) * ahead + np.sin(angle) * up)
    return np.concatenate(places)


def _frames(blades: _Blades, mean: FloatArray) -> tuple[np.ndarray, np.ndarray]:
    """(B, 3) ways ahead, spread like a fan, and up, square to them."""
    rim = mean[blades.rings[ROOT_RING]]
    away = blades.on_ring(mean, ROOT_RING) - rim.mean(0) + [0, 0, 0.014]
    away[:, 1] = 0
    angle = np.arctan2(away[:, 0], away[:, 2]) + np.radians(blades.aside)
    ahead = np.column_stack([np.sin(angle), 0 * angle, np.cos(angle)])
    return ahead, np.tile([0.0, 1.0, 0.0], (len(angle), 1))


def _lash_follower(blades: _Blades, mean: FloatArray, skin_carry: Carry) -> Carry:
    """The lid turns as its edge moves against the skin above it; lashes turn with it."""
    off = blades.on_ring(mean, ROOT_RING) - blades.on_ring(mean, SKIN_RING)
    stretch = np.clip(blades.size / np.maximum(np.linalg.norm(off, axis=1), 1e-6), 0, 1)[:, None]
    shares = np.repeat(0.5 * np.linspace(0, 1, POINTS), 2)

    def carry(field: FloatArray) -> FloatArray:
        skin_field = skin_carry(field)
        near, far = blades.on_ring(skin_field, ROOT_RING), blades.on_ring(skin_field, SKIN_RING)
        turn = (near - far) * stretch
        return np.concatenate([near + share * turn for share in shares], -2).astype(np.float32)

    return carry
