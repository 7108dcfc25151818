"""Pictures of the page: histograms, and rendered people beside the heads that were found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from ...data import ByteArray, FloatArray
from ...head.storage import load_head_model
from ...rendering import interpolate, rasterize, vertex_normals
from ...results.preview import CLAY, brightness
from ..pictures import INK, PAPER, STRIP, without_background, written
from ..synthetic.heads import StageRow

WIDTH, HEIGHT, MARGIN = 640, 300, 44
BINS, TICKS = 24, 8
RULE = (215, 215, 215)
# Told apart by people who do not see red and green alike, too.
COLOURS = ((0, 114, 178), (230, 159, 0), (0, 158, 115))
TILE = 112
SOLID = 0.8


def histogram(series: Mapping[str, Sequence[float] | np.ndarray], unit: str) -> ByteArray:
    """(HEIGHT, WIDTH, 3) uint8: the shares of each series in common bins, and its median."""
    picture = np.full((HEIGHT, WIDTH, 3), PAPER, np.uint8)
    kept = {name: np.asarray(values, float) for name, values in series.items() if len(values)}
    if not kept:
        return written(picture, "nothing measured", (MARGIN, HEIGHT // 2))
    values = np.concatenate(list(kept.values()))
    # A few far outliers would press everything else into one bar: they share the last one.
    low, high = min(0.0, float(values.min())), _upper(values)
    step = round_step((high - low) / TICKS)
    low, high = step * np.floor(low / step), step * np.ceil(high / step)
    edges = np.linspace(low, high, BINS + 1)
    shares = {
        name: np.histogram(np.clip(some, edges[0], edges[-1]), edges)[0] / len(some)
        for name, some in kept.items()
    }
    top = max(float(share.max()) for share in shares.values())
    ticks = [f"{value:.4g}" for value in np.arange(low, high + step / 2, step)]
    if values.max() > high:
        ticks[-1] += " and more"
    _draw_axis(picture, ticks, unit)
    for number, (name, share) in enumerate(shares.items()):
        colour = COLOURS[number % len(COLOURS)]
        _draw_bars(picture, share / top, number, len(shares), colour)
        note = f"{name}: {len(kept[name])}, median {np.median(kept[name]):.2f} {unit}"
        row = 18 + 17 * number
        cv2.rectangle(picture, (WIDTH - 318, row - 9), (WIDTH - 308, row + 1), colour, -1)
        written(picture, note, (WIDTH - 300, row))
    return picture


def _upper(values: np.ndarray) -> float:
    most = float(values.max())
    high = float(np.quantile(values, 0.98))
    return (most if most < 1.5 * high else high) or 1.0


def round_step(least: float) -> float:
    """The smallest of 1, 2, 5, 10, 20 ..., or a tenth or hundredth of them, from ``least`` up."""
    power = 10.0 ** np.floor(np.log10(least))
    return float(power * next(step for step in (1, 2, 5, 10) if step * power >= 0.999 * least))


def _draw_axis(picture: ByteArray, ticks: Sequence[str], unit: str) -> None:
    bottom = HEIGHT - MARGIN
    for number, text in enumerate(ticks):
        x = round(MARGIN + number / (len(ticks) - 1) * (WIDTH - 2 * MARGIN))
        cv2.line(picture, (x, 66), (x, bottom + 4), RULE, 1)
        written(picture, text, (x - 4 * len(text), bottom + 18))
    cv2.line(picture, (MARGIN, bottom), (WIDTH - MARGIN, bottom), INK, 1)
    written(picture, unit, (WIDTH // 2 - 4 * len(unit), HEIGHT - 8))


def _draw_bars(
    picture: ByteArray, heights: np.ndarray, number: int, count: int, colour: tuple[int, int, int]
) -> None:
    """Bars of several series stand side by side in their bin."""
    bottom, tall = HEIGHT - MARGIN, HEIGHT - MARGIN - 72
    wide = (WIDTH - 2 * MARGIN) / len(heights)
    for place, height in enumerate(heights):
        left = MARGIN + wide * (place + 0.06 + 0.88 * number / count)
        right = left + 0.88 * wide / count - 1
        if height > 0:
            corner = (round(left), round(bottom - tall * height))
            cv2.rectangle(picture, corner, (round(right), bottom - 1), colour, -1)


def picture_of_faces(groups: Mapping[str, Sequence[StageRow]]) -> ByteArray:
    """Rows of renders, below each the head that was found; the error in mm stands below."""
    most = max(len(rows) for rows in groups.values())
    parts = []
    for name, rows in groups.items():
        title = np.full((STRIP, most * TILE, 3), PAPER, np.uint8)
        tiles = [_tile(row) for row in rows]
        tiles += [np.full_like(tiles[0], 255)] * (most - len(tiles))
        parts += [written(title, name, (4, STRIP - 5)), np.hstack(tiles)]
    return np.vstack(parts)


def _tile(row: StageRow) -> ByteArray:
    """(2 TILE + STRIP, TILE, 3): a fitted row's render without its background, the clay head."""
    plain = without_background(row.view)
    pair = [_small(plain), _small(clay_over(plain, row))]
    caption = np.full((STRIP, TILE, 3), PAPER, np.uint8)
    text = f"{row.shape.mean:.2f} of {row.shape.mean_baseline:.2f}"
    return np.vstack([*pair, written(caption, text, (2, STRIP - 6))])


def _small(picture: ByteArray) -> ByteArray:
    small = cv2.resize(picture, (TILE, TILE), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8)


def clay_over(picture: ByteArray, row: StageRow) -> ByteArray:
    """(S, S, 3) uint8: the head of a fitted row in its camera, over ``picture``."""
    assert row.camera is not None
    model = load_head_model()
    vertices = model.shape.at(row.found)
    seen = row.camera.to_camera_space(vertices)
    points = np.column_stack([row.camera.project(vertices), seen[:, 2]]).astype(np.float32)
    height, width = picture.shape[:2]
    fragments = rasterize(points, model.triangles, width, height)
    normals = interpolate(fragments, vertex_normals(seen, model.triangles), model.triangles)
    lit: FloatArray = CLAY * brightness(normals)[..., None]
    over = picture + SOLID * (np.clip(lit, 0, 255) - picture)
    return np.where((fragments.face >= 0)[..., None], over, picture).astype(np.uint8)
