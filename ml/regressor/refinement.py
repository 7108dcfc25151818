"""The parameter refinement module: look again where the landmarks were seen."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .estimate import ROTATION_NUMBERS, Estimate, NetworkShape

MIDDLE, LOCAL, MIXED = 48, 64, 256


class ParameterRefinement(nn.Module):
    """Corrections from what the maps show at the predicted landmarks.

    Every landmark has weights of its own for what it reads there; the coefficients, and what points
    do together, are read from all landmarks' features, their places and the summary.
    """

    def __init__(self, shape: NetworkShape, channels: int) -> None:
        super().__init__()
        self.middle = nn.Conv2d(shape.widths[2], MIDDLE, 3, padding=1)
        self.local = nn.Linear(channels + MIDDLE + 1, LOCAL)
        self.by_point = nn.Parameter(torch.zeros(shape.points, LOCAL, 4))
        self.squeeze = nn.Linear(LOCAL, shape.refine)
        self.mix = nn.Linear(shape.points * (shape.refine + 2) + shape.summary, MIXED)
        self.sizes = [shape.points * 2, shape.identity, shape.expression, ROTATION_NUMBERS]
        self.update = nn.Linear(MIXED, sum(self.sizes))
        nn.init.zeros_(self.update.weight)
        nn.init.zeros_(self.update.bias)

    def prepare(self, fine: Tensor, maps: list[Tensor]) -> list[Tensor]:
        """The maps that every round looks at."""
        return [fine.float(), self.middle(maps[1]).float()]

    def forward(self, levels: list[Tensor], summary: Tensor, now: Estimate) -> Estimate:
        """The correction of an estimate. ``levels``: from :meth:`prepare`."""
        places = now.points.detach()
        seen = [
            functional.grid_sample(level, places[:, :, None], align_corners=False)[..., 0]
            for level in levels
        ]
        features = torch.cat([*seen, now.log_scale.detach()[:, None]], 1).transpose(1, 2)
        local = functional.relu(self.local(features))
        by_point = torch.einsum("blc,lcd->bld", local, self.by_point)
        shape = places - places.mean(1, keepdim=True)
        together = [functional.relu(self.squeeze(local)).flatten(1), summary, 4 * shape.flatten(1)]
        update = self.update(functional.relu(self.mix(torch.cat(together, 1))))
        moved, identity, expression, rotation = update.split(self.sizes, 1)
        moved = 0.1 * (moved.view_as(places) + by_point[..., :2])
        return Estimate(moved, by_point[..., 2], by_point[..., 3], identity, expression, rotation)
