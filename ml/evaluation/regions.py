"""Regions of the face by the numbers of MediaPipe's points, and the errors in them.

Lips, eyes, brows, nose and the face's outline are the sets that MediaPipe draws; the outline is
parted at the ears. What no set names (forehead, cheeks, the skin round mouth and nose) is the rest.
"""

from __future__ import annotations

import numpy as np

from ..data import FloatArray
from ..photo.crop import FACE_POINTS
from .metrics import point_errors

_NAMED: dict[str, tuple[int, ...]] = {
    "brows": (
        46, 52, 53, 55, 63, 65, 66, 70, 105, 107, 276, 282, 283, 285, 293, 295, 296, 300, 334, 336,
    ),
    "eyes": (
        7, 33, 133, 144, 145, 153, 154, 155, 157, 158, 159, 160, 161, 163, 173, 246, 249, 263, 362,
        373, 374, 380, 381, 382, 384, 385, 386, 387, 388, 390, 398, 466,
    ),
    "nose": (
        1, 2, 4, 5, 6, 19, 45, 48, 64, 94, 97, 98, 115, 168, 195, 197, 220, 275, 278, 294, 326,
        327, 344, 440,
    ),
    "mouth": (
        0, 13, 14, 17, 37, 39, 40, 61, 78, 80, 81, 82, 84, 87, 88, 91, 95, 146, 178, 181, 185, 191,
        267, 269, 270, 291, 308, 310, 311, 312, 314, 317, 318, 321, 324, 375, 402, 405, 409, 415,
    ),
    "jaw": (
        58, 93, 132, 136, 148, 149, 150, 152, 172, 176, 234, 288, 323, 361, 365, 377, 378, 379,
        397, 400, 454,
    ),
    "upper outline": (10, 21, 54, 67, 103, 109, 127, 162, 251, 284, 297, 332, 338, 356, 389),
}  # fmt: skip
_REST = set(range(FACE_POINTS)).difference(*_NAMED.values())
# (N,) numbers of the points in each region; together they are all 468.
REGIONS = {name: np.array(points) for name, points in [*_NAMED.items(), ("rest", sorted(_REST))]}


def region_errors(points: FloatArray, label: FloatArray) -> dict[str, float]:
    """Mean error of each region, % of the outer-eye distance; see metrics.landmark_error."""
    errors = point_errors(points, label)
    return {name: float(errors[where].mean()) for name, where in REGIONS.items()}
