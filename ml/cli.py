"""Reconstruct photos from a command line: ``python -m ml.cli PHOTO_OR_FOLDER... --out DIR``.

Writes ``DIR/<photo>/reconstruction.npz`` and ``.json`` for each photo and ``DIR/report.json`` and
``.csv`` with one row per photo; ``DIR/report.jsonl`` has the rows so far while the batch runs.
Ctrl-C or SIGTERM end it: photos that are not done are "cancelled" in the report. Exit status: 0 all
succeeded, 1 some failed or were cancelled, 2 wrong usage.
With ``--pins PINS`` the heads follow the pins in that file, see :mod:`ml.pins.file`.
With ``--same-person`` all photos show one person: the heads share their identity, and
``DIR/person.json`` lists them.
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
import logging
import sys
import threading
from collections.abc import Generator, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from .batch import BatchOptions, Reconstruct, ReconstructPerson, process_person, run_batch
from .errors import UsageError, explained
from .pins.pins import Pins
from .results.person import SamePerson
from .results.plan import Task, collect_photos, plan
from .results.reconstruction import Reconstruction
from .results.report import Row, RowLog, conclusion, warnings_about, write_report
from .settings import Settings, add_options, settings_of

OK, SOME_FAILED, WRONG_USAGE = 0, 1, 2


def make_parser() -> argparse.ArgumentParser:
    """The command line's options."""
    parser = argparse.ArgumentParser(prog="python -m ml.cli", description=__doc__)
    add = parser.add_argument
    add("sources", nargs="+", type=Path, metavar="PHOTO_OR_FOLDER")
    add("--out", "--output", type=Path, required=True, metavar="DIR", help="folder for the results")
    add("--jobs", type=int, default=1, metavar="N", help="photos at a time (default 1)")
    add_options(parser)
    add("--recursive", action="store_true", help="also look into folders within folders")
    add("--same-person", action="store_true", help="all photos show one person: one identity")
    add("--pins", type=Path, metavar="PINS", help="pins.json: what the heads are to follow")
    add("--preview", action="store_true", help="also write preview.png for each head")
    return parser


def main(
    arguments: Sequence[str] | None = None,
    reconstruct: Reconstruct | None = None,
    reconstruct_person: ReconstructPerson | None = None,
) -> int:
    """Run the command line; tests replace the pipeline by ``reconstruct``."""
    parsed = make_parser().parse_args(arguments)
    pipelines: tuple[Any, Any] = (
        reconstruct or _reconstruct,
        reconstruct_person or _reconstruct_person,
    )
    with Interrupts() as interrupts:
        logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
        try:
            options = _options(parsed)
            photos = collect_photos(parsed.sources, recursive=parsed.recursive, out=parsed.out)
            tasks = _tasks(photos, parsed.out)
            pins = _pins(parsed, photos)
        except UsageError as error:
            say(f"error: {error}")
            return WRONG_USAGE
        except KeyboardInterrupt:
            say("Cancelled before the first photo")
            return SOME_FAILED
        if pins is not None:
            pipelines = partial(pipelines[0], pins=pins), partial(pipelines[1], pins=pins)
        if parsed.same_person:
            results: Iterable[Row] = _person_rows(tasks, parsed.out, options, pipelines[1])
        else:
            results = run_batch(tasks, options, pipelines[0])
        rows = _collect(results, photos, parsed.out, interrupts)
        report = write_report(rows, parsed.out)
    say(conclusion(rows, report, parsed.out))
    return OK if all(row.status in ("ok", "skipped") for row in rows) else SOME_FAILED


def _tasks(photos: Sequence[Path], out: Path) -> list[Task]:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        cause = explained(error, out)
        raise UsageError(cause.message, cause.hint) from error
    return plan(photos, out)


def _collect(
    results: Iterable[Row], photos: Sequence[Path], out: Path, interrupts: Interrupts
) -> list[Row]:
    """A row for every photo, in the order of the photos; those that were not done are cancelled."""
    log, rows = RowLog(out), dict[str, Row]()
    try:
        for row in results:
            rows[row.photo] = row
            log.add(row)
            _print_row(len(rows), len(photos), row)
            if interrupts.happened:
                break
    except KeyboardInterrupt:
        pass
    finally:
        # Ends the processes.
        if isinstance(results, Generator):
            results.close()
    for photo in map(str, photos):
        if photo not in rows:
            rows[photo] = Row(photo, "cancelled")
            log.add(rows[photo])
    return [rows[str(photo)] for photo in photos]


def _options(parsed: argparse.Namespace) -> BatchOptions:
    if parsed.jobs < 1:
        raise UsageError(f"--jobs {parsed.jobs} is not possible", "Use 1 or more")
    if parsed.same_person and (parsed.jobs > 1 or parsed.skip_existing or parsed.face == "all"):
        raise UsageError(
            "--same-person does not go with --jobs, --skip-existing or --face all",
            "All photos are fitted together, one face in each",
        )
    return BatchOptions(settings_of(parsed), parsed.jobs, parsed.preview)


def _pins(parsed: argparse.Namespace, photos: Sequence[Path]) -> Pins | None:
    """The pins that were named. UsageError: they cannot be read, or are of no named photo."""
    if parsed.pins is None:
        return None
    from .pins.shipped import pins_for_photos

    return pins_for_photos(parsed.pins, photos, settings_of(parsed))


def _reconstruct(
    photo: Path, settings: Settings, pins: Pins | None = None
) -> Sequence[Reconstruction]:
    from .pins.shipped import pins_for_photo
    from .pipeline.single import reconstruct

    return reconstruct(photo, settings, pins=pins_for_photo(pins, photo))


def _reconstruct_person(
    photos: Sequence[Path], settings: Settings, pins: Pins | None = None
) -> SamePerson:
    from .pipeline.same_person import reconstruct_person

    return reconstruct_person(photos, settings, pins=pins)


def _person_rows(
    tasks: Sequence[Task], out: Path, options: BatchOptions, reconstruct: ReconstructPerson
) -> Generator[Row, None, None]:
    yield from process_person(tasks, out, options, reconstruct)


class Interrupts:
    """Within it Ctrl-C, SIGTERM and a closed terminal raise one KeyboardInterrupt, and no second.

    Signals that whoever started the process ignores stay ignored.
    """

    def __init__(self) -> None:
        # Where some library swallows the KeyboardInterrupt, this still tells.
        self.happened = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            for name in ("SIGINT", "SIGTERM", "SIGHUP"):
                number = getattr(signal, name, None)
                if number is not None and signal.getsignal(number) != signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._stop)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _stop(self, *_: object) -> None:
        if not self.happened:
            self.happened = True
            raise KeyboardInterrupt


def say(text: str) -> None:
    """Print a line to stderr. Where nobody reads it (``| head``), the work goes on all the same."""
    if sys.stderr is None:
        return
    try:
        print(text, file=sys.stderr, flush=True)
    except (OSError, ValueError):
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - until the process ends


def _print_row(number: int, total: int, row: Row) -> None:
    line = f"[{number}/{total}] {row.status:9} {row.seconds:6.2f} s  {_printable(row.photo)}"
    more = f"{row.error}. {row.hint}" if row.status == "failed" else warnings_about(row)
    say(f"{line}\n    {_printable(more)}" if more else line)


def _printable(text: str) -> str:
    """``text`` on one line: file names may hold line breaks and commands for the terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


if __name__ == "__main__":
    sys.exit(main())
