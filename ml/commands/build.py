"""``python -m ml.cli build FILE --out DIR --rows 0,5-9``: heads of some rows of coefficients.

FILE is what ``--write coefficients`` wrote; its rows count from 0. The heads are those that a run
without that option makes of the same photos. Exit status: as of a run.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ..batch import BatchOptions, Reconstruct, run_batch
from ..errors import HeadError, UsageError, explained
from ..pipeline.built import FromFile
from ..results.columns import Columns, blocks, unusable
from ..results.estimate import consent_in
from ..results.joined import open_columns
from ..results.plan import plan
from ..results.report import Row, all_done, conclusion, write_report
from ..settings import OF_THE_RUN, Settings, check_settings
from .terminal import Photos, command_parser, say, say_warnings

OK, SOME_FAILED, WRONG_USAGE = 0, 1, 2
_SPAN = re.compile(r"([0-9]{1,12})(?:-([0-9]{1,12}))?")


def make_parser() -> argparse.ArgumentParser:
    """The command's options."""
    parser = command_parser("build", __doc__)
    add = parser.add_argument
    add("file", type=Path, metavar="FILE", help="coefficients.npz or .parquet")
    add("--out", "--output", type=Path, required=True, metavar="DIR", help="folder for the heads")
    add(
        "--rows",
        default="all",
        metavar="ROWS",
        help="such as 3,10-19: with its photo's other faces",
    )
    add("--photos", type=Path, metavar="DIR", help="where the photos are now, if they were moved")
    add("--jobs", type=int, default=1, metavar="N", help="photos at a time (default 1)")
    add("--clip-folder", default="", metavar="DIR", help="weight files, as of a run")
    add("--skip-existing", action="store_true", help="leave heads alone that are finished")
    add("--quiet", action="store_true", help="say nothing but what fails")
    return parser


def main(
    arguments: Sequence[str], building: Callable[[FromFile], Reconstruct] | None = None
) -> int:
    """Run the command; tests replace what makes the heads."""
    parsed = make_parser().parse_args(arguments)
    say_warnings()
    try:
        if parsed.jobs < 1:
            raise UsageError(f"--jobs {parsed.jobs} is not possible", "Use 1 or more")
        columns = open_columns(parsed.file)
        options = BatchOptions(_settings(columns, parsed), parsed.jobs)
        rows = _photos(columns, rows_in(parsed.rows, columns.count), parsed.photos)
        parsed.out.mkdir(parents=True, exist_ok=True)
    except (HeadError, OSError) as error:
        say(f"error: {explained(error, parsed.out)}")
        return WRONG_USAGE
    except (ValueError, KeyError, TypeError) as error:
        say(f"error: {unusable(parsed.file, error)}")
        return WRONG_USAGE
    heads = FromFile(parsed.file, rows)
    made = building(heads) if building else heads
    done = dict[str, Row]()
    with Photos(len(rows), quiet=parsed.quiet) as shown:
        for row in run_batch(plan([*rows], parsed.out), options, made):
            done[row.photo] = row
            shown.add(row)
    rows_of_all = [done[str(photo)] for photo in rows]
    report = write_report(rows_of_all, parsed.out, consent=consent_in(columns.about))
    if not (parsed.quiet and report):
        say(conclusion(rows_of_all, report, parsed.out))
    return OK if all_done(rows_of_all) else SOME_FAILED


def rows_in(text: str, count: int) -> np.ndarray:
    """The numbers that ``text`` names, of ``count`` rows. UsageError: it names none, or others."""
    if text == "all":
        return np.arange(count)
    spans = [_SPAN.fullmatch(part.strip()) for part in text.split(",")]
    ends = [(int(span[1]), int(span[2] or span[1])) for span in spans if span]
    if len(ends) < len(spans) or any(not first <= last < count for first, last in ends):
        raise UsageError(
            f"--rows {text[:40]} is not possible: the file has {count} rows",
            f"Use numbers from 0 to {count - 1} such as 3,10-19, or all",
        )
    return np.unique(np.concatenate([np.arange(first, last + 1) for first, last in ends]))


def _settings(columns: Columns, parsed: argparse.Namespace) -> Settings:
    """The settings that the coefficients were made with."""
    given = columns.about["settings"]
    known = {name: given[name] for name in Settings.__dataclass_fields__ if name not in OF_THE_RUN}
    folder = str(Path(parsed.clip_folder).expanduser().absolute()) if parsed.clip_folder else ""
    settings = Settings(**known, clip_folder=folder, skip_existing=parsed.skip_existing)
    check_settings(settings)
    return settings


def _photos(columns: Columns, rows: np.ndarray, moved: Path | None) -> dict[Path, tuple[int, ...]]:
    """The photos of the rows, each with the rows of all its faces."""
    found: dict[Path, tuple[int, ...]] = {}
    for block in blocks(len(rows)):
        names = ("photo", "path", "face", "faces")
        for row, name, path, face, faces in zip(
            rows[block], *(columns.read(column, rows[block]) for column in names), strict=True
        ):
            first = int(row) - int(face) + 1
            photo = moved / str(name) if moved else Path(str(path))
            found[photo] = tuple(range(first, first + int(faces)))
    return found
