"""The loss of the parsing network: weighted cross entropy and overlap of the classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor
from torch.nn import functional

from ...data import FloatArray
from ...parsing.classes import CLASSES

# The label of pixels whose class is not known.
UNKNOWN = 255


@dataclass(frozen=True)
class LossWeights:
    """dice: weight of the overlap; the cross entropy's is 1. balance: rare classes weigh as much
    as their share of the pixels to the power -balance. smoothing: of the labels."""

    dice: float
    balance: float
    smoothing: float


def class_weights(labels: np.ndarray, balance: float) -> FloatArray:
    """(C,) weights with the mean 1 over the pixels of ``labels``."""
    counts = np.bincount(labels[labels != UNKNOWN].ravel(), minlength=len(CLASSES))
    share = counts / max(counts.sum(), 1)
    weights = np.maximum(share, 1e-4) ** -balance
    return np.asarray(weights / max((weights * share).sum(), 1e-9), dtype=np.float32)


def losses(
    logits: Tensor, labels: Tensor, weight: Tensor, weights: LossWeights
) -> dict[str, Tensor]:
    """Weighted parts; their sum is minimised.

    logits: (B, C, S, S). labels: (B, S, S) int64, UNKNOWN where nothing is learned. weight: (C,).
    """
    entropy = functional.cross_entropy(
        logits, labels, weight, ignore_index=UNKNOWN, label_smoothing=weights.smoothing
    )
    known = labels != UNKNOWN
    named = labels[known]
    share = logits.softmax(1).permute(0, 2, 3, 1)[known]
    right = share.gather(1, named[:, None])[:, 0]
    both = share.new_zeros(len(weight)).index_add(0, named, right)
    wanted = named.bincount(minlength=len(weight))
    there = wanted > 0
    overlap = (2 * both[there] + 1) / ((share.sum(0) + wanted)[there] + 1)
    return {"entropy": entropy, "dice": weights.dice * (1 - overlap.mean())}
