"""The loss of the face detector."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class LossWeights:
    """box: of place, size and roll; the score's part has weight 1. focus: exponent of the focal
    loss."""

    box: float
    focus: float


def losses(
    output: Tensor, wanted: Tensor, weight: Tensor, weights: LossWeights
) -> dict[str, Tensor]:
    """Weighted parts, per face; their sum is minimised: focal loss of the score (Lin et al., ICCV
    2017) and smooth L1 of the rest.

    output, wanted: (B, 6, C, C). weight: (B, 2, C, C), see tiles.Tile.
    """
    score, is_face = output[:, 0], wanted[:, 0]
    plain = functional.binary_cross_entropy_with_logits(score, is_face, reduction="none")
    surprise = (is_face - score.sigmoid()).abs() ** weights.focus
    faces = weight[:, 1].sum().clamp(min=1)
    off = functional.smooth_l1_loss(output[:, 1:], wanted[:, 1:], reduction="none", beta=0.1)
    return {
        "score": (plain * surprise * weight[:, 0]).sum() / faces,
        "box": weights.box * (off.sum(1) * weight[:, 1]).sum() / faces,
    }
