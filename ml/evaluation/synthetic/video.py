"""A video of a rendered person whose expressions and turns are known.

    python -m ml.evaluation video --data DATA --frames 300

The clip goes through a video file and the whole way of ``--animation``. Needs the reference head
that training makes.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...data import FloatArray
from ...head.arkit import EXPRESSION_NAMES
from ...performance.animation import SEEN, Animation
from ...settings import Settings
from ..benchmark import Outcome
from .clip import Curves, acted_curves, film, make_actor
from .kept_out import KeptOut, add_kept_out_options

SEED = 7
# Keys that move most, by their standard deviation; frames by which curves may lag.
MOST, LAGS = 10, range(-5, 6)
# Without texture and relief, which take the time of a photo, however long the clip.
PLAIN = Settings(texture_size=0, detail="off")


@dataclass(frozen=True)
class Truth:
    """What a clip shows. curves: F frames. rotation: (F, 3, 3) head -> camera space."""

    curves: Curves
    rotation: FloatArray


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_kept_out_options(parser, people=1)
    parser.add_argument("--frames", type=int, default=300, help="of each clip (%(default)s)")
    parser.add_argument("--seed", type=int, default=SEED, help="of the people (%(default)s)")


def run(arguments: argparse.Namespace) -> Outcome:
    from ...video.animate import animate

    kept_out = KeptOut.of(arguments)
    kept_out.check()
    rows = []
    for number in range(kept_out.people):
        rng = np.random.default_rng(arguments.seed + number)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "clip.mp4"
            actor = make_actor(kept_out, rng)
            curves = acted_curves(arguments.frames, rng)
            cameras = film(actor, curves, path, rng)
            begun, worked = time.perf_counter(), time.process_time()
            done = animate(path, Path(folder) / "out", PLAIN)
            spent = time.perf_counter() - begun, time.process_time() - worked
        truth = Truth(curves, np.stack([camera.rotation for camera in cameras]))
        speed = {
            "frames/s, followed": done.speed,
            "frames/s, in whole": arguments.frames / spent[0],
            "processor ms per frame": 1000 * spent[1] / arguments.frames,
        }
        rows.append(figures_of(truth, done.animation) | speed)
    summary = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    text = "\n".join(f"{name:36s} {value:8.4f}" for name, value in summary.items())
    return Outcome(text, {"summary": summary, "clips": rows})


def figures_of(truth: Truth, animation: Animation) -> dict[str, float]:
    """How near an animation of F frames is to the truth."""
    true, found = truth.curves.values, animation.expression
    moving = np.argsort(-true.std(0))[:MOST]
    moving = moving[true[:, moving].std(0) > 0]
    still = np.abs(np.diff(found[truth.curves.still], axis=0)).mean(0)
    off = np.abs(found - true)
    return {
        "frames with a face": float((animation.status == SEEN).mean()),
        "error of all keys": float(off.mean()),
        "error of the keys that move most": float(off[:, moving].mean()),
        "their correlation": correlation(true[:, moving], found[:, moving]),
        "the least of them": min(_each(true[:, moving], found[:, moving])),
        "lag, frames": float(lag(true[:, moving], found[:, moving])),
        "jitter at rest, mean": float(still.mean()),
        "jitter at rest, worst key": float(still.max()),
        "closed lids": _lids(true, found),
        "pose, mean degrees": float(degrees_apart(truth.rotation, animation.rotation).mean()),
    }


def correlation(true: FloatArray, found: FloatArray) -> float:
    """Mean over (F, K) curves; of a curve that does not move at all, 0."""
    return float(np.mean(_each(true, found)))


def lag(true: FloatArray, found: FloatArray) -> int:
    """By how many frames (F, K) curves come late: where they agree best."""
    edge = max(LAGS)
    inner = slice(edge, -edge)
    agree = [correlation(true[inner], np.roll(found, -frames, 0)[inner]) for frames in LAGS]
    return list(LAGS)[int(np.argmax(agree))]


def degrees_apart(one: FloatArray, other: FloatArray) -> FloatArray:
    """(F,) angles between (F, 3, 3) rotations."""
    trace = np.einsum("nij,nij->n", one, other)
    return np.asarray(np.degrees(np.arccos(np.clip((trace - 1) / 2, -1, 1))))


def _each(true: FloatArray, found: FloatArray) -> list[float]:
    both = zip(true.T, found.T, strict=True)
    return [float(np.corrcoef(a, b)[0, 1]) if b.std() > 0 else 0.0 for a, b in both]


def _lids(true: FloatArray, found: FloatArray) -> float:
    """Mean found where a lid is closed; nan where none is."""
    lids = [EXPRESSION_NAMES.index(f"eyeBlink{side}") for side in ("Left", "Right")]
    shut = true[:, lids] > 0.95
    return float(found[:, lids][shut].mean()) if shut.any() else float("nan")
