"""The page docs/accuracy.md and its pictures, from what was measured."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...assets.card import AssetCard
from ...training.curves import draw_curves
from ..photos.landmarks import LandmarkRow
from ..photos.landmarks import summarise as summarise_photos
from ..pictures import save_picture
from ..synthetic.heads import StageRow, summarise
from ..synthetic.people import POSES
from ..synthetic.same_person import WAYS
from . import photos, renders
from .pictures import histogram, picture_of_faces
from .text import percent, table

NAMES = {"portraits": "Portraits", "wild": "In the wild"}
DATA_MIXES = "data_mixes"


@dataclass
class Measured:
    """What a run measured; what was left out is empty.

    Attributes
    ----------
    photos: rows by set. rows: of rendered people. detection: shares in % by name.
    same_person: the benchmark's summary. calibration: figures by name.
    peer: the text on MediaPipe. card: of the regressor's weights; surface: of the surface
    refinement's. command: how the page is made.
    """

    card: AssetCard
    surface: AssetCard
    command: str
    photos: dict[str, list[LandmarkRow]] = field(default_factory=dict)
    rows: list[StageRow | None] = field(default_factory=list)
    detection: dict[str, float] = field(default_factory=dict)
    same_person: dict[str, Any] = field(default_factory=dict)
    calibration: dict[str, float] = field(default_factory=dict)
    peer: str = ""


def write_page(measured: Measured, out: Path) -> Path:
    """The page and its pictures in the folder ``out``; the page's path."""
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("accuracy_*.*"):
        old.unlink()  # a picture of an earlier run would pass for one of this
    parts = [_head(measured), "## Aims\n", aims(measured)]
    parts += ["\n## Photos\n", *_photos(measured, out)]
    parts += ["\n## Rendered people\n", *_renders(measured, out)]
    parts += ["\n## Several photos of one person\n", _together(measured.same_person)]
    parts += ["\n## Training\n", *_training(measured.surface, out)]
    parts += ["\n## MediaPipe on the same benchmarks\n", measured.peer or _left_out("--mediapipe")]
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(parts)).rstrip() + "\n"
    path = out / "accuracy.md"
    path.write_text(text, encoding="utf-8")
    return path


def _head(measured: Measured) -> str:
    card = measured.card
    return f"""# Accuracy

Written by one command, which measured everything on this page:

    {measured.command}

Weights: {card.name}, `{card.sha256[:12]}`. Landmark errors are mean distances in per cent of the
outer-eye distance. Shape errors are distances in mm between true partners on the head at rest:
*regions* is the mean of REALY's four regions, each aligned rigidly after the face was aligned with
scale; *face* is aligned once with scale, as NoW does. *Ratio* is the error over the mean face's,
*recovered* the share of a person's deviation from the mean face that was found (1 is all of it);
errors after such alignments reward heads that stay close to the mean, so both stand beside
every figure. *Expression* is the error of the keys over that of a face at rest, *turn* the median
error of the head's rotation.
"""


def aims(measured: Measured) -> str:
    """The figures that were aimed at, beside what was measured."""
    lines: list[tuple[str, str, object]] = []
    wanted = {"portraits": "at most 2.0 %", "wild": "at most 3.5 %"}
    for name, aim in wanted.items():
        error = summarise_photos(measured.photos.get(name, [])).error_mean
        lines.append((f"landmarks, {NAMES[name].lower()}, mean", aim, error))
    summary = summarise(measured.rows)
    for pose, ratio in zip(POSES, (0.55, 0.65), strict=True):
        figures = summary.get(f"fitted, {pose}", {})
        lines.append((f"shape, {pose}, ratio", f"at most {ratio}", figures.get("ratio")))
        if pose == next(iter(POSES)):
            aim = "at least 0.6"
            lines.append((f"shape, {pose}, recovered", aim, figures.get("recovered")))
    lines += [
        (
            "shape error lowered by refinement",
            "at least 10 %",
            _lowered(summary, "coarse", "surface", "regions_mm"),
        ),
        (
            "landmark error lowered by the fit",
            "at least 15 %",
            _lowered(summary, "surface", "fitted", "landmarks_percent"),
        ),
    ]
    same, different = renders.distances(renders.of_stage(measured.rows, "fitted"))
    apart = float(same.mean() / different.mean()) if len(same) and different.any() else None
    lines.append(("identity distance, same person over different people", "below 0.5", apart))
    return table(("figure", "aim", "measured"), lines)


def _lowered(summary: dict[str, Any], before: str, after: str, figure: str) -> str | None:
    share = renders.lowered(summary, before, after, figure)
    return None if share is None else percent(share)


def _photos(measured: Measured, out: Path) -> list[str]:
    if not measured.photos:
        return [_left_out("--skip")]
    parts = [
        "The labels are MediaPipe's: a good teacher, not a measurement. The mean face has the "
        "label's own pose, scale and place; the pipeline has to find them. How far a face is "
        "turned is read from that pose. Portraits show real people and are counted, not named.\n"
    ]
    series = {}
    for name, rows in measured.photos.items():
        parts.append(photos.section(NAMES[name], rows, named=name == "wild"))
        series[f"{name}, head"] = [row.error for row in rows if row.error is not None]
    parts.append(_picture(histogram(series, "%"), out, "landmarks", "Landmark errors of all faces"))
    if measured.detection:
        lines = [(name, f"{value:.1f}") for name, value in measured.detection.items()]
        note = "Portraits tilted and shrunk; rendered people turned away; squares of the wild "
        note += "photos without a face. Per cent, except for the number of squares.\n"
        parts += ["### Detection\n", note, table(("faces found", "%"), lines)]
    if measured.calibration:
        lines = [(name, f"{value:.4f}") for name, value in measured.calibration.items()]
        note = "Crops that training never saw: what the network said, and the share with a face.\n"
        parts += ["\n### Confidence\n", note, table(("crops given", "share"), lines)]
    return parts


def _renders(measured: Measured, out: Path) -> list[str]:
    if not measured.rows:
        return [_left_out("--people 0")]
    fitted = renders.of_stage(measured.rows, "fitted")
    parts = [
        "Shapes straight from ICT-FaceKit and MakeHuman, not from Effigy's own modes, in skins "
        "that training never saw.\n",
        renders.section(measured.rows),
    ]
    if not fitted:
        return parts
    shape = {
        "fitted head": [row.shape.mean for row in fitted],
        "mean face": [row.shape.mean_baseline for row in fitted],
    }
    parts.append(_picture(histogram(shape, "mm"), out, "shape", "Shape errors, regions"))
    parts += ["\n#### Identity\n", _identity(fitted, out)]
    groups = renders.shown(fitted)
    if groups:
        text = "Faces by shape error, found over mean face's, mm"
        parts += [
            "\n#### Faces\n",
            "Above the render, below it the fitted head as clay; mm of the head, of the mean face. "
            "Only people whose skin borrows no detail of a real face are shown.\n",
            _picture(picture_of_faces(groups), out, "faces", text, "jpg"),
        ]
    return parts


def _identity(fitted: Sequence[StageRow], out: Path) -> str:
    same, different = renders.distances(fitted)
    if not len(same) or not len(different):
        return "Too few people for this.\n"
    series = {"same person": same, "different people": different}
    lines = [
        (name, len(some), float(some.mean()), float(np.median(some)))
        for name, some in series.items()
    ]
    return "\n".join(
        [
            "Distances between the heads at rest found in two views; people of one source only.\n",
            table(("pairs of views", "pairs", "mean mm", "median mm"), lines) + "\n",
            _picture(histogram(series, "mm"), out, "identity", "Identity distances"),
        ]
    )


def _picture(picture: np.ndarray, out: Path, name: str, text: str, ending: str = "png") -> str:
    file = f"accuracy_{name}.{ending}"
    save_picture(picture, out / file)
    return f"![{text}]({file})\n"


def _training(card: AssetCard, out: Path) -> list[str]:
    """How the surface refinement learned, and what each kind of training data adds, as its card
    tells."""
    parts, curve = [], card.details.get("curve")
    if curve:
        parts.append(_picture(draw_curves(curve), out, "curves", "Learning curves"))
    figures = card.details.get("figures", {})
    if DATA_MIXES not in figures:
        parts.append(
            "What each kind of data adds (photos, then profiled portraits, then full renders) "
            "needs a training of each mix; the card of these weights has no such figures."
        )
        return parts
    steps = figures.get("steps", "a few")
    parts.append(
        f"From the card of the weights, not of this run: {steps} steps from scratch each.\n"
    )
    for title, key in (("data", DATA_MIXES), ("encoder", "encoders")):
        rows = figures.get(key, {})
        names = list(next(iter(rows.values()), {}))
        lines = [(name, *(found.get(column) for column in names)) for name, found in rows.items()]
        if lines:
            parts.append(table((title, *names), lines) + "\n")
    return parts


def _together(summary: dict[str, Any]) -> str:
    """One identity for several photos, from its benchmark's summary."""
    if not summary:
        return _left_out("--skip same-person")
    lines = [
        (way, *(summary[way][name] for name in ("regions_mm", "ratio", "recovered")))
        for way in WAYS
        if way in summary
    ]
    better = [
        f"better than the {way} for {percent(summary[f'together better than {way}'])}"
        for way in WAYS[1:3]
        if summary.get(f"together better than {way}") is not None
    ]
    note = (
        f"{summary['people']} people, three views each. Which view is best only the truth tells. "
    )
    note += f"Together is {', '.join(better)} of the people.\n" if better else "\n"
    return note + "\n" + table(("photos", "regions mm", "ratio", "recovered"), lines)


def _left_out(option: str) -> str:
    return f"Left out in this run (`{option}`)."
