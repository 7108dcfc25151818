"""How long one photo takes, room by room, beside a network of known cost in the same run."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import EngineUnavailable
from ...settings import Settings

ROOT = Path(__file__).resolve().parents[3]
PEER_INPUT = (1, 3, 256, 256)


@dataclass(frozen=True)
class Speed:
    """Milliseconds.

    Attributes
    ----------
    cold: a new process, from its start to the files of one photo.
    warm: median from file to files in a process that has done it before; rooms: medians of it.
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

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def measure_speed(photo: Path, settings: Settings, repeats: int) -> Speed:
    """Measure the walk on ``photo``: cold once, warm ``repeats`` times."""
    cold = _cold(photo, settings)
    with tempfile.TemporaryDirectory() as folder:
        warm, rooms = _warm(photo, settings, repeats, Path(folder))
    return Speed(cold, warm, rooms, _median_ms(peer_pass(), repeats), repeats)


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


def reconstruct_and_save(photo: Path, settings: Settings, folder: Path) -> dict[str, float]:
    """The walk and its files; milliseconds by room, writing included."""
    from ...pipeline.single import reconstruct
    from ...results.reconstruction import save_reconstruction

    head = reconstruct(photo, settings)[0]
    begun = time.perf_counter()
    save_reconstruction(head, folder)
    return {**head.timings.steps, "write": 1000 * (time.perf_counter() - begun)}


def _warm(
    photo: Path, settings: Settings, repeats: int, folder: Path
) -> tuple[float, dict[str, float]]:
    reconstruct_and_save(photo, settings, folder)
    totals, rooms = [], []
    for _ in range(repeats):
        begun = time.perf_counter()
        rooms.append(reconstruct_and_save(photo, settings, folder))
        totals.append(1000 * (time.perf_counter() - begun))
    medians = {name: float(np.median([run[name] for run in rooms])) for name in rooms[0]}
    return float(np.median(totals)), medians


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


def _median_ms(work: Callable[[], object], repeats: int) -> float:
    work()
    spent = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        spent.append(1000 * (time.perf_counter() - begun))
    return float(np.median(spent))
