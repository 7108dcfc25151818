"""Measure the whole walk on labelled photos."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...data import FloatArray
from ...errors import HeadError
from ...photo.crop import FACE_POINTS, box_from_landmarks
from ...results.reconstruction import Reconstruction
from ..metrics import best_pose, landmark_error, overlap, yaw_of
from ..regions import region_errors
from .labels import LabelledPhoto

# A face counts as the labelled one if its box and the label's share half of what they cover, the
# usual rule for detections.
SAME_FACE = 0.5


@dataclass(frozen=True)
class Walk:
    """What is measured: functions from a photo's path.

    Attributes
    ----------
    heads: all heads in the photo, the most prominent first.
    points: (L, 2) the network's landmarks of each face, before any fit, in MediaPipe's order
        as far as 478.
    """

    heads: Callable[[Path], tuple[Reconstruction, ...]]
    points: Callable[[Path], list[FloatArray]]


@dataclass(frozen=True)
class Row:
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


def measure(photos: Iterable[LabelledPhoto], walk: Walk, mean_face: FloatArray) -> Iterable[Row]:
    """One row a photo; ``mean_face`` is the (>=468, 3) average head at the landmarks."""
    for photo in photos:
        yield _measure_one(photo, walk, mean_face[:FACE_POINTS])


def _measure_one(photo: LabelledPhoto, walk: Walk, mean_face: FloatArray) -> Row:
    name, label = photo.path.name, photo.landmarks
    posed, yaw = None, None
    if label is not None:
        posed, rotation = best_pose(mean_face, label[:FACE_POINTS])
        yaw = yaw_of(rotation)
    blank = Row(name, label is not None, 0, left_out=photo.left_out, yaw=yaw)
    try:
        heads = walk.heads(photo.path)
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
        network=min(landmark_error(seen, label) for seen in walk.points(photo.path)),
        baseline=landmark_error(posed, label),
        confidence=heads[best].confidence,
        regions=region_errors(points, label),
        baseline_regions=region_errors(posed, label),
    )


def summarise(rows: Iterable[Row]) -> Summary:
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


def to_json(rows: list[Row], summary: Summary) -> dict[str, Any]:
    """Plain values: the summary and every row."""
    return {"summary": asdict(summary), "photos": [asdict(row) for row in rows]}


def report(rows: list[Row], summary: Summary, *, every_photo: bool) -> str:
    """The figures as text."""
    lines = []
    if every_photo:
        lines.append(f"{'photo':14}{'faces':>6}{'head':>8}{'points':>8}{'mean face':>11}  note")
        for row in rows:
            figures = (row.error, row.network, row.baseline)
            head, points, base = ("-" if v is None else f"{v:.2f}" for v in figures)
            note = row.problem or ("" if row.labelled else "no label")
            if row.found and not row.prominent:
                note = "not the most prominent face"
            lines.append(f"{row.photo:14}{row.faces:6}{head:>8}{points:>8}{base:>11}  {note}")
        lines.append("")
    bare = summary.photos - summary.labelled
    lines += [
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
