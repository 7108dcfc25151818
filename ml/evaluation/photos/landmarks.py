"""The whole pipeline on labelled photos.

python -m ml.evaluation portraits --data DATA
python -m ml.evaluation wild --data DATA
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from tqdm import tqdm

from ...data import FloatArray
from ...errors import HeadError
from ...head.storage import load_head_model
from ...photo.crop import FACE_POINTS, box_from_landmarks
from ..benchmark import Outcome, add_data_options
from ..metrics import SAME_FACE, best_pose, landmark_error, overlap, yaw_of
from ..regions import region_errors
from .labels import LabelledPhoto, read_labels
from .pipeline import Pipeline, shipped_pipeline


@dataclass(frozen=True)
class LandmarkRow:
    """One photo. Errors in % of the outer-eye distance; None where there is none to give.

    Attributes
    ----------
    faces: how many were returned. found: whether one of them is the labelled face.
    prominent: whether that one was returned first.
    error: of the fitted head. network: of the points it was fitted to. baseline: of the mean
    face in its best pose. left_out: why the photo's label is not used.
    yaw: degrees by which that pose is turned. regions, baseline_regions: like error and
    baseline, by region of the face.
    """

    photo: str
    labelled: bool
    faces: int
    found: bool = False
    prominent: bool = False
    error: float | None = None
    network: float | None = None
    baseline: float | None = None
    confidence: float | None = None
    problem: str = ""
    left_out: str = ""
    yaw: float | None = None
    regions: dict[str, float] = field(default_factory=dict)
    baseline_regions: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Summary:
    """Means and medians over the faces found, and how many of them there were."""

    photos: int
    labelled: int
    found: int
    prominent: int
    unlabelled_with_a_face: int
    error_mean: float
    error_median: float
    error_worst: float
    network_mean: float
    network_median: float
    baseline_mean: float
    baseline_median: float

    @property
    def recovered(self) -> float:
        """Share of the mean face's error that is gone."""
        return 1 - self.error_mean / self.baseline_mean


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_data_options(parser)
    parser.add_argument("--verbose", action="store_true", help="a line for every photo")


def run(arguments: argparse.Namespace) -> Outcome:
    rows = measure_all(read_labels(arguments.data, arguments.command), shipped_pipeline())
    summary = summarise(rows)
    lines = [photo_lines(rows) + "\n"] if arguments.verbose else []
    return Outcome("\n".join([*lines, report(rows, summary)]), to_json(rows, summary))


def measure_all(photos: Sequence[LabelledPhoto], pipeline: Pipeline) -> list[LandmarkRow]:
    """One row per photo, with a bar; the baseline is the shipped head model's mean face."""
    mean_face = load_head_model().points("mediapipe478").mean
    return list(tqdm(measure(photos, pipeline, mean_face), total=len(photos), leave=False))


def measure(
    photos: Iterable[LabelledPhoto], pipeline: Pipeline, mean_face: FloatArray
) -> Iterable[LandmarkRow]:
    """One row per photo; ``mean_face`` is the (>=468, 3) average head at the landmarks."""
    for photo in photos:
        yield _measure_one(photo, pipeline, mean_face[:FACE_POINTS])


def _measure_one(photo: LabelledPhoto, pipeline: Pipeline, mean_face: FloatArray) -> LandmarkRow:
    name, label = photo.path.name, photo.landmarks
    posed, yaw = None, None
    if label is not None:
        posed, rotation = best_pose(mean_face, label[:FACE_POINTS])
        yaw = yaw_of(rotation)
    blank = LandmarkRow(name, label is not None, 0, left_out=photo.left_out, yaw=yaw)
    try:
        heads = pipeline.heads(photo.path)
    except HeadError as error:
        return replace(blank, problem=error.message)
    blank = replace(blank, faces=len(heads))
    if label is None or posed is None:
        return replace(blank, confidence=heads[0].confidence)
    bounds = box_from_landmarks(label).as_xyxy()
    shares = [overlap(head.face_box, bounds) for head in heads]
    best = int(np.argmax(shares))
    if shares[best] < SAME_FACE:
        return replace(blank, problem="another face or none")
    points = heads[best].landmarks_478_px
    return replace(
        blank,
        found=True,
        prominent=best == 0,
        error=landmark_error(points, label),
        network=min(landmark_error(seen, label) for seen in pipeline.points(photo.path)),
        baseline=landmark_error(posed, label),
        confidence=heads[best].confidence,
        regions=region_errors(points, label),
        baseline_regions=region_errors(posed, label),
    )


def summarise(rows: Iterable[LandmarkRow]) -> Summary:
    """The figures over all rows; NaN where no face was found."""
    rows = list(rows)
    found = [row for row in rows if row.found]

    def over(name: str, reduce: Callable[[np.ndarray], Any]) -> float:
        values = np.array([getattr(row, name) for row in found], np.float64)
        return float(reduce(values)) if len(values) else float("nan")

    return Summary(
        photos=len(rows),
        labelled=sum(row.labelled for row in rows),
        found=len(found),
        prominent=sum(row.prominent for row in found),
        unlabelled_with_a_face=sum(not row.labelled and row.faces > 0 for row in rows),
        error_mean=over("error", np.mean),
        error_median=over("error", np.median),
        error_worst=over("error", np.max),
        network_mean=over("network", np.mean),
        network_median=over("network", np.median),
        baseline_mean=over("baseline", np.mean),
        baseline_median=over("baseline", np.median),
    )


def to_json(rows: Sequence[LandmarkRow], summary: Summary) -> dict[str, Any]:
    """Plain values: the summary and every row."""
    return {"summary": asdict(summary), "photos": [asdict(row) for row in rows]}


def photo_lines(rows: Sequence[LandmarkRow]) -> str:
    """A line per photo, below a header."""
    lines = [f"{'photo':14}{'faces':>6}{'head':>8}{'points':>8}{'mean face':>11}  note"]
    for row in rows:
        figures = (row.error, row.network, row.baseline)
        head, points, base = ("-" if v is None else f"{v:.2f}" for v in figures)
        note = row.problem or ("" if row.labelled else "no label")
        if row.found and not row.prominent:
            note = "not the most prominent face"
        lines.append(f"{row.photo:14}{row.faces:6}{head:>8}{points:>8}{base:>11}  {note}")
    return "\n".join(lines)


def report(rows: Sequence[LandmarkRow], summary: Summary) -> str:
    """The summary as text."""
    bare = summary.photos - summary.labelled
    lines = [
        f"found {summary.found} of {summary.labelled} labelled faces "
        f"({summary.prominent} as the most prominent one)"
        + (f"; a face in {summary.unlabelled_with_a_face} of {bare} without label" if bare else ""),
        "468 face points, mean distance / outer-eye distance, over the faces found:",
        f"  {'':34}{'mean %':>8}{'median %':>10}",
        _line("head, fitted and projected", summary.error_mean, summary.error_median),
        _line("network's points, before the fit", summary.network_mean, summary.network_median),
        _line("mean face in its best pose", summary.baseline_mean, summary.baseline_median),
        *(f"label of {row.photo} left out: it {row.left_out}" for row in rows if row.left_out),
        f"worst {summary.error_worst:.2f} %; "
        f"{100 * summary.recovered:.0f} % of the mean face's error is gone",
    ]
    return "\n".join(lines)


def _line(name: str, mean: float, median: float) -> str:
    return f"  {name:34}{mean:8.2f}{median:10.2f}"
