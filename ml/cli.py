"""Reconstruct photos from a command line: ``python -m ml.cli PHOTO_OR_FOLDER... --out DIR``.

Writes ``DIR/<photo>/reconstruction.npz`` and ``.json`` for each photo and ``DIR/report.json`` and
``.csv`` with one row per photo. Exit status: 0 all succeeded, 1 some failed, 2 wrong usage.
With ``--same-person`` all photos show one person: the heads share their identity, and
``DIR/person.json`` lists them.
"""

from __future__ import annotations

from .settings import Settings, add_options, prepare_process, settings_of

prepare_process()

import argparse
import logging
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from .batch import (
    BatchOptions,
    Reconstruct,
    ReconstructPerson,
    collect_photos,
    plan,
    process_person,
    run_batch,
)
from .errors import UsageError
from .results.person import SamePerson
from .results.reconstruction import Reconstruction
from .results.report import Row, summary, write_report

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
    add("--skip-existing", action="store_true", help="leave finished results alone")
    add("--same-person", action="store_true", help="all photos show one person: one identity")
    add("--preview", action="store_true", help="also write preview.png for each head")
    return parser


def main(
    arguments: Sequence[str] | None = None,
    reconstruct: Reconstruct | None = None,
    reconstruct_person: ReconstructPerson | None = None,
) -> int:
    """Run the command line; tests replace the pipeline by ``reconstruct``."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    parsed = make_parser().parse_args(arguments)
    try:
        options = _options(parsed)
        photos = collect_photos(parsed.sources, recursive=parsed.recursive)
        parsed.out.mkdir(parents=True, exist_ok=True)
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return WRONG_USAGE
    except OSError as error:
        print(f"error: cannot write to {parsed.out} ({error})", file=sys.stderr)
        return WRONG_USAGE
    tasks, rows = plan(photos, parsed.out), list[Row]()
    results: Iterable[Row]
    if parsed.same_person:
        pipeline = reconstruct_person or _reconstruct_person
        results = process_person(tasks, parsed.out, options, pipeline)
    else:
        results = run_batch(tasks, options, reconstruct or _reconstruct)
    try:
        for row in results:
            rows.append(row)
            _print_row(len(rows), len(photos), row)
    except KeyboardInterrupt:
        done = {row.photo for row in rows}
        rows += [Row(str(photo), "cancelled") for photo in photos if str(photo) not in done]
    order = {str(photo): index for index, photo in enumerate(photos)}
    rows.sort(key=lambda row: order[row.photo])
    report = write_report(rows, parsed.out)
    print(f"{summary(rows)}. Report: {report}", file=sys.stderr)
    return OK if all(row.status in ("ok", "skipped") for row in rows) else SOME_FAILED


def _options(parsed: argparse.Namespace) -> BatchOptions:
    if parsed.jobs < 1:
        raise UsageError(f"--jobs {parsed.jobs} is not possible", "Use 1 or more")
    if parsed.same_person and (parsed.jobs > 1 or parsed.skip_existing or parsed.face == "all"):
        raise UsageError(
            "--same-person does not go with --jobs, --skip-existing or --face all",
            "All photos are fitted together, one face in each",
        )
    return BatchOptions(settings_of(parsed), parsed.jobs, parsed.skip_existing, parsed.preview)


def _reconstruct(photo: Path, settings: Settings) -> Sequence[Reconstruction]:
    from .pipeline.single import reconstruct

    return reconstruct(photo, settings)


def _reconstruct_person(photos: Sequence[Path], settings: Settings) -> SamePerson:
    from .pipeline.same_person import reconstruct_person

    return reconstruct_person(photos, settings)


def _print_row(number: int, total: int, row: Row) -> None:
    result = f"{row.error}. {row.hint}" if row.error else ", ".join(row.heads)
    line = f"[{number}/{total}] {row.status:9} {row.seconds:6.2f} s  {row.photo}"
    print(f"{line}\n    {result}" if row.status == "failed" else line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
