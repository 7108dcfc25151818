"""Fit the reference head to the labelled portraits: the geometry behind face profiling.

    python -m ml.training.data.fits --data ../shared/data --reference out/head/reference.npz \
        --out out/fits/train.npz
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from ...data import Camera, FitResult, FloatArray, HeadCoefficients, Landmarks
from ...fitting.camera import FACING, first_camera, guess_focal, make_intrinsics
from ...fitting.gauss_newton import FitSettings, fit_head
from ...head.model import HeadModel, LinearShape
from ...head.storage import load_head_model
from ...photo.crop import FACE_POINTS
from ..arguments import file_options

# The teacher's points carry about this noise, as a share of the face's height; its contour
# slides along the cheek when the head turns and says little about shape.
POINT_SIGMA, CONTOUR_SIGMA = 0.012, 0.04
CONTOUR = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152,
    148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
SETTINGS = FitSettings(iterations=30, sigma_scale=3.0, expression_sigma=0.35)


def fit_labels(shape: LinearShape, labels: FloatArray, size: tuple[int, int]) -> FitResult:
    """One photo's (478, 2) labels -> head and camera."""
    height = float(np.ptp(labels[:FACE_POINTS], axis=0).max())
    sigma = np.full(len(labels), POINT_SIGMA * height, np.float32)
    sigma[list(CONTOUR)] = CONTOUR_SIGMA * height
    width, tall = size
    intrinsics = make_intrinsics(guess_focal(width, tall, height), width, tall)
    camera = first_camera(shape.mean, labels, FACING, intrinsics, size)
    # Pose alone first, with the shape held: a turned head must not become a bent face.
    pose = LinearShape(shape.mean, shape.identity[:0], shape.expression[:0])
    landmarks = Landmarks(labels.astype(np.float32), sigma)
    camera = fit_head(pose, landmarks, camera, at_rest(pose), SETTINGS).camera
    return fit_head(shape, landmarks, camera, at_rest(shape), SETTINGS)


def at_rest(shape: LinearShape) -> HeadCoefficients:
    """Coefficients of the mean head without expression."""
    counts = len(shape.identity), len(shape.expression)
    return HeadCoefficients(*(np.zeros(count, np.float32) for count in counts))


def fit_portraits(model: HeadModel, data: Path, split: str) -> dict[str, np.ndarray]:
    """Fits of all portraits of ``split`` ("train" or "dev"), stacked."""
    shape = model.points("mediapipe478")
    with np.load(data / "portraits" / f"{split}.npz") as archive:
        labels, photos = archive["landmarks"][..., :2], archive["photo"]
    rows: list[FitResult] = []
    points: list[FloatArray] = []
    for photo, label in zip(tqdm(photos, desc=f"fit {split}"), labels, strict=True):
        with Image.open(_photo_path(data, split, str(photo))) as image:
            size = image.size
        rows.append(fit_labels(shape, label, size))
        points.append(rows[-1].camera.project(shape.at(rows[-1].coefficients)))
    return _stack(rows, np.stack(points), labels)


def _photo_path(data: Path, split: str, name: str) -> Path:
    stem = Path(name).name
    return data / "portraits" / split / (stem if stem.endswith(".jpg") else f"{stem}.jpg")


def _stack(rows: list[FitResult], points: FloatArray, labels: FloatArray) -> dict[str, np.ndarray]:
    cameras: list[Camera] = [row.camera for row in rows]
    eyes = np.linalg.norm(labels[:, 33] - labels[:, 263], axis=1)
    error = np.linalg.norm(points - labels, axis=2)[:, :FACE_POINTS].mean(1) / eyes
    return {
        "identity": np.stack([row.coefficients.identity for row in rows]),
        "expression": np.stack([row.coefficients.expression for row in rows]),
        "rotation": np.stack([camera.rotation for camera in cameras]),
        "translation": np.stack([camera.translation for camera in cameras]),
        "focal": np.array([camera.intrinsics[0, 0] for camera in cameras]),
        "residual": error.astype(np.float32),
        "points": points,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, parents=[file_options("data", "reference")]
    )
    parser.add_argument("--split", choices=("train", "dev"), default="train")
    parser.add_argument("--out", type=Path, default=Path("out/fits/train.npz"))
    arguments = parser.parse_args()
    fits = fit_portraits(load_head_model(arguments.reference), arguments.data, arguments.split)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    np.savez(arguments.out, **fits)  # type: ignore[arg-type]
    residual = fits["residual"] * 100
    print(
        f"{arguments.out}: {len(residual)} fits, residual of the outer-eye distance "
        f"mean {residual.mean():.2f} %, worst {residual.max():.2f} %"
    )


if __name__ == "__main__":
    main()
