"""Batches from the stored samples, augmented while the network works on the one before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from ...data import FloatArray, IntArray
from ...head.mirror import Mirror
from ..data.augment import discolour, flip
from ..data.stored import PHOTO, PROFILED, RENDER, labels_of
from ..streams import ahead, random_rows

# Kinds of samples whose points are a teacher's, and those drawn from a mesh.
TAUGHT, DRAWN = (PHOTO,), (PROFILED, RENDER)


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
        side, rim = (crop, crop), cv2.BORDER_REPLICATE
        cut = cv2.warpAffine(image, _centred(warp), side, flags=cv2.INTER_LINEAR, borderMode=rim)
        crops[index] = discolour(cut, rng)
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
