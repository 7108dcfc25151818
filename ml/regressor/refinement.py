"""The parameter refinement module: corrections from features at the predicted landmarks."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .estimate import ROTATION_NUMBERS, Estimate, NetworkShape

LEVEL, LOCAL_PER_CHANNEL, MIXED = 48, 4, 256
# Across, down, logarithm of scale, visibility.
POINT_NUMBERS = 4


class ParameterRefinement(nn.Module):
    """Predicts corrections from feature maps sampled at the predicted landmarks.

    The features at a landmark move that landmark, with weights shared by all landmarks. The
    coefficients, and a joint movement of all points, are regressed from the features of all
    landmarks and the summary vector.
    """

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__()
        _, fine, middle, _ = shape.widths
        local = shape.refine * LOCAL_PER_CHANNEL
        self.fine = nn.Conv2d(fine, LEVEL, 3, padding=1)
        self.middle = nn.Conv2d(middle, LEVEL, 3, padding=1)
        self.local = nn.Linear(2 * LEVEL + 1, local)
        self.point_update = nn.Linear(local, POINT_NUMBERS)
        self.squeeze = nn.Linear(local, shape.refine)
        self.mix = nn.Linear(shape.points * shape.refine + shape.summary, MIXED)
        self.sizes = [shape.points * 2, shape.identity, shape.expression, ROTATION_NUMBERS]
        self.update = nn.Linear(MIXED, sum(self.sizes))
        for head in (self.point_update, self.update):
            for parameter in head.parameters():
                nn.init.zeros_(parameter)

    def prepare(self, maps: list[Tensor]) -> list[Tensor]:
        """The encoder's maps -> the feature maps that every round samples."""
        return [self.fine(maps[0]).float(), self.middle(maps[1]).float()]

    def forward(self, levels: list[Tensor], summary: Tensor, now: Estimate) -> Estimate:
        """The correction of an estimate.

        levels: from :meth:`prepare`. summary: (B, shape.summary).
        """
        places = now.points.detach()
        fine, middle = (
            functional.grid_sample(level, places[:, :, None], align_corners=False)[..., 0]
            for level in levels
        )
        features = torch.cat([fine, middle, now.log_scale.detach()[:, None]], 1).transpose(1, 2)
        local = functional.relu(self.local(features))
        by_point = self.point_update(local)
        together = functional.relu(torch.cat([self.squeeze(local).flatten(1), summary], 1))
        update = self.update(functional.relu(self.mix(together)))
        moved, identity, expression, rotation = update.split(self.sizes, 1)
        moved = 0.1 * (moved.view_as(places) + by_point[..., :2])
        return Estimate(moved, by_point[..., 2], by_point[..., 3], identity, expression, rotation)
