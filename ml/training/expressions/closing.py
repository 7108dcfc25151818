"""Lids of photos closed by drawing the skin above an eye down over it.

Portraits look into the camera. What closed lids look like in photos, not renders, can be had from
them all the same.
"""

from __future__ import annotations

import cv2
import numpy as np

from ...data import FloatArray
from ...regressor.face_mesh_network import LEFT_EYE, LID_POINTS, RIGHT_EYE

# Of a face's points: the edge of the lower lid from corner to corner, and that of the upper.
LOWER, UPPER = [*range(9)], [0, *range(9, LID_POINTS), 8]
# In widths of the eye: how far above it skin is drawn down from, what of the lashes is drawn along,
# and what is beyond the corners.
ABOVE, LASHES, BESIDE = 0.55, 0.06, 0.12
# How lids are and how often: both closed, one, both half closed, one.
SHARES = (0.35, 0.35, 0.15, 0.15)


def random_closing(rng: np.random.Generator) -> tuple[float, float]:
    """How far the left and the right lid are closed, 0 to 1."""
    kind = int(rng.choice(len(SHARES), p=SHARES))
    most = rng.uniform(0.88, 1) if kind < 2 else rng.uniform(0.35, 0.65)
    both = [float(np.clip(most + rng.normal(0, 0.02), 0, 1)) for _ in range(2)]
    if kind % 2 == 1:
        both[int(rng.integers(2))] = 0.0
    return both[0], both[1]


def close_lids(picture: np.ndarray, points: FloatArray, closed: tuple[float, float]) -> np.ndarray:
    """(S, S, 3) uint8 with the lids of the left and the right eye closed so far.

    points: (>= 478, 2) of the face in MediaPipe's order, pixels.
    """
    for eye, amount in zip((LEFT_EYE, RIGHT_EYE), closed, strict=True):
        if amount > 0:
            picture = _closed(picture, points[list(eye.points[:LID_POINTS])], amount)
    return picture


def _closed(picture: np.ndarray, edge: FloatArray, amount: float) -> np.ndarray:
    """The picture in which the lid over one eye, of which ``edge`` are the lids', is lower."""
    across = edge[8] - edge[0]
    width = max(float(np.hypot(*across)), 1e-3)
    right = across / width
    down = np.array([-right[1], right[0]])
    if (edge[LOWER].mean(0) - edge[UPPER].mean(0)) @ down < 0:
        down = -down
    flat = (edge - edge[0]) @ np.column_stack([right, down])
    high, wide = picture.shape[:2]
    x, y = np.meshgrid(np.arange(wide) + 0.5 - edge[0, 0], np.arange(high) + 0.5 - edge[0, 1])
    along, deep = x * right[0] + y * right[1], x * down[0] + y * down[1]
    upper, lower = (
        np.interp(along, flat[side][order, 0], flat[side][order, 1])
        for side in (UPPER, LOWER)
        for order in [np.argsort(flat[side][:, 0])]
    )
    # Beyond the corners the movement dies away.
    beyond = np.maximum(-along, along - width).clip(0) / (BESIDE * width)
    fade = np.clip(1 - beyond, 0, 1)
    start, end = upper + LASHES * width, lower
    low = start + amount * fade * (end - start).clip(0)
    top = upper - ABOVE * width
    share = np.clip((deep - top) / (low - top), 0, 1)
    moved = np.where((deep > top) & (deep <= low), top + share * (start - top), deep) - deep
    at_x = (x + edge[0, 0] - 0.5 + moved * down[0]).astype(np.float32)
    at_y = (y + edge[0, 1] - 0.5 + moved * down[1]).astype(np.float32)
    return cv2.remap(picture, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
