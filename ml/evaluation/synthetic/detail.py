"""Folds and lumps: rendered people who have them, whose shape is known.

    python -m ml.evaluation detail --data DATA

Random folds come from other seeds than training's, and are as dark as their walls make them. The
vertices of the high level, with and without detail, are carried to the reference's vertices and
measured there, on face skin that is turned to the camera: normals and depths in the middle band and
in its parts. People whose skin carries what is not shape (a real face's painted detail, a beard,
glasses) are summarised apart, and so are lights. A "perfect" field, the best that its band and its
grid can hold of the truth along the normals, shows what detail could do at most.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from ...data import FitResult, FloatArray, HeadCoefficients, HeadMesh
from ...detail.band import in_band
from ...detail.maps import bake
from ...detail.relief import make_detail
from ...detail.view import PersonView
from ...detail.window import window_of
from ...errors import NoFaceFound
from ...geometry.triangles import triangulate
from ...head.levels import level_of
from ...head.mesh import blend, person_mesh, person_of
from ...head.model import HeadModel
from ...head.storage import load_head_model
from ...rendering import vertex_normals
from ...settings import DETAIL_MODES, Settings
from ..benchmark import ONE_FACE, Outcome
from .carry import FromHigh, ToWindow, from_high, to_window
from .kept_out import KeptOut, add_kept_out_options
from .midband import PARTS, BandError, MidBand, band_error, make_midband
from .people import FOLDED, POSES, RenderedView, rendered_views
from .reference import REGIONS, Reference, make_reference
from .shape import ShapeError, face_of, onto, shape_error

# Skin at a steeper angle to the camera than this (cosine) does not count.
TURNED_TO = 0.3
PERFECT = "perfect"
MODES = (*DETAIL_MODES, PERFECT)
# Lights are summarised by the share that comes from the lamp that casts shadows.
LIGHTS = {"even light": (0.0, 0.35), "mixed light": (0.35, 0.6), "hard light": (0.6, 1.01)}


@dataclass(frozen=True)
class DetailRow:
    """One view in one mode.

    Attributes
    ----------
    painted, hard: see RenderedView. shape: error of the head at rest with its detail.
    band: error in the middle band; smooth: that of a head without detail. parts: error in each of
    midband.PARTS. milliseconds: time that detail took.
    found: (V, 3) the head at rest, on the reference's vertices.
    """

    person: int
    yaw: float
    painted: bool
    hard: float
    mode: str
    shape: ShapeError
    band: BandError
    smooth: BandError
    parts: tuple[BandError, ...]
    milliseconds: float
    found: FloatArray


@dataclass(frozen=True)
class DetailReference:
    """What views of folded people are measured on.

    Attributes
    ----------
    reference: the reference head and its regions. band, parts: the middle band of its face and
        midband.PARTS.
    carried: from the high level to the reference. to_window: from the reference to the window.
    """

    reference: Reference
    band: MidBand
    parts: tuple[MidBand, ...]
    carried: FromHigh
    to_window: ToWindow


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_kept_out_options(parser, people=40)


def run(arguments: argparse.Namespace) -> Outcome:
    summary = summarise(measure_people(KeptOut.of(arguments)))
    return Outcome(report(summary), {"summary": summary})


def measure_people(kept_out: KeptOut) -> list[DetailRow]:
    """Rows of random people in every mode.

    Raises
    ------
    UsageError: the reference head or the fits have not been made.
    """
    views = rendered_views(kept_out, FOLDED)
    reference = make_detail_reference(kept_out.head)
    return [row for view in views for row in measure_view(view, reference)]


def make_detail_reference(head: HeadModel) -> DetailReference:
    """What views of people with the vertices of ``head`` are measured on."""
    triangles = triangulate(head.quads[head.part_faces("Face")])
    shipped, mean = load_head_model(), head.shape.mean
    return DetailReference(
        make_reference(head),
        make_midband(mean, triangles),
        tuple(make_midband(mean, triangles, sizes) for sizes in PARTS),
        from_high(shipped, head),
        to_window(mean, np.unique(triangles), window_of(shipped)),
    )


def measure_view(view: RenderedView, reference: DetailReference) -> list[DetailRow]:
    """The view in every mode; nothing if its face is not found."""
    from ...pipeline.fit import fit_photo

    try:
        fit = fit_photo(view.photo, ONE_FACE).fit
    except NoFaceFound:
        return []
    return rows_of_fit(view, fit, reference, MODES)


def rows_of_fit(
    view: RenderedView, fit: FitResult, reference: DetailReference, modes: Sequence[str]
) -> list[DetailRow]:
    """A fitted head with the detail of every mode."""
    from ...pipeline.relief import relief_from, see_relief
    from ...pipeline.sight import parse_face

    shipped = load_head_model()
    person = person_of(shipped, fit.coefficients)
    mesh = _high_mesh(shipped, person.rest)
    plain, rows = reference.reference.head.shape.neutral(fit.coefficients.identity), []
    for mode in modes:
        found, spent = plain, 0.0
        if mode == PERFECT:
            found = plain + reference.carried(perfect_offsets(view, plain, reference, mesh))
        elif mode != "off":
            begun = time.process_time()
            parse = parse_face(view.photo, fit.camera, person)
            settings, seen = Settings(detail=mode), PersonView(view.rgb, fit.camera, person)
            relief = relief_from([see_relief(seen, parse, settings)], settings).relief
            detail = make_detail(relief, mesh, shipped, mode)
            spent = 1000 * (time.process_time() - begun)
            found = plain + reference.carried(detail.offsets)
        rows.append(_row(view, reference, mode, found, spent))
    return rows


def perfect_offsets(
    view: RenderedView, plain: FloatArray, reference: DetailReference, mesh: HeadMesh
) -> FloatArray:
    """(V, 3) of ``mesh``: the best that heights can hold of what ``plain``, the head at rest,
    lacks."""
    shipped = load_head_model()
    window = window_of(shipped)
    lacking = reference.to_window.heights(view.neutral - _placed(plain, view, reference))
    kept = in_band(lacking, window.skin.astype(np.float32)) * window.allowed
    return bake(kept, PERFECT, mesh, shipped).offsets


def _placed(found: FloatArray, view: RenderedView, reference: DetailReference) -> FloatArray:
    """A head at rest moved, turned and scaled onto the true one, face to face."""
    face = face_of(reference.reference.regions)
    return onto(found, view.neutral, face).astype(np.float32)


def _row(
    view: RenderedView, reference: DetailReference, mode: str, found: FloatArray, spent: float
) -> DetailRow:
    regions, head = reference.reference.regions, reference.reference.head
    turned = vertex_normals(view.neutral, head.triangles) @ view.rotation.T
    where = face_of(regions) & (-turned[:, 2] > TURNED_TO)
    placed = _placed(found, view, reference)
    return DetailRow(
        view.person,
        view.yaw,
        view.painted,
        view.hard,
        mode,
        shape_error(found, view.neutral, head.shape.mean, regions),
        band_error(reference.band, view.neutral, placed, where),
        band_error(reference.band, view.neutral, None, where),
        tuple(band_error(part, view.neutral, placed, where) for part in reference.parts),
        spent,
        found,
    )


def _high_mesh(model: HeadModel, rest: FloatArray) -> HeadMesh:
    """A person's mesh at the high level. Its keys are nobody's: carrying them costs the most."""
    fine = level_of(model, "high")
    assert fine is not None
    return replace(_high_template(model), vertices=blend(fine.points, rest))


@lru_cache(maxsize=1)
def _high_template(model: HeadModel) -> HeadMesh:
    """The mean head's mesh at the high level."""
    nobody = HeadCoefficients(
        np.zeros(model.identity_count, np.float32),
        np.zeros(len(model.expression_names), np.float32),
    )
    return person_mesh(model, person_of(model, nobody), "high")


def conditions() -> dict[str, Callable[[DetailRow], bool]]:
    """What rows are summarised by."""
    found: dict[str, Callable[[DetailRow], bool]] = {"all": lambda row: True}
    for pose, (low, high) in POSES.items():
        found[pose] = lambda row, a=low, b=high: a <= abs(row.yaw) < b  # type: ignore[misc]
    for light, (low, high) in LIGHTS.items():
        found[light] = lambda row, a=low, b=high: a <= row.hard < b  # type: ignore[misc]
    found["bare skin"] = lambda row: not row.painted
    found["paint that is not shape"] = lambda row: row.painted
    return found


def summarise(rows: Sequence[DetailRow]) -> dict[str, Any]:
    """Means by condition and mode."""
    summary: dict[str, Any] = {}
    for name, holds in conditions().items():
        for mode in MODES:
            some = [row for row in rows if row.mode == mode and holds(row)]
            if some:
                summary[f"{name}, {mode}"] = _means(some)
    return summary


def _means(rows: Sequence[DetailRow]) -> dict[str, Any]:
    def mean(values: list[float]) -> float:
        return float(np.mean(values))

    by_part = {
        f"{low:g}-{high:g}": [row.parts[number] for row in rows]
        for number, (low, high) in enumerate(PARTS)
    }
    return {
        "views": len(rows),
        "regions_mm": mean([r.shape.mean for r in rows]),
        "by_region_mm": {n: mean([r.shape.regions[n] for r in rows]) for n in REGIONS},
        "normal_degrees": mean([r.band.normal for r in rows]),
        "depth_mm": mean([r.band.depth for r in rows]),
        "smooth_normal_degrees": mean([r.smooth.normal for r in rows]),
        "smooth_depth_mm": mean([r.smooth.depth for r in rows]),
        "normal_degrees_by_mm": {n: mean([e.normal for e in es]) for n, es in by_part.items()},
        "depth_mm_by_mm": {n: mean([e.depth for e in es]) for n, es in by_part.items()},
        "milliseconds": float(np.median([r.milliseconds for r in rows])),
    }


def report(summary: dict[str, Any]) -> str:
    """The summary as a table."""
    sizes = [f"{low:g}-{high:g}" for low, high in PARTS]
    lines = [
        f"{'':34} {'views':>5} {'regions':>9} "
        + " ".join(f"{name.removeprefix('realy_'):>8}" for name in REGIONS)
        + f" {'normals':>8} "
        + " ".join(f"{size:>7}" for size in sizes)
        + f" {'depth':>8} {'time':>7}   (normals also by size of features in mm; time of one core)"
    ]
    for name, row in summary.items():
        regions = " ".join(f"{row['by_region_mm'][region]:8.4f}" for region in REGIONS)
        parts = " ".join(f"{row['normal_degrees_by_mm'][size]:6.3f}°" for size in sizes)
        lines.append(
            f"{name:34} {row['views']:5} {row['regions_mm']:7.4f}mm {regions} "
            f"{row['normal_degrees']:7.3f}° {parts} {row['depth_mm']:6.4f}mm "
            f"{row['milliseconds']:5.0f}ms"
        )
    return "\n".join(lines)
