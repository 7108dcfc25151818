"""The network that looks at an unwrapped face and says how the estimate should move."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..data import FloatArray
from .encoder import ResidualBlock
from .surface import CHANNELS, SIDE

# A unit of what the network says about a point, metres.
UNIT = 0.005
SUMMARY_CHANNELS = 64
# Across, up, logarithm of scale.
POINT_NUMBERS = 3


@dataclass(frozen=True)
class SurfaceShape:
    """Sizes; stored beside the weights. widths: channels at 1/2, 1/4, 1/8 and 1/16 of the map."""

    points: int
    identity: int
    expression: int
    widths: tuple[int, int, int, int] = (32, 48, 96, 192)
    summary: int = 512

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, sizes: dict[str, Any]) -> SurfaceShape:
        """From what :meth:`to_dict` gave, also after JSON. TypeError: sizes unknown or missing."""
        return cls(**{**sizes, "widths": tuple(sizes["widths"])})


@dataclass(frozen=True)
class Update:
    """What B estimates lack.

    Attributes
    ----------
    moved: (B, L, 2) how far each landmark lies from its projection, to the head's right and up in
        the picture, in UNITs at the head's depth. log_scale: (B, L) of its Laplace scale, alike.
    identity: (B, I) the person's, not a difference. expression: (B, E) the difference.
    """

    moved: Tensor
    log_scale: Tensor
    identity: Tensor
    expression: Tensor


class SurfaceNetwork(nn.Module):
    """(B, CHANNELS, SIDE, SIDE) unwrapped face and its estimate -> update.

    A texel always shows the same spot of a face, so weights may differ from place to place: each
    landmark has its own, on features of two scales at its texel, beside what the whole map says.
    """

    places: Tensor

    def __init__(self, shape: SurfaceShape, places: FloatArray) -> None:
        super().__init__()
        self.shape = shape
        first, second, third, fourth = shape.widths
        self.stem = nn.Conv2d(CHANNELS, first, 5, 2, 2)
        self.where = nn.Parameter(torch.zeros(1, first, SIDE // 2, SIDE // 2))
        self.fine = ResidualBlock(first, second, 2)
        self.middle = nn.Sequential(ResidualBlock(second, third, 2), ResidualBlock(third, third, 1))
        self.coarse = nn.Sequential(
            ResidualBlock(third, fourth, 2), ResidualBlock(fourth, fourth, 1)
        )
        cells = (SIDE // 16) ** 2
        self.flatten = nn.Sequential(
            nn.Conv2d(fourth, SUMMARY_CHANNELS, 1, bias=False),
            nn.BatchNorm2d(SUMMARY_CHANNELS),
            nn.ReLU(),
            nn.Flatten(),
        )
        known = shape.identity + shape.expression
        self.summary = nn.Linear(SUMMARY_CHANNELS * cells + known, shape.summary)
        self.sizes = [shape.points * POINT_NUMBERS, shape.identity, shape.expression]
        self.read = nn.Linear(shape.summary, sum(self.sizes))
        self.local = nn.Parameter(torch.zeros(POINT_NUMBERS, second + third, shape.points))
        nn.init.zeros_(self.read.weight)
        nn.init.zeros_(self.read.bias)
        grid = torch.from_numpy(np.clip(places, -1, 1))[None, :, None]
        self.register_buffer("places", grid, persistent=False)

    def forward(self, texels: Tensor, identity: Tensor, expression: Tensor) -> Update:
        """identity, expression: (B, I) and (B, E) the estimate that the face was unwrapped with."""
        x = functional.relu(self.stem(texels) + self.where, inplace=True)
        fine = self.fine(x)
        middle = self.middle(fine)
        flat = self.flatten(self.coarse(middle))
        summary = functional.relu(self.summary(torch.cat([flat, identity, expression], 1)))
        points, person, keys = self.read(summary).split(self.sizes, 1)
        grid = self.places.expand(len(texels), -1, -1, -1)
        seen = torch.cat(
            [functional.grid_sample(m, grid, align_corners=False)[..., 0] for m in (fine, middle)],
            1,
        )
        # Three products of all landmarks at once: as many matrix products of theirs are slower.
        own = [(seen * weight).sum(1) for weight in self.local.unbind(0)]
        points = points.view(len(texels), -1, POINT_NUMBERS) + torch.stack(own, 2)
        return Update(points[..., :2], points[..., 2].clamp(-5, 3), identity + person, keys)
