"""Pictures looked up between their pixels.

:func:`bilinear` is exact. OpenCV's own look-up rounds places to a 32nd of a pixel, which is enough
for photos and five times faster: see :func:`colours_at`. What is compiled for all texels at once
has its own (``ml.appearance.kernels``), for there nothing may be stored in between.
"""

from __future__ import annotations

import numpy as np

from ..data import FloatArray


def bilinear(picture: FloatArray, places: FloatArray) -> FloatArray:
    """(H, W, C) ``picture`` at (N, 2) ``places`` -> (N, C) float32; zero outside the picture.

    places: column and row; whole numbers are the pixels' centres, and (0, 0) is the first one's.
    """
    low = np.floor(places).astype(np.int32)
    share = places - low
    padded = np.pad(picture, ((1, 1), (1, 1), (0, 0)))
    size = np.array(picture.shape[1::-1])
    column, row = np.clip(low + 1, 0, size).T
    x, y = share[:, :1], share[:, 1:]
    upper = padded[row, column] * (1 - x) + padded[row, column + 1] * x
    lower = padded[row + 1, column] * (1 - x) + padded[row + 1, column + 1] * x
    inside = ((places > -1) & (places < size)).all(1)[:, None]
    return np.asarray((upper * (1 - y) + lower * y) * inside, dtype=np.float32)


def colours_at(photo: np.ndarray, pixels: FloatArray) -> np.ndarray:
    """(H, W, 3) ``photo`` at (N, 2) or (M, N, 2) pixels -> (N, 3) or (M, N, 3) of its type.

    pixels: as in ``ml.data``, (0, 0) is the photo's top-left corner. Beyond its rim the rim is
    repeated. OpenCV allows M and N up to 32,766.
    """
    import cv2

    where = (pixels - 0.5).astype(np.float32).reshape(len(pixels), -1, 2)
    found = cv2.remap(photo, where, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return found.reshape(*pixels.shape[:-1], -1)


def texels_at(texture: np.ndarray, uv: np.ndarray) -> np.ndarray:
    """(S, S, ...) ``texture``, whose row 0 is v = 1, at (N, 2) UV -> (N, ...) texels under them."""
    size = len(texture)
    column = np.clip((uv[:, 0] * size).astype(int), 0, size - 1)
    row = np.clip(((1 - uv[:, 1]) * size).astype(int), 0, size - 1)
    return np.asarray(texture[row, column])
