"""Measure the colours of an eye in the photo: its iris, and its white."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..data import Camera, FloatArray, Photo
from ..head.model import HeadModel
from .contours import EYES

# MediaPipe's landmarks: the iris' centre and four points of its rim, and the eye's opening.
LANDMARKS = {"right": (slice(468, 473), EYES[0]), "left": (slice(473, 478), EYES[1])}
# Smallest radius of an iris in the photo, pixels: a smaller one is not measured.
SMALLEST_IRIS = 2.5
# The eye is resampled to a patch of this (width, height) in which its iris has this radius, pixels.
RADIUS, PATCH = 10, (72, 44)
# The iris is sought within this many radii of its fitted place, across and down (dark lashes lie
# above it), where at least this share of its disc lies in the eye's opening.
SEARCH, SHOWN = (1.1, 0.3), 0.5
# An iris' pixels are at most this many times as bright as most of them, if they reflect no lamp;
# what is as red as a lid is one if it has this share of the brightness that irises can have.
GLINT, LID = 1.5, 0.8


@dataclass(frozen=True)
class EyeColours:
    """The colours of one eye in the photo, in the photo's light.

    Attributes
    ----------
    iris: (3,) sRGB 0..255; None where the photo does not show it well enough.
    white: (3,) sRGB 0..255 of the bright part of its white; None likewise.
    size: radius of the iris in the photo, pixels.
    """

    iris: FloatArray | None
    white: FloatArray | None
    size: float = 8.0


def measure_eye(
    photo: Photo, camera: Camera, vertices: FloatArray, model: HeadModel, side: str
) -> EyeColours:
    """Measure the eye of the ``side`` "left" or "right".

    vertices: (V, 3) the head with the photo's expression; head space, metres.
    """
    iris, opening = LANDMARKS[side]
    points = camera.project(model.landmark_sets["mediapipe478"].on(vertices))
    radius = float(np.linalg.norm(points[iris][1:] - points[iris][0], axis=1).mean())
    if not np.isfinite(points).all() or radius < SMALLEST_IRIS:
        return EyeColours(None, None)
    patch, inside, expected = _patch(photo, points[iris][0], points[list(opening)], radius)
    centre = _darkest_disc(patch, inside, expected)
    if centre is None:
        return EyeColours(None, None)
    rows, columns = np.indices(inside.shape)
    away = np.hypot(columns - centre[0], rows - centre[1]) / RADIUS
    white = _bright(patch[inside & (away > 1.2)])
    # The upper part lies in the lid's shadow.
    ring = inside & (away > 0.4) & (away < 0.8) & (rows > centre[1] - 0.3 * RADIUS)
    return EyeColours(_iris(patch[ring], white), white, radius)


def _patch(
    photo: Photo, iris: FloatArray, opening: FloatArray, radius: float
) -> tuple[FloatArray, np.ndarray, FloatArray]:
    """The eye (H, W, 3), (H, W) bool for pixels in its opening, and the iris' expected (2,) place.

    iris: (2,), opening: (P, 2) and radius: pixels of the photo.
    """
    scale = RADIUS / radius
    shift = np.array(PATCH) / 2 - opening.mean(0) * scale
    to_patch = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    # (0, 0) is the first pixel's corner in our coordinates, its centre in OpenCV's.
    to_patch[:, 2] += 0.5 * scale - 0.5
    patch = cv2.warpAffine(
        photo.rgb, to_patch, PATCH, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    inside = np.zeros(PATCH[::-1], np.uint8)
    cv2.fillPoly(inside, [np.round(opening * scale + shift).astype(np.int32)], 1)
    low, high = -shift / scale, (np.array(PATCH) - shift) / scale
    if (low < 0).any() or (high > [photo.width, photo.height]).any():
        inside[:] = 0
    return patch.astype(np.float32), inside > 0, iris * scale + shift


def _darkest_disc(
    patch: FloatArray, inside: np.ndarray, expected: FloatArray
) -> tuple[int, int] | None:
    """Column and row of the disc that is darkest in red: skin and white are bright in red.

    None if too little of the opening is near the ``expected`` place.
    """
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * RADIUS + 1,) * 2).astype(np.float32)
    weight = inside.astype(np.float32)
    area = cv2.filter2D(weight, -1, disc, borderType=cv2.BORDER_CONSTANT)
    red = cv2.filter2D(patch[..., 0] * weight, -1, disc, borderType=cv2.BORDER_CONSTANT)
    rows, columns = np.indices(inside.shape)
    near = np.abs(columns - expected[0]) < SEARCH[0] * RADIUS
    near &= np.abs(rows - expected[1]) < SEARCH[1] * RADIUS
    possible = near & (area > SHOWN * disc.sum())
    if not possible.any():
        return None
    mean = np.where(possible, red / np.maximum(area, 1), np.inf)
    row, column = np.unravel_index(mean.argmin(), mean.shape)
    return int(column), int(row)


def _bright(colours: FloatArray) -> FloatArray | None:
    """(3,) colour of the white: bright pixels, but not the brightest, which are reflections."""
    if len(colours) < 20:
        return None
    # By the smallest channel, because even bright skin is low in blue.
    return _middle_of(colours, colours.min(1), (0.75, 0.95))


def _iris(colours: FloatArray, white: FloatArray | None) -> FloatArray | None:
    """(3,) colour of the iris' lighter part; None if that cannot be an iris."""
    if len(colours) < 20:
        return None
    bright = colours.mean(1)
    # Without reflections of lamps and windows; the pupil may be half of what is measured.
    matt = colours[bright <= GLINT * np.percentile(bright, 75)]
    # Pupil, rim and the lashes' shadows are darker.
    found = _middle_of(matt, matt.mean(1), (0.5, 0.85))
    shown = 165 if white is None else min(0.85 * float(white.mean()), 165)
    # Amber irises are as red as skin, but darker than the lids round them.
    lid = found[0] > 2.3 * max(found[2], 1) and found.mean() > LID * shown
    return found if 12 < found.mean() < shown and not lid else None


def _middle_of(colours: FloatArray, key: FloatArray, share: tuple[float, float]) -> FloatArray:
    """(3,) median of those (N, 3) colours whose rank by (N,) ``key`` lies within ``share``."""
    first, last = (int(end * len(colours)) for end in share)
    return np.median(colours[np.argsort(key)[first:last]], axis=0).astype(np.float32)
