"""MediaPipe on the same benchmarks. It labelled the photos, so there the question is how well it
repeats itself; on rendered people its points are measured like ours."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ...data import ByteArray, FaceBox, FloatArray, IntArray
from ...errors import HeadError
from ...geometry.mirror import mirror_twins
from ...head.storage import load_head_model
from ...photo.crop import FACE_POINTS, box_from_landmarks, crop_to_photo, warp_crop
from ...photo.read import read_photo
from ..metrics import landmark_error
from ..peers import Peer, run_peer
from ..photos.labels import LabelledPhoto
from ..synthetic.heads import StageRow, point_error
from ..synthetic.people import by_pose
from .text import table

SCRIPT = Path(__file__).parents[1] / "photos" / "mediapipe_peer.py"
REMEDY = "Name a Python 3.11 with `pip install mediapipe==0.10.21`, or leave --mediapipe out"
SIDE = 320
# Crops: their side in boxes of the face, and where their middle lies, in boxes off the face's.
PLAIN = (1.6, 0.0, 0.0)
CROPS = {
    "shifted by a tenth of the face": (1.6, 0.1, 0.07),
    "the face at 0.6 of the size": (1.6 / 0.6, 0.0, 0.0),
    "mirrored": PLAIN,
}

# (478, 2) pixels of each picture's face, or None where none was found.
FaceMesh = Callable[[Sequence[ByteArray]], list[FloatArray | None]]


def face_mesh_of(python: Path) -> FaceMesh:
    """MediaPipe's face mesh in the environment of the interpreter ``python``."""

    def points_in(pictures: Sequence[ByteArray]) -> list[FloatArray | None]:
        peer = Peer("MediaPipe", SCRIPT, python, REMEDY)
        with tempfile.TemporaryDirectory() as folder:
            out = run_peer(peer, pictures, Path(folder))
        found = zip(out["points"], out["found"], strict=True)
        return [row if seen else None for row, seen in found]

    return points_in


def repeat_errors(photos: Sequence[LabelledPhoto], mesh: FaceMesh) -> dict[str, list[float]]:
    """% of the outer-eye distance between MediaPipe and itself.

    "labels": its points on a plain crop against the labels; the others: its points on other crops
    of the same photo against those on the plain one.
    """
    labelled = [(photo, photo.landmarks) for photo in photos if photo.landmarks is not None]
    pictures, maps = [], []
    for photo, label in tqdm(labelled, desc="crops", leave=False):
        rgb = read_photo(photo.path).rgb
        for name, place in [("plain", PLAIN), *CROPS.items()]:
            maps.append(_map(box_from_landmarks(label), place, mirrored=name == "mirrored"))
            pictures.append(warp_crop(rgb, maps[-1], SIDE))
    found = [
        None if points is None else points @ to_photo[:, :2].T + to_photo[:, 2]
        for points, to_photo in zip(mesh(pictures), maps, strict=True)
    ]
    errors: dict[str, list[float]] = {name: [] for name in ("labels", *CROPS)}
    each = 1 + len(CROPS)
    for number, (_, label) in enumerate(labelled):
        plain, *others = found[each * number : each * (number + 1)]
        if plain is None:
            continue
        errors["labels"].append(landmark_error(plain, label))
        for name, points in zip(CROPS, others, strict=True):
            if points is not None:
                again = points[twins()] if name == "mirrored" else points
                errors[name].append(landmark_error(again, plain))
    return errors


def _map(box: FaceBox, place: tuple[float, float, float], *, mirrored: bool) -> FloatArray:
    """(2, 3) from the pixels of an upright crop to the photo's."""
    scale, right, down = place
    centre = (box.center[0] + right * box.size, box.center[1] + down * box.size)
    to_photo = crop_to_photo(FaceBox(centre, scale * box.size), SIDE)
    if mirrored:
        to_photo = to_photo @ np.array([[-1, 0, SIDE], [0, 1, 0], [0, 0, 1]], np.float32)
    return np.asarray(to_photo, dtype=np.float32)


def twins() -> IntArray:
    """(468,) for each face point the one on the face's other side, as the mean head has them."""
    return mirror_twins(load_head_model().points("mediapipe478").mean[:FACE_POINTS])


def repeat_table(errors: dict[str, dict[str, list[float]]]) -> str:
    """``errors``: by set of photos, what :func:`repeat_errors` gives."""
    names = {"labels": "plain crop, against the labels"} | {
        name: f"{name}, against the plain crop" for name in CROPS
    }
    lines = [
        (title, *(cell for some in errors.values() for cell in _mean_and_count(some[name])))
        for name, title in names.items()
    ]
    header = [cell for name in errors for cell in (f"{name}: mean %", "faces")]
    return table(("crop", *header), lines)


def _mean_and_count(values: Sequence[float]) -> tuple[float | None, int]:
    return (float(np.mean(values)) if values else None, len(values))


def rendered_table(fitted: Sequence[StageRow], mesh: FaceMesh) -> str:
    """468 points on rendered people, ours and MediaPipe's, where both found the face."""
    found = mesh([row.view.rgb for row in fitted])
    points_of = {id(row): points for row, points in zip(fitted, found, strict=True)}
    lines = []
    for pose, some in by_pose(fitted).items():
        both = [(row, points) for row in some if (points := points_of[id(row)]) is not None]
        ours = [row.face_points for row, _ in both]
        theirs = [point_error(points[:FACE_POINTS], row.view.points) for row, points in both]
        count = f"{len(both)} of {len(some)}"
        lines.append((pose, count, _mean_and_count(ours)[0], _mean_and_count(theirs)[0]))
    return table(("pose", "found by MediaPipe", "Effigy, fitted %", "MediaPipe %"), lines)


def attempted(work: Callable[[], str]) -> str:
    """What ``work`` gives, or why it could not: the rest of the page does not depend on it."""
    try:
        return work()
    except HeadError as error:
        return f"Not measured: {error.message}."
