"""Options that several commands of training and evaluation share."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Samples of all kinds, larger ones of people with folds of their own, and those for parsing.
SAMPLES = Path("out/data/samples")
SHAPE_SAMPLES = Path("out/data/shape")
PARSING_SAMPLES = Path("out/data/parsing")
_OPTIONS: dict[str, dict[str, Any]] = {
    "data": {"required": True, "help": "the folder with the training data"},
    "reference": {"default": Path("out/head/reference.npz"), "help": "the reference head model"},
    "fits": {"default": Path("out/fits/train.npz"), "help": "heads fitted to the portraits"},
}


@dataclass(frozen=True)
class Inputs:
    """The files that training data is made from; see docs/training.md."""

    data: Path
    reference: Path
    fits: Path

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> Inputs:
        """From a command's arguments."""
        return cls(arguments.data, arguments.reference, arguments.fits)


def file_options(*names: str) -> argparse.ArgumentParser:
    """The options ``names`` (data, reference, fits), to be a parent of a command's parser."""
    parser = argparse.ArgumentParser(add_help=False)
    add_file_options(parser, *names)
    return parser


def add_file_options(parser: argparse.ArgumentParser, *names: str) -> None:
    """The same for a command's own parser."""
    for name in names:
        parser.add_argument(f"--{name}", type=Path, **_OPTIONS[name])


def training_parser(
    description: str, config: Path, out: str, *files: str
) -> argparse.ArgumentParser:
    """A training's parser: ``--config``, ``--out`` by default ``out``, ``--max-minutes``, and the
    options ``files`` of :func:`file_options`."""
    parser = _parser(description, *files)
    parser.add_argument("--config", type=Path, default=config)
    parser.add_argument("--out", type=Path, default=Path(out))
    parser.add_argument(
        "--max-minutes", type=float, help="length of the run, instead of the configuration's"
    )
    return parser


def export_parser(description: str, out: str, *files: str) -> argparse.ArgumentParser:
    """An export's parser: ``--checkpoint``, by default in the training's folder ``out``, and the
    options ``files`` of :func:`file_options`."""
    parser = _parser(description, *files)
    parser.add_argument("--checkpoint", type=Path, default=Path(out) / "checkpoint.pt")
    return parser


def _parser(description: str, *files: str) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[file_options(*files)],
    )


def recorded_command(module: str, words: Sequence[str] | None = None) -> str:
    """This process's command line, as a card repeats it.

    module: the running one, by its name in ``ml.training``. words: its arguments, by default this
    process's. The value of ``--data`` becomes DATA: the folder lies elsewhere on every machine.
    """
    recorded = list(sys.argv[1:] if words is None else words)
    for at, word in enumerate(recorded):
        if word.startswith("--data="):
            recorded[at] = "--data=DATA"
        elif at and recorded[at - 1] == "--data":
            recorded[at] = "DATA"
    return shlex.join(["python", "-m", f"ml.training.{module}", *recorded])
