"""Processor time of one photo by part, warm and in one thread, and of new processes.

    python -m ml.evaluation profile --data DATA

Processor time, other than time that passes, is about the same while a machine does other work.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from ...photo.read import read_photo
from ...settings import Settings
from ..benchmark import ONE_FACE, Outcome, add_data_options, outcome_of
from ..photos.labels import read_labels
from .photo import ROOT

HEAD_ONLY = ("--detail", "off", "--texture-size", "0", "--no-hair")
# What is started anew: the words of the command line, and whether they name a photo.
PROCESSES = {
    "--help": (("--help",), False),
    "first head, shape only": (HEAD_ONLY, True),
    "first head, with everything": ((), True),
}
Spent = defaultdict[str, list[float]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_data_options(parser)
    parser.add_argument("--photos", type=int, default=12)
    parser.add_argument("--repeats", type=int, default=5)


def run(arguments: argparse.Namespace) -> Outcome:
    items = read_labels(arguments.data, "portraits")[: arguments.photos]
    paths, repeats = [item.path for item in items], arguments.repeats
    figures = {f"{name}, ms": ms for name, ms in warm(paths, repeats).items()}
    figures |= {f"{name}, s": s for name, s in cold(paths[0], repeats).items()}
    return outcome_of(figures, "{:36} {:9.2f}")


def warm(paths: list[Path], repeats: int) -> dict[str, float]:
    """Medians of milliseconds of processor time by part, in a process that has done it before."""
    import cv2
    import torch

    from ...pipeline.fit import fit_photo
    from ...pipeline.single import reconstruct
    from ...results.reconstruction import save_reconstruction

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    spent: Spent = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        for number in range(repeats + 1):
            if number == 1:  # The first round loaded and compiled.
                spent.clear()
            for path in paths:
                photo = read_photo(path)
                with timed_parts() as parts:
                    part(parts, "photo to coefficients", fit_photo)(photo, ONE_FACE)
                for name, milliseconds in parts.items():
                    spent[name].append(sum(milliseconds))
            head = reconstruct(paths[number % len(paths)], Settings())[0]
            part(spent, "writing", save_reconstruction)(head, Path(folder))
            spent["assembling"].append(_assembling(photo))
    return {name: float(np.median(values)) for name, values in spent.items()}


def part(spent: Spent, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
    """``work`` that adds to ``spent`` what each call takes."""

    def timed(*arguments: Any, **named: Any) -> Any:
        begun = time.process_time_ns()
        try:
            return work(*arguments, **named)
        finally:
            spent[name].append((time.process_time_ns() - begun) / 1e6)

    return timed


@contextmanager
def timed_parts() -> Iterator[Spent]:
    """Within it the parts of finding a head note their time."""
    from ...photo import faces
    from ...pipeline import fit
    from ...regressor.regressor import Regressor

    spent: Spent = defaultdict(list)
    places: dict[str, tuple[Any, str]] = {
        "of it, proposals": (faces, "propose_faces"),
        "of it, regressor": (Regressor, "predict"),
        "of it, expression": (fit, "expressive"),
        "of it, two refinements": (fit, "refine"),
        "of it, three fits": (fit, "fit_person"),
        "of it, measures": (fit, "measure"),
    }
    with ExitStack() as stack:
        for name, (owner, attribute) in places.items():
            timed = part(spent, name, getattr(owner, attribute))
            stack.enter_context(patch.object(owner, attribute, timed))
        yield spent


def _assembling(photo: Any) -> float:
    """Milliseconds from coefficients to the mesh with the person's own shape keys."""
    from ...head.mesh import person_mesh, person_of
    from ...head.storage import load_head_model
    from ...pipeline.fit import fit_photo

    found, model = fit_photo(photo, ONE_FACE), load_head_model()
    begun = time.process_time_ns()
    person_mesh(model, person_of(model, found.fit.coefficients, found.layer), "base")
    return (time.process_time_ns() - begun) / 1e6


def cold(photo: Path, repeats: int) -> dict[str, float]:
    """Medians of seconds of processor time of new processes."""
    figures = {}
    for name, (words, takes_photo) in PROCESSES.items():
        # The first one fills caches of the disk, and what is kept between runs.
        seconds = [_process(words, photo if takes_photo else None) for _ in range(repeats + 1)]
        figures[name] = float(np.median(seconds[1:]))
    return figures


def _process(words: tuple[str, ...], photo: Path | None) -> float:
    with tempfile.TemporaryDirectory() as folder:
        named = [] if photo is None else [str(photo.resolve()), "--out", folder]
        command = [sys.executable, "-m", "ml.cli", *named, *words]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        around = {**os.environ, "PYTHONPATH": str(ROOT)}
        subprocess.run(command, env=around, capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
