"""Face parsing on rendered people in skins that training never saw, its time, and overlays.

    python -m ml.evaluation parsing --data DATA --overlays out/evaluation/parsing

The overlays show the labelled development photos: people, so they belong in out/, never in docs.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from ...data import ByteArray, FaceCrop
from ...parsing.classes import CLASSES
from ...parsing.parse import Parser, load_parser
from ...regressor.regressor import load_regressor
from ...training.parsing.bare import bare_portraits
from ...training.parsing.generate import parsing_options
from ...training.parsing.measure import confusion, overlaps
from ...training.parsing.samples import make_parsed
from ..benchmark import Outcome
from ..pictures import save_picture
from ..speed.clock import milliseconds
from ..synthetic.kept_out import KeptOut, add_kept_out_options
from ..synthetic.people import kept_out_studio
from .overlays import coloured, draw_sheets, sheet_of
from .page import write_page

SEED, PEOPLE, REPEATS = 3535, 200, 15
# Rendered people on the page.
SHOWN, COLUMNS = 9, 3

Sample = tuple[ByteArray, ByteArray]


@dataclass(frozen=True)
class Measured:
    """What was measured.

    Attributes
    ----------
    people: rendered. overlap: intersection over union by class. right: share of the pixels.
    parser, regressor: median milliseconds of one crop, in one run.
    """

    people: int
    overlap: dict[str, float]
    right: float
    parser: float
    regressor: float

    def report(self) -> str:
        """The figures as text."""
        lines = [f"{name:14}{share:7.3f}" for name, share in self.overlap.items()]
        lines += [
            f"{'mean':14}{np.mean(list(self.overlap.values())):7.3f}",
            f"{'pixels right':14}{self.right:7.3f}",
            f"{'time':14}{self.parser:7.1f} ms; {self.parser / self.regressor:.2f} of the "
            f"regressor's {self.regressor:.1f} ms",
        ]
        return "\n".join(lines)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_kept_out_options(parser, PEOPLE)
    parser.add_argument("--overlays", type=Path, help="folder for overlays of development photos")
    parser.add_argument("--out", type=Path, help="folder that the page is written to, as docs")


def run(arguments: argparse.Namespace) -> Outcome:
    kept_out, parser = KeptOut.of(arguments), load_parser()
    samples = rendered_samples(kept_out)
    measured = measure(samples, parser)
    if arguments.overlays:
        draw_sheets(arguments.data, parser, arguments.overlays)
    if arguments.out:
        sheet = sheet_of([_shown(sample, parser) for sample in samples[:SHOWN]], COLUMNS)
        save_picture(sheet, arguments.out / "parsing.jpg")
        write_page(asdict(measured), arguments.out)
    return Outcome(measured.report(), asdict(measured))


def rendered_samples(kept_out: KeptOut) -> list[Sample]:
    """Pictures of random people and their true classes.

    Raises
    ------
    UsageError: the reference head or the fits have not been made.
    """
    kept_out.check()
    studio = kept_out_studio(kept_out)
    portraits = bare_portraits(studio.portraits)
    studio = replace(studio, portraits=portraits, options=parsing_options())
    seeds = tqdm(range(kept_out.people), desc="rendered people", leave=False)
    return [make_parsed(studio, np.random.default_rng([SEED, number])) for number in seeds]


def measure(samples: list[Sample], parser: Parser) -> Measured:
    """The parser on (S, S, 3) pictures and their (S, S) true classes."""
    table = np.zeros((len(CLASSES), len(CLASSES)))
    for image, labels in samples:
        table += confusion(labels, parser.parse(_crop(image)).probability.argmax(0))
    spent = times(parser, samples[0][0])
    return Measured(
        len(samples), overlaps(table), float(np.trace(table) / table.sum()), spent[0], spent[1]
    )


def times(parser: Parser, image: ByteArray) -> tuple[float, float]:
    """Median milliseconds of one crop by the parser and by the regressor."""
    regressor = load_regressor()
    side = regressor.crop_size
    small = FaceCrop(cv2.resize(image, (side, side)), np.eye(2, 3, dtype=np.float32))
    work: tuple[Callable[[], object], ...] = (
        lambda: parser.parse(_crop(image)),
        lambda: regressor.predict([small]),
    )
    first, second = (float(np.median(milliseconds(each, REPEATS))) for each in work)
    return first, second


def _crop(image: ByteArray) -> FaceCrop:
    return FaceCrop(image, np.eye(2, 3, dtype=np.float32))


def _shown(sample: Sample, parser: Parser) -> ByteArray:
    """Picture, found and true, without the background, which may be a piece of a photo."""
    image, labels = sample
    found = parser.parse(_crop(image)).probability.argmax(0).astype(np.uint8)
    alone = np.where((labels > 0)[..., None], image, np.uint8(235))
    return np.concatenate([alone, coloured(alone, found), coloured(alone, labels)], 1)
