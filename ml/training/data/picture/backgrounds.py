"""Backgrounds behind generated heads."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from ....data import FloatArray
from ....geometry.colour import srgb_of
from ..portraits import Portrait

# Wide pictures of places, and narrow pieces of the portraits' own walls.
Scenes = tuple[list[np.ndarray], list[np.ndarray]]


def load_scenes(data: Path) -> list[np.ndarray]:
    """The environment maps as ordinary pictures: rooms, streets and skies without people."""
    scenes = []
    for path in sorted((data / "hdri").glob("*.hdr")):
        light = cv2.imread(str(path), cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR)[..., ::-1]
        light = light / max(float(np.percentile(light, 85)), 1e-4)
        scenes.append(srgb_of(light).astype(np.uint8))
    return scenes


def walls(portraits: list[Portrait]) -> list[np.ndarray]:
    """What is seen to the left and right of the portraits' heads, above their shoulders."""
    pieces = []
    for portrait in portraits:
        low, high = portrait.labels.min(0), portrait.labels.max(0)
        reach = 0.35 * (high[0] - low[0])
        bottom = int(high[1])
        for first, last in ((0, low[0] - reach), (high[0] + reach, portrait.rgb.shape[1])):
            piece = portrait.rgb[:bottom, max(0, int(first)) : max(0, int(last))]
            if min(piece.shape[:2]) >= 24:
                pieces.append(piece)
    return pieces


def random_background(size: int, scenes: Scenes, rng: np.random.Generator) -> np.ndarray:
    """(size, size, 3) uint8: a place, a wall, a gradient or clouds, sharp or blurred."""
    kind = rng.random()
    if kind < 0.45:
        picture = _piece(scenes[0], size, rng)
    elif kind < 0.72:
        picture = _piece(scenes[1], size, rng)
    elif kind < 0.88:
        corners = rng.uniform(0, 255, (2, 2, 3)).astype(np.float32)
        # Studios are grey, white and pale more often than green and pink.
        dull = rng.choice([0.08, 0.25, 1.0], p=[0.45, 0.35, 0.2])
        grey = corners.mean(2, keepdims=True)
        corners = grey.mean() + (grey - grey.mean()) * 0.5 + (corners - grey) * dull
        picture = cv2.resize(corners, (size, size), interpolation=cv2.INTER_LINEAR)
    else:
        picture = _clouds(size, rng)
    if rng.random() < 0.5:
        picture = cv2.GaussianBlur(picture, (0, 0), np.exp(rng.uniform(-0.7, 2.2)))
    return np.clip(picture, 0, 255).astype(np.uint8)


def _piece(scenes: list[np.ndarray], size: int, rng: np.random.Generator) -> FloatArray:
    scene = scenes[rng.integers(len(scenes))]
    height, width = scene.shape[:2]
    most = min(height, width)
    side = int(rng.integers(min(48, most - 1), most))
    x, y = rng.integers(0, width - side + 1), rng.integers(0, height - side + 1)
    piece = cv2.resize(
        scene[y : y + side, x : x + side], (size, size), interpolation=cv2.INTER_AREA
    )
    if rng.random() < 0.5:
        piece = piece[:, ::-1]
    piece = piece.astype(np.float32)
    if piece.mean() < 15 and rng.random() < 0.85:
        # One map is a lamp in a dark room: nearly all its pieces are black.
        return _clouds(size, rng)
    wanted = rng.uniform(30, 200)
    return np.asarray(piece * np.clip(wanted / max(float(piece.mean()), 2.0), 0.4, 8))


def _clouds(size: int, rng: np.random.Generator) -> FloatArray:
    """Noise with more power in what is broad, as in nearly all pictures."""
    picture = np.full((size, size, 3), rng.uniform(40, 210), np.float32)
    steep, dull = rng.uniform(0.5, 1.0), rng.uniform(0, 1)
    cells, power = 2, rng.uniform(30, 110)
    while cells < 80:
        noise = rng.normal(0, power, (cells, cells, 3)).astype(np.float32)
        noise = noise * dull + noise[..., :1] * (1 - dull)
        picture += cv2.resize(noise, (size, size), interpolation=cv2.INTER_CUBIC)
        cells, power = cells * 2, power * (1 - 0.6 * steep)
    return picture
