"""The people whom no training saw: what they are rendered from."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from ...errors import UsageError
from ...head.model import HeadModel
from ...head.storage import load_head_model
from ...training.arguments import add_file_options
from ..benchmark import add_data_options


@dataclass(frozen=True)
class KeptOut:
    """Random people in skins that are kept out of training.

    Attributes
    ----------
    data: folder of the development data.
    reference: file of the reference head, on whose vertices true shapes are given.
    fits: file of heads fitted to portraits, whose expressions the people wear.
    people: how many.
    """

    data: Path
    reference: Path
    fits: Path
    people: int

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> KeptOut:
        """From the options of :func:`add_kept_out_options`."""
        return cls(arguments.data, arguments.reference, arguments.fits, arguments.people)

    @property
    def can_be_rendered(self) -> bool:
        """Whether training has made both files."""
        return self.reference.exists() and self.fits.exists()

    def check(self) -> None:
        """Raise UsageError if the reference head or the fits have not been made."""
        for path in (self.reference, self.fits):
            _check_made(path)

    @property
    def head(self) -> HeadModel:
        """The reference head. Raises UsageError if it has not been made."""
        _check_made(self.reference)
        return load_head_model(self.reference)


def _check_made(path: Path) -> None:
    if not path.exists():
        raise UsageError(
            f"{path} is needed to render people with known shapes",
            "Make it as docs/training.md says, or name it with --reference and --fits",
        )


def add_kept_out_options(parser: argparse.ArgumentParser, people: int) -> None:
    """``--data``, ``--json``, ``--reference``, ``--fits``, ``--people``, by default ``people``."""
    add_data_options(parser)
    add_file_options(parser, "reference", "fits")
    parser.add_argument("--people", type=int, default=people, help="how many (%(default)s)")
