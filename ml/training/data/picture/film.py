"""What lenses, films and shutters do to a whole picture, before it is stored.

Grain, JPEG, low resolution, grey and colour casts are added when a batch is made; what is here
needs the whole picture, or must not be drawn anew for each visit.
"""

from __future__ import annotations

import cv2
import numpy as np

from ....data import FloatArray


def expose(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(S, S, 3) uint8 -> the same picture as a camera might have recorded it."""
    chances = rng.random(8)
    picture = image.astype(np.float32)
    if chances[0] < 0.12:
        picture = _shaken(picture, rng)
    elif chances[0] < 0.3:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 1.5))
    if chances[1] < 0.18:
        picture = _vignette(picture, rng)
    if chances[2] < 0.12:
        picture = _slope(picture, rng)
    if chances[3] < 0.08:
        glow = cv2.GaussianBlur(np.clip(picture - 140, 0, None), (0, 0), rng.uniform(4, 14))
        picture = picture + glow * rng.uniform(0.3, 1.2)
    if chances[4] < 0.1:
        # Haze and cheap lenses lift the blacks.
        picture = picture + (rng.uniform(90, 255, 3) - picture) * rng.uniform(0.05, 0.35)
    if chances[5] < 0.07:
        picture = _old_film(picture, rng)
    if chances[6] < 0.12:
        picture = picture + _coloured_noise(picture.shape, rng)
    if chances[7] < 0.12:
        soft = cv2.GaussianBlur(picture, (0, 0), 1.0)
        picture = picture + (picture - soft) * rng.uniform(0.3, 1.5)
    return np.clip(picture, 0, 255).astype(np.uint8)


def _shaken(picture: FloatArray, rng: np.random.Generator) -> FloatArray:
    reach = int(rng.integers(2, 6))
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    angle = rng.uniform(0, np.pi)
    for step in np.linspace(-reach, reach, 6 * reach) * rng.uniform(0.4, 1):
        row, column = reach + step * np.sin(angle), reach + step * np.cos(angle)
        kernel[round(row), round(column)] += 1
    return np.asarray(cv2.filter2D(picture, -1, kernel / kernel.sum()))


def _vignette(picture: FloatArray, rng: np.random.Generator) -> FloatArray:
    size = len(picture)
    middle = size / 2 + rng.normal(0, size / 8, 2)
    y, x = np.mgrid[:size, :size].astype(np.float32)
    far = ((y - middle[0]) ** 2 + (x - middle[1]) ** 2) / size**2
    return np.asarray(picture * (1 - rng.uniform(0.3, 1.1) * far)[..., None].clip(0.1))


def _slope(picture: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Light that falls off across the picture, or a coloured leak."""
    size = len(picture)
    way = rng.normal(0, 1, 2)
    y, x = np.mgrid[:size, :size].astype(np.float32) / size - 0.5
    ramp = (y * way[0] + x * way[1]) / np.linalg.norm(way)
    gain = np.exp(rng.uniform(0.2, 1.3) * ramp)[..., None] * rng.uniform(0.85, 1.15, 3)
    return np.asarray(picture * gain)


def _old_film(picture: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Grey or nearly, toned brown or blue, with a steep or a flat curve."""
    grey = picture @ np.array([0.3, 0.55, 0.15], np.float32)
    tone = np.array([1.08, 1.0, 0.82]) if rng.random() < 0.7 else np.array([0.9, 1.0, 1.1])
    toned = grey[..., None] * (1 + (tone - 1) * rng.uniform(0, 1.2))
    mixed = toned + (picture - toned) * rng.choice([0, rng.uniform(0, 0.5)])
    steep = rng.uniform(0.7, 1.8)
    return np.asarray(128 + (mixed - 128) * steep)


def _coloured_noise(shape: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
    """Noise of a dark room: coloured, in grains of one to three pixels."""
    size = shape[0] // int(rng.integers(1, 4))
    noise = rng.standard_normal((size, size, 3), np.float32) * rng.uniform(3, 14)
    return np.asarray(cv2.resize(noise, shape[1::-1], interpolation=cv2.INTER_LINEAR))
