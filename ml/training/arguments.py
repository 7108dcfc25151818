"""Options that several commands of training and evaluation share."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
