"""Crude occluders painted over a finished picture: hands, microphones, hair, glasses, hats."""

from __future__ import annotations

import cv2
import numpy as np

from ....data import FloatArray
from ....photo.crop import FACE_POINTS


def add_occluders(image: np.ndarray, points: FloatArray, rng: np.random.Generator) -> np.ndarray:
    """Hands, microphones, hair, glasses, hats, shapes; drawn into a copy.

    points: (L, 2) pixels, whose first 478 are MediaPipe's.
    """
    image = np.ascontiguousarray(image).copy()
    kind = rng.random()
    if kind < 0.15:
        _glasses(image, points, rng)
    elif kind < 0.25:
        _hat(image, points, rng)
    elif kind < 0.55:
        _hand(image, points, rng)
    elif kind < 0.7:
        _microphone(image, points, rng)
    elif kind < 0.82:
        _locks(image, points, rng)
    else:
        for _ in range(int(rng.integers(1, 4))):
            _blob(image, points, rng)
    return image


def _hand(image: np.ndarray, points: FloatArray, rng: np.random.Generator) -> None:
    """A palm and fingers in the skin's own colour, each finger with its shadow side."""
    reach = _extent(points)
    palm = points[rng.choice([152, 148, 377, 205, 425, 61, 291, 4, 10, 127, 356])]
    palm = palm + rng.normal(0, 0.15, 2) * reach
    x, y = np.clip(points[[50, 280, 151]].astype(int), 0, len(image) - 1).T
    skin = np.median(image[y, x], axis=0) * rng.uniform(0.7, 1.2)
    angle, thick = rng.uniform(0, 2 * np.pi), max(2, round(reach * rng.uniform(0.07, 0.1)))
    for finger in range(5):
        turn = angle + (finger - 1.5) * rng.uniform(0.08, 0.3)
        length = reach * rng.uniform(0.3, 0.55)
        tip = palm + length * np.array([np.cos(turn), np.sin(turn)])
        for wide, bright in ((thick + 2, 0.55), (thick, 0.95), (max(1, thick // 2), 1.06)):
            _stroke(image, palm, tip, wide, skin * bright)
    mask = np.zeros(image.shape[:2], np.uint8)
    cv2.ellipse(
        mask, _at(palm), _whole((reach * 0.2, reach * 0.16)), np.degrees(angle), 0, 360, 255, -1
    )
    _lay(image, mask, skin * 0.97)


def _microphone(image: np.ndarray, points: FloatArray, rng: np.random.Generator) -> None:
    reach, tone = _extent(points), rng.uniform(8, 70)
    head = points[13] + np.array([rng.normal(0, 0.2), rng.uniform(0.05, 0.35)]) * reach
    foot = head + np.array([rng.normal(0, 0.5), 1.2]) * reach
    _stroke(image, head, foot, max(2, round(reach * 0.07)), np.full(3, tone))
    size = max(2, round(reach * rng.uniform(0.07, 0.14)))
    _stroke(image, head, head + 0.5, 2 * size, np.full(3, tone * 1.3))
    _stroke(image, head - size / 3, head - size / 3 + 0.5, size, np.full(3, tone * 2.0))


def _locks(image: np.ndarray, points: FloatArray, rng: np.random.Generator) -> None:
    """Strands of hair that fall over the face."""
    reach, colour = _extent(points), rng.uniform(10, 150) * np.array([1, 0.8, 0.62])
    down = points[152] - points[10]
    start = points[10] + rng.normal(0, 0.25) * (points[356] - points[127])
    for _ in range(int(rng.integers(3, 14))):
        first = start + rng.normal(0, 0.08, 2) * reach - 0.1 * down
        bend = rng.normal(0, 0.2, 2) * reach
        share = np.linspace(0, 1, 12)[:, None]
        line = first + share * down * rng.uniform(0.4, 1.2) + bend * share**2
        mask = np.zeros(image.shape[:2], np.uint8)
        wide = int(rng.integers(1, 4))
        cv2.polylines(mask, [line.astype(np.int32)], False, 255, wide, cv2.LINE_AA)
        _lay(image, mask, colour * rng.uniform(0.6, 1.4))


def _stroke(
    image: np.ndarray, first: FloatArray, last: FloatArray, wide: int, colour: FloatArray
) -> None:
    mask = np.zeros(image.shape[:2], np.uint8)
    cv2.line(mask, _at(first), _at(last), 255, wide, cv2.LINE_AA)
    _lay(image, mask, colour)


def _lay(image: np.ndarray, mask: np.ndarray, colour: FloatArray, blur: float = 0.6) -> None:
    """Fill ``mask`` (0..255) with a colour, or with one per pixel; edges soft."""
    soft = cv2.GaussianBlur(mask, (0, 0), blur)[..., None] / 255.0
    image[:] = np.clip(image * (1 - soft) + colour * soft, 0, 255)


def _extent(points: FloatArray) -> float:
    return float(np.ptp(points[:FACE_POINTS], axis=0).max())


def _paint(image: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> None:
    """Fill ``mask`` (0..255) with one textured colour, edges soft."""
    colour = rng.uniform(0, 255, 3)
    if rng.random() < 0.4:
        colour = np.array([200, 150, 120]) * rng.uniform(0.3, 1.2)
    grain = cv2.resize(rng.normal(0, 18, (9, 9)).astype(np.float32), image.shape[1::-1])
    _lay(image, mask, colour + grain[..., None], 0.8)


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
    centre = points[rng.integers(FACE_POINTS)] + rng.normal(0, 12, 2)
    extent = _extent(points)
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
