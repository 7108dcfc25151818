"""What the detail network is trained to lower. G is the band's GRID."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...detail.band import STEP
from ...detail.window import TEXEL_MM

_APART_MM = STEP * TEXEL_MM


@dataclass(frozen=True)
class LossWeights:
    """See config.toml."""

    offset: float
    slope: float
    softness: float
    hidden: float


def losses(found: Tensor, true: Tensor, share: Tensor, weights: LossWeights) -> dict[str, Tensor]:
    """How far fields are apart: (B, 3, G, G) mm twice.

    share: (B, G, G) 0..1 how much each texel counts. Means of distances, not of squares: this is
    what shape and normals are measured by, and what a fold in the wrong place cannot dominate.
    """
    gap = found - true
    offset = _soft(gap / weights.offset, weights.softness)
    slope = _soft(slopes(gap) / weights.slope, weights.softness)
    total = share.sum().clamp(min=1)
    return {
        "offset": (offset * share).sum() / total,
        "slope": (slope * share[:, 1:, 1:]).sum() / total,
    }


def slopes(fields: Tensor) -> Tensor:
    """(B, 3, G, G) -> (B, 2, G - 1, G - 1) rise of the normal's channel across and down."""
    height = fields[:, 2]
    across = (height[:, 1:, 1:] - height[:, 1:, :-1]) / _APART_MM
    down = (height[:, 1:, 1:] - height[:, :-1, 1:]) / _APART_MM
    return torch.stack([across, down], 1)


def shares(seen: Tensor, allowed: Tensor, hidden: float) -> Tensor:
    """(B, G, G) how much texels count: by how well they are seen, a little where they are not."""
    return allowed * (hidden + (1 - hidden) * seen)


def _soft(values: Tensor, softness: float) -> Tensor:
    """(B, C, H, W) -> (B, H, W) lengths over the channels, rounded off at zero (Charbonnier)."""
    return (values.square().sum(1) + softness**2).sqrt() - softness
