"""What each part of the method adds, on rendered people with folds of their own.

    python -m ml.evaluation ablation --data ../shared/data \
        --variant "+ geometric=out/train/consistency_geometric/checkpoint.pt"

The rows: the fit to the network's landmarks alone; with the surface refinement that ships; with
those of checkpoints, each named by ``--variant NAME=CHECKPOINT`` (see
:mod:`ml.training.surface.consistency`); with detail, on the refinement that ships. All of them see
the same pictures, so that their differences are measured in pairs.
"""

from __future__ import annotations

import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from tqdm import tqdm

from ...assets.card import read_card
from ...data import FitResult, FloatArray, Photo
from ...errors import NoFaceFound, UsageError
from ...fitting.evidence import Evidence
from ...fitting.gauss_newton import fit_person
from ...geometry.cameras import Cameras
from ...geometry.triangles import triangulate
from ...head.model import HeadModel, LinearShape
from ...head.storage import load_head_model
from ...perception.consistency import FeatureConsistency
from ...perception.face_clip import face_config, face_consistency
from ...perception.views import ViewSettings
from ...pipeline.fit import fit_refined
from ...regressor.surface import SIDE
from ...regressor.surface_refinement import WEIGHTS, SurfaceRefinement, load_surface_refinement
from ...settings import DETAIL_MODES
from ...training.surface.drawn import Artist
from ...training.surface.train import CONFIG, make_task, network_for
from ..report.text import table
from ..synthetic.detail import DetailRuler, make_detail_ruler, rows_of_fit
from ..synthetic.heads import ONE_FACE, point_error
from ..synthetic.people import YAWS, View, kept_out_studio, views
from ..synthetic.shape import ShapeError, face_of
from .pictures import Face, sheet

COARSE, REFINED = "coarse", "+ refinement"
# Pixels of the re-rendered pictures, as in fine-tuning.
DRAWN = 112
# People in the picture.
DRAWN_VIEWS = 4
Fitter = Callable[[Photo, LinearShape, Evidence], FitResult]


@dataclass(frozen=True)
class Row:
    """One view by one variant.

    Attributes
    ----------
    landmarks: mean distance, per cent of the outer-eye distance; nan where detail was added, which
    does not move them. shape: of the neutral head. normal, depth: the middle band's error, degrees
    and mm; smooth: the normal's of a head without any band. distance: what the face CLIP says of
    the head drawn into its photo, 1 being two different people in each half; nan likewise.
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


class Resemblance:
    """Draws fitted heads into their photos in one colour of skin, under the light that explains
    the photo best, and asks the face CLIP how far both are apart."""

    def __init__(self, loss: FeatureConsistency) -> None:
        model = load_head_model()
        basis = make_task(model, tomllib.loads(CONFIG.read_text())).basis
        self._artist = Artist(model, basis, torch.zeros(3, SIDE, SIDE), 0.0)
        self._loss = loss

    @torch.no_grad()
    def distance(self, view: View, fit: FitResult) -> float:
        """Of one view and a head fitted to it."""
        camera = fit.camera
        numbers = (
            camera.intrinsics[0, 0],
            camera.intrinsics[:2, 2],
            camera.rotation,
            camera.translation,
            fit.coefficients.identity,
            fit.coefficients.expression,
        )
        *posed, identity, expression = (
            torch.from_numpy(np.array(number, np.float32))[None] for number in numbers
        )
        picture = torch.from_numpy(view.rgb).permute(2, 0, 1)[None].float() / 255
        drawing = self._artist.show(identity, expression, Cameras(*posed), picture, DRAWN)
        random = torch.Generator().manual_seed(0)
        return float(self._loss(drawing.drawn, drawing.photo, drawing.mask, random).total)


def resemblance() -> Resemblance:
    """With the face CLIP that ships, looking at whole pictures. Raises WeightsMissing."""
    return Resemblance(face_consistency(face_config(ViewSettings(count=1))))


def read_variants(said: list[str]) -> dict[str, Path]:
    """NAME=CHECKPOINT ... -> by name.

    Raises
    ------
    UsageError: one is said otherwise, twice, or its file is not there.
    """
    found: dict[str, Path] = {}
    for one in said:
        name, _, path = one.rpartition("=")
        if not name or name in {COARSE, REFINED, *found} or not Path(path).is_file():
            raise UsageError(
                f"{one!r} names no variant", "Say NAME=CHECKPOINT, each name once, of a file"
            )
        found[name] = Path(path)
    return found


def fitters(model: HeadModel, variants: dict[str, Path]) -> dict[str, Fitter]:
    """By row: how a head is fitted."""
    refinements = {REFINED: load_surface_refinement()}
    refinements |= {name: _of_checkpoint(path, model) for name, path in variants.items()}

    def looking(refinement: SurfaceRefinement) -> Fitter:
        return lambda photo, shape, evidence: fit_refined(photo, shape, evidence, refinement)[1]

    known: dict[str, Fitter] = {COARSE: lambda _, shape, evidence: fit_person(shape, [evidence])[0]}
    return known | {name: looking(refinement) for name, refinement in refinements.items()}


def _of_checkpoint(path: Path, model: HeadModel) -> SurfaceRefinement:
    """The averaged weights, as sure of identity as the card of the shipped ones says."""
    network = network_for(model, tomllib.loads(CONFIG.read_text()))
    network.load_state_dict(torch.load(path, weights_only=True)["average"])
    sigma = np.array(read_card(WEIGHTS).details["identity_sigma"], np.float32)
    return SurfaceRefinement(network, model, sigma)


@dataclass(frozen=True)
class Heads:
    """A view and what was made of it. found: heads at rest by variant, see ablation_pictures."""

    view: View
    rows: list[Row]
    found: dict[str, FloatArray]


def measure_view(
    number: int,
    view: View,
    ruler: DetailRuler,
    known: dict[str, Fitter],
    look: Resemblance,
    details: tuple[str, ...],
) -> Heads:
    """All rows of one view; none if its face is not found."""
    from ...fitting.evidence import evidence_of
    from ...pipeline.find import observe

    model, photo = load_head_model(), Photo(view.rgb, Path("synthetic.png"), "")
    heads = Heads(view, [], {})
    try:
        observation = observe(photo, ONE_FACE)[0]
    except NoFaceFound:
        return heads
    shape, evidence = evidence_of(photo, observation, model)
    for name, fitted in known.items():
        begun = time.perf_counter()
        fit = fitted(photo, shape, evidence)
        spent = 1000 * (time.perf_counter() - begun)
        points = fit.camera.project(model.points("dense").at(fit.coefficients))
        modes = ("off", *details) if name == REFINED else ("off",)
        for made in rows_of_fit(view, fit, ruler, modes):
            plain = made.mode == "off"
            variant = name if plain else f"+ detail {made.mode}"
            heads.found[variant] = made.found
            heads.rows.append(
                Row(
                    number,
                    variant,
                    point_error(points, view.points) if plain else float("nan"),
                    made.shape,
                    made.band.normal,
                    made.band.depth,
                    made.smooth.normal,
                    look.distance(view, fit) if plain else float("nan"),
                    spent + made.milliseconds,
                )
            )
    return heads


def run(
    data: Path,
    reference: Path,
    fits: Path,
    people: int,
    variants: dict[str, Path],
    details: tuple[str, ...] = DETAIL_MODES[1:2],
    picture: Path | None = None,
) -> list[Row]:
    """Rows of ``people`` people in three views each; ``picture``: where to draw some of them.

    Raises
    ------
    UsageError: the reference head or the fits have not been made. WeightsMissing.
    """
    for path in (reference, fits):
        if not path.exists():
            raise UsageError(
                f"{path} is needed to render people with known shapes",
                "Make it as docs/training.md says, or name it with --reference and --fits",
            )
    head, look = load_head_model(reference), resemblance()
    ruler, known = make_detail_ruler(head), fitters(load_head_model(), variants)
    seen = views(kept_out_studio(data, reference, fits), head, data, people, folded=True)
    measured = [
        measure_view(number, view, ruler, known, look, details)
        for number, view in enumerate(tqdm(seen, "folded people", people * len(YAWS), leave=False))
    ]
    if picture is not None:
        _draw(measured, ruler, picture)
    return [row for one in measured for row in one.rows]


def _draw(measured: list[Heads], ruler: DetailRuler, path: Path) -> None:
    """The first people whose detail is not borrowed from real ones, each in another view."""
    reference = ruler.ruler.reference
    shown = [one for one in measured if one.found and not one.view.borrowed]
    chosen = [shown[place] for place in range(0, len(shown), len(YAWS) + 1)][:DRAWN_VIEWS]
    triangles = triangulate(reference.quads[reference.part_faces("Face")])
    face = Face(triangles, face_of(ruler.ruler.regions))
    drawn = sheet([one.view for one in chosen], [one.found for one in chosen], face)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(drawn).save(path, optimize=True)


def summarise(rows: list[Row]) -> dict[str, Any]:
    """Means by variant, and how each differs from the shipped refinement in the same views."""
    plain = {row.view: row for row in rows if row.variant == REFINED}
    summary: dict[str, Any] = {}
    for name in dict.fromkeys(row.variant for row in rows):
        some = [row for row in rows if row.variant == name]
        mean = float(np.mean([row.shape.mean for row in some]))
        baseline = float(np.mean([row.shape.mean_baseline for row in some]))
        change = np.array([row.shape.mean - plain[row.view].shape.mean for row in some])
        summary[name] = {
            "views": len(some),
            "regions_mm": mean,
            "ratio": mean / baseline,
            "change_mm": float(change.mean()),
            # Of the mean of the differences, not of either figure.
            "change_error_mm": float(change.std(ddof=1) / np.sqrt(len(some)))
            if len(some) > 1
            else float("nan"),
            "recovered": float(np.mean([row.shape.recovered for row in some])),
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
            _said(one["landmarks"], 2),
            f"{one['regions_mm']:.3f}",
            f"{one['ratio']:.3f}",
            "" if name == REFINED else f"{one['change_mm']:+.3f} ± {one['change_error_mm']:.3f}",
            f"{one['recovered']:.3f}",
            f"{one['normal']:.3f}",
            f"{one['depth']:.4f}",
            _said(one["distance"], 4),
            f"{one['milliseconds']:.0f}",
        )
        for name, one in summary.items()
    ]
    return table(header, lines)


def _said(value: float, digits: int) -> str:
    return "-" if np.isnan(value) else f"{value:.{digits}f}"
