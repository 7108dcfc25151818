"""Finding faces where it is hard, and none where there are none.

    python -m ml.evaluation detection --data DATA

Portraits are tilted and shrunk, and squares of the wild photos that no face touches are searched.
Where the reference head of training has been made, rendered people are also seen from the side.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from ...data import FaceBox, FloatArray, Photo
from ...photo.crop import FACE_POINTS, box_from_landmarks
from ...photo.read import read_photo
from ..benchmark import Outcome, outcome_of
from ..metrics import SAME_FACE, overlap
from ..synthetic.kept_out import KeptOut, add_kept_out_options
from ..synthetic.people import Crowd, rendered_views
from .labels import read_labels
from .pipeline import shipped_pipeline

SEED = 3
TILTS = (-45, -30, -15, 0, 15, 30, 45)
# Heights of the face, brow to chin, in pixels.
HEIGHTS = (32, 48, 64, 96)
EMPTY_SQUARES, SMALLEST_SQUARE, TRIES = 300, 48, 20000
# Rendered people turned away.
PROFILES = Crowd(seed=77, yaws=((45, 60), (60, 75)))
PEOPLE = 40

Find = Callable[[Photo], list[FaceBox]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_kept_out_options(parser, PEOPLE)


def run(arguments: argparse.Namespace) -> Outcome:
    figures = measure(KeptOut.of(arguments), shipped_pipeline().boxes)
    return outcome_of(figures, "{:32} {:7.1f}")


def measure(kept_out: KeptOut, find: Find) -> dict[str, float]:
    """All figures by name. ``find``: the boxes of the faces in a photo."""
    return measure_photos(kept_out.data, find) | measure_profiles(kept_out, find)


def measure_photos(data: Path, find: Find) -> dict[str, float]:
    """Per cent of the faces found, and of the empty squares with one, by name."""
    photos = [
        (read_photo(item.path), item.landmarks[:FACE_POINTS])
        for item in read_labels(data, "portraits")
        if item.landmarks is not None
    ]
    figures: dict[str, float] = {}
    with tqdm(total=len(TILTS) + len(HEIGHTS) + 1, desc="detection", leave=False) as bar:
        for tilt in TILTS:
            changed = (tilted(photo, points, tilt) for photo, points in photos)
            figures[f"tilted {tilt:+d} degrees"] = _found(changed, find)
            bar.update()
        for height in HEIGHTS:
            changed = (shrunk(photo, points, height) for photo, points in photos)
            figures[f"face {height} pixels high"] = _found(changed, find)
            bar.update()
        squares = list(empty_squares(data))
        false = sum(bool(find(square)) for square in squares)
        bar.update()
    figures["empty squares"] = len(squares)
    figures["empty squares with a face"] = 100 * false / max(len(squares), 1)
    return figures


def measure_profiles(kept_out: KeptOut, find: Find) -> dict[str, float]:
    """Per cent of rendered people found in far-turned views, by name; nothing if they cannot be
    rendered."""
    if not kept_out.can_be_rendered:
        return {}
    by_span: dict[tuple[int, int], list[tuple[Photo, FloatArray]]] = {}
    for view in rendered_views(kept_out, PROFILES):
        span = next(s for s in PROFILES.yaws if s[0] <= abs(view.yaw) <= s[1])
        by_span.setdefault(span, []).append((view.photo, view.points[:FACE_POINTS]))
    return {
        f"rendered, turned {low} to {high} degrees": _found(photos, find)
        for (low, high), photos in sorted(by_span.items())
    }


def _found(photos: Iterable[tuple[Photo, FloatArray]], find: Find) -> float:
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
