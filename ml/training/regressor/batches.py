"""Batches of stored samples, augmented by a thread while the network computes."""

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
    point_weight: (B, L). visible: (B, L) 0 or 1, where the sample is rendered.
    identity, expression, rotation: labels. supervision: (B, 4), see data/stored.py.
    taught: (B,) 1 if the points are a teacher's. rendered: (B,) 1 if drawn from a mesh.
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


@dataclass(frozen=True)
class Source:
    """Stored samples to make batches of.

    Attributes
    ----------
    samples: arrays by name, see data/stored.py. rows: those to draw from.
    crop: side of the network's input in pixels.
    """

    samples: dict[str, np.ndarray]
    rows: IntArray
    mirror: Mirror
    crop: int


def make_batch(source: Source, rows: IntArray, rng: np.random.Generator) -> Batch:
    """Some rows, with random pose, mirroring and colour."""
    rows, crop = np.sort(rows), source.crop
    labels = labels_of(source.samples, rows)
    crops = np.empty((len(rows), crop, crop, 3), np.uint8)
    for index, image in enumerate(source.samples["images"][rows]):
        warp, angle = _random_warp(image.shape[0], crop, rng)
        crops[index] = discolour(_warped(image, warp, crop), rng)
        labels["points"][index] = labels["points"][index] @ warp[:, :2].T + warp[:, 2]
        labels["rotation"][index] = _about_z(angle) @ labels["rotation"][index]
        if rng.random() < 0.5:
            crops[index] = crops[index, :, ::-1]
            flip(labels, index, source.mirror, crop)
    pixels = np.ascontiguousarray(crops.transpose(0, 3, 1, 2)).astype(np.float32) / 255
    labels["points"] = labels["points"] / (crop / 2) - 1
    kind = source.samples["kind"][rows]
    taught, rendered = (np.isin(kind, kinds).astype(np.float32) for kinds in (TAUGHT, DRAWN))
    return Batch(crops=pixels, taught=taught, rendered=rendered, **labels)


def centre_crops(images: np.ndarray, crop: int) -> FloatArray:
    """(B, S, S, 3) uint8 stored pictures -> (B, 3, crop, crop) 0..1, the middle of each."""
    edge = (images.shape[1] - crop) // 2
    middle = images[:, edge : edge + crop, edge : edge + crop]
    return np.ascontiguousarray(middle.transpose(0, 3, 1, 2)).astype(np.float32) / 255


def _random_warp(stored: int, crop: int, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """(2, 3) map from stored to crop pixels, and its rotation in radians."""
    angle = float(np.radians(np.clip(rng.normal(0, 7), -20, 20)))
    scale = float(np.exp(rng.normal(0, 0.06)))
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    turn = np.array([[cos, -sin], [sin, cos]])
    centre = np.array([stored / 2, stored / 2])
    shift = np.array([crop / 2, crop / 2]) + rng.normal(0, 0.025 * crop, 2)
    return np.column_stack([turn, shift - turn @ centre]), angle


def _warped(image: np.ndarray, warp: np.ndarray, crop: int) -> np.ndarray:
    moved = warp.copy()
    # In OpenCV's convention, (0, 0) is the first pixel's centre.
    moved[:, 2] += warp[:, :2] @ [0.5, 0.5] - 0.5
    flags, border = cv2.INTER_LINEAR, cv2.BORDER_REPLICATE
    return np.asarray(cv2.warpAffine(image, moved, (crop, crop), flags=flags, borderMode=border))


def _about_z(angle: float) -> FloatArray:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]], np.float32)


def batches_ahead(source: Source, size: int, seed: int, first: int) -> Iterator[Batch]:
    """Endless random batches, prepared by a thread; the stream begins with step ``first``."""

    def batches() -> Iterator[Batch]:
        cv2.setNumThreads(1)
        for step, rows in random_rows(source.rows, size, seed, first):
            yield make_batch(source, rows, np.random.default_rng([seed, 1, step]))

    return ahead(batches(), 6)
