"""A small picture of what a job is doing, for the sidebar; never part of the scene or its file."""

from __future__ import annotations

import os
from pathlib import Path

import bpy.utils.previews
import numpy as np

_NAME = "now"
# Pixels of a side that are shown at most.
_MOST = 1024


class Preview:
    """Shows the picture in a file that is replaced again and again.

    path: an array (H, W, 4) uint8, RGBA, of NumPy; where there is none, nothing is shown.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._seen = path, 0
        self._pictures = bpy.utils.previews.new()

    def icon(self) -> int:
        """The number of the icon with the latest picture; 0 where there is none yet."""
        try:
            changed = os.stat(self._path).st_mtime_ns
            if changed != self._seen:
                self._show(np.load(self._path, allow_pickle=False))
                self._seen = changed
        except (OSError, ValueError, EOFError):
            pass  # nothing is written yet, or no more
        return self._pictures[_NAME].icon_id if _NAME in self._pictures else 0

    def close(self) -> None:
        """Free the picture; its icon is not to be drawn any more."""
        bpy.utils.previews.remove(self._pictures)

    def _show(self, picture: np.ndarray) -> None:
        if picture.ndim != 3 or picture.shape[2] != 4 or max(picture.shape) > _MOST:
            raise ValueError("no picture")
        if _NAME not in self._pictures:
            self._pictures.new(_NAME)
        preview = self._pictures[_NAME]
        preview.image_size = picture.shape[1::-1]
        # Blender's rows go up.
        pixels = picture[::-1].astype(np.float32).ravel() / 255
        preview.image_pixels_float.foreach_set(pixels)
