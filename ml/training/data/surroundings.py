"""Backgrounds behind generated heads, and things in front of them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from ...data import FloatArray


def load_scenes(data: Path) -> list[np.ndarray]:
    """The environment maps as ordinary pictures: rooms, streets and skies without people."""
    scenes = []
    for path in sorted((data / "hdri").glob("*.hdr")):
        light = cv2.imread(str(path), cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR)[..., ::-1]
        light = light / max(float(np.percentile(light, 85)), 1e-4)
        scenes.append((255 * np.clip(light, 0, 1) ** (1 / 2.2)).astype(np.uint8))
    return scenes


def random_background(size: int, scenes: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """(size, size, 3) uint8: a piece of a scene, a gradient or noise, sharp or blurred."""
    kind = rng.random()
    if kind < 0.55:
        picture = _piece(scenes[rng.integers(len(scenes))], size, rng)
    elif kind < 0.85:
        corners = rng.uniform(0, 255, (2, 2, 3)).astype(np.float32)
        if rng.random() < 0.6:
            corners = corners.mean((0, 1)) + (corners - corners.mean((0, 1))) * 0.25
        picture = cv2.resize(corners, (size, size), interpolation=cv2.INTER_LINEAR)
    else:
        cells = int(rng.integers(3, 40))
        noise = rng.uniform(0, 255, (cells, cells, 3)).astype(np.float32)
        picture = cv2.resize(noise, (size, size), interpolation=cv2.INTER_CUBIC)
    if rng.random() < 0.5:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.5, 6))
    return np.clip(picture, 0, 255).astype(np.uint8)


def _piece(scene: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    height, width = scene.shape[:2]
    side = int(rng.integers(48, min(height, width)))
    x, y = rng.integers(0, width - side + 1), rng.integers(0, height - side + 1)
    piece = cv2.resize(scene[y : y + side, x : x + side], (size, size), cv2.INTER_AREA)
    if rng.random() < 0.5:
        piece = piece[:, ::-1]
    return piece * rng.uniform(0.4, 1.3)


def add_occluders(image: np.ndarray, points: FloatArray, rng: np.random.Generator) -> np.ndarray:
    """Sunglasses, hats, hands, microphones: crude, in the right places; drawn into a copy."""
    image = np.ascontiguousarray(image)
    kind = rng.random()
    if kind < 0.3:
        _glasses(image, points, rng)
    elif kind < 0.5:
        _hat(image, points, rng)
    else:
        for _ in range(int(rng.integers(1, 4))):
            _blob(image, points, rng)
    return image


def _paint(image: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> None:
    """Fill ``mask`` (0..255) with one textured colour, edges soft."""
    colour = rng.uniform(0, 255, 3)
    if rng.random() < 0.4:
        colour = np.array([200, 150, 120]) * rng.uniform(0.3, 1.2)
    grain = cv2.resize(rng.normal(0, 18, (9, 9)).astype(np.float32), image.shape[1::-1])
    soft = cv2.GaussianBlur(mask, (0, 0), 0.8)[..., None] / 255.0
    image[:] = np.clip(image * (1 - soft) + (colour + grain[..., None]) * soft, 0, 255)


def _glasses(image: np.ndarray, points: FloatArray, rng: np.random.Generator) -> None:
    mask = np.zeros(image.shape[:2], np.uint8)
    right, left = points[468], points[473]
    across = left - right
    reach = max(float(np.linalg.norm(across)), 6.0)
    angle = float(np.degrees(np.arctan2(across[1], across[0])))
    axes = (reach * rng.uniform(0.32, 0.48), reach * rng.uniform(0.24, 0.4))
    filled = -1 if rng.random() < 0.7 else max(1, int(reach * 0.05))
    for eye in (right, left):
        cv2.ellipse(mask, _at(eye), _whole(axes), angle, 0, 360, 255, filled)
    cv2.line(mask, _at(right), _at(left), 255, max(1, int(reach * 0.06)))
    cv2.line(mask, _at(points[127]), _at(right), 255, max(1, int(reach * 0.05)))
    cv2.line(mask, _at(points[356]), _at(left), 255, max(1, int(reach * 0.05)))
    if rng.random() < 0.8:
        soft = cv2.GaussianBlur(mask, (0, 0), 0.7)[..., None] / 255.0 * rng.uniform(0.7, 1)
        image[:] = image * (1 - soft) + rng.uniform(5, 60) * soft
    else:
        _paint(image, mask, rng)


def _hat(image: np.ndarray, points: FloatArray, rng: np.random.Generator) -> None:
    mask = np.zeros(image.shape[:2], np.uint8)
    right, left = points[127], points[356]
    up = points[10] - points[152]
    brim = [right + up * rng.uniform(0.05, 0.3), left + up * rng.uniform(0.05, 0.3)]
    widen = (brim[1] - brim[0]) * rng.uniform(0.05, 0.5)
    crown = up * rng.uniform(0.4, 0.9)
    outline = np.array([brim[0] - widen, brim[1] + widen, left + crown, right + crown])
    cv2.fillConvexPoly(mask, cv2.convexHull(outline.astype(np.int32)), 255)
    _paint(image, mask, rng)


def _blob(image: np.ndarray, points: FloatArray, rng: np.random.Generator) -> None:
    mask = np.zeros(image.shape[:2], np.uint8)
    centre = points[rng.integers(468)] + rng.normal(0, 12, 2)
    extent = float(np.ptp(points[:468], axis=0).max())
    axes = (extent * rng.uniform(0.05, 0.35), extent * rng.uniform(0.03, 0.2))
    angle = rng.uniform(0, 180)
    if rng.random() < 0.5:
        cv2.ellipse(mask, _at(centre), _whole(axes), angle, 0, 360, 255, -1)
    else:
        corners = cv2.boxPoints((tuple(map(float, centre)), axes, angle))
        cv2.fillConvexPoly(mask, corners.astype(np.int32), 255)
    _paint(image, mask, rng)


def _at(point: FloatArray) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))


def _whole(axes: tuple[float, float]) -> tuple[int, int]:
    return max(1, int(axes[0])), max(1, int(axes[1]))
