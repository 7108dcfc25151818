"""Fit the training pictures with the shipped pipeline, and unwrap them along the fitted heads.

    python -m ml.training.detail.fits --samples out/data/shape

The detail network learns to correct the errors of these fits. Every finished rendered sample is
fitted as any photo is, with both passes of the surface refinement. Arrays are written beside the
samples; rows without a fit stay zero:

    fit_identity (N, I) float16        the fitted identity
    laid_colours (N, G, G, 3) uint8    the picture unwrapped onto the window; G is the band's GRID
    laid_seen (N, G, G) uint8          0..255, visibility of each texel
    laid_coarse (N, 6, G/2, G/2) float16    see unwrap.UnwrappedPhoto
    fitted (N,) uint8                  1 if all this is there, 2 if the face could not be fitted
    fits.json                          sha256 of the pipeline's weights

Run it again to continue, or for samples that were finished meanwhile; with other weights of the
pipeline it starts over.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from ...assets.card import read_card
from ...data import FaceBox, FloatArray, FoundFace, HeadCoefficients, Observation, Photo
from ...detail.band import GRID
from ...detail.network import BLOCK, COARSE_CHANNELS
from ...detail.unwrap import UnwrappedPhoto, unwrap_photo
from ...errors import NoFaceFound
from ...head.model import HeadModel
from ...head.storage import load_head_model
from ...photo.crop import box_from_landmarks, crop_face
from ...pipeline.fit import fit_observation
from ...regressor.regressor import WEIGHTS as REGRESSOR
from ...regressor.regressor import load_regressor
from ...regressor.surface_refinement import WEIGHTS as SURFACE
from ..arguments import SHAPE_SAMPLES
from ..data.stored import RENDER, finished_rows

BATCH = 16
FITTED, UNFITTED = 1, 2
# Errors of the boxes that faces are cropped with: standard deviations, as shares of the box.
_SHIFT, _SCALE = 0.02, 0.04


def open_fits(folder: Path, count: int, model: HeadModel) -> dict[str, np.ndarray]:
    """The memory-mapped arrays in ``folder``, made if needed."""
    half = GRID // BLOCK
    layout: dict[str, tuple[tuple[int, ...], type]] = {
        "fit_identity": ((model.identity_count,), np.float16),
        "laid_colours": ((GRID, GRID, 3), np.uint8),
        "laid_seen": ((GRID, GRID), np.uint8),
        "laid_coarse": ((COARSE_CHANNELS, half, half), np.float16),
        "fitted": ((), np.uint8),
    }
    arrays = {}
    for name, (shape, dtype) in layout.items():
        path = folder / f"{name}.npy"
        arrays[name] = (
            np.lib.format.open_memmap(path, mode="r+")
            if path.exists()
            else np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=(count, *shape))
        )
    return arrays


def start_over_if_changed(
    folder: Path, fits: dict[str, np.ndarray], weights: dict[str, str]
) -> None:
    """Mark all rows unfitted if the fits were made with other weights of the pipeline: the network
    would learn to correct errors that are no longer made. weights: sha256 by name."""
    note = folder / "fits.json"
    if not note.exists() or json.loads(note.read_text()) != weights:
        fits["fitted"][:] = 0
        note.write_text(json.dumps(weights, indent=1) + "\n")


def fit_batch(
    samples: dict[str, np.ndarray],
    rows: np.ndarray,
    model: HeadModel,
    fits: dict[str, np.ndarray],
    rng: np.random.Generator,
) -> None:
    """Fit some rows and store the results."""
    photos = [Photo(np.asarray(samples["images"][row]), Path("sample.png"), "") for row in rows]
    boxes = [_jittered(box_from_landmarks(samples["points"][row]), rng) for row in rows]
    crops = [crop_face(photo, box) for photo, box in zip(photos, boxes, strict=True)]
    outputs = load_regressor().predict(crops)
    for row, photo, box, output in zip(rows, photos, boxes, outputs, strict=True):
        try:
            observation = Observation(FoundFace(box, output), output.landmarks, "dense")
            found = fit_observation(photo, observation, model).fit
        except NoFaceFound:
            fits["fitted"][row] = UNFITTED
            continue
        laid = unwrap_photo(photo.rgb, found.camera, *shapes(model, found.coefficients), model)
        fits["fit_identity"][row] = found.coefficients.identity
        fits["laid_colours"][row] = np.round(np.clip(laid.colours, 0, 255))
        fits["laid_seen"][row] = np.round(255 * laid.seen)
        fits["laid_coarse"][row] = laid.coarse
        fits["fitted"][row] = FITTED


def laid_of(fits: dict[str, np.ndarray], row: int) -> UnwrappedPhoto:
    """The unwrapped picture of a row."""
    return UnwrappedPhoto(
        fits["laid_colours"][row].astype(np.float32),
        fits["laid_seen"][row].astype(np.float32) / 255,
        fits["laid_coarse"][row].astype(np.float32),
    )


def shapes(model: HeadModel, found: HeadCoefficients) -> tuple[FloatArray, FloatArray]:
    """(V, 3) at rest and expressed. Lids are not settled: there is no detail near them."""
    rest = model.shape.neutral(found.identity)
    used = np.flatnonzero(found.expression)
    moved = np.tensordot(found.expression[used], model.shape.expression[used], 1)
    return rest, (rest + moved).astype(np.float32)


def waiting(samples: Path, kind: np.ndarray, fitted: np.ndarray) -> np.ndarray:
    """Rendered rows of finished chunks that have no fit yet."""
    rows = finished_rows(samples, len(kind))
    return np.asarray(rows[(kind[rows] == RENDER) & (fitted[rows] == 0)])


def _jittered(box: FaceBox, rng: np.random.Generator) -> FaceBox:
    x, y = np.asarray(box.center) + rng.normal(0, _SHIFT, 2) * box.size
    return FaceBox((float(x), float(y)), box.size * float(np.exp(rng.normal(0, _SCALE))), box.roll)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--samples", type=Path, default=SHAPE_SAMPLES)
    parser.add_argument("--most", type=int, help="fit no more than this many now")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    names = ("images", "points", "kind")
    samples = {n: np.load(arguments.samples / f"{n}.npy", mmap_mode="r") for n in names}
    model = load_head_model()
    fits = open_fits(arguments.samples, len(samples["kind"]), model)
    weights = {path.stem: read_card(path).sha256 for path in (REGRESSOR, SURFACE)}
    start_over_if_changed(arguments.samples, fits, weights)
    rows = waiting(arguments.samples, samples["kind"], fits["fitted"])[: arguments.most]
    for first in tqdm(range(0, len(rows), BATCH), unit="batch"):
        some = rows[first : first + BATCH]
        fit_batch(samples, some, model, fits, np.random.default_rng([arguments.seed, some[0]]))


if __name__ == "__main__":
    main()
