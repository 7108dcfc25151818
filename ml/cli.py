"""Reconstruct photos from a command line: ``python -m ml.cli PHOTO_OR_FOLDER... --out DIR``.

Writes ``DIR/<photo>/reconstruction.npz`` and ``.json`` for each photo and ``DIR/report.json`` and
``.csv`` with one row per photo; ``DIR/report.jsonl`` has the rows so far while the batch runs.
Ctrl-C or SIGTERM end it: photos that are not done are "cancelled" in the report. Exit status: 0 all
succeeded, 1 some failed or were cancelled, 2 wrong usage.
With ``--pins PINS`` the heads follow the pins in that file, see :mod:`ml.pins.file`.
With ``--same-person`` all photos show one person: the heads share their identity, and
``DIR/person.json`` lists them.
With ``--shard I/N`` it does one of N parts of the photos, and its reports are called
``report-I-of-N``: parts can run at once, anywhere. ``python -m ml.cli report merge DIR`` then makes
one report of theirs.
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
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from .batch import BatchOptions, Reconstruct, ReconstructPerson, process_person, run_batch
from .errors import UsageError, explained
from .pins.pins import Pins
from .results.person import SamePerson
from .results.plan import Task, collect_photos, plan, plan_part
from .results.reconstruction import Reconstruction
from .results.report import Row, RowLog, Share, conclusion, warnings_about, write_report
from .results.shard import relative_names, shard_of
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
    add("--shard", metavar="I/N", help="do part I of N of the photos, told apart by their paths")
    add("--recursive", action="store_true", help="also look into folders within folders")
    add("--same-person", action="store_true", help="all photos show one person: one identity")
    add("--pins", type=Path, metavar="PINS", help="pins.json: what the heads are to follow")
    add("--preview", action="store_true", help="also write preview.png for each head")
    return parser


@dataclass(frozen=True)
class Work:
    """What this run has to do.

    Attributes
    ----------
    tasks: its photos, with the folders of their heads. photos: all of the batch.
    share: which part of the batch they are. out: where the reports are kept.
    """

    tasks: Sequence[Task]
    photos: Sequence[Path]
    share: Share
    out: Path


def main(
    arguments: Sequence[str] | None = None,
    reconstruct: Reconstruct | None = None,
    reconstruct_person: ReconstructPerson | None = None,
) -> int:
    """Run the command line; tests replace the pipeline by ``reconstruct``."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if other := _other_command(given):
        return other()
    parsed = make_parser().parse_args(given)
    pipelines: tuple[Any, Any] = (
        reconstruct or _reconstruct,
        reconstruct_person or _reconstruct_person,
    )
    with Interrupts() as interrupts:
        logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
        try:
            options = _options(parsed)
            work = _work(parsed)
            pins = _pins(parsed, work.photos)
        except UsageError as error:
            say(f"error: {error}")
            return WRONG_USAGE
        except KeyboardInterrupt:
            say("Cancelled before the first photo")
            return SOME_FAILED
        if pins is not None:
            pipelines = partial(pipelines[0], pins=pins), partial(pipelines[1], pins=pins)
        if parsed.same_person:
            results: Iterable[Row] = _person_rows(work, options, pipelines[1])
        else:
            results = run_batch(work.tasks, options, pipelines[0])
        rows = _collect(results, work, interrupts, goes_on=parsed.skip_existing)
        report = write_report(rows, work.out, work.share.shard)
    say(conclusion(rows, report, work.out))
    return OK if all(row.status in ("ok", "skipped") for row in rows) else SOME_FAILED


def _other_command(given: list[str]) -> Callable[[], int] | None:
    """The command that the first words name; None: photos are named."""
    if given[:2] == ["report", "merge"]:
        from .commands.merge import main as merge

        return partial(merge, given[2:])
    return None


def _work(parsed: argparse.Namespace) -> Work:
    """The photos of this run. UsageError: there are none, or ``--out`` cannot be used."""
    out = parsed.out
    shard = None if parsed.shard is None else shard_of(parsed.shard)
    photos = collect_photos(parsed.sources, recursive=parsed.recursive, out=out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        cause = explained(error, out)
        raise UsageError(cause.message, cause.hint) from error
    if shard is None:
        return Work(plan(photos, out), photos, Share(), out)
    names = dict(zip(photos, relative_names(photos, parsed.sources), strict=True))
    mine = {photo: name for photo, name in names.items() if shard.holds(name)}
    places = {str(photo): place for place, photo in enumerate(photos) if photo in mine}
    return Work(plan_part(photos, out, mine), photos, Share(shard, places), out)


def _collect(
    results: Iterable[Row], work: Work, interrupts: Interrupts, *, goes_on: bool
) -> list[Row]:
    """A row for every photo, in the order of the photos; those that were not done are cancelled."""
    log, rows = RowLog(work.out, work.share, goes_on=goes_on), dict[str, Row]()
    photos = [str(task.photo) for task in work.tasks]
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
    for photo in photos:
        if photo not in rows:
            rows[photo] = Row(photo, "cancelled")
            log.add(rows[photo])
    return [rows[photo] for photo in photos]


def _options(parsed: argparse.Namespace) -> BatchOptions:
    if parsed.jobs < 1:
        raise UsageError(f"--jobs {parsed.jobs} is not possible", "Use 1 or more")
    alone = parsed.jobs == 1 and not parsed.skip_existing and parsed.shard is None
    if parsed.same_person and not (alone and parsed.face != "all"):
        raise UsageError(
            "--same-person does not go with --jobs, --skip-existing, --shard or --face all",
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
    work: Work, options: BatchOptions, reconstruct: ReconstructPerson
) -> Generator[Row, None, None]:
    yield from process_person(work.tasks, work.out, options, reconstruct)


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
