"""What makes a face hard, done to the finished picture of a rendered person.

The truth about the person stays the same, so the shape error tells what each of them costs.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from ...data import ByteArray, FloatArray
from ...photo.crop import EYE_LEFT, EYE_RIGHT, FACE_POINTS
from ...training.data.worn.occluders import add_occluders

# (S, S, 3) uint8, (L, 2) pixels of the dense landmarks, random numbers -> uint8, of any size.
Spoil = Callable[[ByteArray, FloatArray, np.random.Generator], ByteArray]

NOSE_TIP, CHIN, FOREHEAD = 4, 152, 10


def _untouched(rgb: ByteArray, points: FloatArray, rng: np.random.Generator) -> ByteArray:
    return rgb


def _covered(rgb: ByteArray, points: FloatArray, rng: np.random.Generator) -> ByteArray:
    return np.asarray(add_occluders(rgb, points, rng), np.uint8)


def _half_covered(rgb: ByteArray, points: FloatArray, rng: np.random.Generator) -> ByteArray:
    """A plain area over all that lies on one side of the nose, or above or below it."""
    picture, (x, y) = rgb.copy(), np.clip(points[NOSE_TIP], 0, len(rgb) - 1).astype(int)
    areas = (np.s_[:, :x], np.s_[:, x:], np.s_[:y], np.s_[y:])
    picture[areas[rng.integers(4)]] = rng.integers(0, 255, 3)
    return picture


def _cut(rgb: ByteArray, points: FloatArray, rng: np.random.Generator) -> ByteArray:
    """The picture ends within the face: on its left, right or at the top, or below."""
    low, high = points[:FACE_POINTS].min(0), points[:FACE_POINTS].max(0)
    kept = low + rng.uniform(0.35, 0.8) * (high - low)
    lost = high - rng.uniform(0.35, 0.8) * (high - low)
    x, y = np.clip(kept, 8, len(rgb)).astype(int)
    x0, y0 = np.clip(lost, 0, len(rgb) - 8).astype(int)
    areas = (np.s_[:, :x], np.s_[:, x0:], np.s_[:y], np.s_[y0:])
    return np.ascontiguousarray(rgb[areas[rng.integers(4)]])


def _blurred(rgb: ByteArray, points: FloatArray, rng: np.random.Generator) -> ByteArray:
    return _as_bytes(cv2.GaussianBlur(rgb, (0, 0), rng.uniform(3, 14)))


def _small(rgb: ByteArray, points: FloatArray, rng: np.random.Generator) -> ByteArray:
    """The face is 28 to 70 pixels wide."""
    width = float(np.ptp(points[:FACE_POINTS], axis=0).max())
    side = max(8, round(len(rgb) * rng.uniform(28, 70) / width))
    return _as_bytes(cv2.resize(rgb, (side, side), interpolation=cv2.INTER_AREA))


def _enlarged(rgb: ByteArray, points: FloatArray, rng: np.random.Generator) -> ByteArray:
    """As small, and then as large as before."""
    small = _small(rgb, points, rng)
    return _as_bytes(cv2.resize(small, rgb.shape[1::-1], interpolation=cv2.INTER_CUBIC))


def _noisy(rgb: ByteArray, points: FloatArray, rng: np.random.Generator) -> ByteArray:
    return _as_bytes(rgb + rng.normal(0, rng.uniform(20, 70), rgb.shape))


def _negative(rgb: ByteArray, points: FloatArray, rng: np.random.Generator) -> ByteArray:
    return np.asarray(255 - rgb, np.uint8)


def _stretched(rgb: ByteArray, points: FloatArray, rng: np.random.Generator) -> ByteArray:
    """1.3 to 1.9 times wider or higher than it was."""
    size = np.array(rgb.shape[1::-1], float)
    size[rng.integers(2)] *= rng.uniform(1.3, 1.9)
    return _as_bytes(cv2.resize(rgb, tuple(size.astype(int)), interpolation=cv2.INTER_LINEAR))


def _coloured(rgb: ByteArray, points: FloatArray, rng: np.random.Generator) -> ByteArray:
    """Light of one strong colour, and little of it."""
    light = np.array([1.0, 0.25, 0.15])[rng.permutation(3)] * rng.uniform(0.3, 1)
    return _as_bytes(rgb * light)


def _compressed(rgb: ByteArray, points: FloatArray, rng: np.random.Generator) -> ByteArray:
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(2, 12))]
    return _as_bytes(cv2.imdecode(cv2.imencode(".jpg", rgb, quality)[1], cv2.IMREAD_COLOR))


def _drawing(rgb: ByteArray, points: FloatArray, rng: np.random.Generator) -> ByteArray:
    """A pencil drawing: dark lines where the light changes, on white paper."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    soft = cv2.GaussianBlur(grey, (0, 0), rng.uniform(2, 7))
    lines = np.clip(grey / (soft + 1), 0, 1) ** rng.uniform(1.5, 4)
    return _as_bytes(255 * np.repeat(lines[..., None], 3, 2))


def _doubled(rgb: ByteArray, points: FloatArray, rng: np.random.Generator) -> ByteArray:
    """Two exposures of the person on one picture, apart by up to half of the face."""
    reach = float(np.ptp(points[:FACE_POINTS], axis=0).max())
    shift = rng.uniform(0.1, 0.5) * reach * np.array([rng.choice([-1, 1]), rng.normal(0, 0.4)])
    move = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
    other = cv2.warpAffine(rgb, move, rgb.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
    share = rng.uniform(0.35, 0.65)
    return _as_bytes(share * rgb + (1 - share) * other)


def _mirrored(rgb: ByteArray, points: FloatArray, rng: np.random.Generator) -> ByteArray:
    """One half of the picture, and its mirror image as the other."""
    x = int(np.clip(points[NOSE_TIP, 0], 40, len(rgb) - 40))
    half = rgb[:, :x] if rng.random() < 0.5 else rgb[:, x:][:, ::-1]
    return np.ascontiguousarray(np.concatenate([half, half[:, ::-1]], 1))


def _no_eyes(rgb: ByteArray, points: FloatArray, rng: np.random.Generator) -> ByteArray:
    """Both eyes are painted over with the skin's colour, or with black."""
    picture = rgb.copy()
    reach = float(np.linalg.norm(points[EYE_LEFT] - points[EYE_RIGHT]))
    skin = np.median(_patch(rgb, (points[50] + points[280]) / 2, reach / 4), axis=(0, 1))
    colour = skin if rng.random() < 0.5 else np.zeros(3)
    for eye in (points[468], points[473]):
        axes = (max(3, int(0.3 * reach)), max(3, int(0.2 * reach)))
        cv2.ellipse(picture, _place(eye), axes, 0, 0, 360, colour.tolist(), -1)
    return picture


def _masked(rgb: ByteArray, points: FloatArray, rng: np.random.Generator) -> ByteArray:
    """Dark glasses, and a cloth from the nose to below the chin."""
    picture = _no_eyes(rgb, points, rng)
    outline = points[[234, 227, 6, 447, 454, 365, CHIN, 136]].astype(np.int32)
    colour = rng.integers(20, 250, 3).tolist()
    cv2.fillConvexPoly(picture, cv2.convexHull(outline), colour, cv2.LINE_AA)
    return picture


def _patch(rgb: ByteArray, centre: FloatArray, radius: float) -> ByteArray:
    x, y = np.clip(centre, 0, len(rgb) - 2).astype(int)
    reach = max(1, int(radius))
    return rgb[max(0, y - reach) : y + reach, max(0, x - reach) : x + reach]


def _place(point: FloatArray) -> tuple[int, int]:
    return int(point[0]), int(point[1])


def _as_bytes(picture: np.ndarray) -> ByteArray:
    return np.clip(picture, 0, 255).astype(np.uint8)


SPOILS: dict[str, Spoil] = {
    "untouched": _untouched,
    "things before the face": _covered,
    "half covered": _half_covered,
    "cut off by the border": _cut,
    "blurred": _blurred,
    "small": _small,
    "small, then enlarged": _enlarged,
    "noisy": _noisy,
    "negative": _negative,
    "stretched": _stretched,
    "dim coloured light": _coloured,
    "JPEG of quality 2 to 12": _compressed,
    "pencil drawing": _drawing,
    "double exposure": _doubled,
    "mirrored half": _mirrored,
    "without eyes": _no_eyes,
    "glasses and mask": _masked,
}
