"""Changes of stored samples that each batch draws anew: mirror images, and what cameras do."""

from __future__ import annotations

import cv2
import numpy as np

from ...geometry.mirror import MIRROR
from ...head.mirror import Mirror


def flip(labels: dict[str, np.ndarray], index: int, mirror: Mirror, width: int) -> None:
    """The labels of sample ``index`` after a flip of its ``width`` pixels, in place."""
    points = labels["points"][index][mirror.points]
    points[:, 0] = width - points[:, 0]
    labels["points"][index] = points
    for name in ("point_weight", "visible"):
        labels[name][index] = labels[name][index][mirror.points]
    if "bumps" in labels:
        labels["bumps"][index] = labels["bumps"][index][mirror.points] * np.tile(MIRROR, 2)
    labels["identity"][index] *= mirror.identity
    labels["expression"][index] = labels["expression"][index][mirror.expression]
    labels["rotation"][index] = labels["rotation"][index] * MIRROR[:, None] * MIRROR[None]


def discolour(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """:func:`recorded`, and now and then a part of the picture painted over."""
    picture = recorded(image, rng)
    if rng.random() < 0.1:
        _erase(picture, rng)
    return picture


def recorded(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Grey, light, colour, blur, noise, coarse pixels: what cameras and screens do to faces."""
    picture = image.astype(np.float32)
    if rng.random() < 0.15:
        picture = picture @ np.array([[0.299], [0.587], [0.114]], np.float32).repeat(3, 1)
    if rng.random() < 0.8:
        middle = picture.mean()
        contrast, gain = rng.uniform(0.6, 1.35), np.exp(rng.normal(0, 0.25))
        tint = rng.normal(1, 0.06, 3).astype(np.float32)
        picture = ((picture - middle) * contrast + middle) * (gain * tint)
    if rng.random() < 0.3:
        picture = 255 * (np.clip(picture, 0, 255) / 255) ** np.exp(rng.normal(0, 0.3))
    if rng.random() < 0.25:
        side = int(rng.integers(28, 100))
        small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
        picture = cv2.resize(small, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.15:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 1.6))
    if rng.random() < 0.3:
        noise = rng.standard_normal(image.shape[:2], np.float32)[..., None]
        picture = picture + noise * rng.uniform(2, 14)
    picture = np.clip(picture, 0, 255).astype(np.uint8)
    if rng.random() < 0.15:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(15, 60))]
        picture = cv2.imdecode(cv2.imencode(".jpg", picture, quality)[1], cv2.IMREAD_COLOR)
    return picture


def _erase(picture: np.ndarray, rng: np.random.Generator) -> None:
    height, width = picture.shape[:2]
    h, w = (int(rng.uniform(0.1, 0.4) * side) for side in (height, width))
    y, x = int(rng.integers(0, height - h)), int(rng.integers(0, width - w))
    picture[y : y + h, x : x + w] = rng.uniform(0, 255, 3)
