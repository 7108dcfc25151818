"""Measure Effigy: ``python -m ml.evaluation COMMAND --help`` says what each command takes."""

from __future__ import annotations

from ..environment import prepare_process

prepare_process()

import argparse
import sys
from collections.abc import Sequence

from ..errors import HeadError
from .benchmark import write_json
from .registry import COMMANDS


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """All commands; only the one that ``words`` name gets its options and its ``benchmark``."""
    parser = argparse.ArgumentParser(prog="python -m ml.evaluation", description=__doc__)
    parsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        options = parsers.add_parser(command.name, help=command.help, description=command.help)
        if command.name in words[:1]:
            benchmark = command.benchmark()
            benchmark.add_arguments(options)
            options.set_defaults(benchmark=benchmark)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0, or 1 after an error that it prints."""
    words = sys.argv[1:] if argv is None else argv
    arguments = _parser(words).parse_args(words)
    try:
        outcome = arguments.benchmark.run(arguments)
    except HeadError as error:
        print(error, file=sys.stderr)
        return 1
    if outcome.text:
        print(outcome.text)
    if vars(arguments).get("json"):
        write_json(arguments.json, outcome.figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
