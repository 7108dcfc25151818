"""Batches for parsing: rendered people and portraits, each time seen a little differently."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from ...data import FloatArray
from ..data.augment import recorded
from .generate import finished_rows, open_arrays
from .held import hold
from .labels import INDEX
from .losses import UNKNOWN

BACKGROUND = INDEX["background"]
# (B, 3, S, S) in 0..1 and (B, S, S) int64.
Batch = tuple[Tensor, Tensor]
# The largest random change of a picture: share of its side, logarithm of scale, degrees.
SHIFT, SCALE, TURN = 0.06, 0.14, 14.0
# The shares of pictures in which something is held before the face, and of portraits that get the
# background of a render: official portraits are taken before plain walls.
HELD, ELSEWHERE = 0.1, 0.5
# So many corners of renders are tried for a background.
TRIES = 4


@dataclass(frozen=True)
class Source:
    """images (N, S, S, 3), labels (N, S, S) uint8, and the rows of them that are used."""

    images: np.ndarray
    labels: np.ndarray
    rows: np.ndarray


def rendered(folder: Path) -> Source:
    """The samples of generate.py that are there."""
    arrays = open_arrays(folder, "r")
    return Source(arrays["images"], arrays["labels"], finished_rows(folder, len(arrays["labels"])))


def photographed(path: Path) -> Source:
    """The portraits of portraits.py."""
    with np.load(path) as archive:
        images, labels = archive["images"], archive["labels"]
    return Source(images, labels, np.arange(len(images)))


def batches(sources: list[tuple[Source, int]], seed: int, first: int) -> Iterator[Batch]:
    """Endless batches from step ``first`` on; of each source as many samples as its number says.

    The first source's backgrounds are also put behind the people of the others.
    """
    cv2.setNumThreads(1)
    for step in count(first):
        rng = np.random.default_rng([seed, step])
        pairs = [
            varied(*_sample(source, row, sources[0][0], rng), rng)
            for source, number in sources
            for row in rng.choice(source.rows, number)
        ]
        images, labels = (np.stack(part) for part in zip(*pairs, strict=True))
        pictures = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
        yield pictures, torch.from_numpy(labels).long()


def _sample(
    source: Source, row: int, scenes: Source, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    image, labels = source.images[row], source.labels[row]
    if source is not scenes and rng.random() < ELSEWHERE:
        image = elsewhere(image, labels, scenes, rng)
    if rng.random() < HELD:
        return hold(image, labels, source.images[rng.choice(source.rows)], rng)
    return image, labels


def elsewhere(
    image: np.ndarray, labels: np.ndarray, scenes: Source, rng: np.random.Generator
) -> np.ndarray:
    """The picture with an upper corner of another one as its background.

    It stays as it is if no corner is found that shows nothing but a background.
    """
    size = len(image)
    for _ in range(TRIES):
        side, row = int(rng.uniform(0.15, 0.45) * size), rng.choice(scenes.rows)
        left, top = int(rng.choice([0, size - side])), int(rng.uniform(0, 0.3) * size)
        corner = slice(top, top + side), slice(left, left + side)
        if (scenes.labels[row][corner] == BACKGROUND).all():
            break
    else:
        return image
    large = cv2.resize(scenes.images[row][corner], (size, size), interpolation=cv2.INTER_LINEAR)
    behind = cv2.GaussianBlur((labels == BACKGROUND).astype(np.float32), (0, 0), 0.7)[..., None]
    return (image + (large - image.astype(np.float32)) * behind).astype(np.uint8)


def varied(
    image: np.ndarray, labels: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The sample moved, turned, mirrored and recorded by another camera."""
    matrix = moved(len(image), rng)
    size = (len(image), len(image))
    image = cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    # Beyond the stored picture the border is repeated, as beyond a photo's; what it shows is known
    # there only as far as it shows the same thing on.
    labels = cv2.warpAffine(
        labels,
        matrix,
        size,
        flags=cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=UNKNOWN,
    )
    if rng.random() < 0.5:
        image, labels = image[:, ::-1], labels[:, ::-1]
    return recorded(np.ascontiguousarray(image), rng), np.ascontiguousarray(labels)


def moved(size: int, rng: np.random.Generator) -> FloatArray:
    """(2, 3) a random change about the picture's middle."""
    scale = float(np.exp(rng.uniform(-SCALE, SCALE)))
    middle = (size - 1) / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), rng.normal(0, TURN / 2), scale)
    matrix[:, 2] += rng.uniform(-SHIFT, SHIFT, 2) * size
    return np.asarray(matrix)
