"""A contact sheet of overlays, for looking. Shows people: it belongs in out/, never in docs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from ...data import FloatArray, Photo
from ...errors import HeadError
from ...photo.crop import FACE_POINTS, box_from_landmarks, crop_to_photo, warp_crop
from ...photo.read import read_photo
from ..benchmark import Outcome
from ..metrics import landmark_error
from ..pictures import save_picture
from .labels import PHOTO_SETS, LabelledPhoto, read_labels
from .pipeline import Pipeline, shipped_pipeline

TILE, COLUMNS = 260, 6
LABEL, NETWORK, HEAD = (60, 220, 60), (255, 220, 0), (255, 40, 40)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("set", choices=sorted(PHOTO_SETS))
    parser.add_argument("--data", type=Path, required=True, help="folder of development data")
    parser.add_argument("--out", type=Path, default=Path("out/evaluation/sheet.png"))


def run(arguments: argparse.Namespace) -> Outcome:
    photos = read_labels(arguments.data, arguments.set)
    save_picture(contact_sheet(photos, shipped_pipeline()), arguments.out)
    return Outcome(str(arguments.out))


def contact_sheet(photos: Sequence[LabelledPhoto], pipeline: Pipeline) -> np.ndarray:
    """(H, W, 3) uint8: labels green, the network's points yellow, the fitted head red."""
    tiles = [_tile(photo, pipeline) for photo in photos]
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % COLUMNS)
    rows = [np.hstack(tiles[i : i + COLUMNS]) for i in range(0, len(tiles), COLUMNS)]
    return np.vstack(rows)


def _tile(labelled: LabelledPhoto, pipeline: Pipeline) -> np.ndarray:
    photo = read_photo(labelled.path)
    try:
        heads = pipeline.heads(labelled.path)
    except HeadError as error:
        return _captioned(_view(photo, labelled.landmarks)[0], f"{photo.path.stem}: {error.code}")
    frame = labelled.landmarks if labelled.landmarks is not None else heads[0].landmarks_478_px
    picture, to_photo = _view(photo, frame)
    caption = photo.path.stem
    for points in pipeline.points(labelled.path):
        _draw(picture, points, to_photo, NETWORK)
    for head in heads:
        _draw(picture, head.landmarks_478_px, to_photo, HEAD)
    if labelled.landmarks is not None:
        _draw(picture, labelled.landmarks, to_photo, LABEL)
        errors = [landmark_error(head.landmarks_478_px, labelled.landmarks) for head in heads]
        caption += f"  {min(errors):.1f} %"
    return _captioned(picture, f"{caption}  c {heads[0].confidence:.2f}")


def _view(photo: Photo, points: FloatArray | None) -> tuple[np.ndarray, FloatArray]:
    """The part of the photo round ``points`` (all of it without), and its map to the photo."""
    if points is None:
        scale = max(photo.width, photo.height) / TILE
        to_photo = np.array([[scale, 0, 0], [0, scale, 0]], np.float32)
    else:
        to_photo = crop_to_photo(box_from_landmarks(points), TILE)
    return warp_crop(photo.rgb, to_photo, TILE).copy(), to_photo


def _draw(
    picture: np.ndarray, points: FloatArray, to_photo: FloatArray, colour: tuple[int, int, int]
) -> None:
    inside = (points[:FACE_POINTS] - to_photo[:, 2]) @ np.linalg.inv(to_photo[:, :2]).T
    for x, y in inside.astype(int):
        if 0 <= x < TILE and 0 <= y < TILE:
            picture[y, x] = colour


def _captioned(picture: np.ndarray, text: str) -> np.ndarray:
    font = cv2.FONT_HERSHEY_SIMPLEX
    for colour, thickness in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.putText(picture, text, (5, TILE - 8), font, 0.45, colour, thickness, cv2.LINE_AA)
    return picture
