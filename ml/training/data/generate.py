"""Generate training samples for the regressor.

    python -m ml.training.data.generate --data ../shared/data --out out/data/samples

Every sample depends only on the seed and its number, so any number of workers makes the same data,
and an interrupted run goes on where it stopped. See stored.py for what is written.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tomllib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ..arguments import Inputs, file_options
from .samples import make_sample
from .stored import KINDS, chunks, is_finished, make_arrays, mark_finished, store, write_meta
from .studio import PictureOptions, Studio, open_studio

CONFIG = Path(__file__).parent / "config.toml"


@dataclass(frozen=True)
class Order:
    """What is to be generated, and where to.

    Attributes
    ----------
    count: of samples. shares: of the four kinds, in their order.
    """

    inputs: Inputs
    options: PictureOptions
    out: Path
    count: int
    seed: int
    shares: tuple[float, ...]

    def meta(self, studio: Studio) -> dict[str, object]:
        """What is written beside the samples."""
        return {
            "count": self.count,
            "seed": self.seed,
            "shares": dict(zip(KINDS, self.shares, strict=True)),
            "size": self.options.size,
            "folded": self.options.folded,
            "points": studio.sizes.points,
            "identity_modes": studio.sizes.identity,
        }


@lru_cache(maxsize=1)
def _studio_of(order: Order) -> Studio:
    """Opened once by every worker."""
    import cv2

    cv2.setNumThreads(1)
    return open_studio(order.inputs.data, order.inputs.reference, order.inputs.fits, order.options)


def _make_chunk(order: Order, rows: range) -> int:
    studio = _studio_of(order)
    arrays = make_arrays(order.out, order.count, studio.sizes)
    for row in rows:
        rng = np.random.default_rng([order.seed, row])
        kind = int(rng.choice(len(order.shares), p=order.shares))
        store(arrays, row, make_sample(studio, kind, rng))
    mark_finished(order.out, rows)
    return len(rows)


def _order(arguments: argparse.Namespace, config: dict[str, Any]) -> Order:
    return Order(
        Inputs.of(arguments),
        PictureOptions.of(config),
        arguments.out,
        arguments.count or config["count"],
        config["seed"] if arguments.seed is None else arguments.seed,
        tuple(config["shares"][kind] for kind in KINDS),
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0], parents=[file_options("data", "reference", "fits")]
    )
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--out", type=Path, default=Path("out/data/samples"))
    parser.add_argument("--count", type=int, help="instead of the configuration's")
    parser.add_argument("--seed", type=int, help="instead of the configuration's")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    order = _order(arguments, tomllib.loads(arguments.config.read_text()))
    (order.out / "done").mkdir(parents=True, exist_ok=True)
    studio = _studio_of(order)
    write_meta(order.out, order.meta(studio))
    make_arrays(order.out, order.count, studio.sizes)
    waiting = [rows for rows in chunks(order.count) if not is_finished(order.out, rows)]
    # Forked workers would inherit locks of OpenCV's and numba's threads.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(arguments.workers, spawn) as pool:
        jobs = [pool.submit(_make_chunk, order, rows) for rows in waiting]
        there = order.count - sum(map(len, waiting))
        with tqdm(total=order.count, initial=there, unit="sample") as bar:
            for job in jobs:
                bar.update(job.result())


if __name__ == "__main__":
    main()
