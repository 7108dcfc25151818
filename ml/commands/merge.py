"""``python -m ml.cli report merge DIR``: one report from those of all shards of a batch.

Exit status: 0 all photos succeeded, 1 some failed or are not done, 2 wrong usage.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import HeadError, UsageError
from ..results.merge import merge
from ..results.report import conclusion, write_report
from .terminal import command_parser, say, say_warnings

OK, SOME_FAILED, WRONG_USAGE = 0, 1, 2


def main(arguments: Sequence[str]) -> int:
    """Write ``report.json`` and ``report.csv`` into the folder that ``arguments`` name."""
    parser = command_parser("report merge", __doc__)
    parser.add_argument("folder", type=Path, metavar="DIR", help="--out of the shards")
    folder = parser.parse_args(arguments).folder
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
    done = all(row.status in ("ok", "skipped") for row in merged.rows)
    return OK if done and report and not merged.lacks else SOME_FAILED
