"""The regressor's sizes, its estimate between rounds of refinement, and its prediction."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

ROTATION_NUMBERS = 6


@dataclass(frozen=True)
class NetworkShape:
    """Sizes of the network; stored in the card of its weights.

    Attributes
    ----------
    points, identity, expression: numbers of predicted landmarks and coefficients.
    crop: side of the input in pixels. widths: channels of the four stages.
    summary: length of the vector from which the coefficients are regressed.
    refine: channels per point in the refinement module. rounds: number of refinements.
    """

    points: int
    identity: int
    expression: int
    crop: int = 128
    widths: tuple[int, int, int, int] = (32, 64, 128, 256)
    summary: int = 512
    refine: int = 16
    rounds: int = 2

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for a card."""
        return asdict(self)

    @classmethod
    def from_dict(cls, sizes: dict[str, Any]) -> NetworkShape:
        """The inverse of :meth:`to_dict`, also after JSON. TypeError: unknown or missing sizes."""
        tuples = {name: tuple(v) for name, v in sizes.items() if isinstance(v, list | tuple)}
        return cls(**{**sizes, **tuples})


@dataclass(frozen=True)
class Prediction:
    """The network's prediction for a batch of B crops.

    Attributes
    ----------
    points: (B, L, 2) in crop units: -1 and 1 are the crop's borders.
    log_scale: (B, L) natural logarithm of the points' Laplace scale, in crop units.
    visible: (B, L) logit that nothing hides the point.
    identity: (B, I) in standard deviations. expression: (B, E) 0..1.
    rotation: (B, 3, 3) head space -> camera space. confidence: (B,) logit.
    """

    points: Tensor
    log_scale: Tensor
    visible: Tensor
    identity: Tensor
    expression: Tensor
    rotation: Tensor
    confidence: Tensor


@dataclass(frozen=True)
class Estimate:
    """The values that rounds of refinement correct: a Prediction's before bounds are applied.

    The rotation is (B, 6), see :func:`rotation_from_six`.
    """

    points: Tensor
    log_scale: Tensor
    visible: Tensor
    identity: Tensor
    expression: Tensor
    rotation: Tensor

    def plus(self, other: Estimate) -> Estimate:
        """The sum. For points, scales and visibility, gradients reach only the correction."""
        return Estimate(
            self.points.detach() + other.points,
            self.log_scale.detach() + other.log_scale,
            self.visible.detach() + other.visible,
            self.identity + other.identity,
            self.expression + other.expression,
            self.rotation + other.rotation,
        )

    def prediction(self, confidence: Tensor) -> Prediction:
        """The prediction, with all values inside their bounds; ``confidence``: (B,) logits."""
        return Prediction(
            self.points,
            self.log_scale.clamp(-7, 2),
            self.visible,
            self.identity,
            torch.sigmoid(self.expression - 2),
            rotation_from_six(self.rotation),
            confidence,
        )


def full_precision(like: Tensor) -> torch.autocast:
    """Disables autocast: points need more precision than bfloat16's eight bits (0.1 pixel)."""
    return torch.autocast(like.device.type, enabled=False)


def rotation_from_six(numbers: Tensor) -> Tensor:
    """(B, 6) -> (B, 3, 3) by Gram–Schmidt on two rows (Zhou et al., CVPR 2019).

    Zero is the rotation of a face that looks into the camera.
    """
    facing = numbers.new_tensor([1.0, 0, 0, 0, -1.0, 0])
    first, second = (numbers + facing).view(-1, 2, 3).unbind(1)
    x = functional.normalize(first, dim=1)
    y = functional.normalize(second - (x * second).sum(1, keepdim=True) * x, dim=1)
    return torch.stack([x, y, torch.cross(x, y, dim=1)], 1)
