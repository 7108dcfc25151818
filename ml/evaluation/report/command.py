"""The command that measures everything and writes docs/accuracy.md.

python -m ml.evaluation report --data DATA --samples SAMPLES --mediapipe PYTHON
"""

from __future__ import annotations

import argparse
import shlex
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ...assets.card import read_card
from ...regressor.regressor import WEIGHTS
from ...regressor.surface_refinement import WEIGHTS as SURFACE
from ..benchmark import Outcome
from ..photos import calibration, detection, landmarks
from ..photos.labels import PHOTO_SETS, LabelledPhoto, read_labels
from ..photos.pipeline import Pipeline, shipped_pipeline
from ..synthetic import heads, same_person
from ..synthetic.kept_out import KeptOut, add_kept_out_options
from . import peer, renders
from .page import Measured, write_page

PIECES = (*PHOTO_SETS, "detection", "same-person")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_kept_out_options(parser, people=40)
    parser.add_argument("--out", type=Path, default=Path("docs"))
    parser.add_argument("--samples", type=Path, help="crops to measure the confidence on")
    parser.add_argument("--skip", nargs="*", choices=PIECES, default=[], help="what to leave out")
    parser.add_argument("--mediapipe", type=Path, metavar="PYTHON", help=peer.REMEDY)


def run(arguments: argparse.Namespace) -> Outcome:
    measured = measure(arguments, shipped_pipeline())
    return Outcome(str(write_page(measured, arguments.out)), figures_of(measured))


def measure(arguments: argparse.Namespace, pipeline: Pipeline) -> Measured:
    """Everything that the options ask for; without ``--people`` no renders."""
    measured = Measured(read_card(WEIGHTS), read_card(SURFACE), command_line(arguments))
    kept_out, skip = KeptOut.of(arguments), arguments.skip
    labelled = {name: read_labels(arguments.data, name) for name in PHOTO_SETS if name not in skip}
    for name, photos in labelled.items():
        measured.photos[name] = landmarks.measure_all(photos, pipeline)
    if "detection" not in skip:
        turned = replace(kept_out, people=detection.PEOPLE)
        measured.detection = detection.measure(turned, pipeline.boxes)
    if arguments.samples:
        measured.calibration = calibration.measure(arguments.samples)
    if kept_out.people:
        measured.rows = heads.measure_people(kept_out)
    if kept_out.people and "same-person" not in skip:
        measured.same_person = same_person.summarise(same_person.measure_people(kept_out))
    if arguments.mediapipe:
        mesh = peer.face_mesh_of(arguments.mediapipe)
        measured.peer = peer_text(measured, labelled, mesh)
    return measured


def figures_of(measured: Measured) -> dict[str, Any]:
    """What the page says, by command; the peer has no figures."""
    photos = {name: landmarks.summarise(rows) for name, rows in measured.photos.items()}
    return {
        **{name: asdict(summary) for name, summary in photos.items()},
        "detection": measured.detection,
        "calibration": measured.calibration,
        "synthetic": heads.summarise(measured.rows),
        "same-person": measured.same_person,
    }


def peer_text(
    measured: Measured, labelled: dict[str, list[LabelledPhoto]], mesh: peer.FaceMesh
) -> str:
    """MediaPipe on photos and renders."""

    def photos() -> str:
        return peer.repeat_table(
            {name: peer.repeat_errors(photos, mesh) for name, photos in labelled.items()}
        )

    fitted = renders.of_stage(measured.rows, "fitted")
    parts = [
        "The face mesh in MediaPipe's Python package, an earlier release of the model that "
        "labelled the photos. On photos it is the teacher: what counts is how far it is from "
        "itself when the same photo is cropped in another way. No figure against its labels "
        "means anything below that.\n"
    ]
    if labelled:
        parts.append(peer.attempted(photos) + "\n")
    if fitted:
        parts += [
            "On rendered people, 468 points against the true ones, where MediaPipe found the face. "
            "Which surface points its points are was found on renders of one face; along the "
            "outline they slide as the head turns, and that counts against it here.\n"
        ]
        parts.append(peer.attempted(lambda: peer.rendered_table(fitted, mesh)))
    return "\n".join(parts)


def command_line(arguments: argparse.Namespace) -> str:
    """The command without anybody's own paths."""
    words = ["python", "-m", "ml.evaluation", "report", "--data", "DATA"]
    words += ["--people", str(arguments.people)]
    if arguments.skip:
        words += ["--skip", *arguments.skip]
    if arguments.samples:
        words += ["--samples", "SAMPLES"]
    if arguments.mediapipe:
        words += ["--mediapipe", "PYTHON"]
    return shlex.join(words)
