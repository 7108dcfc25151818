"""Where faces may be: bold proposals from detectors that need no download.

OpenCV's Haar cascades come with the package. They miss turned and covered faces and see some where
there are none; the regressor judges every proposal afterwards (see ml/finding.py), so recall is
what counts here.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from ..data import FaceBox, Photo
from ..errors import NoFaceFound, UsageError

WORKING_SIDE = 480
MOST = 12
# Cascade name, whether it is also run on the mirrored picture, minimum neighbours.
CASCADES = (("haarcascade_frontalface_alt2.xml", False), ("haarcascade_profileface.xml", True))
TILTS = (-35.0, 35.0, 90.0, -90.0, 180.0)
SWEEP_SHARES, LARGEST_SWEEP = (1.15, 0.8, 0.55, 0.38), 80
# A cascade's square lies on brows to mouth; our box (ml/photo/crop.py) takes in chin and forehead.
# Medians over labelled development photos.
GROW, LOWER = 1.42, 0.09


def propose_faces(photo: Photo) -> list[FaceBox]:
    """Up to twelve candidate boxes of roughly upright faces, the most supported first."""
    grey, scale = _working_picture(photo.rgb)
    return [_scaled(box, 1 / scale) for box in merge(_detect(grey, 0.0))[:MOST]]


def propose_harder(photo: Photo) -> list[FaceBox]:
    """For photos where no upright proposal held: tilted faces, then squares all over the photo."""
    grey, scale = _working_picture(photo.rgb)
    tilted = merge([box for tilt in TILTS for box in _detect(grey, tilt)])
    return [_scaled(box, 1 / scale) for box in tilted[:MOST]] + _sweep(photo)


def _sweep(photo: Photo) -> list[FaceBox]:
    boxes = []
    for share in SWEEP_SHARES:
        side = share * min(photo.width, photo.height)
        across, down = (
            max(1, round(2 * length / side - 1)) for length in (photo.width, photo.height)
        )
        # Squares overlap by half; those at the rim stick out, for faces that the rim cuts.
        for x in (np.arange(across) + 0.5) / across:
            for y in (np.arange(down) + 0.5) / down:
                centre = (float(x * photo.width), float(y * photo.height))
                boxes.append(FaceBox(centre, side, 0.0, 0.0))
    return boxes[:LARGEST_SWEEP]


def prominence(box: FaceBox, photo: Photo) -> float:
    """How much a face looks like the photo's subject: size, then certainty, then centrality."""
    away = np.hypot(box.center[0] / photo.width - 0.5, box.center[1] / photo.height - 0.5)
    share = box.size / min(photo.width, photo.height)
    return float(share * (0.5 + 0.5 * box.score) * (1.0 - 0.6 * min(away, 1.0)))


def check_choice(wanted: str) -> None:
    """Raise UsageError unless ``wanted`` is "prominent", "all" or a number from 1."""
    if wanted not in ("prominent", "all") and not (wanted.isdecimal() and int(wanted) > 0):
        raise UsageError(
            f"Unknown choice of face {wanted!r}", "Use 'prominent', 'all' or a number from 1"
        )


def choose(count: int, wanted: str, path: Path) -> Sequence[int]:
    """Which of ``count`` faces (most prominent first) are wanted: "prominent", "all" or "2".

    Raises
    ------
    NoFaceFound: there is no such face. UsageError: ``wanted`` is none of these.
    """
    check_choice(wanted)
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


def merge(boxes: list[FaceBox]) -> list[FaceBox]:
    """One box for every cluster of overlapping ones, most supported first."""
    clusters: list[list[FaceBox]] = []
    for box in sorted(boxes, key=lambda item: -item.score):
        for cluster in clusters:
            first = cluster[0]
            apart = np.hypot(box.center[0] - first.center[0], box.center[1] - first.center[1])
            if apart < 0.35 * first.size and 0.6 < box.size / first.size < 1.7:
                cluster.append(box)
                break
        else:
            clusters.append([box])
    return sorted((_mean(cluster) for cluster in clusters), key=lambda item: -item.score)


def _mean(cluster: list[FaceBox]) -> FaceBox:
    x, y = np.mean([box.center for box in cluster], axis=0)
    size = float(np.mean([box.size for box in cluster]))
    # Tilted passes see upright faces too: the roll is theirs only if most agree.
    roll = float(np.median([box.roll for box in cluster]))
    return FaceBox((float(x), float(y)), size, roll, sum(box.score for box in cluster))


def _working_picture(rgb: np.ndarray) -> tuple[np.ndarray, float]:
    scale = min(1.0, WORKING_SIDE / max(rgb.shape[:2]))
    size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    return cv2.equalizeHist(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)), size[0] / rgb.shape[1]


def _detect(grey: np.ndarray, tilt: float) -> list[FaceBox]:
    """Run all cascades on the picture turned by ``tilt`` degrees; boxes in the unturned one."""
    height, width = grey.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), tilt, 1.0)
    cos, sin = abs(turn[0, 0]), abs(turn[0, 1])
    wide, tall = round(width * cos + height * sin), round(width * sin + height * cos)
    turn[:, 2] += [(wide - width) / 2, (tall - height) / 2]
    turned = grey if tilt == 0 else cv2.warpAffine(grey, turn, (wide, tall))
    back = cv2.invertAffineTransform(turn)
    boxes = []
    for name, mirrored in CASCADES:
        for flip in (False, True) if mirrored else (False,):
            picture = cv2.flip(turned, 1) if flip else turned
            for x, y, size, score in _run(name, picture):
                left = picture.shape[1] - x - size if flip else x
                centre = back[:, :2] @ [left + size / 2, y + size * (0.5 + LOWER)] + back[:, 2]
                boxes.append(
                    FaceBox(
                        (float(centre[0]), float(centre[1])), size * GROW,
                        float(np.radians(tilt)), score,
                    )
                )  # fmt: skip
    return boxes


def _run(name: str, picture: np.ndarray) -> list[tuple[float, float, float, float]]:
    smallest = max(24, min(picture.shape) // 14)
    found, counts = _cascade(name).detectMultiScale2(
        picture, scaleFactor=1.12, minNeighbors=2, minSize=(smallest, smallest)
    )
    return [
        (float(x), float(y), float(w), float(count))
        for (x, y, w, _), count in zip(found, np.ravel(counts), strict=True)
    ]


@lru_cache(maxsize=4)
def _cascade(name: str) -> cv2.CascadeClassifier:
    return cv2.CascadeClassifier(str(Path(cv2.__file__).parent / "data" / name))


def _scaled(box: FaceBox, factor: float) -> FaceBox:
    return FaceBox(
        (box.center[0] * factor, box.center[1] * factor), box.size * factor, box.roll, box.score
    )
