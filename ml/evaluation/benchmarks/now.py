"""NoW: Sanyal et al., "Learning to Regress 3D Face Shape and Expression from an Image without
3D Supervision", CVPR 2019, section 5; written from the paper and the data's description.

The folder of the data set (https://now.is.tue.mpg.de), its validation set::

    imagepathsvalidation.txt                     lines PERSON/CHALLENGE/IMAGE.jpg
    scans/PERSON/ANY.obj                         millimetres, neutral
    scans_lmks_onlypp/PERSON/ANY.pp              7 landmarks, as MeshLab saves picked points

or all of it in a folder ``final_release_version`` within. Predictions: PERSON/CHALLENGE/IMAGE in
the folder of results; a mesh has its 7 landmarks beside it as ``IMAGE.npy`` or ``IMAGE.txt``,
unless it is in the head model's topology.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from ...errors import UsageError
from ...geometry.alignment import best_similarity
from ...head.model import HeadModel
from .closest import ClosestPoints
from .registration import refine_similarity
from .result import ScanResult, ScanRow, Score, score_all
from .scans import (
    Surface,
    find_prediction,
    landmark_set,
    landmarks_on,
    mean_face,
    model_points,
    needed,
    none_found,
    read_obj,
    read_prediction,
)

# The landmarks' order: the eyes' corners from the person's right to left, below the nose, the
# mouth's corners.
OUTER_RIGHT, INNER_RIGHT, INNER_LEFT, OUTER_LEFT, NOSE_BOTTOM = range(5)
LANDMARKS = 7
HINT = (
    "Give the folder of your copy of the NoW data with --data: see ml/evaluation/benchmarks/now.py"
)


@dataclass(frozen=True)
class Scan:
    """One person's neutral scan: (N, 3) vertices of the face and (7, 3) landmarks, mm."""

    vertices: np.ndarray
    landmarks: np.ndarray


@dataclass(frozen=True)
class NowData:
    """The user's own copy of the data."""

    data: Path

    def at(self, name: str, what: str) -> Path:
        """The file or folder ``name``, at the top or in ``final_release_version``."""
        inner = self.data / "final_release_version" / name
        return inner if inner.exists() else needed(self.data / name, what, HINT)

    def images(self) -> list[str]:
        """``PERSON/CHALLENGE/IMAGE`` of every photo, without its suffix."""
        path = self.at("imagepathsvalidation.txt", "The list of photos")
        lines = path.read_text(encoding="utf-8").split()
        names = ["/".join(Path(line).with_suffix("").parts[-3:]) for line in lines]
        if not names or any(name.count("/") != 2 for name in names):
            raise UsageError(f"{path} is not a list of PERSON/CHALLENGE/IMAGE", HINT)
        return names

    def scan(self, person: str) -> Scan:
        """The person's scan, cropped.

        Raises
        ------
        UsageError: scan or landmarks are missing or damaged; names them.
        """
        landmarks = read_picked_points(self._only("scans_lmks_onlypp", person, ".pp"))
        scan = read_obj(self._only("scans", person, ".obj"))
        kept = crop(scan.vertices, landmarks)
        if not kept.any():
            raise UsageError(f"The scan of {person} has no vertex near its landmarks", HINT)
        return Scan(scan.vertices[kept], landmarks)

    def _only(self, folder: str, person: str, suffix: str) -> Path:
        place = self.at(folder, "The folder") / person
        found = sorted(place.glob(f"*{suffix}"))
        return needed(found[0] if found else place / f"*{suffix}", "The file", HINT)


def read_picked_points(path: Path) -> np.ndarray:
    """(7, 3) points of MeshLab's ``.pp``, in the file's order.

    Raises
    ------
    UsageError: the file is damaged or has fewer.
    """
    try:
        points = ElementTree.parse(path).getroot().iter("point")
        found = [[float(point.attrib[axis]) for axis in "xyz"] for point in points]
    except (OSError, ValueError, KeyError, ElementTree.ParseError) as error:
        raise UsageError(f"{path} could not be read ({error})", HINT) from error
    if len(found) < LANDMARKS:
        raise UsageError(f"{path} has {len(found)} points, expected {LANDMARKS}", HINT)
    return np.array(found[:LANDMARKS])


def crop(vertices: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """(N,) which scan vertices count: those in a sphere about the face."""
    bridge = (landmarks[INNER_RIGHT] + landmarks[INNER_LEFT]) / 2
    nose = bridge - landmarks[NOSE_BOTTOM]
    centre = landmarks[NOSE_BOTTOM] + 0.3 * nose
    eyes = np.linalg.norm(landmarks[OUTER_RIGHT] - landmarks[OUTER_LEFT])
    radius = 1.4 * (eyes + np.linalg.norm(nose)) / 2
    return np.asarray(np.linalg.norm(vertices - centre, axis=1) <= radius)


def distances(scan: Scan, surface: Surface, landmarks: np.ndarray) -> np.ndarray:
    """(N,) mm from every scan vertex to the surface, once it lies as well as it can.

    The surface may have any unit, place and turn; ``landmarks`` (7, 3) are on it.
    """
    start = best_similarity(landmarks, scan.landmarks)
    pose = refine_similarity(surface.vertices, surface.triangles, scan.vertices, start)
    near = ClosestPoints(pose.apply(surface.vertices), surface.triangles)(scan.vertices)
    return np.asarray(np.linalg.norm(near - scan.vertices, axis=1))


def measure(data: Path, results: Path, model: HeadModel) -> ScanResult:
    """Score the neutral heads in ``results`` against the scans.

    Raises
    ------
    UsageError: a file of the data, or every prediction, is missing; names them.
    ModelUnreadable: the head model has no "now7".
    """
    scans, mean = NowData(data), mean_face(model)
    mean_points = landmarks_on(landmark_set(model, "now7"), mean)
    images = sorted(scans.images())
    # Photos are sorted by person, so one scan at a time is enough.
    scan_of = lru_cache(maxsize=1)(scans.scan)
    # float32, as all distances of all photos are kept for the median over everything.
    ours: list[np.ndarray] = []
    base: list[np.ndarray] = []

    @cache
    def baseline(person: str) -> np.ndarray:
        return distances(scan_of(person), mean, mean_points).astype(np.float32)

    def score(name: str) -> ScanRow | None:
        path = find_prediction(results / Path(name).parent, Path(name).name)
        if path is None:
            return None
        person, challenge, _ = name.split("/")
        surface, points = _prediction(path, model)
        own = distances(scan_of(person), surface, points).astype(np.float32)
        base.append(baseline(person))
        ours.append(own)
        figures = {"mm": statistics(own), "mean_face_mm": statistics(base[-1])}
        return {"name": name, "challenge": challenge} | figures

    tally = score_all(images, score, "NoW")
    if not tally.rows:
        raise none_found(results, images)
    return ScanResult("NoW", _scores(np.concatenate(ours), np.concatenate(base)), tally)


def _scores(ours: np.ndarray, base: np.ndarray) -> list[Score]:
    """Of all (N,) distances of all photos together, and of the mean face's."""
    value, baseline = statistics(ours), statistics(base)
    return [
        Score(name, "mm", value[name], baseline[name], deviation=name != "std") for name in value
    ]


def statistics(values: np.ndarray) -> dict[str, float]:
    """Median, mean and standard deviation."""
    exact = values.astype(np.float64)
    return {
        "median": float(np.median(exact)),
        "mean": float(exact.mean()),
        "std": float(exact.std()),
    }


def _prediction(path: Path, model: HeadModel) -> tuple[Surface, np.ndarray]:
    prediction = read_prediction(path, model, expressed=False)
    if prediction.head is None:
        for own in (path.with_suffix(".npy"), path.with_suffix(".txt")):
            if own.is_file():
                return prediction.surface, _own_landmarks(own)
    hint = f"Put its 7 landmarks beside it as {path.stem}.npy or {path.stem}.txt"
    return prediction.surface, model_points(model, "now7", prediction, path, hint)


def _own_landmarks(path: Path) -> np.ndarray:
    try:
        points = np.load(path, allow_pickle=False) if path.suffix == ".npy" else np.loadtxt(path)
        return np.asarray(points, np.float64).reshape(LANDMARKS, 3)
    except (OSError, ValueError, EOFError) as error:
        hint = "Write 7 rows of x, y and z, in the mesh's unit and NoW's order"
        raise UsageError(f"{path} does not hold 7 landmarks ({error})", hint) from error
