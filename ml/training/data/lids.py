"""When the edges of lids count as visible.

The edge of a lid is as thin as the lid and faces the other lid, not the camera: tested as other
skin is, that of the upper lid is seen in 7 of 100 frontal faces with open eyes, and in none with
closed ones. But its line is seen where the skin beside it is.
"""

from __future__ import annotations

import numpy as np

# MediaPipe's points along the lids' edges, and those of the skin beside each.
EDGES = (
    33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246,
    263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466,
)  # fmt: skip
BESIDE = (
    130, 25, 110, 24, 23, 22, 26, 112, 243, 190, 56, 28, 27, 29, 30, 247,
    359, 255, 339, 254, 253, 252, 256, 341, 463, 414, 286, 258, 257, 259, 260, 467,
)  # fmt: skip


def with_lids(visible: np.ndarray) -> np.ndarray:
    """(B, L) visibility of landmarks, MediaPipe's first, with that of the lids' edges mended."""
    mended = visible.copy()
    edges, beside = list(EDGES), list(BESIDE)
    mended[:, edges] = np.maximum(visible[:, edges], visible[:, beside])
    return mended
