"""The band that detail lives in: features of 2 to 20 mm.

A feature is half a wave: a fold 5 mm wide repeats after 10. What is wider is the identity's to
say, what is narrower is pores and noise. The wide end is Gaussian: half of a wave at the limit
passes. At the fine end a Gaussian as narrow as the grid only softens (four fifths pass at 2 mm);
what is finer than that, the grid does not hold at all.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ..head.model import HeadModel
from .window import SIDE, TEXEL_MM, window_of

FINEST_MM, COARSEST_MM = 2.0, 20.0
# The band needs no more than texels twice as wide: there, waves of the finest features still have
# two places each, and all work is a quarter.
STEP = 2
GRID = SIDE // STEP


def sigma_of(feature_mm: float) -> float:
    """Width in mm of the Gaussian that halves waves of features of this size.

    exp(-2 pi^2 s^2 / w^2) is a half at w = 2 * feature.
    """
    return 2 * feature_mm * math.sqrt(math.log(2) / 2) / math.pi


class Band(nn.Module):
    """Keeps of a field what lies in the band. Linear, differentiable, without weights.

    Averages are products with matrices, which on a CPU are several times as fast as convolutions of
    so few channels.

    Parameters
    ----------
    skin: (GRID, GRID) 0 or 1; what a field says elsewhere does not count.
    allowed: (GRID, GRID) 0..1 how much detail may be at a place.
    """

    skin: Tensor
    allowed: Tensor

    def __init__(self, skin: Tensor, allowed: Tensor) -> None:
        super().__init__()
        self.register_buffer("skin", skin.float(), persistent=False)
        self.register_buffer("allowed", allowed.float(), persistent=False)
        for name, feature in (("fine", FINEST_MM), ("coarse", COARSEST_MM)):
            blur = _averaging(sigma_of(feature) / (STEP * TEXEL_MM))
            known = (blur @ self.skin @ blur.T).clamp(min=1e-3)
            self.register_buffer(name, blur, persistent=False)
            self.register_buffer(f"{name}_share", 1 / known, persistent=False)

    def forward(self, fields: Tensor) -> Tensor:
        """(B, 3, GRID, GRID) mm -> the same in the band."""
        fine = self._average(fields, "fine")
        return (fine - self._average(fine, "coarse")) * self.allowed

    def _average(self, fields: Tensor, name: str) -> Tensor:
        blur, share = getattr(self, name), getattr(self, f"{name}_share")
        return blur @ (fields * self.skin) @ blur.T * share


def band_of(model: HeadModel) -> Band:
    """The band on the model's window."""
    window = window_of(model, GRID)
    return Band(torch.from_numpy(window.skin), torch.from_numpy(window.allowed))


def _averaging(sigma: float) -> Tensor:
    """(GRID, GRID) whose product with a column is its Gaussian average; beyond the rim is 0."""
    place = torch.arange(GRID, dtype=torch.float32)
    weights = torch.exp(-0.5 * ((place[:, None] - place) / sigma) ** 2)
    return weights / weights[GRID // 2].sum()
