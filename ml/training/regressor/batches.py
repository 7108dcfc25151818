"""Batches from the stored samples, augmented while the network works on the one before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ...data import FloatArray, IntArray
from ...head.mirror import Mirror, flip
from ..data.generate import CHUNK
from ..steps import ahead, random_rows

ARRAYS = (
    "images",
    "points",
    "point_weight",
    "visible",
    "identity",
    "expression",
    "rotation",
    "supervision",
    "kind",
)
LABELS = ("points", "point_weight", "identity", "expression", "rotation", "supervision")
# Kinds of samples (see generate.py) whose points are a teacher's, and those drawn from a mesh.
TAUGHT, DRAWN = (0,), (1, 2)


@dataclass(frozen=True)
class Batch:
    """Arrays of B samples, ready for the network.

    Attributes
    ----------
    crops: (B, 3, S, S) float32 0..1. points: (B, L, 2) crop units, -1..1 inside the crop.
    point_weight: (B, L). visible: (B, L) 0 or 1, where the sample is drawn.
    identity, expression, rotation: labels. supervision: (B, 4).
    taught, rendered: (B,) 1 if the points are a teacher's; if the sample is drawn.
    """

    crops: FloatArray
    points: FloatArray
    point_weight: FloatArray
    visible: FloatArray
    identity: FloatArray
    expression: FloatArray
    rotation: FloatArray
    supervision: FloatArray
    taught: FloatArray
    rendered: FloatArray


def open_samples(folder: Path) -> dict[str, np.ndarray]:
    """The memory-mapped arrays that ml.training.data.generate wrote."""
    return {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in ARRAYS}


def finished_rows(folder: Path, count: int) -> IntArray:
    """The rows of ``count`` samples that are there: a training may begin before all are made."""
    marks = sorted(int(mark.name) for mark in (folder / "done").iterdir())
    return np.concatenate([np.arange(first, min(first + CHUNK, count)) for first in marks])


def labels_of(samples: dict[str, np.ndarray], rows: np.ndarray) -> dict[str, np.ndarray]:
    """The rows' labels, float32, ``visible`` unpacked to (B, L)."""
    labels = {name: np.array(samples[name][rows]).astype(np.float32) for name in LABELS}
    labels["visible"] = _unpacked(samples["visible"][rows], labels["points"].shape[1])
    return labels


def make_batch(
    samples: dict[str, np.ndarray],
    rows: np.ndarray,
    mirror: Mirror,
    crop: int,
    rng: np.random.Generator,
) -> Batch:
    """Load, turn, shift, scale, flip and discolour the given rows."""
    rows = np.sort(rows)
    labels = labels_of(samples, rows)
    crops = np.empty((len(rows), crop, crop, 3), np.uint8)
    for index, row in enumerate(rows):
        image = samples["images"][row]
        warp, angle = _random_warp(image.shape[0], crop, rng)
        crops[index] = discolour(
            cv2.warpAffine(
                image,
                _centred(warp),
                (crop, crop),
                flags=cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE,
            ),
            rng,
        )
        labels["points"][index] = labels["points"][index] @ warp[:, :2].T + warp[:, 2]
        labels["rotation"][index] = _about_z(angle) @ labels["rotation"][index]
        if rng.random() < 0.5:
            crops[index] = crops[index, :, ::-1]
            flip(labels, index, mirror, crop)
    pixels = np.ascontiguousarray(crops.transpose(0, 3, 1, 2)).astype(np.float32) / 255
    points = labels["points"] / (crop / 2) - 1
    return Batch(
        pixels,
        points,
        labels["point_weight"],
        labels["visible"],
        labels["identity"],
        labels["expression"],
        labels["rotation"],
        labels["supervision"],
        *(np.isin(samples["kind"][rows], kinds).astype(np.float32) for kinds in (TAUGHT, DRAWN)),
    )


def centre_crops(images: np.ndarray, crop: int) -> FloatArray:
    """(B, S, S, 3) uint8 stored pictures -> (B, 3, crop, crop) 0..1, their middle as it is."""
    edge = (images.shape[1] - crop) // 2
    middle = images[:, edge : edge + crop, edge : edge + crop]
    return np.ascontiguousarray(middle.transpose(0, 3, 1, 2)).astype(np.float32) / 255


def _unpacked(bits: np.ndarray, count: int) -> FloatArray:
    """(B, L / 8) bytes -> (B, L) 0 or 1."""
    return np.unpackbits(bits, axis=1, count=count).astype(np.float32)


def _random_warp(stored: int, crop: int, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """(2, 3) map from stored to crop pixels, and its turn in radians."""
    angle = float(np.radians(np.clip(rng.normal(0, 7), -20, 20)))
    scale = float(np.exp(rng.normal(0, 0.06)))
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    turn = np.array([[cos, -sin], [sin, cos]])
    centre = np.array([stored / 2, stored / 2])
    shift = np.array([crop / 2, crop / 2]) + rng.normal(0, 0.025 * crop, 2)
    return np.column_stack([turn, shift - turn @ centre]), angle


def _centred(warp: np.ndarray) -> np.ndarray:
    """The same map in OpenCV's convention, where (0, 0) is the first pixel's centre."""
    moved = warp.copy()
    moved[:, 2] += warp[:, :2] @ [0.5, 0.5] - 0.5
    return moved


def _about_z(angle: float) -> FloatArray:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]], np.float32)


def discolour(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Grey, light, colour, blur, noise, coarse pixels: what cameras and screens do to faces."""
    picture = image.astype(np.float32)
    if rng.random() < 0.15:
        picture = picture @ np.array([[0.299], [0.587], [0.114]], np.float32).repeat(3, 1)
    if rng.random() < 0.8:
        middle = picture.mean()
        contrast, gain = rng.uniform(0.6, 1.35), np.exp(rng.normal(0, 0.25))
        tint = rng.normal(1, 0.06, 3).astype(np.float32)
        picture = ((picture - middle) * contrast + middle) * (gain * tint)
    if rng.random() < 0.3:
        picture = 255 * (np.clip(picture, 0, 255) / 255) ** np.exp(rng.normal(0, 0.3))
    if rng.random() < 0.25:
        side = int(rng.integers(28, 100))
        small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
        picture = cv2.resize(small, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.15:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 1.6))
    if rng.random() < 0.3:
        noise = rng.standard_normal(image.shape[:2], np.float32)[..., None]
        picture = picture + noise * rng.uniform(2, 14)
    picture = np.clip(picture, 0, 255).astype(np.uint8)
    if rng.random() < 0.15:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(15, 60))]
        picture = cv2.imdecode(cv2.imencode(".jpg", picture, quality)[1], cv2.IMREAD_COLOR)
    if rng.random() < 0.1:
        _erase(picture, rng)
    return picture


def _erase(picture: np.ndarray, rng: np.random.Generator) -> None:
    height, width = picture.shape[:2]
    h, w = (int(rng.uniform(0.1, 0.4) * side) for side in (height, width))
    y, x = int(rng.integers(0, height - h)), int(rng.integers(0, width - w))
    picture[y : y + h, x : x + w] = rng.uniform(0, 255, 3)


def batches_ahead(
    samples: dict[str, np.ndarray],
    known: IntArray,
    mirror: Mirror,
    size: int,
    crop: int,
    seed: int,
    first: int,
) -> Iterator[Batch]:
    """Endless random batches of the ``known`` rows, prepared by a thread; the stream goes on from
    step ``first``."""

    def batches() -> Iterator[Batch]:
        cv2.setNumThreads(1)
        for step, rows in random_rows(known, size, seed, first):
            yield make_batch(samples, rows, mirror, crop, np.random.default_rng([seed, 1, step]))

    return ahead(batches(), 6)
