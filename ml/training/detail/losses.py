"""The loss of the detail network. G is the band's GRID."""

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


def losses(
    found: Tensor, true: Tensor, share: Tensor, frames: Tensor, weights: LossWeights
) -> dict[str, Tensor]:
    """Weighted distances between two fields (B, 3, G, G) in mm; their sum is minimised.

    share: (B, G, G) 0..1 weight of each texel. frames: (G, G, 3, 3) of the window. Means of
    distances, not of squares, as shape and normals are measured with: a fold in the wrong place
    cannot dominate them.
    """
    gap = found - true
    offset = _soft(gap / weights.offset, weights.softness)
    slope = _soft(slopes(gap, frames) / weights.slope, weights.softness)
    total = share.sum().clamp(min=1)
    return {
        "offset": (offset * share).sum() / total,
        "slope": (slope * share[:, 1:, 1:]).sum() / total,
    }


def slopes(fields: Tensor, frames: Tensor) -> Tensor:
    """(B, 3, G, G) fields -> (B, 2, G - 1, G - 1) slopes of the normal, across and down.

    frames: (G, G, 3, 3) rows tangent, bitangent, normal. Where the face is round, motion along it
    tilts the normal, too: the wing of a nose in the wrong place has a wrong normal.
    """
    moved = torch.einsum("bkrc,rckx->bxrc", fields, frames)
    normal = frames[1:, 1:, 2].permute(2, 0, 1)
    across = moved[..., 1:, 1:] - moved[..., 1:, :-1]
    down = moved[..., 1:, 1:] - moved[..., :-1, 1:]
    return torch.stack([(way * normal).sum(1) / _APART_MM for way in (across, down)], 1)


def shares(seen: Tensor, allowed: Tensor, hidden: float) -> Tensor:
    """(B, G, G) weights of texels by their visibility ``seen``; those not seen have ``hidden``."""
    return allowed * (hidden + (1 - hidden) * seen)


def _soft(values: Tensor, softness: float) -> Tensor:
    """(B, C, H, W) -> (B, H, W) lengths over the channels, rounded off at zero (Charbonnier)."""
    return (values.square().sum(1) + softness**2).sqrt() - softness
