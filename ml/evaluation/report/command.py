"""The command that measures everything on the page."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable
from pathlib import Path

from tqdm import tqdm

from ...assets.card import read_card
from ...data import FaceBox, Photo
from ...head.storage import load_head_model
from ..photos import landmarks
from ..photos.labels import PHOTO_SETS, LabelledPhoto, read_labels
from ..synthetic import heads as synthetic
from ..synthetic import same_person
from . import peer, renders
from .page import Measured, write_page

ASSETS = Path(__file__).parents[2] / "regressor" / "assets"
WEIGHTS, SURFACE = ASSETS / "regressor.safetensors", ASSETS / "surface.safetensors"
PEOPLE = 40
PIECES = (*PHOTO_SETS, "detection", "same-person")

Find = Callable[[Photo], list[FaceBox]]


def add_report(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    make_walk: Callable[[], landmarks.Walk],
    find: Find,
) -> None:
    """The command ``report``; the walk is made when it runs."""
    report = commands.add_parser("report", help="measure everything and write docs/accuracy.md")
    report.add_argument("--data", type=Path, required=True)
    report.add_argument("--people", type=int, default=PEOPLE, help="0 leaves renders out")
    report.add_argument("--out", type=Path, default=Path("docs"))
    report.add_argument("--reference", type=Path, default=Path("out/head/reference.npz"))
    report.add_argument("--fits", type=Path, default=Path("out/fits/train.npz"))
    report.add_argument("--samples", type=Path, help="crops to measure the confidence on")
    report.add_argument("--skip", nargs="*", choices=PIECES, default=[], help="what to leave out")
    report.add_argument("--mediapipe", type=Path, metavar="PYTHON", help=peer.REMEDY)
    report.set_defaults(run=lambda arguments: run_report(arguments, make_walk(), find))


def run_report(arguments: argparse.Namespace, walk: landmarks.Walk, find: Find) -> None:
    """Measure, then write."""
    measured = Measured(read_card(WEIGHTS), read_card(SURFACE), command_line(arguments))
    labelled = {
        name: read_labels(arguments.data, name) for name in PHOTO_SETS if name not in arguments.skip
    }
    mean_face = load_head_model().points("mediapipe478").mean
    for name, photos in labelled.items():
        rows = landmarks.measure(photos, walk, mean_face)
        measured.photos[name] = list(tqdm(rows, desc=name, total=len(photos), leave=False))
    if "detection" not in arguments.skip:
        from ..photos.detection import measure_detection, measure_profiles

        measured.detection = measure_detection(arguments.data, find)
        measured.detection |= measure_profiles(
            arguments.data, arguments.reference, arguments.fits, find
        )
    if arguments.samples:
        from ..photos.calibration import measure_calibration

        measured.calibration = measure_calibration(arguments.samples)
    known = (arguments.data, arguments.reference, arguments.fits, arguments.people)
    if arguments.people:
        measured.rows = synthetic.run(*known)
    if arguments.people and "same-person" not in arguments.skip:
        measured.same_person = same_person.summarise(same_person.run(*known))
    if arguments.mediapipe:
        look = peer.look_with(arguments.mediapipe)
        measured.peer = peer_text(measured, labelled, look)
    print(write_page(measured, arguments.out))


def peer_text(measured: Measured, labelled: dict[str, list[LabelledPhoto]], look: peer.Look) -> str:
    """MediaPipe on photos and renders."""

    def photos() -> str:
        return peer.repeat_table(
            {name: peer.repeat_errors(photos, look) for name, photos in labelled.items()}
        )

    fitted = renders.of_stage(measured.rows, "fitted")
    parts = [
        "The face mesh in MediaPipe's Python package, an earlier release of the model that "
        "labelled the photos. On photos it is the teacher: what counts is how far it is from "
        "itself when the same photo is cropped in another way. No figure against its labels "
        "means anything below that.\n",
    ]
    if labelled:
        parts.append(peer.attempted(photos) + "\n")
    if fitted:
        parts += [
            "On rendered people, 468 points against the true ones, where MediaPipe found the face. "
            "Which surface points its points are was found on renders of one face; along the "
            "outline they slide as the head turns, and that counts against it here.\n"
        ]
        parts.append(peer.attempted(lambda: peer.rendered_table(fitted, look)))
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
