"""The texture of hair cards: strips of drawn strands, root below, tip above, with alpha."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..data import ByteArray, FloatArray

WIDTH, HEIGHT = 1024, 512
# How many strips each part of the hair has, dark to light.
STRIPS = {"hair": 5, "brows": 1, "beard": 2}
_STRIP = WIDTH // sum(STRIPS.values())
# Pixels at each side of a strip that stay clear: filters read beyond its edge.
_CLEAR = 6


@dataclass(frozen=True)
class _Pen:
    """How strands are drawn: how many, how wide at root and tip, and how far they wave, in pixels;
    the shortest ends at ``shortest``, as a share of the strip."""

    count: int
    width: tuple[float, float]
    wave: float
    shortest: float


_PENS = {
    "hair": _Pen(44, (4.2, 1.6), 7.0, 0.7),
    "brows": _Pen(9, (8.0, 2.5), 8.0, 0.55),
    "beard": _Pen(12, (6.0, 2.2), 9.0, 0.5),
}


def strip_edges(part: str) -> tuple[FloatArray, FloatArray]:
    """Where the strips of a part begin and end in U."""
    before = sum(list(STRIPS.values())[: list(STRIPS).index(part)])
    left = (before + np.arange(STRIPS[part])) * _STRIP
    return (left + _CLEAR / 2) / WIDTH, (left + _STRIP - _CLEAR / 2) / WIDTH


def draw_atlas(colours: Mapping[str, FloatArray]) -> ByteArray:
    """(HEIGHT, WIDTH, 4) the strips of all parts, sRGB and alpha; row 0 is v = 0.

    colours: (S, 3) sRGB 0..255 of each part's strips; strips of a part that is missing are clear.
    """
    random = np.random.default_rng(0)
    drawn = []
    for part, count in STRIPS.items():
        for number in range(count):
            if part in colours:
                drawn.append(_strip(_PENS[part], colours[part][number], random))
            else:
                drawn.append(np.zeros((HEIGHT, _STRIP, 4), np.float32))
    picture = np.concatenate(drawn, 1)
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def _strip(pen: _Pen, colour: FloatArray, random: np.random.Generator) -> FloatArray:
    """(HEIGHT, _STRIP, 4) strands of about ``colour``, 0..255."""
    along = np.linspace(0, 1, HEIGHT, dtype=np.float32)[:, None]
    column = np.arange(_STRIP, dtype=np.float32)[None] + 0.5
    rgb = np.empty((HEIGHT, _STRIP, 3), np.float32)
    rgb[:] = 0.85 * np.asarray(colour)  # between the strands, where filters mix it in
    alpha = np.zeros((HEIGHT, _STRIP), np.float32)
    reach = _STRIP / 2 - _CLEAR - pen.wave - pen.width[0] / 2
    starts = random.permutation(np.linspace(-reach, reach, pen.count))
    for start in starts:
        bend, turn, phase = random.uniform(-1, 1), random.uniform(0.5, 1.6), random.uniform(0, 6.3)
        waved = np.sin(6.3 * turn * along + phase) - np.sin(phase)
        place = _STRIP / 2 + start + pen.wave * (0.5 * bend * along**2 + 0.25 * waved * along)
        end = random.uniform(pen.shortest, 1.0)
        share = np.clip(along / end, 0, 1)
        width = pen.width[0] + (pen.width[1] - pen.width[0]) * share
        width = np.where(along <= end, width, 0)
        cover = np.clip(width / 2 + 0.5 - np.abs(column - place), 0, 1) * (width > 0)
        shade = random.uniform(0.72, 1.28) * (0.8 + 0.25 * along)  # roots lie in shadow
        rgb += cover[..., None] * (shade[..., None] * np.asarray(colour) - rgb)
        alpha = np.maximum(alpha, cover)
    return np.concatenate([rgb, 255 * alpha[..., None]], 2)
