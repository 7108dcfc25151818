"""What the photo tells of an eye: the iris' colour, and how bright its white is."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..data import Camera, FloatArray, Photo
from ..head.model import HeadModel
from .contours import EYES

# MediaPipe's iris landmarks, centre and four points of the rim, and the ring of the opening.
LANDMARKS = {"right": (slice(468, 473), EYES[0]), "left": (slice(473, 478), EYES[1])}
COMMON_IRIS = np.array([96.0, 72.0, 54.0], np.float32)
# An iris smaller than this in the photo tells nothing, pixels.
SMALLEST_IRIS = 2.5
# The eye is looked at in a patch where its iris has this radius, pixels.
RADIUS, PATCH = 10, (72, 44)
# The iris lies within this many of its radii of where the fit says, sideways and up or down: dark
# lashes are above it. At least this share of its disc shows.
SEARCH, SHOWN = (1.1, 0.3), 0.5


@dataclass(frozen=True)
class SeenEye:
    """One eye in the photo.

    Attributes
    ----------
    iris: (3,) its colour in the photo's light; None where the photo does not tell.
    white: (3,) colour of the bright part of its white; None where the photo does not tell.
    """

    iris: FloatArray | None
    white: FloatArray | None


def see_eye(
    photo: Photo, camera: Camera, vertices: FloatArray, model: HeadModel, side: str
) -> SeenEye:
    """Look at the eye of a side; vertices: (V, 3) the head as the photo shows it."""
    iris, opening = LANDMARKS[side]
    points = camera.project(model.embeddings["mediapipe478"].on(vertices))
    radius = float(np.linalg.norm(points[iris][1:] - points[iris][0], axis=1).mean())
    if not np.isfinite(points).all() or radius < SMALLEST_IRIS:
        return SeenEye(None, None)
    patch, inside, expected = _patch(photo, points[iris][0], points[list(opening)], radius)
    centre = _darkest_disc(patch, inside, expected)
    if centre is None:
        return SeenEye(None, None)
    rows, columns = np.indices(inside.shape)
    away = np.hypot(columns - centre[0], rows - centre[1]) / RADIUS
    white = _bright(patch[inside & (away > 1.2)])
    # Not its upper part, which lies in the lid's shadow.
    ring = inside & (away > 0.4) & (away < 0.8) & (rows > centre[1] - 0.3 * RADIUS)
    return SeenEye(_iris(patch[ring], white), white)


def _patch(
    photo: Photo, iris: FloatArray, opening: FloatArray, radius: float
) -> tuple[FloatArray, np.ndarray, FloatArray]:
    """The eye (H, W, 3), which pixels are in its opening (H, W), and where its iris should be."""
    scale = RADIUS / radius
    shift = np.array(PATCH) / 2 - opening.mean(0) * scale
    to_patch = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    # Pixels are named by their corners in our coordinates, by their middles in OpenCV's.
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
    """Column and row round which an iris' disc is darkest in red, as neither skin nor white is."""
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
    """(3,) of the whiter pixels, but not of the whitest, which are reflections."""
    if len(colours) < 20:
        return None
    # Skin is low in blue, however bright.
    return _middle_of(colours, colours.min(1), (0.75, 0.95))


def _iris(colours: FloatArray, white: FloatArray | None) -> FloatArray | None:
    """(3,) its lighter part; None where that cannot be an iris."""
    if len(colours) < 20:
        return None
    # Pupil, rim and lashes' shadows are darker, reflections brighter.
    found = _middle_of(colours, colours.mean(1), (0.5, 0.85))
    lid = found[0] > 2.3 * max(found[2], 1)
    bright = 165 if white is None else min(0.85 * float(white.mean()), 165)
    return found if 12 < found.mean() < bright and not lid else None


def _middle_of(colours: FloatArray, key: FloatArray, share: tuple[float, float]) -> FloatArray:
    """(3,) the median of those of (N, 3) colours whose rank by ``key`` lies within ``share``."""
    first, last = (int(end * len(colours)) for end in share)
    return np.median(colours[np.argsort(key)[first:last]], axis=0).astype(np.float32)
