"""The detail ruler: rendered people with folds and lumps of their own, whose shape is known.

    python -m ml.evaluation detail --data ../shared/data

Kept-out people as in the synthetic ruler, with random folds from other seeds than training's. What
the high level's vertices say, with and without detail, is carried to the reference's vertices and
measured there, on face skin that is turned to the camera. A "perfect" field, which knows all that
its band and its grid can say of the truth, shows what detail could do at most.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from ...data import FitResult, FloatArray, HeadCoefficients, HeadMesh, Photo
from ...detail.band import GRID, Band, band_of
from ...detail.detailer import enlarged, make_detail
from ...detail.maps import bake
from ...detail.view import PersonView
from ...detail.window import window_of
from ...errors import NoFaceFound, UsageError
from ...geometry.triangles import triangulate
from ...head.levels import subdivided
from ...head.mesh import blend, person_mesh, person_of
from ...head.model import HeadModel
from ...head.storage import load_head_model
from ...rendering import vertex_normals
from ...settings import DETAIL_MODES
from ...training.detail.targets import Transfer, make_transfer, nearest
from .heads import ONE_FACE, POSES, REGIONS, Ruler, make_ruler
from .midband import BandError, MidBand, band_error, make_midband
from .people import YAWS, View, kept_out_studio, views
from .shape import ShapeError, face_of, onto, shape_error

# Skin at a steeper angle to the camera than this (cosine) does not count.
TURNED_TO = 0.3
SMOOTH = "no detail at all"
PERFECT = "perfect"
MODES = (*DETAIL_MODES, PERFECT)


@dataclass(frozen=True)
class Row:
    """One view in one mode. shape: of the head at rest, with its detail; band: the middle band's;
    smooth: that of a head with none. milliseconds: that detail took. found: (V, 3) the head at
    rest, on the reference's vertices."""

    person: int
    yaw: float
    mode: str
    shape: ShapeError
    band: BandError
    smooth: BandError
    milliseconds: float
    found: FloatArray


@dataclass(frozen=True)
class DetailRuler:
    """What views are measured with.

    Attributes
    ----------
    band: on the reference's face. nearest, weights: (V, 3) vertices of the high level by each of
        the reference's, and their shares. transfer, window_band: from the reference to the window,
        and the band there.
    """

    ruler: Ruler
    band: MidBand
    nearest: np.ndarray
    weights: FloatArray
    transfer: Transfer
    window_band: Band

    def carried(self, offsets: FloatArray) -> FloatArray:
        """(W, 3) of the high level -> (V, 3) of the reference."""
        return np.asarray((offsets[self.nearest] * self.weights[..., None]).sum(1))


def make_detail_ruler(reference: HeadModel) -> DetailRuler:
    """Both heads share one mean shape; what is nearest there is the same place."""
    quads = reference.quads[reference.part_faces("Face")]
    triangles = triangulate(quads)
    shipped = load_head_model()
    fine = subdivided(shipped)
    skin = np.unique(fine.quads[fine.part == shipped.part_names.index("skin")])
    places = blend(fine.points, shipped.shape.mean)[skin]
    found, weights = nearest(places, reference.shape.mean)
    return DetailRuler(
        make_ruler(reference),
        make_midband(reference.shape.mean, triangles),
        skin[found],
        weights,
        make_transfer(reference.shape.mean, np.unique(triangles), window_of(shipped, GRID)),
        band_of(shipped),
    )


def measure_view(view: View, ruler: DetailRuler, modes: tuple[str, ...]) -> list[Row]:
    """The view in every mode; nothing if its face is not found."""
    from ...pipeline.fit import fit_photo

    photo = Photo(view.rgb, Path("synthetic.png"), "")
    try:
        fit = fit_photo(photo, ONE_FACE).fit
    except NoFaceFound:
        return []
    return rows_of_fit(view, fit, ruler, modes)


def rows_of_fit(
    view: View, fit: FitResult, ruler: DetailRuler, modes: tuple[str, ...]
) -> list[Row]:
    """What detail makes of a fitted head, in every mode."""
    shipped = load_head_model()
    sight = PersonView(view.rgb, fit.camera, person_of(shipped, fit.coefficients))
    fine = blend(subdivided_once(shipped), sight.person.rest)
    mesh = replace(_template(shipped), vertices=fine)
    reference, rows = ruler.ruler.reference, []
    plain = reference.shape.neutral(fit.coefficients.identity)
    for mode in modes:
        found, spent = plain, 0.0
        if mode == PERFECT:
            found = plain + ruler.carried(_perfect(view, plain, ruler, mesh))
        elif mode != "off":
            begun = time.perf_counter()
            detail = make_detail(sight, mesh, shipped, mode, lambda fraction, message: None)
            spent = 1000 * (time.perf_counter() - begun)
            found = plain + ruler.carried(detail.offsets)
        rows.append(_row(view, ruler, mode, found, spent))
    return rows


def _perfect(view: View, plain: FloatArray, ruler: DetailRuler, mesh: HeadMesh) -> FloatArray:
    """(V, 3) of ``mesh``: of what ``plain``, the head at rest, lacks, all that a field can say."""
    missing = view.neutral - _placed(plain, view, ruler)
    field = torch.from_numpy(ruler.transfer.field(1000 * missing)).permute(2, 0, 1)[None]
    said = ruler.window_band(field)[0].permute(1, 2, 0).numpy()
    return bake(enlarged(said), PERFECT, mesh, load_head_model()).offsets


def _placed(found: FloatArray, view: View, ruler: DetailRuler) -> FloatArray:
    """A head at rest moved, turned and scaled onto the true one, face to face."""
    face = face_of(ruler.ruler.regions)
    return onto(found, view.neutral, face).astype(np.float32)


def _row(view: View, ruler: DetailRuler, mode: str, found: FloatArray, milliseconds: float) -> Row:
    regions, mean = ruler.ruler.regions, ruler.ruler.reference.shape.mean
    turned = vertex_normals(view.neutral, ruler.ruler.reference.triangles) @ view.rotation.T
    where = face_of(regions) & (-turned[:, 2] > TURNED_TO)
    placed = _placed(found, view, ruler)
    return Row(
        view.person,
        view.yaw,
        mode,
        shape_error(found, view.neutral, mean, regions),
        band_error(ruler.band, view.neutral, placed, where),
        band_error(ruler.band, view.neutral, None, where),
        milliseconds,
        found,
    )


_made: dict[str, Any] = {}


def subdivided_once(model: HeadModel) -> Any:
    """The high level's points; made once for all views."""
    if "points" not in _made:
        _made["points"] = subdivided(model).points
    return _made["points"]


def _template(model: HeadModel) -> Any:
    """Anybody's mesh at the high level: all but its vertices is everybody's."""
    if "mesh" not in _made:
        nobody = HeadCoefficients(
            np.zeros(model.identity_count, np.float32),
            np.zeros(len(model.expression_names), np.float32),
        )
        _made["mesh"] = person_mesh(model, person_of(model, nobody), "high")
    return _made["mesh"]


def run(data: Path, reference: Path, fits: Path, people: int, best: int) -> list[Row]:
    """Rows of ``people`` people; of the first ``best`` of them also polished.

    Raises
    ------
    UsageError: the reference head or the fits have not been made.
    """
    for path in (reference, fits):
        if not path.exists():
            raise UsageError(
                f"{path} is needed to render people with known shapes",
                "Make it as docs/training.md says, or name it with --reference and --fits",
            )
    head = load_head_model(reference)
    ruler, studio = make_detail_ruler(head), kept_out_studio(data, reference, fits)
    rows: list[Row] = []
    seen = views(studio, head, data, people, folded=True)
    for view in tqdm(seen, desc="folded people", total=people * len(YAWS), leave=False):
        modes = MODES if view.person < best else (*DETAIL_MODES[:2], PERFECT)
        rows += measure_view(view, ruler, modes)
    return rows


def summarise(rows: list[Row]) -> dict[str, Any]:
    """Means by mode and pose, and by mode over those that have all modes."""
    summary: dict[str, Any] = {}
    for pose, (low, high) in POSES.items():
        for mode in MODES:
            some = [r for r in rows if r.mode == mode and low <= abs(r.yaw) < high]
            if some:
                summary[f"{mode}, {pose}"] = _means(some)
    polished = {(r.person, r.yaw) for r in rows if r.mode == "best"}
    for mode in MODES:
        some = [r for r in rows if r.mode == mode and (r.person, r.yaw) in polished]
        if some:
            summary[f"{mode}, where polished"] = _means(some)
    return summary


def _means(rows: list[Row]) -> dict[str, Any]:
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
