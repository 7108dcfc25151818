"""Whether a head in clay is recognisably its person: an independent face recogniser finds its
photo among those of others.

    python -m ml.evaluation likeness --photos PORTRAITS --recogniser PYTHON --detail off relief

PYTHON has dlib's recogniser (``pip install dlib-bin face-recognition-models``), in an environment
of its own. It only measures: nothing is learned from it. A head is drawn grey and bald under one
key light, in the photo's camera; and from 25 degrees aside, lit from the other side, so that paint
that is engraved as relief does not pay. The mean face with the same expression in the same camera
shows what pose and expression alone give away.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from ...data import ByteArray
from ...errors import UsageError
from ...results.plan import collect_photos
from ...settings import DETAIL_MODES
from ..benchmark import Outcome, add_json_option
from ..pictures import PAPER, STRIP, save_picture, written
from ..report.text import table
from .clay import VIEWS
from .heads import all_of, from_results, made_now, vertices_only
from .measure import SIDE, Likeness, Sitting, likeness_of, recogniser_of, sittings

# An AUC near 1 needs more digits than a share of some dozens of heads.
DIGITS = {"rank 1": 2, "rank 5": 2, "AUC": 3}
# People in the picture.
DRAWN = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--photos", type=Path, nargs="+", required=True, metavar="FOLDER")
    parser.add_argument("--recogniser", type=Path, required=True, metavar="PYTHON")
    parser.add_argument("--detail", nargs="*", choices=DETAIL_MODES, default=[])
    parser.add_argument("--results", nargs="*", default=[], metavar="NAME=FOLDER")
    parser.add_argument("--strength", nargs="+", type=float, default=[1.0], help="of the detail")
    parser.add_argument("--solid", action="store_true", help="without normal maps, as Solid view")
    parser.add_argument("--picture", type=Path, help="draw some people here; it shows their photos")
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> Outcome:
    makers = [made_now(mode) for mode in arguments.detail]
    makers += [from_results(*named) for named in read_named(arguments.results)]
    if not makers:
        raise UsageError("There are no heads to measure", "Say --detail, --results or both")
    make = vertices_only(all_of(makers)) if arguments.solid else all_of(makers)
    embed, found, shown = recogniser_of(arguments.recogniser), {}, []
    for folder in arguments.photos:
        left_out: dict[str, str] = {}
        photos = collect_photos([folder])
        sat = list(sittings(photos, make, arguments.strength, left_out))
        found[title_of(folder)] = likeness_of(sat, left_out, embed)
        shown += sat[:DRAWN]
    if arguments.picture is not None:
        save_picture(sheet(shown), arguments.picture)
    figures = {name: asdict(likeness) for name, likeness in found.items()}
    return Outcome("\n\n".join(report(*item) for item in found.items()), {"summary": figures})


def read_named(words: Sequence[str]) -> list[tuple[str, Path]]:
    """NAME=FOLDER ... -> names and folders. Raises UsageError for words of another form."""
    named = [word.rpartition("=") for word in words]
    names = [name for name, _, _ in named]
    if not all(names) or len(set(names)) < len(names):
        raise UsageError(f"{' '.join(words)} names no results", "Say NAME=FOLDER, each name once")
    return [(name, Path(folder)) for name, _, folder in named]


def title_of(folder: Path) -> str:
    """What tells ``portraits/dev`` from ``wild/dev``."""
    return "/".join(folder.resolve().parts[-2:])


def report(name: str, likeness: Likeness) -> str:
    """A Markdown table of one set of photos; with 95 % bootstrap intervals over photos."""
    first = next(iter(likeness.figures.values()))
    columns = [(view.name, figure) for view in VIEWS for figure in first[view.name]]
    lines = [
        (variant, *(by_view[view][figure].text(DIGITS[figure]) for view, figure in columns))
        for variant, by_view in likeness.figures.items()
    ]
    header = (f"{name}: {likeness.photos} photos", *(f"{v}: {figure}" for v, figure in columns))
    notes = [f"Left out: {photo} ({why})" for photo, why in likeness.left_out.items()]
    chance = f"Rank 1 by chance: {1 / likeness.photos:.3f}"
    return "\n".join([table(header, lines), "", chance, *notes])


def sheet(sat: Sequence[Sitting]) -> ByteArray:
    """A row per person: the photo, then every variant in both views."""
    columns = [(variant, view.name) for view in VIEWS for variant in sat[0].crops]
    titles = ["photo", *(f"{variant}, {view}" for variant, view in columns)]
    blank = np.full((STRIP, SIDE, 3), PAPER, np.uint8)
    rows = [np.hstack([written(blank.copy(), title, (4, STRIP - 6)) for title in titles])]
    for one in sat:
        photo = next(iter(one.crops.values())).picture
        rows.append(np.hstack([photo, *(one.renders[place].picture for place in columns)]))
    return np.vstack(rows)
