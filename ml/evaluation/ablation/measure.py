"""What each part of the method adds, on rendered people with folds of their own.

    python -m ml.evaluation ablation --data DATA \
        --variant "+ longer=out/train/surface_longer/checkpoint.pt"

The rows: the fit to the regressor's landmarks alone; with the surface refinement that ships; with
those of other checkpoints of :mod:`ml.training.surface.train`, each named by ``--variant
NAME=CHECKPOINT``; with detail, on the refinement that ships. All rows use the same pictures, so
that their differences are measured in pairs. With ``--photos`` and ``--recogniser`` the same
variants are made of photos, and how recognisable they are stands beside (:mod:`..likeness`).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ...data import ByteArray, FloatArray, Observation
from ...errors import NoFaceFound
from ...fitting.evidence import evidence_of
from ...geometry.triangles import triangulate
from ...head.storage import load_head_model
from ...pipeline.find import observe
from ...settings import DETAIL_MODES
from ..benchmark import ONE_FACE, Outcome
from ..pictures import save_picture
from ..synthetic.detail import DetailReference, DetailRow, make_detail_reference, rows_of_fit
from ..synthetic.heads import point_error
from ..synthetic.kept_out import KeptOut, add_kept_out_options
from ..synthetic.people import FOLDED, YAWS, RenderedView, rendered_views
from ..synthetic.reference import Reference
from ..synthetic.shape import face_of
from .photos import likeness_on
from .pictures import Face, sheet
from .resemblance import Resemblance, shipped_resemblance
from .table import VariantRow, report, summarise
from .variants import REFINED, Fitter, detail_title, fitters, read_variants

# People in the picture.
DRAWN_VIEWS = 4


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
    parser.add_argument("--photos", type=Path, nargs="*", default=[], metavar="FOLDER")
    parser.add_argument("--recogniser", type=Path, metavar="PYTHON", help="measures --photos")
    parser.add_argument("--table", type=Path, help="write the tables as Markdown here")
    parser.add_argument("--picture", type=Path, help="draw some people and their heads here")


def run(arguments: argparse.Namespace) -> Outcome:
    kept_out, variants = KeptOut.of(arguments), read_variants(arguments.variant)
    kept_out.check()
    known = fitters(load_head_model(), variants)
    likeness = likeness_on(arguments.photos, arguments.recogniser, known, arguments.detail)
    views = rendered_views(kept_out, FOLDED)
    reference = make_detail_reference(kept_out.head)
    instruments = Instruments(reference, known, shipped_resemblance(), arguments.detail)
    measured = [measure_view(number, view, instruments) for number, view in enumerate(views)]
    if arguments.picture is not None:
        save_picture(_drawn(measured, reference.reference), arguments.picture)
    summary = summarise([row for one in measured for row in one.rows])
    text = report(summary, likeness)
    if arguments.table is not None:
        arguments.table.parent.mkdir(parents=True, exist_ok=True)
        arguments.table.write_text(text + "\n", encoding="utf-8")
    found = {name: asdict(one) for name, one in likeness.items()}
    return Outcome(text, {"summary": summary, "likeness": found})


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
                    name if plain else detail_title(made.mode),
                    point_error(points, view.points) if plain else float("nan"),
                    made.shape,
                    made.band.normal,
                    made.band.depth,
                    made.smooth.normal,
                    instruments.resemblance.distance(view, fit) if plain else float("nan"),
                    spent + made.milliseconds,
                    tuple(part.normal for part in made.parts),
                ),
            )


def _drawn(measured: Sequence[MeasuredView], reference: Reference) -> ByteArray:
    """The first people whose detail is not borrowed from real ones, each in another view."""
    shown = [one for one in measured if one.heads and not one.view.borrowed]
    chosen = [shown[place] for place in range(0, len(shown), len(YAWS) + 1)][:DRAWN_VIEWS]
    triangles = triangulate(reference.head.quads[reference.head.part_faces("Face")])
    face = Face(triangles, face_of(reference.regions))
    return sheet([one.view for one in chosen], [one.heads for one in chosen], face)
