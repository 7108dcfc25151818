"""Errors of the detail network on samples kept out of training."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from ...detail.band import Band
from .batches import Source, make_sample
from .losses import slopes


@torch.no_grad()
def predictions(
    network: nn.Module, source: Source, band: Band
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """For every row: predicted and true field (3, G, G) mm in the band, and (G, G) visibility."""
    for row in source.rows:
        fine, coarse, seen, field = (
            torch.from_numpy(part) for part in make_sample(source, int(row), None)
        )
        yield band(network(fine[None], coarse[None]))[0], band(field[None])[0], seen


def errors(network: nn.Module, source: Source, band: Band, frames: Tensor) -> dict[str, float]:
    """Mean errors on visible skin, of slopes in degrees and of offsets in mm; and what they would
    be without any detail. frames: (G, G, 3, 3) of the window."""
    sums = np.zeros(5)
    for found, true, seen in predictions(network, source, band):
        share = (seen * band.allowed)[1:, 1:]
        row = []
        for gap in (found - true, true):
            tilt = slopes(gap[None], frames)[0].square().sum(0).sqrt()
            angle = torch.rad2deg(torch.atan(tilt))
            far = gap.square().sum(0).sqrt()[1:, 1:]
            row += [float((angle * share).sum()), float((far * share).sum())]
        sums += [*row, float(share.sum())]
    names = ("slope_degrees", "offset_mm", "slope_degrees_without", "offset_mm_without")
    return dict(zip(names, (sums[:4] / sums[4]).round(4).tolist(), strict=True))
