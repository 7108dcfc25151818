"""The synthetic ruler: rendered people whose shape, expression and pose are known.

    python -m ml.evaluation synthetic --data ../shared/data

Needs the reference head that training makes (out/head/reference.npz): true correspondence is
measured on its vertices, on which people of ICT-FaceKit and MakeHuman are given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial import cKDTree
from tqdm import tqdm

from ...data import Camera, FloatArray, HeadCoefficients, Photo
from ...errors import NoFaceFound, UsageError
from ...head.model import HeadModel
from ...head.storage import load_head_model
from ...photo.crop import FACE_POINTS
from ...settings import Settings
from .people import YAWS, View
from .shape import ShapeError, shape_error, turn_between

# The network's first word and its last, what the surface refinement saw, and the fit to that.
STAGES = ("coarse", "refined", "surface", "fitted")
REGIONS = ("realy_nose", "realy_mouth", "realy_forehead", "realy_cheek")
POSES = {"to 30 degrees": (0.0, 30.0), "30 to 60 degrees": (30.0, 60.0)}
OUTER_EYES = (33, 263)
ONE_FACE = Settings(texture_size=0)


@dataclass(frozen=True)
class Row:
    """One view by one stage of the walk.

    Attributes
    ----------
    shape: of the neutral head. landmarks: mean distance, per cent of the outer-eye distance.
    expression: mean absolute error of the keys, weighted by how far they move the face;
    expression_baseline: of a face at rest. turn: degrees of the head's rotation.
    face_points: like landmarks, of the first 468. view: what was measured; found: the head;
    camera: where the fit put it.
    """

    person: int
    source: str
    yaw: float
    stage: str
    shape: ShapeError
    landmarks: float
    expression: float
    expression_baseline: float
    turn: float
    face_points: float = float("nan")
    view: View | None = None
    found: HeadCoefficients | None = None
    camera: Camera | None = None


@dataclass(frozen=True)
class Ruler:
    """What every view is measured with: the reference, its regions and its keys' weights."""

    reference: HeadModel
    regions: dict[str, np.ndarray]
    key_weights: FloatArray


def make_ruler(reference: HeadModel) -> Ruler:
    """Regions of the shipped head on the reference's face, vertex by nearest vertex."""
    shipped = load_head_model()
    skin = np.unique(shipped.quads[shipped.part_faces("skin")])
    distance, nearest = cKDTree(shipped.shape.mean[skin]).query(reference.shape.mean)
    face = np.zeros(len(distance), bool)
    face[np.unique(reference.quads[reference.part_faces("Face")])] = True
    regions = {
        name: face & (distance < 0.004) & (shipped.masks[name][skin][nearest] > 0.5)
        for name in REGIONS
    }
    move = np.sqrt((reference.points("dense").expression ** 2).sum(2).mean(1))
    return Ruler(reference, regions, np.asarray(move / move.sum(), np.float32))


def measure(views: Iterable[View], ruler: Ruler) -> Iterator[Row | None]:
    """Rows of all stages of every view; None for a view whose face was not found."""
    from ...photo.crop import crop_face
    from ...pipeline.find import observe
    from ...pipeline.fit import fit_observation
    from ...regressor.regressor import load_regressor

    shipped = load_head_model()
    for view in views:
        photo = Photo(view.rgb, Path("synthetic.png"), "")
        try:
            observation = observe(photo, ONE_FACE)[0]
        except NoFaceFound:
            yield None
            continue
        looks = load_regressor().looks([crop_face(photo, observation.face.box)])[0]
        for stage, look in zip(STAGES, (looks[0], looks[-1]), strict=False):
            yield _row(view, ruler, stage, look.coefficients, look.landmarks.points, look.rotation)
        fitted = fit_observation(photo, observation)
        seen, fit = fitted.evidence, fitted.fit
        yield _row(view, ruler, "surface", seen.start, seen.landmarks.points, fit.camera.rotation)
        points = fit.camera.project(shipped.points("dense").at(fit.coefficients))
        row = _row(view, ruler, "fitted", fit.coefficients, points, fit.camera.rotation)
        yield replace(row, camera=fit.camera)


def _row(
    view: View,
    ruler: Ruler,
    stage: str,
    found: HeadCoefficients,
    points: FloatArray,
    rotation: FloatArray,
) -> Row:
    shape = ruler.reference.shape
    off = np.abs(found.expression - view.expression) @ ruler.key_weights
    return Row(
        view.person,
        view.source,
        view.yaw,
        stage,
        shape_error(shape.neutral(found.identity), view.neutral, shape.mean, ruler.regions),
        point_error(points, view.points),
        float(off),
        float(view.expression @ ruler.key_weights),
        turn_between(rotation, view.rotation),
        point_error(points[:FACE_POINTS], view.points),
        view,
        found,
    )


def point_error(points: FloatArray, true: FloatArray) -> float:
    """Mean distance of (N, 2) points to the first N true ones, % of the outer-eye distance."""
    eyes = float(np.linalg.norm(true[OUTER_EYES[0]] - true[OUTER_EYES[1]]) or 1)
    # Seen from the side the eyes come together: measure with their distance as seen from the front.
    eyes = max(eyes, 0.3 * float(np.ptp(true[:FACE_POINTS], axis=0).max()))
    count = min(len(points), len(true))
    return 100 * float(np.linalg.norm(points[:count] - true[:count], axis=1).mean()) / eyes


def summarise(rows: list[Row | None]) -> dict[str, Any]:
    """Means by stage and pose."""
    found = [row for row in rows if row is not None]
    summary: dict[str, Any] = {
        "views": len(found) // len(STAGES) + rows.count(None),
        "not_found": rows.count(None),
    }
    for pose, (low, high) in POSES.items():
        for stage in STAGES:
            some = [r for r in found if r.stage == stage and low <= abs(r.yaw) < high]
            if some:
                summary[f"{stage}, {pose}"] = means(some)
    return summary


def means(rows: list[Row]) -> dict[str, Any]:
    """Means over rows, at least one, whatever they have in common."""
    mean = float(np.mean([row.shape.mean for row in rows]))
    baseline = float(np.mean([row.shape.mean_baseline for row in rows]))
    return {
        "views": len(rows),
        "regions_mm": mean,
        "mean_face_mm": baseline,
        "ratio": mean / baseline,
        "recovered": float(np.mean([row.shape.recovered for row in rows])),
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
    }


def report(summary: dict[str, Any]) -> str:
    """The summary as a table."""
    lines = [
        f"{summary['views']} views, {summary['not_found']} faces not found",
        f"{'':28} {'regions':>8} {'mean face':>9} {'ratio':>6} {'recovered':>9} {'landmarks':>9} "
        f"{'expression':>10} {'turn':>6}",
    ]
    for name, figures in summary.items():
        if isinstance(figures, dict):
            lines.append(
                f"{name:28} {figures['regions_mm']:6.2f}mm {figures['mean_face_mm']:7.2f}mm "
                f"{figures['ratio']:6.2f} {figures['recovered']:9.2f} "
                f"{figures['landmarks_percent']:8.2f}% {figures['expression_ratio']:10.2f} "
                f"{figures['turn_degrees']:5.1f}°"
            )
    return "\n".join(lines)


def run(data: Path, reference: Path, fits: Path, people: int) -> list[Row | None]:
    """All rows of ``people`` random people; see :func:`views_of`."""
    seen = views_of(data, reference, fits, people)
    return list(measure(seen, make_ruler(load_head_model(reference))))


def views_of(
    data: Path, reference: Path, fits: Path, people: int, stands: bool = False
) -> Iterator[View]:
    """All views of ``people`` random people, with a bar; ``stands``: see :func:`people.views`.

    Raises
    ------
    UsageError: the reference head or the fits have not been made.
    """
    from .people import kept_out_studio, views

    for path in (reference, fits):
        if not path.exists():
            raise UsageError(
                f"{path} is needed to render people with known shapes",
                "Make it as docs/training.md says, or name it with --reference and --fits",
            )
    studio = kept_out_studio(data, reference, fits)
    seen = views(studio, load_head_model(reference), data, people, stands=stands)
    yield from tqdm(seen, desc="synthetic people", total=people * len(YAWS), leave=False)
