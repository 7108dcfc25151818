"""Measure Effigy.

python -m ml.evaluation portraits --data ../shared/data [--verbose] [--json OUT]
python -m ml.evaluation wild --data ../shared/data [--verbose] [--json OUT]
python -m ml.evaluation detection --data ../shared/data [--json OUT]
python -m ml.evaluation calibration --samples out/data/check [--json OUT]
python -m ml.evaluation throughput --data ../shared/data [--json OUT]
python -m ml.evaluation speed --photo PHOTO [--repeats N] [--json OUT]
python -m ml.evaluation sheet portraits --data ../shared/data --out out/sheet.png
python -m ml.evaluation head --data ../shared/data [--people N] [--json OUT]
python -m ml.evaluation synthetic --data ../shared/data [--people N] [--json OUT]
python -m ml.evaluation texture --data ../shared/data [--people N] [--json OUT]
python -m ml.evaluation detail --data ../shared/data [--people N] [--best N] [--json OUT]
python -m ml.evaluation ablation --data ../shared/data [--people N] [--variant NAME=CHECKPOINT ...]
python -m ml.evaluation report --data ../shared/data [--people N] [--mediapipe PYTHON]
python -m ml.evaluation same-person --data ../shared/data [--people N] [--json OUT]
python -m ml.evaluation realy|now|facescape --data FOLDER --results FOLDER [--json OUT]
"""

from __future__ import annotations

from ..settings import Settings, prepare_process

prepare_process()

import argparse
import json
import sys
from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module
from pathlib import Path

from tqdm import tqdm

from ..data import FaceBox, FloatArray, Photo
from ..errors import HeadError, NoFaceFound
from ..head.storage import load_head_model
from ..results.reconstruction import Reconstruction
from .ablation.command import add_ablation
from .photos.labels import PHOTO_SETS, read_labels
from .photos.landmarks import Walk, measure, report, summarise, to_json
from .report.command import add_report
from .speed.photo import measure_speed, reconstruct_and_save

# Protocols on scans; the data are the person's own copy, laid out as each module says.
PROTOCOLS = {"realy": "REALY", "now": "NoW", "facescape": "FaceScape"}
# How many random heads are converted to another model.
CONVERTED = 50
# Every face is looked at, so that finding the right one and placing it well stay two figures.
EVERY_FACE = Settings(face="all", texture_size=0)


def pipeline_walk() -> Walk:
    """The public walk; the last photo is kept, so that both questions cost one answer.

    Raises
    ------
    WeightsMissing: now, and not as a face that is not found in any photo.
    """
    from ..photo.read import read_photo
    from ..pipeline.find import observe
    from ..pipeline.single import reconstruct, warm_up

    warm_up()

    @lru_cache(maxsize=1)
    def heads(path: Path) -> tuple[Reconstruction, ...]:
        return reconstruct(path, EVERY_FACE)

    def points(path: Path) -> list[FloatArray]:
        return [item.landmarks.points for item in observe(read_photo(path), EVERY_FACE)]

    return Walk(heads, points)


def boxes_in(photo: Photo) -> list[FaceBox]:
    """The faces that the public walk sees; none is an answer, too."""
    from ..pipeline.find import observe

    try:
        return [item.face.box for item in observe(photo, EVERY_FACE)]
    except NoFaceFound:
        return []


def run_landmarks(arguments: argparse.Namespace) -> None:
    """Figures on one of the labelled sets."""
    photos = read_labels(arguments.data, arguments.command)
    mean_face = load_head_model().points("mediapipe478").mean
    rows = list(tqdm(measure(photos, pipeline_walk(), mean_face), total=len(photos), leave=False))
    summary = summarise(rows)
    print(report(rows, summary, every_photo=arguments.verbose))
    _write_json(arguments.json, to_json(rows, summary))


def run_protocol(arguments: argparse.Namespace) -> None:
    """Heads against scans, by one of the published protocols."""
    protocol = import_module(f".benchmarks.{arguments.command}", __package__)
    outcome = protocol.run(arguments.data, arguments.results, load_head_model())
    print(outcome.report())
    _write_json(arguments.json, outcome.to_json())


def run_head(arguments: argparse.Namespace) -> None:
    """The head model: its mesh, its reach, what touches what."""
    from .head.quality import measure_conversion, measure_head

    figures = measure_head(arguments.data, arguments.reference, arguments.people)
    ict = arguments.data / "head_models" / "ict_facekit.npz"
    figures["to_ict_facekit_mm"] = measure_conversion(load_head_model(), ict, CONVERTED)
    print(json.dumps(figures, indent=1))
    _write_json(arguments.json, figures)


def run_synthetic(arguments: argparse.Namespace) -> None:
    """Rendered people whose shape is known."""
    from .synthetic import heads as synthetic

    rows = synthetic.run(arguments.data, arguments.reference, arguments.fits, arguments.people)
    summary = synthetic.summarise(rows)
    print(synthetic.report(summary))
    _write_json(arguments.json, {"summary": summary})


def run_detection(arguments: argparse.Namespace) -> None:
    """Finding tilted and small faces, and none where there are none."""
    from .photos.detection import measure_detection, measure_profiles

    figures = measure_detection(arguments.data, boxes_in)
    figures |= measure_profiles(arguments.data, arguments.reference, arguments.fits, boxes_in)
    print("\n".join(f"{name:32} {value:7.1f}" for name, value in figures.items()))
    _write_json(arguments.json, {"summary": figures})


def run_calibration(arguments: argparse.Namespace) -> None:
    """Whether the network's confidence means what it says."""
    from .photos.calibration import measure_calibration

    figures = measure_calibration(arguments.samples)
    print("\n".join(f"{name:40} {value:9.4f}" for name, value in figures.items()))
    _write_json(arguments.json, {"summary": figures})


def run_throughput(arguments: argparse.Namespace) -> None:
    """From decoded photo to coefficients, beside what the machine can do."""
    from .speed.throughput import measure_throughput

    figures = measure_throughput(arguments.data, arguments.photos)
    print("\n".join(f"{name:36} {value:9.2f}" for name, value in figures.items()))
    _write_json(arguments.json, {"summary": figures})


def run_same_person(arguments: argparse.Namespace) -> None:
    """One identity for several photos of a person, and telling people apart."""
    from .synthetic import same_person

    rows = same_person.run(arguments.data, arguments.reference, arguments.fits, arguments.people)
    summary = same_person.summarise(rows)
    print(same_person.report(summary))
    _write_json(arguments.json, {"summary": summary})


def run_texture(arguments: argparse.Namespace) -> None:
    """Albedo, hidden skin and re-rendering on rendered people whose skin is known."""
    from .synthetic import texture

    rows = texture.run(arguments.data, arguments.reference, arguments.fits, arguments.people)
    summary = texture.summarise(rows)
    print(texture.report(summary))
    _write_json(arguments.json, {"summary": summary})


def run_detail(arguments: argparse.Namespace) -> None:
    """Folds and lumps on rendered people who have them."""
    from .synthetic import detail

    rows = detail.run(
        arguments.data, arguments.reference, arguments.fits, arguments.people, arguments.best
    )
    summary = detail.summarise(rows)
    print(detail.report(summary))
    _write_json(arguments.json, {"summary": summary})


def run_speed(arguments: argparse.Namespace) -> None:
    """Each room's share of the time."""
    settings = Settings(texture_size=arguments.texture_size)
    speed = measure_speed(arguments.photo, settings, arguments.repeats)
    print(speed.report())
    _write_json(arguments.json, speed.to_json())


def run_one(arguments: argparse.Namespace) -> None:
    """One photo in a new process: what ``speed`` calls cold."""
    settings = Settings(texture_size=arguments.texture_size)
    reconstruct_and_save(arguments.photo, settings, arguments.folder)


def run_sheet(arguments: argparse.Namespace) -> None:
    """A picture of all results."""
    from .photos.sheet import contact_sheet, save_sheet

    photos = read_labels(arguments.data, arguments.set)
    save_sheet(contact_sheet(photos, pipeline_walk()), arguments.out)
    print(arguments.out)


def _write_json(path: Path | None, content: object) -> None:
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ml.evaluation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name in PHOTO_SETS:
        landmarks = commands.add_parser(name, help=f"landmark error on the set {name}")
        landmarks.add_argument("--data", type=Path, required=True)
        landmarks.add_argument("--verbose", action="store_true", help="a line for every photo")
        landmarks.add_argument("--json", type=Path)
        landmarks.set_defaults(run=run_landmarks)
    for name, action, people in (
        ("head", run_head, 200),
        ("synthetic", run_synthetic, 60),
        ("same-person", run_same_person, 40),
        ("detail", run_detail, 40),
        ("texture", run_texture, 20),
    ):
        known = commands.add_parser(name, help=str(action.__doc__))
        known.add_argument("--data", type=Path, required=True)
        known.add_argument("--reference", type=Path, default=Path("out/head/reference.npz"))
        known.add_argument("--fits", type=Path, default=Path("out/fits/train.npz"))
        known.add_argument("--people", type=int, default=people)
        known.add_argument("--json", type=Path)
        if action is run_detail:
            known.add_argument("--best", type=int, default=10, help="people to polish, too")
        known.set_defaults(run=action)
    finding = commands.add_parser("detection", help=str(run_detection.__doc__))
    finding.add_argument("--data", type=Path, required=True)
    finding.add_argument("--reference", type=Path, default=Path("out/head/reference.npz"))
    finding.add_argument("--fits", type=Path, default=Path("out/fits/train.npz"))
    finding.add_argument("--json", type=Path)
    finding.set_defaults(run=run_detection)
    sure = commands.add_parser("calibration", help=str(run_calibration.__doc__))
    sure.add_argument("--samples", type=Path, default=Path("out/data/check"))
    sure.add_argument("--json", type=Path)
    sure.set_defaults(run=run_calibration)
    rate = commands.add_parser("throughput", help=str(run_throughput.__doc__))
    rate.add_argument("--data", type=Path, required=True)
    rate.add_argument("--photos", type=int, default=60)
    rate.add_argument("--json", type=Path)
    rate.set_defaults(run=run_throughput)
    add_ablation(commands)
    add_report(commands, pipeline_walk, boxes_in)
    for name, title in PROTOCOLS.items():
        protocol = commands.add_parser(name, help=f"results against the scans of {title}")
        protocol.add_argument("--data", type=Path, required=True, help="your copy of the data")
        protocol.add_argument("--results", type=Path, required=True, help="heads or meshes")
        protocol.add_argument("--json", type=Path)
        protocol.set_defaults(run=run_protocol)
    speed = commands.add_parser("speed", help="time by room, cold and warm")
    speed.add_argument("--photo", type=Path, required=True)
    speed.add_argument("--repeats", type=int, default=7)
    speed.add_argument("--texture-size", type=int, default=Settings().texture_size)
    speed.add_argument("--json", type=Path)
    speed.set_defaults(run=run_speed)
    one = commands.add_parser("one", help="reconstruct one photo, for timing a new process")
    one.add_argument("photo", type=Path)
    one.add_argument("folder", type=Path)
    one.add_argument("--texture-size", type=int, default=Settings().texture_size)
    one.set_defaults(run=run_one)
    sheet = commands.add_parser("sheet", help="overlays of all results, for looking")
    sheet.add_argument("set", choices=sorted(PHOTO_SETS))
    sheet.add_argument("--data", type=Path, required=True)
    sheet.add_argument("--out", type=Path, default=Path("out/evaluation/sheet.png"))
    sheet.set_defaults(run=run_sheet)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0, or 1 after an error that it prints."""
    arguments = _parser().parse_args(argv)
    try:
        arguments.run(arguments)
    except HeadError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
