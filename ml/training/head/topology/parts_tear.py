"""What lies between lids and eyeball: conjunctiva, the caruncle in the inner corner, and the tear
film along the lower lid."""

from __future__ import annotations

import numpy as np

from ....data import FloatArray, IntArray
from ....geometry.triangles import grid_quads, tube_quads
from .parts import Carry, Chart, Part, laid_flat, quad_normals
from .parts_mouth import sphere_of_quads

CELLS = 3
# Half sizes of the caruncle in metres; how far inside the lids' corner its middle lies (from the
# corner towards the outer one, and back into the head).
SIZE, PLACE = (0.0021, 0.0016, 0.0014), (0.0012, -0.0004)
# The conjunctiva leads from the lids' rim behind them into the eyeball: degrees about its centre,
# and shares of its radius. So there is no gap that shows the inside of the head.
BEHIND = ((9.0, 1.02), (20.0, 0.97))
# The film: its first and last column as shares of all columns round the eye; how far it rises on
# the eyeball and stands out from it.
FILM, RISE, THICK = (0.55, 0.98), 0.0007, 0.00025


def tear(
    name: str, mean: FloatArray, rings: IntArray, ball: tuple[FloatArray, float], skin_carry: Carry
) -> tuple[Part, IntArray]:
    """The part, whose first vertices are the lids' rim; and the rim's column at every other vertex.

    ``rings`` (K, P) vertices of the skin round the eye, outermost first, column 0 at the inner
    canthus, the upper lid next. ``ball``: the eyeball's centre (3,) and radius, metres.
    """
    count = rings.shape[1]
    rim = mean[rings[-1]].astype(np.float64)
    unit, lump = sphere_of_quads(CELLS)
    outwards = rim[count // 2] - rim[0]
    outwards /= np.linalg.norm(outwards)
    middle = rim[0] + PLACE[0] * outwards + [0, 0, PLACE[1]]
    lining = _lining(rim, ball)
    column = np.arange(*(round(share * count) for share in FILM))
    film = _film(rim[column], ball[0])
    sets = [rim, *lining, middle + unit * SIZE, film]
    places = np.concatenate(sets).astype(np.float32)
    own = [np.tile(np.arange(count), 3), np.zeros(len(unit), int), column, column]
    columns = np.concatenate(own)
    quads, uv, uv_quads = _laid_flat(places, columns, (unit, lump), ball[0])

    def carry(field: FloatArray) -> FloatArray:
        return np.asarray(skin_carry(field)[..., rings[-1][columns], :], np.float32)

    part = Part(name, places, quads, uv, carry, uv_quads=uv_quads)
    return part, columns[count:].astype(np.int32)


def _laid_flat(
    places: FloatArray, columns: np.ndarray, lump: tuple[FloatArray, IntArray], centre: FloatArray
) -> tuple[IntArray, FloatArray, IntArray]:
    """Quads, UV and UV quads of lining, ``lump`` and film, in that order, from their places."""
    unit, globe = lump
    count = int(columns.max()) + 1
    first, film = 3 * count, 3 * count + len(unit)
    walls = tube_quads(np.arange(first, dtype=np.int32).reshape(3, count))
    strip = grid_quads(np.arange(film, len(places), dtype=np.int32).reshape(2, -1))
    turn = 2 * np.pi * columns[:first] / count
    polar = np.repeat([3, 2, 1], count)[:, None] * np.column_stack([np.cos(turn), np.sin(turn)])
    across = np.repeat([0, 1], (len(places) - film) // 2)
    even = np.column_stack([columns[film:], across])
    flat = np.concatenate([polar, _laid_open(unit), even])
    seen = np.concatenate([polar, unit[:, :2], even])
    globe, front = globe + first, len(globe) * 5 // 6
    charts = [
        Chart(_facing(places, walls, centre), flat, (0, 0, 0.48, 1)),
        Chart(globe[:front], flat, (0.52, 0, 0.8, 1)),
        Chart(globe[front:], seen, (0.84, 0, 1, 0.4)),
        Chart(_facing(places, strip, centre + np.array([0, 0, 1])), flat, (0.84, 0.5, 1, 1)),
    ]
    return laid_flat(charts)


def _lining(rim: np.ndarray, ball: tuple[FloatArray, float]) -> list[np.ndarray]:
    """The conjunctiva's rings (P, 3) behind the lids' rim (P, 3)."""
    centre, radius = ball
    away = rim - centre
    aside = away * [1, 1, 0]
    aside /= np.linalg.norm(aside, axis=1, keepdims=True)
    angle = np.arctan2((away * aside).sum(1), away[:, 2])
    rings = []
    for degrees, share in BEHIND:
        turned = (angle + np.radians(degrees))[:, None]
        rings.append(
            centre + share * radius * (np.sin(turned) * aside + np.cos(turned) * [0, 0, 1])
        )
    return rings


def _film(low: np.ndarray, centre: FloatArray) -> np.ndarray:
    """(2 C, 3): the film's lower border at the rim (C, 3), and the upper one on the eyeball."""
    away = low - centre
    radius = np.linalg.norm(away, axis=1, keepdims=True)
    above = away + np.array([0, RISE, 0])
    # A little inside of the eyeball's surface, which the rim touches.
    above *= (radius - THICK) / np.linalg.norm(above, axis=1, keepdims=True)
    return np.concatenate([low + THICK * away / radius, centre + above])


def _facing(places: FloatArray, quads: IntArray, goal: FloatArray) -> IntArray:
    """``quads``, turned if most of them do not face a place (3,)."""
    towards = (quad_normals(places, quads) * (goal - places[quads].mean(1))).sum()
    return quads if towards > 0 else quads[:, ::-1]


def _laid_open(unit: FloatArray) -> np.ndarray:
    """(N, 2) of a sphere (N, 3), seen from the front and laid open from the back."""
    angle = np.arccos(np.clip(unit[:, 2], -1, 1))
    around = unit[:, :2] / np.maximum(np.linalg.norm(unit[:, :2], axis=1, keepdims=True), 1e-9)
    return np.asarray(around * angle[:, None])
