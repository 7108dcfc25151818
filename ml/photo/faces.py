"""Where faces may be, and which of those that were found is wanted.

The detector is bold; the regressor judges every proposal afterwards (see
ml/pipeline/find.py), so recall is what counts here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..data import FaceBox, Photo
from ..errors import NoFaceFound
from ..settings import check_face

MOST = 12
# Detector's scores that make a proposal, at first and where nothing else was found.
BOLD, DESPERATE = 0.6, 0.08
# A proposal that may end the search for others.
SURE = 0.9
# The longer side of large photos when small faces are sought in them.
FINE_SIDE = 1344


def propose_faces(photo: Photo, wanted: str = "all") -> list[FaceBox]:
    """Up to twelve candidate boxes of faces tilted by 45 degrees at most, the surest first.

    Where only the prominent face is ``wanted``, faces too small to be it may be missing.
    """
    from .detector import load_detector

    def enough(found: list[FaceBox], largest: float) -> bool:
        """Whether no face up to ``largest`` pixels could be more prominent than one found."""
        sure = [prominence(box, photo) for box in found if box.score >= SURE]
        return bool(sure) and max(sure) > largest / min(photo.width, photo.height)

    stop = enough if wanted == "prominent" else None
    return load_detector().boxes(photo.rgb, BOLD, stop=stop)[:MOST]


def propose_harder(photo: Photo) -> list[FaceBox]:
    """For photos where no proposal held: faint and small faces, photos on their side or head."""
    from .detector import distinct_boxes, load_detector

    detector = load_detector()
    boxes = detector.boxes(photo.rgb, BOLD, FINE_SIDE)
    boxes += [
        _turned_back(box, quarter, photo.width, photo.height)
        for quarter in range(4)
        for box in detector.boxes(np.ascontiguousarray(np.rot90(photo.rgb, quarter)), DESPERATE)
    ]
    return distinct_boxes(boxes)[:MOST]


def _turned_back(box: FaceBox, quarter: int, width: int, height: int) -> FaceBox:
    """A box in a photo turned counter-clockwise by ``quarter`` right angles, in the photo."""
    x, y = box.center
    for step in range(quarter, 0, -1):
        # numpy.rot90 puts (x, y) of a picture w wide at (y, w - x).
        across = width if step % 2 else height
        x, y = across - y, x
    return FaceBox((x, y), box.size, box.roll + quarter * np.pi / 2, box.score)


def prominence(box: FaceBox, photo: Photo) -> float:
    """How much a face looks like the photo's subject: size, then certainty, then centrality."""
    away = np.hypot(box.center[0] / photo.width - 0.5, box.center[1] / photo.height - 0.5)
    share = box.size / min(photo.width, photo.height)
    return float(share * (0.5 + 0.5 * box.score) * (1.0 - 0.6 * min(away, 1.0)))


def choose(count: int, wanted: str, path: Path) -> Sequence[int]:
    """Which of ``count`` faces (most prominent first) are wanted: "prominent", "all" or "2".

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
