"""What pins are worth: a user who knows the truth drags landmarks of rendered people there.

    python -m ml.evaluation pins --data DATA

One pin after the other goes where the error is largest among the landmarks that Blender shows by
default and that face the camera. Errors are of all of those, of the face's 468 points, and of the
shape, which one photo shows from one side only.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...data import FloatArray
from ...errors import NoFaceFound
from ...head.layer import Layer, bump, opened
from ...head.model import HeadModel
from ...head.storage import load_head_model
from ...photo.crop import FACE_POINTS
from ...pins.estimate import Estimate
from ...pins.pick import seen
from ...pins.pins import LANDMARKS, SHOWN, PhotoPins, Pin, Pins
from ...pins.solve import Solution, Solver
from ..benchmark import ONE_FACE, Outcome
from .heads import point_error
from .kept_out import KeptOut, add_kept_out_options
from .people import RenderedView, rendered_views
from .reference import Reference, make_reference
from .shape import ShapeError, shape_error

COUNTS = (0, 1, 3, 10)
FIGURES = ("shown", "face", "shape")


@dataclass(frozen=True)
class PinsRow:
    """One view.

    Attributes
    ----------
    yaw: degrees. shown, face: landmark errors, per cent of the outer-eye distance, after each of
    COUNTS pins: of the landmarks that are shown, and of the face's points. shape: of the neutral
    head. missed: the largest distance of a pin to where it was put, pixels. seconds: of the last
    solution with all vertices.
    """

    yaw: float
    shown: tuple[float, ...]
    face: tuple[float, ...]
    shape: tuple[ShapeError, ...]
    missed: float
    seconds: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_kept_out_options(parser, people=40)


def run(arguments: argparse.Namespace) -> Outcome:
    kept_out = KeptOut.of(arguments)
    rows = list(measure(rendered_views(kept_out), make_reference(kept_out.head)))
    summary = summarise(rows)
    return Outcome(report(summary), {"summary": summary})


def measure(views: Iterable[RenderedView], reference: Reference) -> Iterator[PinsRow | None]:
    """One row a view; None where no face was found."""
    from ...pipeline.find import observe
    from ...pipeline.fit import fit_observation

    for view in views:
        try:
            fit = fit_observation(view.photo, observe(view.photo, ONE_FACE)[0]).fit
        except NoFaceFound:
            yield None
            continue
        yield _row(view, reference, Estimate.of([(fit.coefficients, fit.camera)]))


def _row(view: RenderedView, reference: Reference, estimate: Estimate) -> PinsRow:
    solver = Solver(load_head_model(), estimate)
    camera = estimate.views[0].camera
    pins = Pins((PhotoPins("synthetic.png", "", camera.width, camera.height),))
    shown, face, shape, points = list[float](), list[float](), list[ShapeError](), view.points
    solution, seconds = solver.solve(pins), 0.0
    for count in range(max(COUNTS) + 1):
        if count:
            at = _worst(solver, solution, pins, view.points)
            x, y = (float(value) for value in view.points[at])
            pins = pins.placed(0, Pin((x, y), at))
            solver.held(pins)  # what is made once for a pin, before it is dragged
            begun = time.perf_counter()
            solution = solver.solve(pins)
            solver.vertices(solution, 0)
            seconds = time.perf_counter() - begun
        points = _points(solver, solution)
        if count in COUNTS:
            some = np.array([*SHOWN])
            shown.append(_share(points[some], view.points[some], view.points))
            face.append(point_error(points[:FACE_POINTS], view.points))
            shape.append(_shape(view, reference, solution))
    held = [pin.landmark for pin in pins.photos[0].pins if pin.landmark is not None]
    missed = float(np.linalg.norm(points[held] - view.points[held], axis=1).max())
    return PinsRow(view.yaw, tuple(shown), tuple(face), tuple(shape), missed, seconds)


def _worst(solver: Solver, solution: Solution, pins: Pins, true: FloatArray) -> int:
    """The shown landmark without a pin, seen by the camera, that is farthest from its place."""
    vertices, points = solver.vertices(solution, 0), solver.model.landmark_sets[LANDMARKS]
    shown = points.take(np.array(SHOWN, np.int32))
    visible = seen(solver.model, vertices, shown, solution.cameras[0])
    taken = {pin.landmark for pin in pins.photos[0].pins}
    able = zip(SHOWN, visible, strict=True)
    free = [index for index, one in able if one and index not in taken]
    free = free or [index for index in SHOWN if index not in taken]
    off = np.linalg.norm(_points(solver, solution)[free] - true[free], axis=1)
    return free[int(off.argmax())]


def _points(solver: Solver, solution: Solution) -> FloatArray:
    places = solver.model.landmark_sets[LANDMARKS].on(solver.vertices(solution, 0))
    return solution.cameras[0].project(places)


def _share(points: FloatArray, true: FloatArray, all_true: FloatArray) -> float:
    """Mean distance in per cent of the outer-eye distance, as :func:`.heads.point_error`."""
    off = float(np.linalg.norm(points - true, axis=1).mean())
    eyes = float(np.linalg.norm(all_true[263] - all_true[33]))
    extent = 0.3 * float(np.ptp(all_true[:FACE_POINTS], axis=0).max())
    return 100 * off / max(eyes, extent)


def _shape(view: RenderedView, reference: Reference, solution: Solution) -> ShapeError:
    neutral = reference.head.shape.neutral(solution.identity)
    if solution.layer is not None:
        neutral = neutral + layer_on(reference.head, solution.layer)
    return shape_error(neutral, view.neutral, reference.head.shape.mean, reference.regions)


def layer_on(head: HeadModel, layer: Layer) -> FloatArray:
    """(V, 3) the displacements of a layer on another mesh of the same head, metres."""
    centres = layer.points.on(opened(load_head_model()))
    apart = np.linalg.norm(opened(head)[:, None] - centres[None], axis=2)
    return np.asarray(bump(apart) @ layer.shifts, np.float32)


def summarise(rows: Sequence[PinsRow | None]) -> dict[str, Any]:
    """Means after each number of pins, and how much lower they are than without pins."""
    found = [row for row in rows if row is not None]
    summary: dict[str, Any] = {"views": len(rows), "not_found": len(rows) - len(found)}
    if not found:
        return summary
    means = {
        "shown": np.mean([row.shown for row in found], axis=0),
        "face": np.mean([row.face for row in found], axis=0),
        "shape": np.mean([[error.mean for error in row.shape] for row in found], axis=0),
    }
    for place, count in enumerate(COUNTS):
        summary[f"{count} pins"] = {name: float(means[name][place]) for name in FIGURES} | {
            f"{name}_lower": float(1 - means[name][place] / means[name][0]) for name in FIGURES
        }
    summary["missed_px"] = max(row.missed for row in found)
    summary["milliseconds"] = 1000 * float(np.median([row.seconds for row in found]))
    return summary


def report(summary: dict[str, Any]) -> str:
    """The summary as a table."""
    lines = [
        f"{summary['views']} views, {summary['not_found']} faces not found",
        f"{'':8} {'shown':>16} {'face points':>16} {'shape':>18}",
    ]
    for count in COUNTS:
        row = summary.get(f"{count} pins")
        if row is not None:
            cells = [
                f"{row[name]:6.2f} {unit} {0 - row[f'{name}_lower']:+6.1%}"
                for name, unit in zip(FIGURES, ("%", "%", "mm"), strict=True)
            ]
            lines.append(f"{count:3} pins {cells[0]:>16} {cells[1]:>16} {cells[2]:>18}")
    if "missed_px" in summary:
        lines.append(
            f"Pins are missed by {summary['missed_px']:.4f} pixels at most; with "
            f"{max(COUNTS)} pins a head takes {summary['milliseconds']:.0f} ms"
        )
    return "\n".join(lines)
