"""How the shipped walk fits the training pictures: what it gets wrong, detail must bear.

    python -m ml.training.detail.fits --samples out/data/shape

Writes beside the samples, for every rendered one that is finished (others stay zero):

    fit_identity (N, I), fit_expression (N, E) float16; fit_turn (N, 3, 3), fit_shift (N, 3),
    fit_focal (N,) float32     the fit to the regressor's landmarks, and its camera
    true_turn, true_shift, true_focal     the camera that best meets the true points of the true
                                          head, its lens guessed as for any photo
    fitted (N,) uint8          1 if all this is there

Run it again for samples that were finished meanwhile.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ...data import Camera, FaceBox, FitResult, FloatArray, HeadCoefficients, Landmarks, Photo
from ...finding import FoundFace
from ...fitting.camera import first_camera, guess_focal, make_intrinsics
from ...fitting.gauss_newton import FitSettings, fit_head
from ...head.model import HeadModel, LinearShape
from ...head.storage import load_head_model
from ...photo.crop import FACE_POINTS, box_from_landmarks, crop_face
from ...pipeline import evidence_of
from ..data.generate import CHUNK
from ..data.samples import RENDER

BATCH = 32
# How well the regressor's crops are placed: standard deviations, as shares of the box.
_SHIFT, _SCALE = 0.02, 0.04


def open_fits(folder: Path, count: int, model: HeadModel) -> dict[str, np.ndarray]:
    """The memory-mapped arrays in ``folder``, made if needed."""
    layout: dict[str, tuple[tuple[int, ...], type]] = {
        "fit_identity": ((model.identity_count,), np.float16),
        "fit_expression": ((len(model.expression_names),), np.float16),
        "fitted": ((), np.uint8),
    }
    for whose in ("fit", "true"):
        layout |= {
            f"{whose}_turn": ((3, 3), np.float32), f"{whose}_shift": ((3,), np.float32),
            f"{whose}_focal": ((), np.float32),
        }  # fmt: skip
    arrays = {}
    for name, (shape, dtype) in layout.items():
        path = folder / f"{name}.npy"
        arrays[name] = (
            np.lib.format.open_memmap(path, mode="r+")
            if path.exists()
            else np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=(count, *shape))
        )
    return arrays


def fit_batch(
    samples: dict[str, np.ndarray], rows: np.ndarray, model: HeadModel,
    fits: dict[str, np.ndarray], rng: np.random.Generator,
) -> None:  # fmt: skip
    """Fit some rows and store what was found."""
    from ...regressor.regressor import load_regressor

    dense = model.points("dense")
    photos = [Photo(samples["images"][row], Path("sample.png"), "") for row in rows]
    boxes = [_jittered(box_from_landmarks(samples["points"][row]), rng) for row in rows]
    crops = [crop_face(photo, box) for photo, box in zip(photos, boxes, strict=True)]
    outputs = load_regressor().predict(crops)
    for row, photo, box, output in zip(rows, photos, boxes, outputs, strict=True):
        face = FoundFace(box, output)
        shape, evidence = evidence_of(photo, model, face, output.landmarks, "dense")
        found = fit_head(
            shape, evidence.landmarks, evidence.camera, evidence.start,
            identity_sigma=evidence.identity_sigma,
        )  # fmt: skip
        fits["fit_identity"][row] = found.coefficients.identity
        fits["fit_expression"][row] = found.coefficients.expression
        true = true_camera(samples, row, dense)
        for whose, camera in (("fit", found.camera), ("true", true.camera)):
            fits[f"{whose}_turn"][row] = camera.rotation
            fits[f"{whose}_shift"][row] = camera.translation
            fits[f"{whose}_focal"][row] = camera.intrinsics[0, 0]
        fits["fitted"][row] = np.isfinite(found.camera.translation).all()


def true_camera(samples: dict[str, np.ndarray], row: int, dense: LinearShape) -> FitResult:
    """The pose of the true head by its true points; only the lens is guessed."""
    points = samples["points"][row].astype(np.float32)
    truth = coefficients_of(samples, row, "")
    side = samples["images"].shape[1]
    focal = guess_focal(side, side, float(np.ptp(points[:FACE_POINTS], axis=0).max()))
    camera = first_camera(
        dense.at(truth), points, samples["rotation"][row], make_intrinsics(focal, side, side),
        (side, side),
    )  # fmt: skip
    certain = Landmarks(points, np.ones(len(points), np.float32))
    stiff = FitSettings(modes=1, expression_sigma=1e-3, identity_weight=1e3)
    # With its other modes in the mean and this one held, only the pose is free.
    rest = HeadCoefficients(truth.identity, truth.expression)
    sigma = np.full(len(truth.identity), 1e-3, np.float32)
    return fit_head(dense, certain, camera, rest, stiff, sigma)


def coefficients_of(arrays: dict[str, np.ndarray], row: int, prefix: str) -> HeadCoefficients:
    """The truth (prefix "") or the fit ("fit_") of a row."""
    return HeadCoefficients(
        arrays[f"{prefix}identity"][row].astype(np.float32),
        arrays[f"{prefix}expression"][row].astype(np.float32),
    )


def camera_of(arrays: dict[str, np.ndarray], row: int, whose: str, side: int) -> Camera:
    """The stored camera of a row: "fit" or "true"."""
    intrinsics = make_intrinsics(float(arrays[f"{whose}_focal"][row]), side, side)
    turn: FloatArray = arrays[f"{whose}_turn"][row].astype(np.float32)
    shift: FloatArray = arrays[f"{whose}_shift"][row].astype(np.float32)
    return Camera(intrinsics, turn, shift, side, side)


def _jittered(box: FaceBox, rng: np.random.Generator) -> FaceBox:
    x, y = np.asarray(box.center) + rng.normal(0, _SHIFT, 2) * box.size
    return FaceBox((float(x), float(y)), box.size * float(np.exp(rng.normal(0, _SCALE))), box.roll)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--samples", type=Path, default=Path("out/data/shape"))
    parser.add_argument("--rows", type=int, help="no more than this many, from the first")
    parser.add_argument("--seed", type=int, default=5)
    arguments = parser.parse_args()
    names = ("images", "points", "identity", "expression", "rotation", "kind")
    samples = {n: np.load(arguments.samples / f"{n}.npy", mmap_mode="r") for n in names}
    model, count = load_head_model(), len(samples["kind"])
    fits = open_fits(arguments.samples, count, model)
    done = sorted(int(mark.name) for mark in (arguments.samples / "done").iterdir())
    rows = np.concatenate([np.arange(first, min(first + CHUNK, count)) for first in done])
    rows = rows[(samples["kind"][rows] == RENDER) & (fits["fitted"][rows] == 0)]
    rows = rows[rows < (arguments.rows or count)]
    for first in tqdm(range(0, len(rows), BATCH), unit="batch"):
        some = rows[first : first + BATCH]
        fit_batch(samples, some, model, fits, np.random.default_rng([arguments.seed, some[0]]))


if __name__ == "__main__":
    main()
