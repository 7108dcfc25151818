"""How the walk finds faces where finding is hard, and whether it sees some where there are none.

    python -m ml.evaluation detection --data ../shared/data

Portraits are tilted and shrunk; squares of the wild photos that no face touches are searched, too.
Where the reference head of training is at hand, rendered people are also seen from the side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from ...data import FaceBox, FloatArray, Photo
from ...head.storage import load_head_model
from ...photo.crop import FACE_POINTS, box_from_landmarks
from ...photo.read import read_photo
from ..metrics import overlap
from .labels import read_labels

SEED, PROFILE_SEED = 3, 77
TILTS = (-45, -30, -15, 0, 15, 30, 45)
# Heights of the face, brow to chin, in pixels.
HEIGHTS = (32, 48, 64, 96)
SAME_FACE = 0.5
EMPTY_SQUARES, SMALLEST_SQUARE, TRIES = 300, 48, 20000

# Views of rendered people, degrees of yaw either way, and how many people.
PROFILES, PROFILED_PEOPLE = ((45, 60), (60, 75)), 40

Find = Callable[[Photo], list[FaceBox]]


def measure_detection(data: Path, find: Find) -> dict[str, float]:
    """Shares in per cent, by name. ``find``: the boxes of the faces in a photo."""
    photos = [
        (read_photo(item.path), item.landmarks[:FACE_POINTS])
        for item in read_labels(data, "portraits")
        if item.landmarks is not None
    ]
    figures: dict[str, float] = {}
    with tqdm(total=len(TILTS) + len(HEIGHTS) + 1, desc="detection", leave=False) as bar:
        for tilt in TILTS:
            figures[f"tilted {tilt:+d} degrees"] = _found(
                (tilted(photo, points, tilt) for photo, points in photos), find
            )
            bar.update()
        for height in HEIGHTS:
            figures[f"face {height} pixels high"] = _found(
                (shrunk(photo, points, height) for photo, points in photos), find
            )
            bar.update()
        squares = list(empty_squares(data))
        false = sum(bool(find(square)) for square in squares)
        bar.update()
    figures["empty squares"] = len(squares)
    figures["empty squares with a face"] = 100 * false / max(len(squares), 1)
    return figures


def measure_profiles(data: Path, reference: Path, fits: Path, find: Find) -> dict[str, float]:
    """Shares in per cent of rendered people found in far-turned views, by name; nothing without
    the ``reference`` head and the ``fits`` that training makes."""
    if not (reference.exists() and fits.exists()):
        return {}
    from ..synthetic.people import kept_out_studio, views

    studio, model = kept_out_studio(data, reference, fits), load_head_model(reference)
    seen = views(studio, model, data, PROFILED_PEOPLE, PROFILE_SEED, yaws=PROFILES)
    by_span: dict[tuple[int, int], list[tuple[Photo, FloatArray]]] = {}
    for view in tqdm(seen, desc="profiles", total=PROFILED_PEOPLE * len(PROFILES), leave=False):
        span = next(s for s in PROFILES if s[0] <= abs(view.yaw) <= s[1])
        photo = Photo(view.rgb, Path("profile.png"), "")
        by_span.setdefault(span, []).append((photo, view.points[:FACE_POINTS]))
    return {
        f"rendered, turned {low} to {high} degrees": _found(iter(photos), find)
        for (low, high), photos in sorted(by_span.items())
    }


def _found(photos: Iterator[tuple[Photo, FloatArray]], find: Find) -> float:
    hits = []
    for photo, points in photos:
        bounds = box_from_landmarks(points).as_xyxy()
        hits.append(any(overlap(box.as_xyxy(), bounds) >= SAME_FACE for box in find(photo)))
    return 100 * float(np.mean(hits))


def tilted(photo: Photo, points: FloatArray, degrees: float) -> tuple[Photo, FloatArray]:
    """The photo and its points turned about the middle; the rim is repeated outwards."""
    width, height = photo.width, photo.height
    side = int(np.ceil(np.hypot(width, height)))
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    turn[:, 2] += [(side - width) / 2, (side - height) / 2]
    rgb = cv2.warpAffine(photo.rgb, turn, (side, side), borderMode=cv2.BORDER_REPLICATE)
    moved = points @ turn[:, :2].T + turn[:, 2]
    return replace(photo, rgb=rgb), moved.astype(np.float32)


def shrunk(photo: Photo, points: FloatArray, height: float) -> tuple[Photo, FloatArray]:
    """The photo made so small that the face is ``height`` pixels high."""
    scale = height / float(np.ptp(points[:, 1]))
    size = (max(1, round(photo.width * scale)), max(1, round(photo.height * scale)))
    rgb = cv2.resize(photo.rgb, size, interpolation=cv2.INTER_AREA)
    return replace(photo, rgb=rgb), (points * scale).astype(np.float32)


def empty_squares(data: Path) -> Iterator[Photo]:
    """Squares of the wild photos, drawn at random, that hold no part of a labelled face.

    Photos without a label, or whose label is known to be wrong, may show faces: they are left out.
    """
    rng = np.random.default_rng(SEED)
    known = [
        (read_photo(item.path), box_from_landmarks(item.landmarks[:FACE_POINTS]).as_xyxy())
        for item in read_labels(data, "wild")
        if item.landmarks is not None
    ]
    found = 0
    for _ in range(TRIES):
        photo, (left, top, right, bottom) = known[rng.integers(len(known))]
        side = int(rng.integers(SMALLEST_SQUARE, min(photo.width, photo.height) // 2))
        x = int(rng.integers(0, photo.width - side))
        y = int(rng.integers(0, photo.height - side))
        if x + side < left or x > right or y + side < top or y > bottom:
            yield replace(photo, rgb=np.ascontiguousarray(photo.rgb[y : y + side, x : x + side]))
            found += 1
        if found == EMPTY_SQUARES:
            return
