"""The loss of the regressor."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ...data import FloatArray
from ...head.model import LinearShape
from ...regressor.estimate import Prediction
from .batches import Batch


@dataclass(frozen=True)
class LossWeights:
    """Weights of the parts; the points' likelihood has weight 1.

    coarse: of all parts of the coarse prediction, beside the predictions after it.
    """

    identity: float = 1.0
    expression: float = 4.0
    rotation: float = 3.0
    visible: float = 0.3
    confidence: float = 0.5
    coarse: float = 0.5


@dataclass(frozen=True)
class Importance:
    """How far the landmarks move with each coefficient.

    Attributes
    ----------
    identity: (I, I) factor F with |F^T d|^2 = mean squared motion of the landmarks when the
        identity changes by d, relative to the variance of a random person's landmarks.
    expression: (E,) root mean square motion per expression, relative to the largest.
    """

    identity: Tensor
    expression: Tensor


def importance_of(dense: LinearShape) -> Importance:
    """Measured on the model's landmarks ``dense``; a shift of the whole head does not count."""
    modes = torch.from_numpy(dense.identity).double()
    modes = (modes - modes.mean(1, keepdim=True)).flatten(1)
    metric = modes @ modes.T
    metric = metric / metric.trace() + 1e-6 * torch.eye(len(metric), dtype=metric.dtype)
    move = torch.from_numpy(dense.expression).square().sum(2).mean(1).sqrt()
    return Importance(torch.linalg.cholesky(metric).float(), move / move.max())


def losses(
    prediction: Prediction,
    points: Tensor,
    batch: Batch,
    importance: Importance,
    weights: LossWeights,
) -> dict[str, Tensor]:
    """Weighted parts of the loss of one prediction; their sum is minimised.

    points: (B, L, 2) the predicted points in the labels' convention (see teacher.py).
    """
    supervision = _tensor(batch.supervision, points)
    by_identity, by_expression = (
        part.to(points.device) for part in (importance.identity, importance.expression)
    )
    identity = (prediction.identity - _tensor(batch.identity, points)) @ by_identity
    expression = (prediction.expression - _tensor(batch.expression, points)).abs()
    expression = (expression * by_expression).sum(1) / by_expression.sum()
    rotation = (prediction.rotation - _tensor(batch.rotation, points)).square().sum((1, 2))
    confidence = functional.binary_cross_entropy_with_logits(
        prediction.confidence, supervision[:, 3]
    )
    visible = functional.binary_cross_entropy_with_logits(
        prediction.visible, _tensor(batch.visible, points), reduction="none"
    )
    return {
        "points": point_likelihood(prediction.log_scale, points, batch),
        "identity": weights.identity * _weighted(identity.square().sum(1), supervision[:, 0]),
        "expression": weights.expression * _weighted(expression, supervision[:, 1]),
        "rotation": weights.rotation * _weighted(rotation, supervision[:, 2]),
        "visible": weights.visible * _weighted(visible.mean(1), _tensor(batch.rendered, points)),
        "confidence": weights.confidence * confidence,
    }


def point_likelihood(log_scale: Tensor, points: Tensor, batch: Batch) -> Tensor:
    """Negative log-likelihood under a round Laplace density, exp(-d / s) / (2 pi s^2)."""
    target = _tensor(batch.points, points)
    distance = ((points - target).square().sum(2) + 1e-8).sqrt()
    nll = distance * torch.exp(-log_scale) + 2 * log_scale
    return _weighted(nll, _tensor(batch.point_weight, points))


def _tensor(labels: FloatArray, like: Tensor) -> Tensor:
    return torch.from_numpy(labels).to(like.device)


def _weighted(values: Tensor, weights: Tensor) -> Tensor:
    return (values * weights).sum() / weights.sum().clamp(min=1e-6)
