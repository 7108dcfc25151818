"""The frequency band of detail: features of 2 to 20 mm.

A feature is half a wave: a fold 5 mm wide has a period of 10 mm. Wider shapes belong to the
identity; narrower ones are pores and noise. Both limits are Gaussian. At 20 mm half of a wave's
amplitude passes. The narrow Gaussian is hardly wider than the grid: at 2 mm four fifths of the
amplitude pass, and the grid itself cannot represent finer features.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ..head.model import HeadModel
from .window import SIDE, TEXEL_MM, window_of

FINEST_MM, COARSEST_MM = 2.0, 20.0
# The band's grid has texels twice as wide as the window's: waves of the finest features still have
# two samples each, and all computations take a quarter of the time.
STEP = 2
GRID = SIDE // STEP


def sigma_of(feature_mm: float) -> float:
    """Standard deviation in mm of the Gaussian that halves waves of features of this size.

    The Gaussian's transfer function exp(-2 pi^2 s^2 / w^2) is 1/2 at the period w = 2 * feature.
    """
    return 2 * feature_mm * math.sqrt(math.log(2) / 2) / math.pi


class Band(nn.Module):
    """A band-pass filter for fields. Linear, differentiable, without weights to learn.

    Averages are matrix products, which on a CPU are several times as fast as convolutions of so
    few channels.

    Parameters
    ----------
    skin: (GRID, GRID) 0 or 1; values of a field off the skin are ignored.
    allowed: (GRID, GRID) 0..1 by which the result is multiplied.
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
        """(B, 3, GRID, GRID) field in mm -> (B, 3, GRID, GRID) its part in the band."""
        fine = self._average(fields, "fine")
        return (fine - self._average(fine, "coarse")) * self.allowed

    def _average(self, fields: Tensor, name: str) -> Tensor:
        blur, share = getattr(self, name), getattr(self, f"{name}_share")
        return blur @ (fields * self.skin) @ blur.T * share


def band_of(model: HeadModel) -> Band:
    """The band-pass filter on the model's window."""
    window = window_of(model, GRID)
    return Band(torch.from_numpy(window.skin), torch.from_numpy(window.allowed))


def _averaging(sigma: float) -> Tensor:
    """(GRID, GRID) matrix whose product with a column is its Gaussian average, zero-padded."""
    place = torch.arange(GRID, dtype=torch.float32)
    weights = torch.exp(-0.5 * ((place[:, None] - place) / sigma) ** 2)
    return weights / weights[GRID // 2].sum()
