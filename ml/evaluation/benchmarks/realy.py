"""REALY: Chai et al., "REALY: Rethinking the Evaluation of 3D Face Reconstruction", ECCV 2022.

The folder of the benchmark's release (https://github.com/czh-98/REALY, its ``data``)::

    metrical_scale.txt                 a line for every person: mm for one unit of the scan
    REALY_HIFI3D_keypoints/1.obj       85 vertices, the keypoints, iBUG's 68 first
    REALY_scan_region/1/nose.obj       the scan's regions; mouth.obj, forehead.obj, cheek.obj

A prediction is named as its image: the person's number, and a view after ``_`` if there are
several. A folder of meshes in another topology has a ``keypoints.txt``: JSON, 85 times
``[triangle, w1, w2]``, as the release has for every topology.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from ...errors import UsageError
from ...geometry.alignment import Similarity, best_rigid
from ...head.model import HeadModel
from .bending import Guides, bend
from .closest import ClosestPoints
from .registration import Anchors, rigid_icp
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
    prediction_names,
    read_obj,
    read_prediction,
)

KEYPOINTS = 85
SEVEN = [36, 39, 42, 45, 33, 48, 54]
MOUTH = [*range(48, 61), 64]
REGIONS = {
    "nose": [*range(27, 36), 70, 71],
    "mouth": MOUTH,
    "forehead": [*range(36, 48), *range(17, 27)],
    "cheek": [*MOUTH, 76, 77, 36, 41, 40, 39, 42, 47, 46, 45, 7, 8, 9],
}
# The keypoints that guide a region's bending; the cheeks' is unguided.
GUIDES = {"nose": [*range(27, 36)], "mouth": MOUTH, "forehead": REGIONS["forehead"]}
HINT = "Give the folder of your copy of REALY with --data: see ml/evaluation/benchmarks/realy.py"


@dataclass(frozen=True)
class Subject:
    """One scanned person: (85, 3) keypoints and four regions in scan units; mm for one unit."""

    keypoints: np.ndarray
    regions: dict[str, Surface]
    scale: float


@dataclass(frozen=True)
class RealyData:
    """The user's own copy of REALY; subjects are read when they are asked for."""

    data: Path

    @cached_property
    def numbers(self) -> list[int]:
        """The people's numbers, from 1."""
        folder = needed(self.data / "REALY_scan_region", "The folder of scans", HINT)
        numbers = sorted(int(path.name) for path in folder.iterdir() if path.name.isdigit())
        if not numbers:
            raise UsageError(f"{folder} holds no scan", HINT)
        return numbers

    @cached_property
    def scales(self) -> np.ndarray:
        """(100,) mm for one unit, by number."""
        path = needed(
            self.data / "metrical_scale.txt",
            "The scans' scale",
            "It is in the folder data of REALY's code; put it beside REALY_scan_region",
        )
        try:
            return np.atleast_1d(np.loadtxt(path))
        except ValueError as error:
            raise UsageError(f"{path} could not be read ({error})", HINT) from error

    def subject(self, number: int) -> Subject:
        """The person ``number``.

        Raises
        ------
        UsageError: a file is missing or has another content; names it.
        """
        if not 1 <= number <= len(self.scales):
            raise UsageError(f"metrical_scale.txt has no line for the person {number}", HINT)
        path = needed(self.data / "REALY_HIFI3D_keypoints" / f"{number}.obj", "The keypoints", HINT)
        keypoints = read_obj(path).vertices
        if len(keypoints) < KEYPOINTS:
            raise UsageError(f"{path} has {len(keypoints)} keypoints, expected {KEYPOINTS}", HINT)
        folder = self.data / "REALY_scan_region" / str(number)
        regions = {
            name: _welded(needed(folder / f"{name}.obj", "The scan's region", HINT))
            for name in REGIONS
        }
        return Subject(keypoints, regions, float(self.scales[number - 1]))


def _welded(path: Path) -> Surface:
    """A region as one surface: vertices at one place are one, and those without a face drop out.

    Raises
    ------
    UsageError: it has no faces; names it.
    """
    surface = read_obj(path)
    if not len(surface.triangles):
        raise UsageError(f"{path} has no faces", HINT)
    places, number = np.unique(surface.vertices, axis=0, return_inverse=True)
    used, triangles = np.unique(number.reshape(-1)[surface.triangles], return_inverse=True)
    return Surface(places[used], triangles.reshape(-1, 3).astype(np.int32))


def region_errors(subject: Subject, surface: Surface, keypoints: np.ndarray) -> dict[str, float]:
    """Mean error of every region and of "all", mm; ``keypoints`` (85, 3) on the surface.

    The surface may have any unit, place and turn: step 1 of the protocol takes them out.
    """
    pose = seven_point_pose(keypoints[SEVEN], subject.keypoints[SEVEN])
    surface = Surface(pose.apply(surface.vertices), surface.triangles)
    keypoints = pose.apply(keypoints)
    errors = {
        name: subject.scale * _region_error(subject, name, surface, keypoints) for name in REGIONS
    }
    return errors | {"all": float(np.mean(list(errors.values())))}


def seven_point_pose(source: np.ndarray, target: np.ndarray) -> Similarity:
    """Step 1: the best rotation, and the release's scale.

    It is the ratio of the sums of absolute coordinates about the middles, which unlike the least
    squares' does not shrink what fits badly. Nothing after this step changes the scale.
    """
    turn = best_rigid(source, target)
    turned = turn.apply(source)
    centre, aim = turned.mean(0), target.mean(0)
    scale = float(np.abs(target - aim).sum() / np.abs(turned - centre).sum())
    return Similarity(scale, np.eye(3), aim - scale * centre).after(turn)


def _region_error(subject: Subject, name: str, surface: Surface, keypoints: np.ndarray) -> float:
    """Steps 2 to 4 of the protocol for one region, in scan units."""
    region, which = subject.regions[name], REGIONS[name]
    # The release repeats the keypoints a whole number of times; a weight is the same.
    share = len(region.vertices) / len(which) / (4 if name == "cheek" else 1)
    anchors = Anchors(keypoints[which], subject.keypoints[which], float(int(share)))
    pose = rigid_icp(surface.vertices, surface.triangles, region.vertices, anchors)
    closest = ClosestPoints(pose.apply(surface.vertices), surface.triangles)
    cloud = closest(region.vertices)
    guides = None
    if name in GUIDES:
        _, nearest = cKDTree(region.vertices).query(subject.keypoints[GUIDES[name]])
        guides = Guides(nearest, pose.apply(keypoints[GUIDES[name]]))
    reached = closest(bend(region.vertices, region.triangles, cloud, guides))
    return float(np.linalg.norm(reached - region.vertices, axis=1).mean())


def measure(data: Path, results: Path, model: HeadModel) -> ScanResult:
    """Score all predictions in ``results``, with the photo's expression where they have one.

    Raises
    ------
    UsageError: a file of the benchmark, or every prediction, is missing; names them.
    ModelUnreadable: the head model has no "realy85".
    """
    scans, mean = RealyData(data), mean_face(model)
    mean_points = landmarks_on(landmark_set(model, "realy85"), mean)
    numbers = set(scans.numbers)
    names = [name for name in prediction_names(results) if _number(name) in numbers]
    if not names:
        raise none_found(results, sorted(map(str, numbers), key=int))

    @cache
    def baseline(number: int) -> dict[str, float]:
        return region_errors(scans.subject(number), mean, mean_points)

    def score(name: str) -> ScanRow:
        number = _number(name)
        surface, points = _prediction(results, name, model)
        errors = region_errors(scans.subject(number), surface, points)
        return {"name": name, "mm": errors, "mean_face_mm": baseline(number)}

    tally = score_all(names, score, "REALY")
    tally.missing.extend(str(number) for number in sorted(numbers - {*map(_number, names)}))
    scores = [
        Score(name, "mm", _mean(tally.rows, "mm", name), _mean(tally.rows, "mean_face_mm", name))
        for name in (*REGIONS, "all")
    ]
    return ScanResult("REALY", scores, tally)


def _mean(rows: Sequence[ScanRow], what: str, name: str) -> float:
    return float(np.mean([row[what][name] for row in rows]))


def _number(name: str) -> int:
    """The person in an image's name; 0 where there is none."""
    first = name.split("_")[0]
    return int(first) if first.isdigit() else 0


def _prediction(results: Path, name: str, model: HeadModel) -> tuple[Surface, np.ndarray]:
    path = find_prediction(results, name)
    if path is None:
        raise none_found(results, [name])
    prediction = read_prediction(path, model, expressed=True)
    own = results / "keypoints.txt"
    if prediction.head is not None or not own.is_file():
        hint = "Put keypoints.txt, 85 times [triangle, w1, w2] as JSON, beside the meshes"
        return prediction.surface, model_points(model, "realy85", prediction, path, hint)
    return prediction.surface, _own_keypoints(own, read_obj(path))


def _own_keypoints(path: Path, surface: Surface) -> np.ndarray:
    """(85, 3) from the release's format."""
    try:
        rows = np.array(json.loads(path.read_text(encoding="utf-8")), np.float64)
        corners = surface.vertices[surface.triangles[rows[:KEYPOINTS, 0].astype(int)]]
        weights = np.column_stack([rows[:, 1:3], 1 - rows[:, 1:3].sum(1)])[:KEYPOINTS]
        points = (corners * weights[..., None]).sum(1)
        if points.shape != (KEYPOINTS, 3):
            raise ValueError(f"{len(points)} rows")
    except (OSError, ValueError, IndexError) as error:
        raise UsageError(
            f"{path} holds no {KEYPOINTS} keypoints ({error})",
            "It has to be the list for the meshes' topology: [[triangle, w1, w2], ...]",
        ) from error
    return np.asarray(points)
