"""Shape, expression and pose of rendered people, stage by stage of the pipeline.

    python -m ml.evaluation synthetic --data DATA

Needs the reference head that training makes: true correspondence is measured on its vertices, on
which people of ICT-FaceKit and MakeHuman are given.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from ...data import Camera, FloatArray, HeadCoefficients, Photo
from ...errors import NoFaceFound
from ...head.storage import load_head_model
from ...photo.crop import EYE_LEFT, EYE_RIGHT, FACE_POINTS
from ..benchmark import ONE_FACE, Outcome
from .kept_out import KeptOut, add_kept_out_options
from .people import RenderedView, by_pose, rendered_views
from .reference import REGIONS, Reference, make_reference
from .shape import ShapeError, shape_error, shape_means, turn_between
from .texture import camera_of

# The network's first estimate and its last, the surface refinement's, and the fit to that.
STAGES = ("coarse", "refined", "surface", "fitted")


class Estimate(NamedTuple):
    """One face after one stage of the pipeline.

    points: (L, 2) pixels. rotation: (3, 3) head -> camera. camera: only of the fitted head.
    """

    stage: str
    head: HeadCoefficients
    points: FloatArray
    rotation: FloatArray
    camera: Camera | None = None


@dataclass(frozen=True)
class StageRow:
    """One view after one stage of the pipeline.

    Attributes
    ----------
    view: what was measured. shape: of the neutral head.
    landmarks: mean distance, per cent of the outer-eye distance.
    expression: mean absolute error of the keys, weighted by how far they move the face;
    expression_baseline: of a face at rest. turn: degrees of the head's rotation.
    face_points: like landmarks, of the first 468. found: the head; camera: where the fit put it.
    distance, focal: natural logarithms of the head's distance from the camera and of the focal
        length, found over true; None where there is no camera.
    """

    view: RenderedView
    stage: str
    shape: ShapeError
    landmarks: float
    expression: float
    expression_baseline: float
    turn: float
    face_points: float
    found: HeadCoefficients
    camera: Camera | None = None
    distance: float | None = None
    focal: float | None = None

    @property
    def yaw(self) -> float:
        """Degrees; decides the pose in POSES."""
        return self.view.yaw


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_kept_out_options(parser, people=60)


def run(arguments: argparse.Namespace) -> Outcome:
    summary = summarise(measure_people(KeptOut.of(arguments)))
    return Outcome(report(summary), {"summary": summary})


def measure_people(kept_out: KeptOut) -> list[StageRow | None]:
    """All rows of random people; see :func:`measure`. Raises UsageError, see KeptOut."""
    views = rendered_views(kept_out)
    return list(measure(views, make_reference(kept_out.head)))


def measure(views: Iterable[RenderedView], reference: Reference) -> Iterator[StageRow | None]:
    """Rows of all stages of every view; None for a view whose face was not found."""
    for whole in views:
        view, true = replace(whole, rendering=None), None
        if whole.rendering is not None:
            true = camera_of(whole.rendering)
        try:
            estimates = list(_estimates(view.photo))
        except NoFaceFound:
            yield None
            continue
        for estimate in estimates:
            row = _row(view, reference, estimate)
            yield row if true is None else _with_camera(row, true)


def _estimates(photo: Photo) -> Iterator[Estimate]:
    """The photo's face after each of STAGES. Raises NoFaceFound."""
    from ...photo.crop import crop_face
    from ...pipeline.find import observe
    from ...pipeline.fit import fit_observation
    from ...regressor.regressor import load_regressor

    observation = observe(photo, ONE_FACE)[0]
    passes = load_regressor().predict_rounds([crop_face(photo, observation.face.box)])[0]
    for stage, output in zip(STAGES, (passes[0], passes[-1]), strict=False):
        yield Estimate(stage, output.coefficients, output.landmarks.points, output.rotation)
    fitted = fit_observation(photo, observation)
    evidence, head, camera = fitted.evidence, fitted.fit.coefficients, fitted.fit.camera
    yield Estimate("surface", evidence.start, evidence.landmarks.points, camera.rotation)
    points = camera.project(load_head_model().points("dense").at(head))
    yield Estimate("fitted", head, points, camera.rotation, camera)


def _row(view: RenderedView, reference: Reference, estimate: Estimate) -> StageRow:
    shape, head = reference.head.shape, estimate.head
    off = np.abs(head.expression - view.expression) @ reference.key_weights
    neutral = shape.neutral(head.identity)
    return StageRow(
        view=view,
        stage=estimate.stage,
        shape=shape_error(neutral, view.neutral, shape.mean, reference.regions),
        landmarks=point_error(estimate.points, view.points),
        expression=float(off),
        expression_baseline=float(view.expression @ reference.key_weights),
        turn=turn_between(estimate.rotation, view.rotation),
        face_points=point_error(estimate.points[:FACE_POINTS], view.points),
        found=head,
        camera=estimate.camera,
    )


def _with_camera(row: StageRow, true: Camera) -> StageRow:
    """The row with the errors of its camera, if it has one."""
    if row.camera is None:
        return row
    distance = np.log(row.camera.translation[2] / true.translation[2])
    focal = np.log(row.camera.intrinsics[0, 0] / true.intrinsics[0, 0])
    return replace(row, distance=float(distance), focal=float(focal))


def point_error(points: FloatArray, true: FloatArray) -> float:
    """Mean distance of (N, 2) points to the first N true ones, % of the outer-eye distance."""
    eyes = float(np.linalg.norm(true[EYE_RIGHT] - true[EYE_LEFT]) or 1)
    # Seen from the side the eyes come together: measure with their distance as seen from the front.
    eyes = max(eyes, 0.3 * float(np.ptp(true[:FACE_POINTS], axis=0).max()))
    count = min(len(points), len(true))
    return 100 * float(np.linalg.norm(points[:count] - true[:count], axis=1).mean()) / eyes


def summarise(rows: Sequence[StageRow | None]) -> dict[str, Any]:
    """Means by stage and pose."""
    found = [row for row in rows if row is not None]
    summary: dict[str, Any] = {
        "views": len(found) // len(STAGES) + rows.count(None),
        "not_found": rows.count(None),
    }
    for pose, posed in by_pose(found).items():
        for stage in STAGES:
            some = [row for row in posed if row.stage == stage]
            if some:
                summary[f"{stage}, {pose}"] = means(some)
    return summary


def means(rows: Sequence[StageRow]) -> dict[str, Any]:
    """Means over rows, at least one, whatever they have in common."""
    return {
        "views": len(rows),
        **shape_means([row.shape for row in rows]),
        "face_mm": float(np.mean([row.shape.face for row in rows])),
        "face_baseline_mm": float(np.mean([row.shape.face_baseline for row in rows])),
        "by_region": {
            name: float(
                np.mean([row.shape.regions[name] for row in rows])
                / np.mean([row.shape.baseline[name] for row in rows])
            )
            for name in REGIONS
        },
        "landmarks_percent": float(np.mean([row.landmarks for row in rows])),
        "expression_ratio": float(
            np.mean([row.expression for row in rows])
            / np.mean([row.expression_baseline for row in rows])
        ),
        "turn_degrees": float(np.median([row.turn for row in rows])),
        "distance_percent": _off([row.distance for row in rows]),
        "focal_percent": _off([row.focal for row in rows]),
    }


def _off(logarithms: Sequence[float | None]) -> float | None:
    """Median size of logarithms in per cent; None if there are none."""
    known = [abs(value) for value in logarithms if value is not None]
    return 100 * float(np.median(known)) if known else None


def report(summary: dict[str, Any]) -> str:
    """The summary as a table."""
    lines = [
        f"{summary['views']} views, {summary['not_found']} faces not found",
        f"{'':28} {'regions':>8} {'mean face':>9} {'ratio':>6} {'recovered':>9} {'landmarks':>9} "
        f"{'expression':>10} {'turn':>6} {'distance':>8} {'focal':>6}",
    ]
    for name, figures in summary.items():
        if isinstance(figures, dict):
            lines.append(
                f"{name:28} {figures['regions_mm']:6.2f}mm {figures['mean_face_mm']:7.2f}mm "
                f"{figures['ratio']:6.2f} {figures['recovered']:9.2f} "
                f"{figures['landmarks_percent']:8.2f}% {figures['expression_ratio']:10.2f} "
                f"{figures['turn_degrees']:5.1f}°{_camera_columns(figures)}"
            )
    return "\n".join(lines)


def _camera_columns(figures: dict[str, Any]) -> str:
    if figures["distance_percent"] is None:
        return ""
    return f" {figures['distance_percent']:7.0f}% {figures['focal_percent']:5.0f}%"
