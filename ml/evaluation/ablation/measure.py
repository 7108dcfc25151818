"""What each part of the method adds, on rendered people with folds of their own.

    python -m ml.evaluation ablation --data DATA \
        --variant "+ longer=out/train/surface_longer/checkpoint.pt"

The rows: the fit to the regressor's landmarks alone; with the surface refinement that ships; with
those of other checkpoints of :mod:`ml.training.surface.train`, each named by ``--variant
NAME=CHECKPOINT``; with detail, on the refinement that ships. All rows use the same pictures, so
that their differences are measured in pairs.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...data import ByteArray, FloatArray, Observation
from ...errors import NoFaceFound
from ...fitting.evidence import evidence_of
from ...geometry.triangles import triangulate
from ...head.storage import load_head_model
from ...pipeline.find import observe
from ...settings import DETAIL_MODES
from ..benchmark import ONE_FACE, Outcome
from ..pictures import save_picture
from ..report.text import table
from ..synthetic.detail import DetailReference, DetailRow, make_detail_reference, rows_of_fit
from ..synthetic.heads import point_error
from ..synthetic.kept_out import KeptOut, add_kept_out_options
from ..synthetic.people import FOLDED, YAWS, RenderedView, rendered_views
from ..synthetic.reference import Reference
from ..synthetic.shape import ShapeError, face_of, shape_means
from .pictures import Face, sheet
from .resemblance import Resemblance, shipped_resemblance
from .variants import REFINED, Fitter, fitters, read_variants

# People in the picture.
DRAWN_VIEWS = 4


@dataclass(frozen=True)
class VariantRow:
    """One view by one variant.

    Attributes
    ----------
    landmarks: mean distance, per cent of the outer-eye distance; NaN where detail was added, which
    does not move them. shape: of the neutral head. normal, depth: the middle band's error, degrees
    and mm; smooth: the normal's of a head without any band. distance: between the photo and the
    head drawn into it, see Resemblance; NaN likewise.
    """

    view: int
    variant: str
    landmarks: float
    shape: ShapeError
    normal: float
    depth: float
    smooth: float
    distance: float
    milliseconds: float


@dataclass(frozen=True)
class Instruments:
    """What every view is measured with; details: modes that are added to REFINED."""

    reference: DetailReference
    fitters: dict[str, Fitter]
    resemblance: Resemblance
    details: Sequence[str]


@dataclass(frozen=True)
class MeasuredView:
    """A view, its rows, and the (V, 3) heads at rest by variant, on the reference's vertices."""

    view: RenderedView
    rows: list[VariantRow]
    heads: dict[str, FloatArray]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_kept_out_options(parser, people=20)
    parser.add_argument("--variant", nargs="*", default=[], metavar="NAME=CHECKPOINT")
    parser.add_argument("--detail", nargs="*", choices=DETAIL_MODES[1:], default=["relief"])
    parser.add_argument("--table", type=Path, help="write the table as Markdown here")
    parser.add_argument("--picture", type=Path, help="draw some people and their heads here")


def run(arguments: argparse.Namespace) -> Outcome:
    kept_out, variants = KeptOut.of(arguments), read_variants(arguments.variant)
    views = rendered_views(kept_out, FOLDED)
    reference = make_detail_reference(kept_out.head)
    known = fitters(load_head_model(), variants)
    instruments = Instruments(reference, known, shipped_resemblance(), arguments.detail)
    measured = [measure_view(number, view, instruments) for number, view in enumerate(views)]
    if arguments.picture is not None:
        save_picture(_drawn(measured, reference.reference), arguments.picture)
    summary = summarise([row for one in measured for row in one.rows])
    text = report(summary)
    if arguments.table is not None:
        arguments.table.parent.mkdir(parents=True, exist_ok=True)
        arguments.table.write_text(text + "\n", encoding="utf-8")
    return Outcome(text, {"summary": summary})


def measure_view(number: int, view: RenderedView, instruments: Instruments) -> MeasuredView:
    """All rows of one view; none if its face is not found."""
    measured = MeasuredView(replace(view, rendering=None), [], {})
    try:
        observation = observe(view.photo, ONE_FACE)[0]
    except NoFaceFound:
        return measured
    for made, row in _rows(number, view, observation, instruments):
        measured.heads[row.variant] = made.found
        measured.rows.append(row)
    return measured


def _rows(
    number: int, view: RenderedView, observation: Observation, instruments: Instruments
) -> Iterator[tuple[DetailRow, VariantRow]]:
    model, photo = load_head_model(), view.photo
    shape, evidence = evidence_of(photo, observation, model)
    for name, fitter in instruments.fitters.items():
        begun = time.perf_counter()
        fit = fitter(photo, shape, evidence)
        spent = 1000 * (time.perf_counter() - begun)
        points = fit.camera.project(model.points("dense").at(fit.coefficients))
        modes = ("off", *instruments.details) if name == REFINED else ("off",)
        for made in rows_of_fit(view, fit, instruments.reference, modes):
            plain = made.mode == "off"
            yield (
                made,
                VariantRow(
                    number,
                    name if plain else f"+ detail {made.mode}",
                    point_error(points, view.points) if plain else float("nan"),
                    made.shape,
                    made.band.normal,
                    made.band.depth,
                    made.smooth.normal,
                    instruments.resemblance.distance(view, fit) if plain else float("nan"),
                    spent + made.milliseconds,
                ),
            )


def _drawn(measured: Sequence[MeasuredView], reference: Reference) -> ByteArray:
    """The first people whose detail is not borrowed from real ones, each in another view."""
    shown = [one for one in measured if one.heads and not one.view.borrowed]
    chosen = [shown[place] for place in range(0, len(shown), len(YAWS) + 1)][:DRAWN_VIEWS]
    triangles = triangulate(reference.head.quads[reference.head.part_faces("Face")])
    face = Face(triangles, face_of(reference.regions))
    return sheet([one.view for one in chosen], [one.heads for one in chosen], face)


def summarise(rows: Sequence[VariantRow]) -> dict[str, Any]:
    """Means by variant, and how each differs from the shipped refinement in the same views."""
    plain = {row.view: row for row in rows if row.variant == REFINED}
    summary: dict[str, Any] = {}
    for name in dict.fromkeys(row.variant for row in rows):
        some = [row for row in rows if row.variant == name]
        means = shape_means([row.shape for row in some])
        change = np.array([row.shape.mean - plain[row.view].shape.mean for row in some])
        summary[name] = {
            "views": len(some),
            "regions_mm": means["regions_mm"],
            "ratio": means["ratio"],
            "change_mm": float(change.mean()),
            # Of the mean of the differences, not of either figure.
            "change_error_mm": float(change.std(ddof=1) / np.sqrt(len(some)))
            if len(some) > 1
            else float("nan"),
            "recovered": means["recovered"],
            "milliseconds": float(np.median([row.milliseconds for row in some])),
        } | {
            field: float(np.mean([getattr(row, field) for row in some]))
            for field in ("landmarks", "normal", "depth", "smooth", "distance")
        }
    return summary


def report(summary: dict[str, Any]) -> str:
    """The summary as a markdown table."""
    header = (
        "",
        "views",
        "landmarks %",
        "regions mm",
        "of mean face",
        "against + refinement, mm",
        "recovered",
        "mid-band normals °",
        "mid-band depth mm",
        "face CLIP distance",
        "ms",
    )
    lines = [
        (
            name,
            one["views"],
            _or_dash(one["landmarks"], 2),
            f"{one['regions_mm']:.3f}",
            f"{one['ratio']:.3f}",
            "" if name == REFINED else f"{one['change_mm']:+.3f} ± {one['change_error_mm']:.3f}",
            f"{one['recovered']:.3f}",
            f"{one['normal']:.3f}",
            f"{one['depth']:.4f}",
            _or_dash(one["distance"], 4),
            f"{one['milliseconds']:.0f}",
        )
        for name, one in summary.items()
    ]
    return table(header, lines)


def _or_dash(value: float, digits: int) -> str:
    return "-" if np.isnan(value) else f"{value:.{digits}f}"
