"""Propose face boxes, rank faces by prominence, and choose the wanted ones.

Proposals favour recall, because the regressor checks each afterwards (see ml/pipeline/find.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..data import FaceBox, Photo
from ..errors import NoFaceFound
from ..settings import check_face

# Proposals that are checked where only the most prominent face, or any at all, is wanted.
MAX_PROPOSALS = 12
# Smallest detection score of a proposal, at first and if no face was found.
SCORE, LOW_SCORE = 0.6, 0.08
# A proposal with this score may end the search for others.
HIGH_SCORE = 0.9
# Longer side in pixels to which large photos are reduced in the search for small faces.
FINE_SIDE = 1344


def propose_faces(photo: Photo, wanted: str = "all") -> list[FaceBox]:
    """Boxes of faces tilted by at most 45 degrees, best score first.

    If ``wanted`` is "prominent", there are MAX_PROPOSALS at most, and faces that are too small to
    be the prominent one may be missing; otherwise every face counts.
    """
    from .detector import load_detector

    def enough(found: list[FaceBox], largest: float) -> bool:
        """Whether no face up to ``largest`` pixels could be more prominent than one found."""
        sure = [prominence(box, photo) for box in found if box.score >= HIGH_SCORE]
        return bool(sure) and max(sure) > largest / min(photo.width, photo.height)

    if wanted != "prominent":
        return load_detector().boxes(photo.rgb, SCORE)
    return load_detector().boxes(photo.rgb, SCORE, stop=enough)[:MAX_PROPOSALS]


def propose_more_faces(photo: Photo, wanted: str = "prominent") -> list[FaceBox]:
    """Proposals for a photo in which no face was found: small and faint faces, rotated photos."""
    from .detector import distinct_boxes, load_detector

    detector = load_detector()
    boxes = detector.boxes(photo.rgb, SCORE, FINE_SIDE)
    boxes += [
        _turned_back(box, quarter, photo.width, photo.height)
        for quarter in range(4)
        for box in detector.boxes(np.ascontiguousarray(np.rot90(photo.rgb, quarter)), LOW_SCORE)
    ]
    boxes = distinct_boxes(boxes)
    return boxes[:MAX_PROPOSALS] if wanted == "prominent" else boxes


def _turned_back(box: FaceBox, quarter: int, width: int, height: int) -> FaceBox:
    """The box in the photo of a box found after ``quarter`` counter-clockwise right angles."""
    x, y = box.center
    for step in range(quarter, 0, -1):
        # numpy.rot90 puts (x, y) of a picture w wide at (y, w - x).
        across = width if step % 2 else height
        x, y = across - y, x
    return FaceBox((x, y), box.size, box.roll + quarter * np.pi / 2, box.score)


def prominence(box: FaceBox, photo: Photo) -> float:
    """Prominence of a face: its relative size times factors of score and centrality."""
    away = np.hypot(box.center[0] / photo.width - 0.5, box.center[1] / photo.height - 0.5)
    share = box.size / min(photo.width, photo.height)
    return float(share * (0.5 + 0.5 * box.score) * (1.0 - 0.6 * min(away, 1.0)))


def choose(count: int, wanted: str, path: Path) -> Sequence[int]:
    """Indices of the wanted faces among ``count``, most prominent first.

    wanted: "prominent", "all" or a number from 1 such as "2". path: of the photo, for messages.

    Raises
    ------
    NoFaceFound: there is no such face. UsageError: ``wanted`` is none of these.
    """
    check_face(wanted)
    if count == 0:
        raise NoFaceFound(
            f"No face was found in {path}",
            "Use a photo where the face is larger, brighter or less turned away",
        )
    if wanted == "all":
        return range(count)
    index = 0 if wanted == "prominent" else int(wanted) - 1
    if index >= count:
        raise NoFaceFound(
            f"{path} has {count} face{'s' * (count > 1)}, so there is no face {wanted}",
            f"Choose a face from 1 to {count}",
        )
    return [index]
