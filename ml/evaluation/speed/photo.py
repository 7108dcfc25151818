"""How long one photo takes, step by step, beside a network of known cost in the same run.

python -m ml.evaluation speed --photo PHOTO
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ...errors import EngineUnavailable
from ...settings import Settings
from ..benchmark import Outcome, add_json_option
from .clock import milliseconds
from .one import add_texture_option, reconstruct_and_save

ROOT = Path(__file__).resolve().parents[3]
PEER_INPUT = (1, 3, 256, 256)


@dataclass(frozen=True)
class Speed:
    """Milliseconds.

    Attributes
    ----------
    cold: a new process, from its start to the files of one photo.
    warm: median from file to files in a process that has done it before; rooms: medians of its
        steps.
    peer: median of one forward pass of face-alignment's FAN, random weights: the landmark
        network alone of a common tool, on this machine, now.
    """

    cold: float
    warm: float
    rooms: dict[str, float]
    peer: float
    repeats: int

    def report(self) -> str:
        """The figures as text."""
        lines = [f"{'room':12}{'ms':>8}{'share':>8}"]
        for room, spent in self.rooms.items():
            lines.append(f"{room:12}{spent:8.0f}{spent / self.warm:8.0%}")
        other = self.warm - sum(self.rooms.values())
        lines += [
            f"{'other':12}{other:8.0f}{other / self.warm:8.0%}",
            f"{'warm':12}{self.warm:8.0f}   median of {self.repeats}, file to files",
            f"{'cold':12}{self.cold:8.0f}   a new process",
            f"{'peer':12}{self.peer:8.0f}   forward pass of FAN-4; "
            f"warm is {self.warm / self.peer:.2f} of it",
        ]
        return "\n".join(lines)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--photo", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=7)
    add_texture_option(parser)
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> Outcome:
    settings = Settings(texture_size=arguments.texture_size)
    speed = measure(arguments.photo, settings, arguments.repeats)
    return Outcome(speed.report(), asdict(speed))


def measure(photo: Path, settings: Settings, repeats: int) -> Speed:
    """Measure the pipeline on ``photo``: cold once, warm ``repeats`` times."""
    cold = _cold(photo, settings)
    steps: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        totals = milliseconds(
            lambda: steps.append(reconstruct_and_save(photo, settings, Path(folder))), repeats
        )
    # The first was the one that does not count.
    medians = {name: float(np.median([run[name] for run in steps[1:]])) for name in steps[-1]}
    peer = float(np.median(milliseconds(peer_pass(), repeats)))
    return Speed(cold, float(np.median(totals)), medians, peer, repeats)


def _cold(photo: Path, settings: Settings) -> float:
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "ml.evaluation",
            "one",
            str(photo.resolve()),
            folder,
            "--texture-size",
            str(settings.texture_size),
        ]
        begun = time.perf_counter()
        around = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, env=around, capture_output=True, text=True, check=False)
        spent = 1000 * (time.perf_counter() - begun)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise EngineUnavailable(f"A new process could not reconstruct {photo.name}: {last[0]}")
    return spent


def peer_pass() -> Callable[[], object]:
    """One forward pass of face-alignment's landmark network; only its cost means anything."""
    import torch
    from face_alignment.models import FAN

    network = FAN(4).eval()
    pixels = torch.rand(PEER_INPUT)

    def run() -> object:
        with torch.inference_mode():
            return network(pixels)

    return run
