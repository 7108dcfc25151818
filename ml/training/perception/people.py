"""Rendered people from the stored samples: pictures, attributes, and batches of both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from ...data import FloatArray, IntArray
from ...perception.face_clip import FaceWords
from ..data.stored import RENDER, finished_rows
from ..streams import ahead
from .attributes import HeadMeasures, attributes
from .captions import MIRRORED, captions, true_rules
from .config import FaceClipConfig
from .encoded import encode
from .topics import TOPICS

ARRAYS = ("identity", "expression", "rotation", "traits")


@dataclass(frozen=True)
class People:
    """Rendered people of a folder of samples.

    Attributes
    ----------
    folder: of the samples. images: (all rows, S, S, 3) uint8, memory-mapped. rows: (N,) of people.
    known: (N,) attributes by name, see attributes.py. rules: of each person, see captions.py.
    weights: of all topics' prompts, by their rarity among these people; see topics.py.
    """

    folder: Path
    images: np.ndarray
    rows: IntArray
    known: dict[str, FloatArray]
    rules: list[list[int]]
    weights: list[Tensor]

    @cached_property
    def encoded(self) -> np.ndarray:
        """(all rows, 2, C, h, w) memory-mapped, see encoded.py; made on first use, as only training
        needs it."""
        return np.asanyarray(np.load(encode(self.folder), mmap_mode="r"))


def load_people(
    folder: Path, measures: HeadMeasures, kept_out: int, training: bool | None = True
) -> People:
    """The rendered people of the finished samples: those for training, those kept out of it, or
    all if ``training`` is None. Every person is rendered once, so nobody is in both sets."""
    kind = np.load(folder / "kind.npy", mmap_mode="r")
    rows = finished_rows(folder, len(kind))
    rows = rows[kind[rows] == RENDER]
    if training is not None:
        rows = rows[(rows % kept_out != 0) == training]
    samples = {name: np.load(folder / f"{name}.npy", mmap_mode="r")[rows] for name in ARRAYS}
    known = attributes(samples, measures)
    images = np.load(folder / "images.npy", mmap_mode="r")
    rules = true_rules(known)
    answers = np.stack([TOPICS.answers(of_one) for of_one in rules])
    return People(folder, images, rows, known, rules, TOPICS.balance(answers))


def middle_crops(images: np.ndarray, rows: IntArray, share: float, size: int) -> Tensor:
    """(N, 3, size, size) in 0..1: the middle ``share`` of stored pictures, not augmented."""
    side = round(share * images.shape[1])
    edge = (images.shape[1] - side) // 2
    crops = [
        cv2.resize(
            images[row][edge : edge + side, edge : edge + side],
            (size, size),
            interpolation=cv2.INTER_AREA,
        )
        for row in rows
    ]
    return torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float() / 255


@dataclass(frozen=True)
class Batch:
    """pictures: (B, 3, S, S) in 0..1. tokens: (K, B, T), K captions of each picture.

    answers: (B, topics) the true prompt of each topic. weights: see People.
    encoded: (B, C, h, w) features of the regressor's encoder, of the whole stored pictures.
    boxes: (B, 3) the part of them that is shown: x, y and side, as shares.
    """

    pictures: Tensor
    tokens: Tensor
    answers: Tensor
    weights: list[Tensor]
    encoded: Tensor
    boxes: Tensor


def make_batch(
    people: People, words: FaceWords, config: FaceClipConfig, rng: np.random.Generator
) -> Batch:
    """Random people in random crops, every second one mirrored, with new captions."""
    size, count = config.resnet["image_size"], config.captions
    chosen = rng.integers(len(people.rows), size=config.batch)
    mirrored = rng.random(len(chosen)) < 0.5
    pictures = np.empty((len(chosen), size, size, 3), np.float32)
    boxes = np.empty((len(chosen), 3), np.float32)
    for at, (person, turn) in enumerate(zip(chosen, mirrored, strict=True)):
        image = people.images[people.rows[person]]
        crop, boxes[at] = _random_crop(image[:, ::-1] if turn else image, size, config, rng)
        pictures[at] = crop * np.float32(rng.uniform(0.9, 1.1) / 255)
    said = [captions(people.rules[person], count, rng) for person in chosen]
    tokens = words.encode([caption for of_one in said for caption in of_one])
    tokens = tokens.view(len(chosen), count, -1)
    there = torch.from_numpy(mirrored)[:, None, None]
    tokens = torch.where(there, mirrored_tokens(tokens, words), tokens)
    answers = [
        TOPICS.answers(people.rules[person], mirror=bool(turn))
        for person, turn in zip(chosen, mirrored, strict=True)
    ]
    return Batch(
        pictures=torch.from_numpy(pictures).clamp(0, 1).permute(0, 3, 1, 2),
        tokens=tokens.transpose(0, 1).contiguous(),
        answers=torch.from_numpy(np.stack(answers)),
        weights=people.weights,
        encoded=torch.from_numpy(
            people.encoded[people.rows[chosen], mirrored.astype(np.intp)].astype(np.float32)
        ),
        boxes=torch.from_numpy(boxes),
    )


def mirrored_tokens(tokens: Tensor, words: FaceWords) -> Tensor:
    """The same captions of mirrored pictures: left and right change places."""
    left, right = (int(words.encode([word])[0, 1]) for word in MIRRORED)
    return torch.where(tokens == left, right, torch.where(tokens == right, left, tokens))


def _random_crop(
    image: np.ndarray, size: int, config: FaceClipConfig, rng: np.random.Generator
) -> tuple[np.ndarray, FloatArray]:
    """(size, size, 3), and its x, y and side as shares of the picture."""
    whole = image.shape[0]
    side = round(whole * rng.uniform(config.least_crop, config.most_crop))
    # Near the middle: further out, the face would be cut.
    free = whole - side
    x, y = (int(v) for v in np.clip(rng.normal(0.5, 0.2, 2), 0, 1) * free)
    crop = np.ascontiguousarray(image[y : y + side, x : x + side])
    crop = np.asarray(cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA))
    return crop, np.array([x, y, side], np.float32) / whole


def batches_ahead(
    people: People, words: FaceWords, config: FaceClipConfig, first: int
) -> Iterator[Batch]:
    """Endless batches, prepared by a thread; the stream goes on from step ``first``."""

    def batches() -> Iterator[Batch]:
        cv2.setNumThreads(1)
        for step in count(first):
            rng = np.random.default_rng([config.seed, step])
            yield make_batch(people, words, config, rng)

    return ahead(batches(), 4)
