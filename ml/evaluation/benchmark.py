"""What every benchmark offers, and the options of the command line that several share."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from ..settings import Settings

# The most prominent face of a photo, without texture and hair.
ONE_FACE = Settings(texture_size=0, hair=False)


@dataclass(frozen=True)
class Outcome:
    """What a benchmark found.

    Attributes
    ----------
    text: the figures for people to read.
    figures: the same as plain values, for ``--json``; None if there are none.
    """

    text: str
    figures: object = None


@runtime_checkable
class Benchmark(Protocol):
    """The functions that the module of a benchmark has; ``registry.py`` names the modules."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the options of its command."""

    def run(self, arguments: argparse.Namespace) -> Outcome:
        """Measure. Raises HeadError."""


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """``--data`` and ``--json``."""
    parser.add_argument("--data", type=Path, required=True, help="folder of development data")
    add_json_option(parser)


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """``--json``; the command line itself writes the file."""
    parser.add_argument("--json", type=Path, help="write the figures to this file")


def write_json(path: Path, figures: object) -> None:
    """Write plain values; folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def outcome_of(figures: Mapping[str, float], layout: str) -> Outcome:
    """One line per figure; ``layout``: a format string for its name and value."""
    text = "\n".join(layout.format(*item) for item in figures.items())
    return Outcome(text, {"summary": figures})
