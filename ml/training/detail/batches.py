"""Batches of unwrapped pictures and the offsets of their fitted heads, prepared by a thread."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from ...data import FloatArray
from ...detail.band import GRID
from ...detail.unwrap import network_input
from ...detail.window import window_of
from ...head.model import HeadModel
from ..data.augment import discolour
from ..data.picture.scene import Stage
from ..streams import ahead, random_rows
from .fits import FITTED, laid_of, open_fits
from .targets import Lack, make_lack, make_transfer

ARRAYS = ("identity", "folds", "kind")
# Share of samples that are discoloured.
DISCOLOURED = 0.5


@dataclass(frozen=True)
class Batch:
    """B samples: fine (B, 5, G, G), coarse (B, 6, G/2, G/2) and seen (B, G, G) as in
    unwrap.DetailInput; field (B, 3, G, G) mm, the true one, not yet band-limited. G is GRID."""

    fine: FloatArray
    coarse: FloatArray
    seen: FloatArray
    field: FloatArray


@dataclass(frozen=True)
class Source:
    """Everything that batches are made of. rows: the samples to draw from."""

    arrays: dict[str, np.ndarray]
    rows: np.ndarray
    model: HeadModel
    lack: Lack


def open_source(folder: Path, model: HeadModel, stage: Stage) -> Source:
    """The fitted samples in ``folder``."""
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in ARRAYS}
    arrays |= open_fits(folder, len(arrays["kind"]), model)
    rows = np.flatnonzero(arrays["fitted"] == FITTED)
    skin = np.flatnonzero(stage.is_part("Face", "Head and Neck"))
    transfer = make_transfer(stage.shape.mean, skin, window_of(model, GRID))
    return Source(arrays, rows, model, make_lack(transfer, model))


def make_sample(
    source: Source, row: int, rng: np.random.Generator | None
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """fine, coarse, seen, field of one row; discoloured and flipped if ``rng`` is given."""
    arrays = source.arrays
    laid = laid_of(arrays, row)
    if rng is not None and rng.random() < DISCOLOURED:
        changed = discolour(laid.colours.astype(np.uint8), rng)
        laid = replace(laid, colours=changed.astype(np.float32))
    told = network_input(laid, window_of(source.model, GRID).allowed)
    folds, true, fitted = (
        arrays[name][row].astype(np.float32) for name in ("folds", "identity", "fit_identity")
    )
    field = source.lack.field(folds, true, fitted).transpose(2, 0, 1)
    sample = (told.fine, told.coarse, told.seen, field)
    return flipped(*sample) if rng is not None and rng.random() < 0.5 else sample


def flipped(
    fine: FloatArray, coarse: FloatArray, seen: FloatArray, field: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """The same for the mirrored person: components to the left point to the right."""
    coarse, field = coarse[..., ::-1].copy(), field[..., ::-1].copy()
    coarse[[0, 3]] *= -1
    field[0] *= -1
    return fine[..., ::-1].copy(), coarse, seen[..., ::-1].copy(), field


def make_batch(source: Source, rows: np.ndarray, rng: np.random.Generator) -> Batch:
    """Augmented samples of these rows."""
    made = [make_sample(source, row, rng) for row in rows]
    return Batch(*(np.stack(part) for part in zip(*made, strict=True)))


def batches_ahead(source: Source, size: int, seed: int, first: int) -> Iterator[Batch]:
    """Endless random batches; the stream goes on from step ``first``."""

    def batches() -> Iterator[Batch]:
        cv2.setNumThreads(1)
        for step, rows in random_rows(source.rows, size, seed, first):
            yield make_batch(source, rows, np.random.default_rng([seed, 1, step]))

    return ahead(batches(), 3)
