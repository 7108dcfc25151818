"""FaceScape: Zhu et al., "FaceScape: 3D Facial Dataset and Benchmark for Single-View 3D Face
Reconstruction", TPAMI 2023, section 6.

The folder ``benchmark`` of the release (https://github.com/zhuhao-nju/facescape)::

    data/wild_gt_mesh/000.obj     orthographic camera: the photo is -1..1, +y up, +z to the viewer
    data/lab_gt_mesh/00.obj       the person's frame, one unit between the pupils
    data/lab_cam/00_0_00.json     person_focal_view: [intrinsics 3x3, pose 3x4]
    code/predef/wild_pupil_scales.npy, wild_head_centers.npy, wild_rotations.npy,
                lab_head_centers.npy (by focal length), lab_rotations.npy (by view)

Either set may be absent. Predictions: ``wild/000`` and ``lab/00_0_00`` in the folder of results.
An Effigy result is put into the camera here; a mesh must lie there already, as in the release.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ...errors import UsageError
from ...geometry.alignment import best_similarity
from ...head.model import HeadModel
from ...head.surface import face_vertices
from ...results.reconstruction import Reconstruction
from .cylinder import METRICS, compare
from .rays import SIDE, Hits, orthographic, perspective
from .result import ScanResult, ScanRow, Score, Tally, score_all
from .scans import (
    Surface,
    find_prediction,
    mean_face,
    needed,
    none_found,
    read_obj,
    read_prediction,
)

PUPILS = (64.0 + 61.7) / 2  # mm between them, the mean of men's and women's
TO_VIEWER = np.array([1.0, -1.0, -1.0])
HINT = "Give the release's folder benchmark with --data: see ml/evaluation/benchmarks/facescape.py"


@dataclass(frozen=True)
class FaceScapePhoto:
    """One photo's truth in the camera's frame, mm.

    Attributes
    ----------
    unit: mm for one unit of a prediction. intrinsics: (3, 3), None for an orthographic camera.
    rotation, centre: of the cylinder's frame: ``x = rotation @ x_cylinder + centre``.
    """

    name: str
    truth: Surface
    unit: float
    intrinsics: np.ndarray | None
    rotation: np.ndarray
    centre: np.ndarray

    def depths(self, surface: Surface) -> Hits:
        """(256, 256) distances from the camera."""
        corners = surface.vertices[surface.triangles]
        if self.intrinsics is None:
            return orthographic(corners, self.unit)
        return perspective(corners, self.intrinsics)


def read_photos(data: Path) -> dict[str, list[str]]:
    """Names of the photos of each set that is there.

    Raises
    ------
    UsageError: neither set is there; names their folders.
    """
    wild, lab = data / "data" / "wild_gt_mesh", data / "data" / "lab_cam"
    sets = {
        "wild": sorted(path.stem for path in wild.glob("*.obj") if path.stem.isdigit()),
        "lab": sorted(path.stem for path in lab.glob("*.json")),
    }
    sets = {name: photos for name, photos in sets.items() if photos}
    if not sets:
        raise UsageError(f"Neither {wild} nor {lab} holds the benchmark's data", HINT)
    return sets


def read_wild(data: Path, name: str) -> FaceScapePhoto:
    """A photo of the wild set.

    Raises
    ------
    UsageError: a file is missing or too short; names it.
    """
    row = int(name)
    unit = float(_row(data, "wild_pupil_scales", row))
    surface = read_obj(data / "data" / "wild_gt_mesh" / f"{name}.obj", HINT)
    truth = replace(surface, vertices=unit * surface.vertices)
    centre = unit * _row(data, "wild_head_centers", row)
    return FaceScapePhoto(
        f"wild/{name}", truth, unit, None, _row(data, "wild_rotations", row), centre
    )


def read_lab(data: Path, name: str) -> FaceScapePhoto:
    """A photo of the lab set. Raises as :func:`read_wild` does."""
    cameras = data / "data" / "lab_cam" / f"{name}.json"
    try:
        person, focal, view = (int(part) for part in name.split("_"))
        camera = json.loads(cameras.read_text(encoding="utf-8"))
        intrinsics, pose = (np.array(item, np.float64) for item in camera[:2])
        pose = pose.reshape(-1, 4)[:3]
    except (OSError, ValueError) as error:
        raise UsageError(f"The camera {cameras} could not be read ({error})", HINT) from error
    mesh = data / "data" / "lab_gt_mesh" / f"{person:02d}.obj"
    surface = read_obj(mesh, HINT)
    vertices = PUPILS * (surface.vertices @ pose[:, :3].T + pose[:, 3])
    return FaceScapePhoto(
        f"lab/{name}",
        Surface(vertices, surface.triangles),
        PUPILS,
        intrinsics.reshape(3, 3),
        _row(data, "lab_rotations", view),
        _row(data, "lab_head_centers", focal),
    )


def _row(data: Path, name: str, row: int) -> np.ndarray:
    path = needed(data / "code" / "predef" / f"{name}.npy", "The file", HINT)
    try:
        return np.asarray(np.load(path, allow_pickle=False)[row], dtype=np.float64)
    except (OSError, ValueError, IndexError, EOFError) as error:
        raise UsageError(f"{path} has no row {row} ({error})", HINT) from error


def in_camera(head: Reconstruction, photo: FaceScapePhoto) -> np.ndarray:
    """(V, 3) the expressed head in the photo's camera, in a prediction's unit.

    Pictures of both cameras agree at the face's mean depth, which is how the release brings
    methods with a camera of their own to its cameras.
    """
    camera = head.camera
    places = camera.to_camera_space(head.mesh.vertices_expressed).astype(np.float64)
    depth = float(camera.to_camera_space(head.mesh.landmarks_68)[:, 2].mean())
    focal = float(camera.intrinsics[0, 0])
    axis = camera.intrinsics[:2, 2].astype(np.float64)
    if photo.intrinsics is None:
        half = np.array([camera.width, camera.height]) / 2
        places[:, :2] = places[:, :2] * focal / depth + axis - half
        places[:, 2] *= focal / depth
        return np.asarray(places / half[0] * TO_VIEWER)
    # The depth at which the head, in its own size, is as large in the photo; a picture's size
    # may be another than the photo's.
    zoom, focal_there = SIDE / camera.width, float(photo.intrinsics[0, 0])
    nearer = depth * focal_there / (focal * zoom)
    places[:, :2] += (zoom * axis - photo.intrinsics[:2, 2]) * nearer / focal_there
    places[:, 2] += nearer - depth
    return np.asarray(places * 1000 / PUPILS)


def figures_of(photo: FaceScapePhoto, surface: Surface) -> dict[str, float]:
    """The figures of :func:`.cylinder.compare`; ``surface`` in the camera, a prediction's unit."""
    surface = _settled(photo, replace(surface, vertices=photo.unit * surface.vertices))
    return compare(_in_cylinder(photo, surface), _in_cylinder(photo, photo.truth))


def _settled(photo: FaceScapePhoto, surface: Surface) -> Surface:
    """The surface, shifted in depth: the median makes the sum of absolute differences least."""
    ours, truth = photo.depths(surface), photo.depths(photo.truth)
    both = ours.seen & truth.seen
    if not both.any():
        return surface
    shift = float(np.median((truth.distance - ours.distance)[both]))
    if photo.intrinsics is None:
        return replace(surface, vertices=surface.vertices - [0, 0, shift])
    # Along the rays, so that the picture stays.
    depth = float(truth.distance[both].mean())
    return replace(surface, vertices=surface.vertices * depth / (depth - shift))


def _in_cylinder(photo: FaceScapePhoto, surface: Surface) -> np.ndarray:
    """(F, 3, 3) triangles in the cylinder's frame."""
    vertices = (surface.vertices - photo.centre) @ photo.rotation
    return np.asarray(vertices[surface.triangles])


def measure(data: Path, results: Path, model: HeadModel) -> ScanResult:
    """Score the expressed heads in ``results``.

    Raises
    ------
    UsageError: a file of the benchmark, or every prediction, is missing; names them.
    """
    sets = read_photos(data)
    readers = {"wild": read_wild, "lab": read_lab}

    def score(name: str) -> ScanRow | None:
        which, photo = name.split("/")
        path = find_prediction(results / which, photo)
        return None if path is None else _score(readers[which](data, photo), path, model)

    names = [f"{which}/{photo}" for which, photos in sets.items() for photo in photos]
    tally = score_all(names, score, "FaceScape")
    if not tally.rows:
        raise none_found(results, names)
    return ScanResult(
        "FaceScape", [score for which in sets for score in _scores(tally, which)], tally
    )


def _score(photo: FaceScapePhoto, path: Path, model: HeadModel) -> ScanRow:
    """One photo's figures.

    Raises
    ------
    UsageError: prediction and truth have nothing in common; names the prediction.
    """
    prediction = read_prediction(path, model, expressed=True)
    surface, mean = prediction.surface, mean_face(model)
    if prediction.head is not None:
        surface = replace(surface, vertices=in_camera(prediction.head, photo))
    ours, base = figures_of(photo, surface), None
    if not np.isfinite(list(ours.values())).all():
        raise UsageError(
            f"{path} has no surface where the truth of {photo.name} has one",
            "A mesh has to lie in the photo's camera, as the release's predictions do",
        )
    if len(surface.vertices) == len(mean.vertices):
        # The mean face has the prediction's pose, so all it lacks is the person.
        face = face_vertices(mean.vertices.astype(np.float32), mean.triangles)
        pose = best_similarity(mean.vertices[face], surface.vertices[face])
        base = figures_of(photo, replace(mean, vertices=pose.apply(mean.vertices)))
    return {"name": photo.name, "figures": ours, "mean_face": base}


def _scores(tally: Tally, name: str) -> Iterator[Score]:
    chosen = [row for row in tally.rows if row["name"].startswith(f"{name}/")]
    known = all(row["mean_face"] for row in chosen)
    for metric, unit in METRICS.items() if chosen else ():
        value = float(np.mean([row["figures"][metric] for row in chosen]))
        base = float(np.mean([row["mean_face"][metric] for row in chosen])) if known else None
        yield Score(f"{name} {metric}", unit, value, base, deviation=metric != "CR")
