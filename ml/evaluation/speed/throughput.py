"""From a decoded photo to coefficients: one at a time, many at once, and what the machine could do.

    python -m ml.evaluation throughput --data DATA

Times alone say little about another machine: beside them stand the network's floating-point
operations, how many of them it does per second, and how many a matrix product does in the same run.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np

from ...data import FitResult, Photo
from ...photo.read import read_photo
from ..benchmark import ONE_FACE, Outcome, add_data_options, outcome_of
from ..photos.labels import read_labels
from .clock import milliseconds

PROCESSES = 2
# Crops in one pass of the network, side of the square matrices.
CROPS, SIDE, REPEATS = 16, 1536, 5
# All processes begin together, once they are warm.
_ready: Barrier | None = None


def coefficients(photo: Photo) -> FitResult | None:
    """The most prominent face's head and camera; None where no face is found."""
    from ...errors import NoFaceFound
    from ...pipeline.fit import fit_photo

    try:
        return fit_photo(photo, ONE_FACE).fit
    except NoFaceFound:
        return None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_data_options(parser)
    parser.add_argument("--photos", type=int, default=60)


def run(arguments: argparse.Namespace) -> Outcome:
    return outcome_of(measure(arguments.data, arguments.photos), "{:36} {:9.2f}")


def measure(data: Path, count: int) -> dict[str, float]:
    """Figures by name, on ``count`` of the development portraits."""
    paths = [item.path for item in read_labels(data, "portraits")][:count]
    photos = [read_photo(path) for path in paths]
    # The first is done once more, as one that does not count.
    waiting = iter([photos[0], *photos])
    single = milliseconds(lambda: coefficients(next(waiting)), len(photos))
    return {
        "one photo, ms (median)": float(np.median(single)),
        "one photo, ms (95 %)": float(np.percentile(single, 95)),
        "batch, photos per second": batch_rate(paths),
        **network_rate(),
        "peak memory of a process, MB": peak_memory(),
    }


def batch_rate(paths: list[Path]) -> float:
    """Photos per second of PROCESSES processes with one thread each, decoding left out."""
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Barrier(PROCESSES)
    with ProcessPoolExecutor(PROCESSES, spawn, _open_process, (ready,)) as pool:
        shares = [paths[number::PROCESSES] for number in range(PROCESSES)]
        spans = list(pool.map(_work, shares))
    # From the first start to the last end: what one process waits for counts.
    return len(paths) / (max(end for _, end in spans) - min(begun for begun, _ in spans))


def _open_process(ready: Barrier) -> None:
    global _ready  # a process pool has no other place for what its processes share
    import cv2
    import torch

    _ready = ready
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def _work(paths: list[Path]) -> tuple[float, float]:
    photos = [read_photo(path) for path in paths]
    coefficients(photos[0])
    assert _ready is not None
    _ready.wait()
    begun = time.time()
    for photo in photos:
        coefficients(photo)
    return begun, time.time()


def network_rate() -> dict[str, float]:
    """Operations of the regressor for one crop, and rates of it and of a matrix product."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from ...regressor.regressor import load_regressor

    regressor = load_regressor()
    network, side = regressor.network, regressor.crop_size
    crops = torch.rand(CROPS, 3, side, side).contiguous(memory_format=torch.channels_last)
    square = torch.rand(SIDE, SIDE)
    with torch.inference_mode():
        with FlopCounterMode(display=False) as counter:
            network(crops[:1])
        operations = float(counter.get_total_flops())
        spent = milliseconds(lambda: network(crops), REPEATS).min() / 1000
        product = milliseconds(lambda: square @ square, REPEATS).min() / 1000
    achieved, peak = CROPS * operations / spent, 2 * SIDE**3 / product
    return {
        "network, GFLOP per crop": operations / 1e9,
        "network, ms per crop in a batch": 1000 * spent / CROPS,
        "network, GFLOP/s": achieved / 1e9,
        "matrix product, GFLOP/s": peak / 1e9,
        "share of the matrix product's rate": achieved / peak,
    }


def peak_memory() -> float:
    """Megabytes: the most memory that this process has held."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1e6 if sys.platform == "darwin" else 1e3)
