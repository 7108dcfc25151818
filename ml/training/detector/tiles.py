"""Tiles with and without a face for the detector, made while it trains.

Faces come from the labelled portraits, with their real surroundings, and from the samples of
ml.training.data.generate, pasted into backgrounds. Pieces without a face are pasted in likewise, so
that a seam is no sign of a face.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ...data import FaceBox, FloatArray
from ...photo.crop import box_from_landmarks, warp_crop
from ...photo.detector import LARGEST, SMALLEST, STRIDE, USUAL
from ..data.augment import discolour
from ..data.picture.backgrounds import Scenes, random_background
from ..data.portraits import Portrait
from ..data.stored import NEGATIVE, PHOTO, finished_rows, open_samples
from ..data.studio import open_studio

TILE = 96
CELLS = TILE // STRIDE
BACKGROUNDS, LARGE = 1500, 192
# Shares of tiles: a portrait as it is, a face pasted in, a piece of clothes; the rest has no face.
WHOLE, SET_IN, CLOTHES = 0.38, 0.36, 0.1
# Share of faces of a size that belongs to another level of the pyramid.
OTHER_SIZE = 0.15
# Cells within the first share of a face's size from its middle are trained to find it; cells up to
# the second share are not trained.
NEAR, FREE = 0.2, 0.45


@dataclass(frozen=True)
class Tile:
    """One tile: image (T, T, 3) uint8; wanted (6, C, C), the target of the network's outputs, the
    first 0 or 1; weight (2, C, C) of the score and of the rest."""

    image: np.ndarray
    wanted: FloatArray
    weight: FloatArray


@dataclass(frozen=True)
class Stock:
    """The pictures that tiles are made of. samples: stored pictures; rows: (N,) those with a face;
    boxes: one per row, in pixels of the picture."""

    portraits: list[Portrait]
    samples: np.ndarray
    rows: np.ndarray
    boxes: list[FaceBox]
    backgrounds: np.ndarray


def load_stock(data: Path, reference: Path, fits: Path, samples: Path, seed: int) -> Stock:
    """Open the portraits and samples, and draw the backgrounds."""
    studio = open_studio(data, reference, fits)
    scenes: Scenes = studio.scenes
    rng = np.random.default_rng(seed)
    stored = open_samples(samples)
    known = finished_rows(samples, len(stored["kind"]))
    kind = np.array(stored["kind"][known])
    rows = known[(kind != NEGATIVE) & (kind != PHOTO)]
    boxes = [box_from_landmarks(points) for points in stored["points"][rows]]
    grounds = np.stack([random_background(LARGE, scenes, rng) for _ in range(BACKGROUNDS)])
    return Stock(studio.portraits, stored["images"], rows, boxes, grounds)


def make_tile(stock: Stock, rng: np.random.Generator) -> Tile:
    """A random tile."""
    draw, box = rng.random(), None
    image = _background(stock, rng)
    if draw < WHOLE:
        portrait = stock.portraits[rng.integers(len(stock.portraits))]
        image, box = face_tile(portrait.rgb, box_from_landmarks(portrait.labels), rng)
    elif draw < WHOLE + SET_IN:
        number = int(rng.integers(len(stock.rows)))
        picture = stock.samples[stock.rows[number]]
        placed, box, mask = _placed_with_mask(picture, stock.boxes[number], rng)
        image = _blend(image, placed, mask)
    elif draw < WHOLE + SET_IN + CLOTHES:
        image = _clothes(stock, rng)
    elif rng.random() < 0.5:
        piece = _background(stock, rng)
        placed, _, mask = _placed_with_mask(piece, FaceBox((48, 48), 66, 0, 0), rng)
        image = _blend(image, placed, mask)
    if box is not None and rng.random() < 0.5:
        image = np.ascontiguousarray(image[:, ::-1])
        box = FaceBox((TILE - box.center[0], box.center[1]), box.size, -box.roll, 1)
    wanted, weight = targets(box)
    return Tile(discolour(image, rng), wanted, weight)


def targets(box: FaceBox | None) -> tuple[FloatArray, FloatArray]:
    """The target and its weight for a tile with one face, or none: see :class:`Tile`."""
    wanted = np.zeros((6, CELLS, CELLS), np.float32)
    weight = np.zeros((2, CELLS, CELLS), np.float32)
    weight[0] = 1
    if box is None:
        return wanted, weight
    middles = (np.arange(CELLS) + 0.5) * STRIDE
    across = box.center[0] - middles[None, :] + 0 * middles[:, None]
    down = box.center[1] - middles[:, None] + 0 * middles[None, :]
    away = np.hypot(across, down)
    near = away < max(NEAR * box.size, 0.75 * STRIDE)
    free = (away < FREE * box.size) & ~near
    if not SMALLEST <= box.size <= LARGEST:
        # Just outside the range both answers are right; far outside, another level finds the face.
        if 0.7 * SMALLEST < box.size < 1.45 * LARGEST:
            weight[0][near | free] = 0
        return wanted, weight
    weight[0][free], weight[1][near] = 0, 1
    wanted[0][near] = 1
    wanted[1], wanted[2] = across / (2 * STRIDE), down / (2 * STRIDE)
    wanted[3] = np.log(box.size / USUAL)
    wanted[4], wanted[5] = np.sin(box.roll), np.cos(box.roll)
    return wanted, weight


def _background(stock: Stock, rng: np.random.Generator) -> np.ndarray:
    large = stock.backgrounds[rng.integers(len(stock.backgrounds))]
    side = int(rng.integers(TILE // 2, LARGE))
    x, y = rng.integers(0, LARGE - side + 1, 2)
    piece = large[y : y + side, x : x + side]
    return np.asarray(cv2.resize(piece, (TILE, TILE), interpolation=cv2.INTER_AREA))


def _random_map(box: FaceBox, rng: np.random.Generator) -> tuple[np.ndarray, FaceBox]:
    """(2, 3) map from a tile's pixels to the picture's, and the box in the tile."""
    size = float(np.exp(rng.uniform(np.log(SMALLEST), np.log(LARGEST))))
    if rng.random() < OTHER_SIZE:
        size = float(rng.choice([rng.uniform(6, 12), rng.uniform(68, 130)]))
    turn = rng.normal(0, 14) if rng.random() < 0.6 else rng.uniform(-55, 55)
    angle, scale = float(np.radians(turn)), size / box.size
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    matrix = np.array([[cos, -sin], [sin, cos]])
    centre = rng.uniform(4, TILE - 4, 2)
    shift = centre - matrix @ np.asarray(box.center)
    moved = FaceBox((float(centre[0]), float(centre[1])), size, box.roll + angle, 1)
    return cv2.invertAffineTransform(np.column_stack([matrix, shift])), moved


def face_tile(
    picture: np.ndarray, box: FaceBox, rng: np.random.Generator
) -> tuple[np.ndarray, FaceBox]:
    """A tile of a picture whose face has the ``box``, turned and sized anyhow; the box in it."""
    to_picture, moved = _random_map(box, rng)
    return warp_crop(picture, to_picture, TILE), moved


def _placed_with_mask(
    picture: np.ndarray, box: FaceBox, rng: np.random.Generator
) -> tuple[np.ndarray, FaceBox, FloatArray]:
    to_picture, moved = _random_map(box, rng)
    mask = np.full(picture.shape[:2], 255, np.uint8)
    edge = int(rng.integers(1, 1 + len(mask) // 10))
    mask[:edge] = mask[-edge:] = mask[:, :edge] = mask[:, -edge:] = 0
    if rng.random() < 0.5:
        mask = cv2.GaussianBlur(mask, (0, 0), float(rng.uniform(1, edge + 1)))
    share = warp_crop(mask, to_picture, TILE, cv2.BORDER_CONSTANT).astype(np.float32) / 255
    return warp_crop(picture, to_picture, TILE), moved, share[..., None]


def _blend(under: np.ndarray, over: np.ndarray, share: FloatArray) -> np.ndarray:
    return np.clip(under + (over.astype(np.float32) - under) * share, 0, 255).astype(np.uint8)


def _clothes(stock: Stock, rng: np.random.Generator) -> np.ndarray:
    """A piece of a portrait from below the chin."""
    portrait = stock.portraits[rng.integers(len(stock.portraits))]
    below = int(portrait.labels[:, 1].max()) + 6
    piece = portrait.rgb[below:]
    if min(piece.shape[:2]) < 12:
        return _background(stock, rng)
    side = int(rng.integers(10, min(piece.shape[:2])))
    y, x = (int(rng.integers(0, length - side + 1)) for length in piece.shape[:2])
    return np.asarray(cv2.resize(piece[y : y + side, x : x + side], (TILE, TILE)))
