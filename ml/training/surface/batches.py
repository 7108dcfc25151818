"""Batches of stored samples, augmented and prepared by a thread."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from ...data import IntArray
from ...geometry import MILLIMETRES
from ...head.mirror import Mirror
from ..data.augment import flip
from ..data.lids import with_lids
from ..data.stored import PHOTO, PROFILED, RENDER, bumps_of, finished_rows, labels_of, open_samples
from ..streams import ahead


@dataclass(frozen=True)
class Labels:
    """B pictures and their labels.

    Attributes
    ----------
    pictures: (B, 3, S, S) 0..1. points: (B, L, 2) pixels. weight, visible: (B, L).
    identity: (B, I). expression: (B, E). rotation: (B, 3, 3).
    bumps: (B, L, 6) metres that the landmarks lie off the person's own head, in head space, and
        what they change of the unit normals.
    taught: (B,) 1 where points are a teacher's. drawn: (B,) 1 for renders.
    """

    pictures: Tensor
    points: Tensor
    weight: Tensor
    visible: Tensor
    identity: Tensor
    expression: Tensor
    rotation: Tensor
    bumps: Tensor
    taught: Tensor
    drawn: Tensor


# Smaller pictures of older sets are enlarged to this.
PICTURE = 208


@dataclass(frozen=True)
class Samples:
    """What ml.training.data.generate wrote into some folders; some rows are kept out of training.

    Rows are numbered through all folders, in their order. kinds: of samples that training uses.
    """

    folders: list[Path]
    arrays: list[dict[str, np.ndarray]]
    mirror: Mirror
    kept_out: int
    kinds: tuple[int, ...] = (PHOTO, PROFILED, RENDER)

    def rows(self, *, training: bool) -> IntArray:
        """The finished rows with a face. Some rows of the first folder are kept out, any kind."""
        known, first = [], 0
        for folder, arrays in zip(self.folders, self.arrays, strict=True):
            rows = finished_rows(folder, len(arrays["kind"]))
            kinds = self.kinds if training else (PHOTO, PROFILED, RENDER)
            rows = rows[np.isin(arrays["kind"][rows], kinds)]
            out = (rows % self.kept_out == 0) & (first == 0)
            known.append(first + (rows[~out] if training else rows[out]))
            first += len(arrays["kind"])
        return np.concatenate(known)

    def drawn(self, rows: IntArray) -> np.ndarray:
        """(B,) bool: which rows are renders."""
        return np.concatenate([arrays["kind"] for arrays in self.arrays])[rows] == RENDER

    def read(self, rows: IntArray) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]:
        """(B, PICTURE, PICTURE, 3) uint8, labels in its pixels, and (B,) kinds."""
        images, labels, kinds, first = [], [], [], 0
        for arrays in self.arrays:
            count = len(arrays["kind"])
            own = np.sort(rows[(rows >= first) & (rows < first + count)]) - first
            first += count
            if not len(own):
                continue
            found, pictures = labels_of(arrays, own), np.array(arrays["images"][own])
            found["bumps"] = bumps_of(arrays, own)
            found["visible"] = with_lids(found["visible"])
            if pictures.shape[1] != PICTURE:
                found["points"] *= PICTURE / pictures.shape[1]
                pictures = np.stack([cv2.resize(p, (PICTURE, PICTURE)) for p in pictures])
            images.append(pictures)
            labels.append(found)
            kinds.append(np.asarray(arrays["kind"][own]))
        joined = {name: np.concatenate([part[name] for part in labels]) for name in labels[0]}
        return np.concatenate(images), joined, np.concatenate(kinds)


def open_folders(folders: list[Path], mirror: Mirror, kept_out: int) -> Samples:
    """The samples in ``folders``."""
    return Samples(folders, [open_samples(folder) for folder in folders], mirror, kept_out)


def load(samples: Samples, rows: IntArray, rng: np.random.Generator | None) -> Labels:
    """The rows: augmented by mirroring and colour if ``rng`` is given, else as they are."""
    images, labels, kind = samples.read(rows)
    if rng is not None:
        for index in np.flatnonzero(rng.random(len(images)) < 0.5):
            images[index] = images[index, :, ::-1].copy()
            flip(labels, int(index), samples.mirror, images.shape[2])
    pictures = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    if rng is not None:
        pictures = _discoloured(pictures, rng)
    tensors = {name: torch.from_numpy(value) for name, value in labels.items()}
    return Labels(
        pictures,
        tensors["points"],
        tensors["point_weight"],
        tensors["visible"],
        tensors["identity"],
        tensors["expression"],
        tensors["rotation"],
        tensors["bumps"] * torch.tensor([1 / MILLIMETRES] * 3 + [1.0] * 3),
        torch.from_numpy(np.isin(kind, (PHOTO, PROFILED)).astype(np.float32)),
        torch.from_numpy((kind == RENDER).astype(np.float32)),
    )


def _discoloured(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """Grey, gain, tint, gamma, grain and coarse pixels, a batch at a time."""

    def drawn(values: np.ndarray) -> Tensor:
        return torch.from_numpy(values.astype(np.float32))[:, None, None, None]

    count = len(pictures)
    grey = drawn(rng.random(count) < 0.12)
    pictures = pictures * (1 - grey) + pictures.mean(1, keepdim=True) * grey
    tint = torch.from_numpy(rng.normal(1, 0.06, (count, 3, 1, 1)).astype(np.float32))
    gain = drawn(np.exp(rng.normal(0, 0.2, count)))
    pictures = (pictures * gain * tint).clamp(1e-3, 1) ** drawn(np.exp(rng.normal(0, 0.2, count)))
    for index in np.flatnonzero(rng.random(count) < 0.25):
        picture = pictures[index].permute(1, 2, 0).contiguous().numpy()
        size, side = picture.shape[0], int(rng.integers(60, 160))
        small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
        large = cv2.resize(small, (size, size), interpolation=cv2.INTER_LINEAR)
        pictures[index] = torch.from_numpy(large).permute(2, 0, 1)
    grain = drawn(rng.uniform(0, 0.04, count) * (rng.random(count) < 0.3))
    noise = rng.standard_normal((count, 1, *pictures.shape[2:]), np.float32)
    return pictures + grain * torch.from_numpy(noise)


def batches_ahead(
    samples: Samples, size: int, seed: int, first: int, photos: float = 1.0
) -> Iterator[Labels]:
    """Endless random batches from step ``first`` on; rows finished later join in the next round.

    photos: the share of photos and profiled photos in each round.
    """

    def batches() -> Iterator[Labels]:
        cv2.setNumThreads(1)
        step = first
        while True:
            rng = np.random.default_rng([seed, step])
            known = samples.rows(training=True)
            shown = samples.drawn(known) | (rng.random(len(known)) < photos)
            order = rng.permutation(known[shown])
            for start in range(0, len(order) - size + 1, size):
                rng = np.random.default_rng([seed, 1, step])
                yield load(samples, order[start : start + size], rng)
                step += 1

    return ahead(batches(), 3)
