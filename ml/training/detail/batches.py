"""Batches of unwrapped pictures and the offsets that they show, prepared by a thread."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ...data import FloatArray, HeadCoefficients
from ...detail.band import GRID
from ...detail.unwrap import unwrap
from ...detail.window import window_of
from ...head.model import HeadModel
from ..data.scene import Stage
from ..regressor.batches import discolour
from ..steps import ahead, random_rows
from .fits import camera_of, coefficients_of, open_fits
from .targets import Transfer, make_transfer

ARRAYS = ("images", "identity", "expression", "folds", "kind")
# Share of samples laid out by the shipped fit, the others by the truth; and share discoloured.
BY_FIT, DISCOLOURED = 0.75, 0.6


@dataclass(frozen=True)
class Batch:
    """B samples: fine (B, 4, G, G), coarse (B, 6, G/2, G/2) and seen (B, G, G) as in
    unwrap.Unwrapped; field (B, 3, G, G) mm, what is true, not yet band-limited. G is GRID."""

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
    transfer: Transfer


def open_source(folder: Path, model: HeadModel, stage: Stage) -> Source:
    """The fitted samples in ``folder``."""
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in ARRAYS}
    arrays |= open_fits(folder, len(arrays["kind"]), model)
    rows = np.flatnonzero(arrays["fitted"])
    return Source(arrays, rows, model, make_transfer(stage, window_of(model, GRID)))


def make_sample(
    source: Source, row: int, by_fit: bool, rng: np.random.Generator | None
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """fine, coarse, seen, field of one row; discoloured and flipped if ``rng`` is given."""
    arrays, model = source.arrays, source.model
    image = np.asarray(arrays["images"][row])
    if rng is not None and rng.random() < DISCOLOURED:
        image = discolour(image, rng)
    found = coefficients_of(arrays, row, "fit_" if by_fit else "")
    camera = camera_of(arrays, row, "fit" if by_fit else "true", image.shape[1])
    rest, expressed = shapes(model, found)
    told = unwrap(image, camera, rest, expressed, model)
    folds = arrays["folds"][row].astype(np.float32)
    field = source.transfer.field(folds).transpose(2, 0, 1)
    sample = (told.fine, told.coarse, told.seen, field)
    return flipped(*sample) if rng is not None and rng.random() < 0.5 else sample


def shapes(model: HeadModel, found: HeadCoefficients) -> tuple[FloatArray, FloatArray]:
    """(V, 3) at rest and expressed, without settling the lids, which no detail is near."""
    rest = model.shape.neutral(found.identity)
    used = np.flatnonzero(found.expression)
    moved = np.tensordot(found.expression[used], model.shape.expression[used], 1)
    return rest, (rest + moved).astype(np.float32)


def flipped(
    fine: FloatArray, coarse: FloatArray, seen: FloatArray, field: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """The same of the mirrored person: what points to the left points to the right."""
    coarse, field = coarse[..., ::-1].copy(), field[..., ::-1].copy()
    coarse[[0, 3]] *= -1
    field[0] *= -1
    return fine[..., ::-1].copy(), coarse, seen[..., ::-1].copy(), field


def make_batch(source: Source, rows: np.ndarray, rng: np.random.Generator) -> Batch:
    """Augmented samples of these rows."""
    made = [make_sample(source, row, bool(rng.random() < BY_FIT), rng) for row in rows]
    return Batch(*(np.stack(part) for part in zip(*made, strict=True)))


def batches_ahead(source: Source, size: int, seed: int, first: int) -> Iterator[Batch]:
    """Endless random batches; the stream goes on from step ``first``."""

    def batches() -> Iterator[Batch]:
        cv2.setNumThreads(1)
        for step, rows in random_rows(source.rows, size, seed, first):
            yield make_batch(source, rows, np.random.default_rng([seed, 1, step]))

    return ahead(batches(), 3)
