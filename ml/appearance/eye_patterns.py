"""Veins of an eye's white and fibres of its iris: drawn once for each side, alike for everybody."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from ..assets.kept import kept
from ..data import FloatArray
from ..geometry.sampling import bilinear

# Patterns cover places up to this many radii of the iris from its centre, with so many pixels.
VEINS_REACH, VEINS_SIDE = 2.6, 512
FIBRES_REACH, FIBRES_SIDE = 1.1, 256
# Where veins begin, and the nearest to the iris that they come.
ROOT, NEAREST = 2.5, 1.12
TRUNKS, STEP = 22, 0.05
# Fibres of an iris: how many round it, by fineness, and how much each counts.
FIBRES = ((34, 0.5), (77, 0.7), (160, 0.8), (290, 0.5))
# Radius of the collarette, the seam between an iris' inner and outer part, as a share.
COLLARETTE = 0.56


def veins_at(side: str, places: FloatArray, blur: float) -> FloatArray:
    """(N,) 0..1 how much of a vein is at (N, 2) places.

    side: "left" or "right"; places: from the iris' centre, in its radii, as seen from ahead.
    blur: distance between the places, in the same unit: finer detail is averaged.
    """
    return _sampled(_veins(_seed(side)), places, VEINS_REACH, blur)


def fibres_at(side: str, places: FloatArray, blur: float) -> FloatArray:
    """(N,) about -1..1 how much brighter than its mean an iris is; see :func:`veins_at`."""
    return _sampled(_fibres(_seed(side)), places, FIBRES_REACH, blur)


def _seed(side: str) -> int:
    return 3 if side == "left" else 8


def _sampled(pattern: FloatArray, places: FloatArray, reach: float, blur: float) -> FloatArray:
    """(N,) the pattern at (N, 2) places; beyond ``reach`` its border is repeated."""
    side = len(pattern)
    sigma = 0.45 * blur * side / (2 * reach)
    if sigma > 0.3:
        pattern = cv2.GaussianBlur(pattern, (0, 0), sigma)
    cells = ((places + reach) / (2 * reach) * side - 0.5).clip(0, side - 1.001)
    return bilinear(pattern[..., None], cells.astype(np.float32))[:, 0]


@lru_cache(maxsize=2)
def _veins(seed: int) -> FloatArray:
    """(VEINS_SIDE, VEINS_SIDE) of the white, row 0 below: branching lines that fade inwards."""
    inputs = {"seed": np.array(seed)}
    return kept("eye_veins", inputs, lambda: {"veins": _draw_veins(seed)})["veins"]


def _draw_veins(seed: int) -> FloatArray:
    rng = np.random.default_rng(seed)
    canvas = np.zeros((VEINS_SIDE, VEINS_SIDE), np.float32)
    for number in range(TRUNKS):
        # Most come from the corners, to the left and right.
        corner = 0.0 if number % 2 else np.pi
        turn = corner + rng.normal(0, 0.5)
        start = ROOT * np.array([np.cos(turn), np.sin(turn)])
        _grow(canvas, start, turn + np.pi, rng.uniform(0.5, 1.0), rng)
    return cv2.GaussianBlur(np.minimum(canvas, 1.0), (0, 0), 0.9)


def _grow(
    canvas: FloatArray, start: FloatArray, heading: float, strength: float, rng: np.random.Generator
) -> None:
    """Draw one vein and its branches into ``canvas``; it winds and grows fainter."""
    place, bend, nearest = np.array(start), 0.0, rng.uniform(NEAREST, 1.7)
    while strength > 0.12 and nearest < np.linalg.norm(place) < ROOT + 0.05:
        bend = 0.75 * bend + rng.normal(0, 0.22)
        inwards = np.arctan2(-place[1], -place[0])
        heading += bend + 0.12 * np.sin(inwards - heading)
        ahead = place + STEP * np.array([np.cos(heading), np.sin(heading)])
        _line(canvas, place, ahead, strength)
        if rng.random() < 0.07:
            _grow(canvas, ahead, heading + rng.choice([-1, 1]) * 0.6, 0.6 * strength, rng)
        place, strength = ahead, strength * rng.uniform(0.94, 0.995)


def _line(canvas: FloatArray, start: FloatArray, end: FloatArray, strength: float) -> None:
    """Draw a line between two (2,) places, which never darkens what is there."""
    ends = [(place + VEINS_REACH) / (2 * VEINS_REACH) * VEINS_SIDE for place in (start, end)]
    low = np.floor(np.minimum(*ends) - 3).astype(int).clip(0, VEINS_SIDE - 1)
    high = np.ceil(np.maximum(*ends) + 4).astype(int).clip(1, VEINS_SIDE)
    y, x = np.mgrid[low[1] : high[1], low[0] : high[0]] + 0.5
    along = ends[1] - ends[0]
    share = ((x - ends[0][0]) * along[0] + (y - ends[0][1]) * along[1]) / max(along @ along, 1e-6)
    share = np.clip(share, 0, 1)
    away = np.hypot(x - ends[0][0] - share * along[0], y - ends[0][1] - share * along[1])
    drawn = strength * np.clip(0.6 + 1.1 * strength - away, 0, 1)
    part = canvas[low[1] : high[1], low[0] : high[0]]
    np.maximum(part, drawn, out=part)


@lru_cache(maxsize=2)
def _fibres(seed: int) -> FloatArray:
    """(FIBRES_SIDE, FIBRES_SIDE) of the iris: fibres, collarette, crypts and furrows."""
    rng = np.random.default_rng(seed)
    line = (np.arange(FIBRES_SIDE) + 0.5) / FIBRES_SIDE * 2 * FIBRES_REACH - FIBRES_REACH
    x, y = np.meshgrid(line, line)
    away, turn = np.hypot(x, y), np.arctan2(y, x)
    # Fibres wind a little on their way out.
    wound = turn + 0.05 * np.sin(9 * away + rng.uniform(0, 6)) + 0.03 * _round(turn, 21, rng)
    found = np.zeros_like(away)
    for count, weight in FIBRES:
        found += weight * _round(wound, count, rng) * (0.6 + 0.4 * _round(turn + away, 13, rng))
    found *= 0.55
    seam = COLLARETTE + 0.05 * _round(turn, 11, rng)
    found += 0.5 * np.exp(-(((away - seam) / 0.05) ** 2)) * (0.7 + 0.6 * _round(turn, 40, rng))
    for _ in range(16):  # crypts: openings between the fibres, mostly beside the collarette
        middle, place = rng.uniform(-np.pi, np.pi), rng.uniform(0.58, 0.8)
        aside = np.angle(np.exp(1j * (turn - middle))) * place / rng.uniform(0.03, 0.06)
        found -= 0.7 * np.exp(-(aside**2) - ((away - place) / 0.09) ** 2)
    for place in (0.74, 0.83):  # furrows, round the pupil
        bowed = place + 0.015 * _round(turn, 7, rng)
        found -= 0.22 * np.exp(-(((away - bowed) / 0.018) ** 2)) * (_round(turn, 5, rng) > -0.3)
    return np.clip(found, -1.3, 1.3).astype(np.float32)


def _round(turn: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Smooth noise about 0 of the angle ``turn``, with ``count`` values round the circle."""
    values = rng.normal(0, 0.5, count)
    place = (turn / (2 * np.pi)) % 1 * count
    first = place.astype(int) % count
    share = place - np.floor(place)
    share = share * share * (3 - 2 * share)
    return np.asarray(values[first] * (1 - share) + values[(first + 1) % count] * share)
