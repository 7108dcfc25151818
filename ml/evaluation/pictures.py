"""What the evaluation's pictures share. Colours are RGB."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from ..data import ByteArray
from .synthetic.people import RenderedView

PAPER, INK = (255, 255, 255), (40, 40, 40)
# Height in pixels of a line of text.
STRIP = 18


def save_picture(picture: np.ndarray, path: Path) -> None:
    """Write (H, W, 3) uint8 as what the path's ending says; folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))


def written(picture: ByteArray, text: str, place: tuple[int, int]) -> ByteArray:
    """The picture itself, with ``text`` whose bottom left corner is at ``place``, x and y."""
    cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.42, INK, 1, cv2.LINE_AA)
    return picture


def without_background(view: RenderedView) -> ByteArray:
    """(S, S, 3) uint8: some backgrounds are pieces of photos, so people alone are shown."""
    assert view.shown is not None
    return np.where(view.shown[..., None], view.rgb, np.uint8(235))
