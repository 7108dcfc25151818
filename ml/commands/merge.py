"""``python -m ml.cli report merge DIR``: one report from those of all shards of a batch.

Exit status: 0 all photos succeeded, 1 some failed or are not done, 2 wrong usage; with
``--accept-failures`` those that failed are left to the report.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import HeadError, UsageError
from ..results.merge import merge
from ..results.report import all_done, conclusion, write_report
from .terminal import command_parser, say, say_warnings

OK, SOME_FAILED, WRONG_USAGE = 0, 1, 2


def main(arguments: Sequence[str]) -> int:
    """Write ``report.json`` and ``report.csv`` into the folder that ``arguments`` name."""
    parser = command_parser("report merge", __doc__)
    parser.add_argument("folder", type=Path, metavar="DIR", help="--out of the shards")
    parser.add_argument(
        "--accept-failures", action="store_true", help="status 0 even where photos failed"
    )
    parsed = parser.parse_args(arguments)
    folder = parsed.folder
    say_warnings()
    try:
        merged = merge(folder)
    except HeadError as error:
        say(f"error: {error}")
        return WRONG_USAGE if isinstance(error, UsageError) else SOME_FAILED
    report = write_report(merged.rows, folder)
    for lack in merged.lacks:
        say(lack)
    say(conclusion(merged.rows, report, folder))
    done = all_done(merged.rows, accept_failures=parsed.accept_failures)
    return OK if done and report and not merged.lacks else SOME_FAILED
