"""The loss of the parsing network: cross entropy and overlap of the classes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx

# The label of pixels whose class is not known.
UNKNOWN = 255


@dataclass(frozen=True)
class LossWeights:
    """dice: weight of the overlap; the cross entropy's is 1.

    Classes have the same weight: with larger ones for rare classes, brows, eyes and lips come out
    too thick. The overlap sees to it that they are found.
    """

    dice: float


def losses(logits: Tensor, labels: Tensor, weights: LossWeights) -> dict[str, Tensor]:
    """Weighted parts; their sum is minimised.

    logits: (B, C, ...). labels: (B, ...) int64, UNKNOWN where nothing is learned.
    """
    entropy, dice = _EntropyAndDice.apply(logits.flatten(2), labels.flatten(1), weights.dice)
    return {"entropy": entropy, "dice": dice}


class _EntropyAndDice(torch.autograd.Function):
    """Both parts with one gradient for their sum, written out.

    On a CPU, automatic differentiation of the two takes as long as the network itself, most of it
    in copies of all logits. Both parts have to be summed with the same factor.
    """

    @staticmethod
    def forward(  # type: ignore[override]
        ctx: FunctionCtx, logits: Tensor, labels: Tensor, most: float
    ) -> tuple[Tensor, Tensor]:
        share = logits.contiguous().softmax(1)
        known = (labels != UNKNOWN)[:, None].to(share.dtype)
        named = labels.masked_fill(labels == UNKNOWN, 0)[:, None]
        right = share.gather(1, named) * known
        pull = known / known.sum().clamp(min=1)
        entropy = -(right.clamp(min=1e-12).log() * pull).sum()
        flat = named.flatten()
        both = share.new_zeros(share.shape[1]).index_add_(0, flat, right.flatten())
        wanted = torch.zeros_like(both).index_add_(0, flat, known.flatten())
        found = (share @ known.mT).sum((0, 2))
        either = found + wanted + 1
        factor = most * (wanted > 0) / (wanted > 0).sum().clamp(min=1)
        overlap = (2 * both + 1) / either
        dice = (factor * (1 - overlap)).sum()
        # The gradient by the shares is spread - gain at the true class, and spread at the others.
        spread, gain = factor * overlap / either, (2 * factor / either)[named] * right
        mean = (spread[:, None] * share).sum(1, keepdim=True) * known - gain
        gradient = spread[:, None] * known + (pull - mean)
        gradient *= share
        gradient.scatter_add_(1, named, -(gain + pull))
        ctx.save_for_backward(gradient)
        return entropy, dice

    @staticmethod
    def backward(  # type: ignore[override]
        ctx: FunctionCtx, entropy: Tensor, dice: Tensor
    ) -> tuple[Tensor, None, None]:
        (gradient,) = ctx.saved_tensors  # type: ignore[attr-defined]
        return gradient * entropy, None, None
