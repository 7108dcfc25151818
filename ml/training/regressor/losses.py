"""What the network is asked for."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ...head.model import LinearShape
from ...regressor.network import Prediction
from .batches import Batch


@dataclass(frozen=True)
class LossWeights:
    """Weights of the parts; the points' likelihood has weight 1."""

    identity: float = 1.0
    expression: float = 4.0
    rotation: float = 3.0
    confidence: float = 0.5
    first_look: float = 0.5


@dataclass(frozen=True)
class Importance:
    """How far each coefficient moves the landmarks: (I,) and (E,), the largest 1."""

    identity: Tensor
    expression: Tensor


def importance_of(dense: LinearShape) -> Importance:
    """Root mean square motion of the landmarks by each coefficient, relative to the largest."""
    moves = [
        torch.from_numpy(basis).square().sum(2).mean(1).sqrt()
        for basis in (dense.identity, dense.expression)
    ]
    return Importance(*(move / move.max() for move in moves))


def losses(
    prediction: Prediction, batch: Batch, importance: Importance, weights: LossWeights
) -> dict[str, Tensor]:
    """Parts of the loss, already weighted; their sum is minimised."""
    supervision = torch.from_numpy(batch.supervision)
    identity = (prediction.identity - torch.from_numpy(batch.identity)).square()
    identity = (identity * importance.identity).sum(1) / importance.identity.sum()
    expression = (prediction.expression - torch.from_numpy(batch.expression)).abs()
    expression = (expression * importance.expression).sum(1) / importance.expression.sum()
    rotation = (prediction.rotation - torch.from_numpy(batch.rotation)).square().sum((1, 2))
    confidence = functional.binary_cross_entropy_with_logits(
        prediction.confidence, supervision[:, 3]
    )
    return {
        "points": point_likelihood(prediction, batch),
        "identity": weights.identity * _weighted(identity, supervision[:, 0]),
        "expression": weights.expression * _weighted(expression, supervision[:, 1]),
        "rotation": weights.rotation * _weighted(rotation, supervision[:, 2]),
        "confidence": weights.confidence * confidence,
    }


def point_likelihood(prediction: Prediction, batch: Batch) -> Tensor:
    """Negative log-likelihood under a round Laplace density, exp(-d / s) / (2 pi s^2)."""
    target = torch.from_numpy(batch.points)
    distance = ((prediction.points - target).square().sum(2) + 1e-8).sqrt()
    nll = distance * torch.exp(-prediction.log_scale) + 2 * prediction.log_scale
    return _weighted(nll, torch.from_numpy(batch.point_weight))


def _weighted(values: Tensor, weights: Tensor) -> Tensor:
    return (values * weights).sum() / weights.sum().clamp(min=1e-6)
