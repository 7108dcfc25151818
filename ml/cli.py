"""Reconstruct photos from a command line: ``python -m ml.cli PHOTO_OR_FOLDER... --out DIR``.

Writes ``DIR/<photo>/reconstruction.npz`` and ``.json`` for each photo and ``DIR/report.json``,
``.csv`` and ``.html`` with one row per photo; ``DIR/report.jsonl`` has the rows so far while the
batch runs. Ctrl-C or SIGTERM end it: photos that are not done are "cancelled" in the report. Exit
status: 0 all succeeded, 1 some failed or were cancelled, 2 wrong usage; for farms, which take 1 for
a broken task, ``--accept-failures`` leaves failed photos to the report.
With ``--pins PINS`` the heads follow the pins in that file, see :mod:`ml.pins.file`. With
``--same-person`` all photos show one person: the heads share their identity, and
``DIR/person.json`` lists them. With ``--shard I/N`` it does one of N parts of the photos, and its
reports are called ``report-I-of-N``; ``python -m ml.cli report merge DIR`` makes one of theirs.
With ``--cluster local|tcp://HOST:PORT`` the photos go to the workers of a Dask cluster.
With ``--write coefficients`` there is one file of coefficients, cameras and landmarks instead of
heads; ``python -m ml.cli build FILE --out DIR --rows 0,5-9`` makes heads of some of its rows.
``python -m ml.cli VIDEO --out DIR --animation`` animates the person of a video.
"""

from __future__ import annotations

import os
import signal


def _quit(*_: object) -> None:
    os.write(2, b"Cancelled\n")
    os._exit(1)


if __name__ == "__main__":
    # Until there is something to report, and after it.
    signal.signal(signal.SIGINT, _quit)

from .environment import prepare_process

prepare_process()

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from .commands.terminal import command_parser
from .settings import add_options

if TYPE_CHECKING:
    from .batch import Reconstruct, ReconstructPerson
    from .commands.coefficients import Estimating


def make_parser() -> argparse.ArgumentParser:
    """The command line's options."""
    parser = command_parser("", __doc__)
    add = parser.add_argument
    add("sources", nargs="+", type=Path, metavar="PHOTO_OR_FOLDER")
    add("--out", "--output", type=Path, required=True, metavar="DIR", help="folder for the results")
    add("--jobs", type=int, default=1, metavar="N", help="photos at a time (default 1)")
    add("--cluster", metavar="WHERE", help="work on Dask: local, or a scheduler's tcp://HOST:PORT")
    add_options(parser)
    add("--shard", metavar="I/N", help="do part I of N of the photos, told apart by their paths")
    add("--recursive", action="store_true", help="also look into folders within folders")
    add("--same-person", action="store_true", help="all photos show one person: one identity")
    add("--pins", type=Path, metavar="PINS", help="pins.json: what the heads are to follow")
    add("--write", default="heads", metavar="VALUE", help="heads or coefficients (%(default)s)")
    add("--columns", default="npz", metavar="VALUE", help="of coefficients: npz or parquet (npz)")
    add("--accept-failures", action="store_true", help="status 0 even where photos failed")
    add(
        "--preview",
        action="store_true",
        help="also write preview.png and turntable.js for each head",
    )
    add("--quiet", action="store_true", help="say nothing but what fails")
    return parser


def main(
    arguments: Sequence[str] | None = None,
    reconstruct: Reconstruct | None = None,
    reconstruct_person: ReconstructPerson | None = None,
    estimating: Estimating | None = None,
) -> int:
    """Run the command line; tests replace the pipelines."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if other := _other_command(given):
        return other()
    parsed = make_parser().parse_args(given)
    # Loaded where there is something to do: NumPy takes longer than --help.
    from .commands.photos import run

    return run(parsed, reconstruct, reconstruct_person, estimating)


def _other_command(given: list[str]) -> Callable[[], int] | None:
    """The command that the first words or ``--animation`` name; None: photos are named."""
    if given[:2] == ["report", "merge"]:
        from .commands.merge import main as merge

        return partial(merge, given[2:])
    if given[:1] == ["build"]:
        from .commands.build import main as build

        return partial(build, given[1:])
    if "--animation" in given:
        from .commands.animate import main as animate

        return partial(animate, given)
    return None


if __name__ == "__main__":
    sys.exit(main())
