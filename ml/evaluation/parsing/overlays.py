"""Parses as colours over photos, for looking."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...data import ByteArray
from ...parsing.classes import CLASSES
from ...parsing.parse import Parser, crop_head
from ...photo.crop import box_from_landmarks
from ...photo.read import read_photo
from ..photos.labels import PHOTO_SETS, read_labels
from ..pictures import save_picture

# sRGB of each class over a picture; the background darkens it.
COLOURS = {
    "background": (0, 0, 0),
    "skin": (255, 200, 160),
    "nose": (255, 140, 60),
    "brows": (120, 60, 0),
    "eyes": (0, 0, 255),
    "lips": (255, 0, 0),
    "inner mouth": (255, 120, 160),
    "ears": (255, 255, 0),
    "neck": (180, 140, 100),
    "hair": (120, 0, 160),
    "beard": (0, 120, 60),
    "glasses": (0, 255, 255),
    "hat": (255, 0, 255),
    "clothes": (90, 90, 90),
    "other": (0, 255, 0),
}
STRENGTH = 0.6
# Photos side by side in one sheet, and in all sheets of one set.
COLUMNS, ROWS = 5, 6


def coloured(rgb: ByteArray, labels: ByteArray) -> ByteArray:
    """(S, S, 3): the picture under the colours of its (S, S) classes."""
    palette = np.array([COLOURS[name] for name in CLASSES], np.float32)
    mixed = (1 - STRENGTH) * rgb + STRENGTH * palette[labels]
    return mixed.round().astype(np.uint8)


def draw_sheets(data: Path, parser: Parser, out: Path) -> None:
    """Every labelled development photo beside its parse, in sheets of COLUMNS x ROWS."""
    for name in PHOTO_SETS:
        tiles = []
        for item in read_labels(data, name):
            if item.landmarks is not None:
                crop = crop_head(read_photo(item.path), box_from_landmarks(item.landmarks))
                found = parser.parse(crop).probability.argmax(0).astype(np.uint8)
                tiles.append(np.concatenate([crop.rgb, coloured(crop.rgb, found)], 1))
        for first in range(0, len(tiles), COLUMNS * ROWS):
            part = tiles[first : first + COLUMNS * ROWS]
            save_picture(sheet_of(part, COLUMNS), out / f"{name}_{first:03}.png")


def sheet_of(tiles: Sequence[ByteArray], columns: int) -> ByteArray:
    """(H, W, 3): pictures of one size side by side, the last row filled up with black."""
    filled = [*tiles, *[np.zeros_like(tiles[0])] * (-len(tiles) % columns)]
    rows = [np.hstack(filled[at : at + columns]) for at in range(0, len(filled), columns)]
    return np.vstack(rows)
