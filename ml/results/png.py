"""PNG files of images with 8 or 16 bits. Needs OpenCV."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def write_png(image: np.ndarray, path: Path) -> None:
    """Write (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA values, uint8 or uint16.

    Raises OSError: the file cannot be written.
    """
    import cv2

    image = np.ascontiguousarray(image)
    if image.ndim == 3:
        colours = cv2.COLOR_RGB2BGR if image.shape[2] == 3 else cv2.COLOR_RGBA2BGRA
        image = np.asarray(cv2.cvtColor(image, colours))
    # OpenCV's defaults, one filter and no search for repetitions: files are a tenth smaller than
    # with Pillow's or zlib's fastest level, in half of the time. Naming any level or strategy
    # turns all filters on again.
    _, encoded = cv2.imencode(".png", image)
    # cv2.imwrite accepts only ASCII paths on Windows.
    path.write_bytes(encoded.tobytes())
