"""Folds and lumps: rendered people who have them, whose shape is known.

    python -m ml.evaluation detail --data DATA

Random folds come from other seeds than training's. The vertices of the high level, with and without
detail, are carried to the reference's vertices and measured there, on face skin that is turned to
the camera. A "perfect" field, the best that its band and its grid can hold of the truth, shows what
detail could do at most.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from ...data import FitResult, FloatArray, HeadCoefficients, HeadMesh
from ...detail.band import GRID, Band, band_of
from ...detail.detailer import enlarged, make_detail
from ...detail.maps import bake
from ...detail.view import PersonView
from ...detail.window import window_of
from ...errors import NoFaceFound
from ...geometry import MILLIMETRES
from ...geometry.triangles import triangulate
from ...head.levels import level_of
from ...head.mesh import blend, person_mesh, person_of
from ...head.model import HeadModel
from ...head.storage import load_head_model
from ...rendering import vertex_normals
from ...settings import DETAIL_MODES
from ...training.detail.targets import Transfer, make_transfer, nearest
from ..benchmark import ONE_FACE, Outcome
from .kept_out import KeptOut, add_kept_out_options
from .midband import BandError, MidBand, band_error, make_midband
from .people import FOLDED, RenderedView, by_pose, rendered_views
from .reference import REGIONS, Reference, make_reference
from .shape import ShapeError, face_of, onto, shape_error

# Skin at a steeper angle to the camera than this (cosine) does not count.
TURNED_TO = 0.3
SMOOTH = "no detail at all"
PERFECT = "perfect"
MODES = (*DETAIL_MODES, PERFECT)


@dataclass(frozen=True)
class DetailRow:
    """One view in one mode.

    Attributes
    ----------
    shape: error of the head at rest with its detail. band: error in the middle band; smooth: that
    of a head without detail. milliseconds: time that detail took.
    found: (V, 3) the head at rest, on the reference's vertices.
    """

    person: int
    yaw: float
    mode: str
    shape: ShapeError
    band: BandError
    smooth: BandError
    milliseconds: float
    found: FloatArray


@dataclass(frozen=True)
class DetailReference:
    """What views of folded people are measured on.

    Attributes
    ----------
    reference: the reference head and its regions. band: the middle band of its face.
    nearest, weights: (V, 3) vertices of the high level by each of the reference's, and their
        shares.
    transfer, window_band: from the reference to the detail's window, and the band there.
    """

    reference: Reference
    band: MidBand
    nearest: np.ndarray
    weights: FloatArray
    transfer: Transfer
    window_band: Band

    def carried(self, offsets: FloatArray) -> FloatArray:
        """(W, 3) of the high level -> (V, 3) of the reference."""
        return np.asarray((offsets[self.nearest] * self.weights[..., None]).sum(1))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_kept_out_options(parser, people=40)
    parser.add_argument("--best", type=int, default=10, help="people to polish, too")


def run(arguments: argparse.Namespace) -> Outcome:
    summary = summarise(measure_people(KeptOut.of(arguments), arguments.best))
    return Outcome(report(summary), {"summary": summary})


def measure_people(kept_out: KeptOut, best: int) -> list[DetailRow]:
    """Rows of random people; of the first ``best`` of them also in mode "best".

    Raises
    ------
    UsageError: the reference head or the fits have not been made.
    """
    views = rendered_views(kept_out, FOLDED)
    reference, rows = make_detail_reference(kept_out.head), []
    for view in views:
        modes = MODES if view.person < best else (*DETAIL_MODES[:2], PERFECT)
        rows += measure_view(view, reference, modes)
    return rows


def make_detail_reference(head: HeadModel) -> DetailReference:
    """Both heads share one mean shape, so places that are nearest there correspond."""
    triangles = triangulate(head.quads[head.part_faces("Face")])
    shipped = load_head_model()
    fine = level_of(shipped, "high")
    assert fine is not None
    skin = np.unique(fine.quads[fine.part == shipped.part_names.index("skin")])
    places = blend(fine.points, shipped.shape.mean)[skin]
    found, weights = nearest(places, head.shape.mean)
    return DetailReference(
        make_reference(head),
        make_midband(head.shape.mean, triangles),
        skin[found],
        weights,
        make_transfer(head.shape.mean, np.unique(triangles), window_of(shipped, GRID)),
        band_of(shipped),
    )


def measure_view(
    view: RenderedView, reference: DetailReference, modes: Sequence[str]
) -> list[DetailRow]:
    """The view in every mode; nothing if its face is not found."""
    from ...pipeline.fit import fit_photo

    try:
        fit = fit_photo(view.photo, ONE_FACE).fit
    except NoFaceFound:
        return []
    return rows_of_fit(view, fit, reference, modes)


def rows_of_fit(
    view: RenderedView, fit: FitResult, reference: DetailReference, modes: Sequence[str]
) -> list[DetailRow]:
    """A fitted head with the detail of every mode."""
    shipped = load_head_model()
    seen = PersonView(view.rgb, fit.camera, person_of(shipped, fit.coefficients))
    mesh = _high_mesh(shipped, seen.person.rest)
    plain, rows = reference.reference.head.shape.neutral(fit.coefficients.identity), []
    for mode in modes:
        found, spent = plain, 0.0
        if mode == PERFECT:
            found = plain + reference.carried(perfect_offsets(view, plain, reference, mesh))
        elif mode != "off":
            begun = time.perf_counter()
            detail = make_detail(seen, mesh, shipped, mode, lambda fraction, message: None)
            spent = 1000 * (time.perf_counter() - begun)
            found = plain + reference.carried(detail.offsets)
        rows.append(_row(view, reference, mode, found, spent))
    return rows


def perfect_offsets(
    view: RenderedView, plain: FloatArray, reference: DetailReference, mesh: HeadMesh
) -> FloatArray:
    """(V, 3) of ``mesh``: the best that a field can hold of what ``plain``, the head at rest,
    lacks."""
    missing = view.neutral - _placed(plain, view, reference)
    field = reference.transfer.field(MILLIMETRES * missing)
    kept = reference.window_band(torch.from_numpy(field).permute(2, 0, 1)[None])
    banded = kept[0].permute(1, 2, 0).numpy()
    return bake(enlarged(banded), PERFECT, mesh, load_head_model()).offsets


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
        mode,
        shape_error(found, view.neutral, head.shape.mean, regions),
        band_error(reference.band, view.neutral, placed, where),
        band_error(reference.band, view.neutral, None, where),
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


def summarise(rows: Sequence[DetailRow]) -> dict[str, Any]:
    """Means by mode and pose, and by mode over those that have all modes."""
    summary: dict[str, Any] = {}
    for pose, posed in by_pose(rows).items():
        for mode in MODES:
            some = [row for row in posed if row.mode == mode]
            if some:
                summary[f"{mode}, {pose}"] = _means(some)
    polished = {(r.person, r.yaw) for r in rows if r.mode == "best"}
    for mode in MODES:
        some = [r for r in rows if r.mode == mode and (r.person, r.yaw) in polished]
        if some:
            summary[f"{mode}, where polished"] = _means(some)
    return summary


def _means(rows: Sequence[DetailRow]) -> dict[str, Any]:
    def mean(values: list[float]) -> float:
        return float(np.mean(values))

    return {
        "views": len(rows),
        "regions_mm": mean([r.shape.mean for r in rows]),
        "by_region_mm": {n: mean([r.shape.regions[n] for r in rows]) for n in REGIONS},
        "normal_degrees": mean([r.band.normal for r in rows]),
        "depth_mm": mean([r.band.depth for r in rows]),
        "smooth_normal_degrees": mean([r.smooth.normal for r in rows]),
        "smooth_depth_mm": mean([r.smooth.depth for r in rows]),
        "milliseconds": float(np.median([r.milliseconds for r in rows])),
    }


def report(summary: dict[str, Any]) -> str:
    """The summary as a table."""
    lines = [
        f"{'':26} {'views':>5} {'regions':>9} "
        + " ".join(f"{name.removeprefix('realy_'):>8}" for name in REGIONS)
        + f" {'normals':>8} {'depth':>8} {SMOOTH:>18} {'time':>8}"
    ]
    for name, row in summary.items():
        regions = " ".join(f"{row['by_region_mm'][region]:8.4f}" for region in REGIONS)
        smooth = f"{row['smooth_normal_degrees']:.2f}° {row['smooth_depth_mm']:.4f}mm"
        lines.append(
            f"{name:26} {row['views']:5} {row['regions_mm']:7.4f}mm {regions} "
            f"{row['normal_degrees']:7.3f}° {row['depth_mm']:6.4f}mm {smooth:>18} "
            f"{row['milliseconds']:6.0f}ms"
        )
    return "\n".join(lines)
