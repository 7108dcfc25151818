"""How well a parsing network's masks overlap with the true ones."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from ...parsing.classes import CLASSES

_MANY = 16


@torch.no_grad()
def intersection_over_union(
    network: nn.Module, images: np.ndarray, labels: np.ndarray
) -> dict[str, float]:
    """By class, over all pixels of (N, S, S, 3) uint8 pictures; classes that never come are left
    out. labels: (N, S, S)."""
    count = len(CLASSES)
    table = np.zeros((count, count))
    for first in range(0, len(images), _MANY):
        part = slice(first, first + _MANY)
        pictures = torch.from_numpy(np.asarray(images[part])).permute(0, 3, 1, 2).float() / 255
        found = network(pictures.contiguous(memory_format=torch.channels_last)).argmax(1).numpy()
        table += confusion(labels[part], found)
    return overlaps(table)


def confusion(labels: np.ndarray, found: np.ndarray) -> np.ndarray:
    """(C, C) pixels by true and found class; those of no known class are left out."""
    count = len(CLASSES)
    known = labels < count
    pairs = labels[known].astype(int) * count + found[known]
    return np.bincount(pairs, minlength=count * count).reshape(count, count)


def overlaps(table: np.ndarray) -> dict[str, float]:
    """Intersection over union by class, from (C, C) pixels by true and found class."""
    both = np.diag(table)
    either = table.sum(0) + table.sum(1) - both
    return {
        name: float(both[number] / either[number])
        for number, name in enumerate(CLASSES)
        if table[number].sum() > 0
    }
