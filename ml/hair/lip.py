"""Moustaches: what the upper lip looks like beside the cheeks.

The parse takes short and grey moustaches for skin. Hair there is darker than the cheek beside it,
or has strands, or both; the shadow of a nose is dark and smooth, and seldom on both sides.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..data import FloatArray
from ..head.model import HeadModel
from .ground import Roots
from .solid import Solid
from .view import HairView

# MediaPipe's landmarks round the mouth that place it in a picture of its own.
AROUND = (61, 291, 2, 0, 164, 205, 425, 57, 287, 186, 410, 17, 152, 50, 280, 36, 266, 207, 427)
# Pixels per metre of that picture, and its left, upper, right and lower border; metres, y down.
SCALE, BORDER = 2000.0, (-0.045, -0.005, 0.045, 0.070)
# Darkness (in e-folds of light, up to the first) and so many times the strands (mean change across,
# in e-folds per pixel) make a moustache. Of 87 development photos 9 of the 13 moustaches have 1.0
# and more, and all lips without one 0.9 and less. Darkness alone is a shadow.
DARKNESS, STRANDS, MOUSTACHE = 0.7, 12.0, 0.95
# What may hide a lip, and the share of it that makes it hidden.
COVERS, COVERED = ("other", "hair", "hat", "clothes", "glasses"), 0.4
DARKEST = 4


@dataclass(frozen=True)
class Lip:
    """The upper lip in a photo.

    Attributes
    ----------
    score: darkness and strands of the less hairy side; see MOUSTACHE.
    kept: (N,) 0..1 of the candidate roots of a moustache: how surely a strand grows there.
    """

    score: float
    kept: FloatArray

    @property
    def haired(self) -> bool:
        """Whether it has a moustache."""
        return self.score > MOUSTACHE


def read_lip(view: HairView, model: HeadModel, solid: Solid, seen: tuple[Roots, FloatArray]) -> Lip:
    """Read the upper lip of the head ``solid``; seen: a moustache's roots, (N,) how well shown."""
    roots, shown = seen
    place = roots.points.on(solid.vertices)
    covered = view.at(view.parse.of(*COVERS), view.project(place)[0])
    if shown.mean() < 0.3 or covered.mean() > COVERED:
        return Lip(0.0, np.zeros(len(place), np.float32))
    to_patch, patch = _patch(view, model, solid)
    light, change = _maps(patch)
    band, cheek, right = _zones()
    scores, hairy = [], np.zeros(light.shape, np.float32)
    for side in (right, ~right):
        middle = float(np.median(light[cheek & side]))
        dark = middle - light
        # What the cheek has of it is the grain of the photo.
        strands = np.sqrt(
            max(float(change[band & side].mean()) ** 2 - float(change[cheek & side].mean()) ** 2, 0)
        )
        scores.append((float(np.median(dark[band & side])), float(strands)))
        local = cv2.GaussianBlur(change, (0, 0), 3)
        hairy[side] = (np.maximum(dark, 0) + STRANDS * local)[side]
    dark_side, smooth_side = np.min(scores, axis=0)
    score = float(min(dark_side, DARKNESS) + STRANDS * smooth_side)
    level = float(np.median(hairy[band]))
    pixels = _mapped(view.camera.project(place), to_patch)
    column, row = np.clip(pixels, 0, np.array(light.shape[::-1]) - 1).astype(int).T
    return Lip(score, np.clip(1.4 * hairy[row, column] / max(level, 1e-3) - 0.4, 0, 1))


def _patch(view: HairView, model: HeadModel, solid: Solid) -> tuple[np.ndarray, np.ndarray]:
    """The map from the photo's pixels to the picture of the mouth, and that picture."""
    marks = model.landmark_sets["mediapipe478"]
    mean = marks.on(model.shape.mean)[list(AROUND)]
    wanted = (mean[:, :2] * [1, -1] - BORDER[:2]) * SCALE
    found = view.camera.project(marks.on(solid.vertices)[list(AROUND)])
    to_patch, _ = cv2.findHomography(found.astype(np.float64), wanted.astype(np.float64))
    width, height = (round((BORDER[k + 2] - BORDER[k]) * SCALE) for k in (0, 1))
    patch = cv2.warpPerspective(view.photo, to_patch, (width, height), flags=cv2.INTER_AREA)
    return to_patch, patch


def _mapped(points: FloatArray, map_: np.ndarray) -> FloatArray:
    """(N, 2) points under a homography."""
    found = cv2.perspectiveTransform(points[:, None].astype(np.float64), map_)[:, 0]
    return np.asarray(found, dtype=np.float32)


def _maps(patch: np.ndarray) -> tuple[FloatArray, FloatArray]:
    """Of an sRGB picture: the logarithm of its light, and how much that changes across."""
    linear = (np.clip(patch, DARKEST, 255).astype(np.float32) / 255) ** 2.2
    light = np.log(linear @ np.array([0.2126, 0.7152, 0.0722], np.float32))
    return light, np.abs(cv2.Sobel(light, -1, 1, 0, ksize=3) / 8)


def _zones() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of that picture: the upper lip beside the philtrum, the cheeks, and the right half."""
    left, top, right, bottom = BORDER
    x = np.arange(left + 0.5 / SCALE, right, 1 / SCALE)[None]
    y = np.arange(top + 0.5 / SCALE, bottom, 1 / SCALE)[:, None]
    far = np.abs(x)
    band = (y > 0.0135 + 0.12 * far) & (y < 0.024) & (far > 0.005) & (far < 0.023)
    cheek = (y > 0) & (y < 0.013) & (far > 0.027) & (far < 0.042)
    return band, cheek, np.broadcast_to(x < 0, band.shape)
