"""Generate training samples for the regressor.

    python -m ml.training.data.generate --data ../shared/data --out out/data/v1

Every sample depends only on the seed and its number, so any number of workers makes the same data,
and an interrupted run goes on where it stopped. ``meta.json`` says what is being made.
Arrays, N samples, L landmarks, I identity modes:

    images (N, S, S, 3) uint8             crop with a margin of 144/128 round the network's
    points (N, L, 2) float32              pixels of the stored image, (0, 0) its top-left corner
    point_weight (N, L) float16           how much each point may be trusted
    visible (N, ceil(L / 8)) uint8        one bit a point (numpy.packbits): it lies in the stored
                                          picture and nothing hides it; zeros for negatives
    identity (N, I), expression (N, 52)   float16 coefficients
    rotation (N, 3, 3) float32            head -> camera space, as the (rolled) crop shows it
    supervision (N, 4) float16            weights of identity, expression, rotation; 1 if a face
    kind (N,) uint8                       0 photo, 1 profiled, 2 render, 3 negative

With ``folded = true`` rendered people have mid-frequency shape of their own, and there are also

    folds (N, D, 3) float16               millimetres added to the neutral head's drawn vertices
    traits (N, T) float16                 see traits.py
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import tomllib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ...errors import UsageError
from .people.skins import load_skins
from .people.traits import TRAIT_NAMES
from .picture.backgrounds import load_scenes, walls
from .picture.lighting import load_lights
from .picture.scene import load_stage
from .portraits import load_portraits
from .samples import STORED, Sample, Studio, make_sample

CHUNK = 250
CONFIG = Path(__file__).parent / "config.toml"
_studio: Studio | None = None


def open_studio(
    data: Path, reference: Path, fits: Path, size: int = STORED, folded: bool = False
) -> Studio:
    """Load everything that samples are made of."""
    stage = load_stage(reference)
    portraits = load_portraits(data, fits)
    return Studio(
        stage,
        portraits,
        load_skins(data, stage),
        load_lights(data),
        (load_scenes(data), walls(portraits)),
        {},
        {},
        {},
        size,
        folded,
    )


def make_arrays(out: Path, count: int, studio: Studio) -> dict[str, np.ndarray]:
    """Open or create the memory-mapped arrays in ``out``.

    Raises
    ------
    UsageError: an array is already there with another shape.
    """
    points, modes = len(studio.stage.dense.mean), len(studio.stage.dense.identity)
    layout: dict[str, tuple[tuple[int, ...], type]] = {
        "images": ((studio.size, studio.size, 3), np.uint8),
        "points": ((points, 2), np.float32),
        "point_weight": ((points,), np.float16),
        "visible": (((points + 7) // 8,), np.uint8),
        "identity": ((modes,), np.float16),
        "expression": ((len(studio.stage.dense.expression),), np.float16),
        "rotation": ((3, 3), np.float32),
        "supervision": ((4,), np.float16),
        "kind": ((), np.uint8),
    }
    if studio.folded:
        layout["folds"] = ((len(studio.stage.shape.mean), 3), np.float16)
        layout["traits"] = ((len(TRAIT_NAMES),), np.float16)
    arrays = {}
    for name, (shape, dtype) in layout.items():
        path = out / f"{name}.npy"
        wanted = (count, *shape)
        if not path.exists():
            arrays[name] = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=wanted)
            continue
        arrays[name] = np.lib.format.open_memmap(path, mode="r+")
        if arrays[name].shape != wanted:
            raise UsageError(
                f"{path} has shape {arrays[name].shape}, this run needs {wanted}",
                "Choose another --out, or delete the folder",
            )
    return arrays


def write_meta(out: Path, meta: dict[str, object]) -> None:
    """Record what ``out`` holds; refuse to mix two kinds of samples in one folder.

    Raises
    ------
    UsageError: ``out`` was started with another seed, count or shares.
    """
    path = out / "meta.json"
    if path.exists():
        stored = json.loads(path.read_text())
        other = [name for name, value in stored.items() if meta.get(name) != value]
        if other:
            raise UsageError(
                f"{out} holds samples made with another {', '.join(other)}",
                "Choose another --out, or delete the folder",
            )
    path.write_text(json.dumps(meta, indent=1))


def store(arrays: dict[str, np.ndarray], row: int, sample: Sample) -> None:
    """Write one sample into its row."""
    arrays["images"][row] = sample.image
    arrays["points"][row] = sample.points
    arrays["point_weight"][row] = sample.point_weight
    arrays["visible"][row] = np.packbits(sample.visible)
    arrays["identity"][row] = sample.coefficients.identity
    arrays["expression"][row] = sample.coefficients.expression
    arrays["rotation"][row] = sample.rotation
    arrays["supervision"][row] = sample.supervision
    arrays["kind"][row] = sample.kind
    if "folds" in arrays:
        arrays["traits"][row] = sample.traits.numbers()
        if sample.folds is not None:
            arrays["folds"][row] = 1000 * sample.folds


def _open_worker(data: Path, reference: Path, fits: Path, size: int, folded: bool) -> None:
    global _studio  # a process pool has no other place for what a worker keeps
    import cv2

    cv2.setNumThreads(1)
    _studio = open_studio(data, reference, fits, size, folded)


def _make_chunk(out: Path, count: int, rows: range, seed: int, shares: list[float]) -> int:
    assert _studio is not None
    arrays = make_arrays(out, count, _studio)
    for row in rows:
        rng = np.random.default_rng([seed, row])
        kind = int(rng.choice(len(shares), p=shares))
        store(arrays, row, make_sample(_studio, kind, rng))
    (out / "done" / str(rows.start)).touch()
    return len(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--reference", type=Path, default=Path("out/head/reference.npz"))
    parser.add_argument("--fits", type=Path, default=Path("out/fits/train.npz"))
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--out", type=Path, default=Path("out/data/v1"))
    parser.add_argument("--count", type=int, help="instead of the configuration's")
    parser.add_argument("--seed", type=int, help="instead of the configuration's")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    config = tomllib.loads(arguments.config.read_text())
    count = arguments.count or config["count"]
    seed = config["seed"] if arguments.seed is None else arguments.seed
    shares = [config["shares"][kind] for kind in ("photo", "profiled", "render", "negative")]
    (arguments.out / "done").mkdir(parents=True, exist_ok=True)
    size, folded = config.get("size", STORED), config.get("folded", False)
    studio = (arguments.data, arguments.reference, arguments.fits, size, folded)
    opened = open_studio(*studio)
    points, modes = len(opened.stage.dense.mean), len(opened.stage.dense.identity)
    write_meta(
        arguments.out,
        {
            "count": count,
            "seed": seed,
            "shares": config["shares"],
            "size": size,
            "folded": folded,
            "points": points,
            "identity_modes": modes,
        },
    )
    make_arrays(arguments.out, count, opened)
    chunks = [range(first, min(first + CHUNK, count)) for first in range(0, count, CHUNK)]
    waiting = [rows for rows in chunks if not (arguments.out / "done" / str(rows.start)).exists()]
    # Forked workers would inherit locks of OpenCV's and numba's threads.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(arguments.workers, spawn, _open_worker, studio) as pool:
        jobs = [
            pool.submit(_make_chunk, arguments.out, count, rows, seed, shares) for rows in waiting
        ]
        with tqdm(total=count, initial=count - sum(map(len, waiting)), unit="sample") as bar:
            for job in jobs:
                bar.update(job.result())


if __name__ == "__main__":
    main()
