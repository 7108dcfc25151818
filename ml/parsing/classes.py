"""What pixels of a portrait show: the classes, and the result of parsing one face."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data import ByteArray, FloatArray

# What a pixel of a portrait may show. "glasses": frames, and lenses that hide what is behind them.
# "other": hands, microphones and whatever else lies before the person or is worn, such as earrings.
CLASSES = (
    "background",
    "skin",
    "nose",
    "brows",
    "eyes",
    "lips",
    "inner mouth",
    "ears",
    "neck",
    "hair",
    "beard",
    "glasses",
    "hat",
    "clothes",
    "other",
)


@dataclass(frozen=True)
class Parse:
    """What each pixel round one face shows.

    Attributes
    ----------
    probability: (C, S, S) uint8, 255 is certain, of each of CLASSES in the pixels of a
        square crop round the head.
    to_photo: (2, 3) affine map from the crop's pixels to the photo's.
    """

    probability: ByteArray
    to_photo: FloatArray

    def of(self, *names: str) -> FloatArray:
        """(S, S) 0..1: the probability of one of the classes ``names`` in each pixel of the crop.

        Raises ValueError for a name that is no class.
        """
        rows = [CLASSES.index(name) for name in names]
        return np.asarray(self.probability[rows].sum(0, dtype=np.float32) / 255)

    def at(self, points: FloatArray, *names: str, reach: int = 0) -> FloatArray:
        """(N,) 0..1: the probability that the photo shows one of the classes ``names`` there.

        points: (N, 2) pixels of the photo; beyond the crop, its border is repeated. Probabilities
        are interpolated between pixels. reach: pixels of the crop; the largest probability so near
        counts. Raises ValueError for a name that is no class.
        """
        wanted = self.of(*names)
        if reach:
            import cv2

            around = (2 * reach + 1, 2 * reach + 1)
            wanted = cv2.dilate(wanted, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, around))
        from .kernels import between_pixels

        back = np.linalg.inv(self.to_photo[:, :2])
        place = (np.asarray(points) - self.to_photo[:, 2]) @ back.T - 0.5
        found = np.empty(len(place), np.float32)
        between_pixels(np.ascontiguousarray(wanted, np.float32), place.astype(np.float64), found)
        return found
