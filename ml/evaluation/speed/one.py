"""One photo from file to files, in this process: what ``speed`` calls cold when it is new.

python -m ml.evaluation one PHOTO FOLDER
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from ...settings import Settings
from ..benchmark import Outcome


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("photo", type=Path)
    parser.add_argument("folder", type=Path)
    add_texture_option(parser)


def add_texture_option(parser: argparse.ArgumentParser) -> None:
    """``--texture-size``."""
    parser.add_argument("--texture-size", type=int, default=Settings().texture_size)


def run(arguments: argparse.Namespace) -> Outcome:
    settings = Settings(texture_size=arguments.texture_size)
    reconstruct_and_save(arguments.photo, settings, arguments.folder)
    return Outcome("")


def reconstruct_and_save(photo: Path, settings: Settings, folder: Path) -> dict[str, float]:
    """The pipeline and its files; milliseconds by step, writing included."""
    from ...pipeline.single import reconstruct
    from ...results.reconstruction import save_reconstruction

    head = reconstruct(photo, settings)[0]
    begun = time.perf_counter()
    save_reconstruction(head, folder)
    return {**head.timings.steps, "write": 1000 * (time.perf_counter() - begun)}
