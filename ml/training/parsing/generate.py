"""Generate rendered people with the class of every pixel.

    python -m ml.training.parsing.generate --data DATA --out out/data/parsing

The folder holds images.npy (N, S, S, 3) and labels.npy (N, S, S), both uint8; labels are indices
into ml.parsing.classes.CLASSES. Every sample depends only on the seed and its number, and an
interrupted run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tomllib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ..arguments import PARSING_SAMPLES, Inputs, file_options
from ..data.stored import is_finished, mark_finished, write_meta
from ..data.studio import PictureOptions, Studio, open_studio
from ..data.worn.accessories import Wardrobe
from .bare import bare_portraits
from .samples import make_parsed

CONFIG = Path(__file__).parent / "samples.toml"
# Samples that are made, and marked as finished, together.
CHUNK = 50


@dataclass(frozen=True)
class Order:
    """What is to be generated, and where to."""

    inputs: Inputs
    options: PictureOptions
    out: Path
    count: int
    seed: int

    def meta(self) -> dict[str, Any]:
        """What is written beside the samples."""
        worn = vars(self.options.wardrobe)
        return {"count": self.count, "seed": self.seed, "size": self.options.size, **worn}


def read_order() -> dict[str, Any]:
    """The table of the file CONFIG."""
    return tomllib.loads(CONFIG.read_text(encoding="utf-8"))


def parsing_options() -> PictureOptions:
    """What the pictures of samples are like, as the file CONFIG says."""
    config = read_order()
    return replace(PictureOptions.of(config), wardrobe=Wardrobe(**config["wardrobe"]))


@lru_cache(maxsize=1)
def _studio_of(order: Order) -> Studio:
    """Opened once by every worker."""
    import cv2

    cv2.setNumThreads(1)
    inputs = order.inputs
    studio = open_studio(inputs.data, inputs.reference, inputs.fits, order.options)
    return replace(studio, portraits=bare_portraits(studio.portraits))


def open_arrays(out: Path, mode: str, count: int = 0, size: int = 0) -> dict[str, np.ndarray]:
    """The memory-mapped images and labels in ``out``; mode "w+" makes them, "r+" and "r" open."""
    shapes = {"images": (count, size, size, 3), "labels": (count, size, size)}
    return {
        name: np.lib.format.open_memmap(
            out / f"{name}.npy", mode, np.uint8, shape if mode == "w+" else None
        )
        for name, shape in shapes.items()
    }


def chunks(count: int) -> list[range]:
    """The rows of ``count`` samples in chunks."""
    return [range(first, min(first + CHUNK, count)) for first in range(0, count, CHUNK)]


def finished_rows(folder: Path, count: int) -> np.ndarray:
    """The rows of ``count`` samples that are there: a training may begin before all are made."""
    done = [np.arange(rows.start, rows.stop) for rows in chunks(count) if is_finished(folder, rows)]
    return np.concatenate([np.zeros(0, int), *done])


def _make_chunk(order: Order, rows: range) -> int:
    studio = _studio_of(order)
    arrays = open_arrays(order.out, "r+")
    for row in rows:
        rng = np.random.default_rng([order.seed, row])
        arrays["images"][row], arrays["labels"][row] = make_parsed(studio, rng)
    mark_finished(order.out, rows)
    return len(rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0], parents=[file_options("data", "reference", "fits")]
    )
    parser.add_argument("--out", type=Path, default=PARSING_SAMPLES)
    parser.add_argument("--count", type=int, help="instead of the configuration's")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    config = read_order()
    count = arguments.count or config["count"]
    order = Order(Inputs.of(arguments), parsing_options(), arguments.out, count, config["seed"])
    (order.out / "done").mkdir(parents=True, exist_ok=True)
    write_meta(order.out, order.meta())
    if not (order.out / "images.npy").exists():
        open_arrays(order.out, "w+", count, order.options.size)
    waiting = [rows for rows in chunks(count) if not is_finished(order.out, rows)]
    # Forked workers would inherit locks of OpenCV's and numba's threads.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(arguments.workers, spawn) as pool:
        jobs = [pool.submit(_make_chunk, order, rows) for rows in waiting]
        with tqdm(total=count, initial=count - sum(map(len, waiting)), unit="sample") as bar:
            for job in jobs:
                bar.update(job.result())


if __name__ == "__main__":
    main()
