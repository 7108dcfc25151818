"""A small picture of the frame in hand with the fitted head on it, for whoever waits."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

import cv2
import numpy as np

from ..data import ByteArray, FloatArray
from ..head.model import LinearShape
from .rows import Result

# Pixels of its longer side; seconds from one to the next.
SIDE, EVERY = 256, 1.0
# Of the head's points, every so-many-th, as dots of this colour.
_EACH, _DOT = 3, (90, 255, 120)


class Preview:
    """Writes the picture to a file about once a second.

    path: an array (H, W, 4) uint8, RGBA, of NumPy. shape: the head's points that are drawn.
    """

    def __init__(self, path: Path, shape: LinearShape) -> None:
        self._path, self._shape = path, shape
        self._due = time.monotonic()
        path.unlink(missing_ok=True)

    def show(self, result: Result) -> None:
        """Show a frame, unless the one before is still new. Nobody needs it: no error is raised."""
        if time.monotonic() < self._due:
            return
        sight, found = result
        points = None
        if found is not None:
            points = found.fit.camera.project(self._shape.at(found.fit.coefficients))
        aside = self._path.with_name(f".{self._path.name}")
        with contextlib.suppress(OSError):
            np.save(aside, picture_of(sight.frame.rgb, points))
            os.replace(aside, self._path)
        self._due = time.monotonic() + EVERY


def picture_of(rgb: ByteArray, points: FloatArray | None) -> ByteArray:
    """(H, W, 4) uint8, RGBA: a frame made small, with dots at (N, 2) points of it, pixels."""
    scale = min(SIDE / max(rgb.shape[:2]), 1.0)
    size = [max(1, round(side * scale)) for side in rgb.shape[1::-1]]
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    places = np.zeros((0, 2)) if points is None else points[::_EACH] * scale
    # Sixteenths of a pixel: whole ones would make rows of the dots.
    for x, y in np.rint(places.clip(-SIDE, 2 * SIDE) * 16).astype(int).tolist():
        cv2.circle(small, (x, y), 12, _DOT, cv2.FILLED, cv2.LINE_AA, 4)
    return np.dstack([small, np.full(small.shape[:2], 255, np.uint8)])
