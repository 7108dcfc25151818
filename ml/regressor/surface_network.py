"""The network that predicts corrections of an estimate from the unwrapped face."""

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

# Metres per unit of the network's output for a point.
UNIT = 0.005
SUMMARY_CHANNELS = 64
# Across, up, logarithm of scale.
POINT_NUMBERS = 3
# Depth, logarithm of its scale, the normal's turn to the right and up, logarithm of its scale.
SOLID_NUMBERS = 5
# The landmarks' offsets are many and err together: scaled down, one step of a training moves
# expressions little.
OFFSET_SCALE = 0.4
# What one of the network's numbers means for a normal, and its scale where it says nothing.
NORMAL_UNIT, NORMAL_LOG_SCALE = 0.1, -2.0


@dataclass(frozen=True)
class SurfaceShape:
    """Sizes of the network; stored in the card of its weights.

    Attributes
    ----------
    points, identity, expression: numbers of landmarks and coefficients.
    widths: channels at 1/2, 1/4, 1/8 and 1/16 of the map's resolution.
    summary: length of the vector from which the coefficients are regressed.
    solid: numbers from which depths and normals are regressed, of each landmark and of all
        together; 0: the network says neither.
    by_points: whether expressions are regressed from the landmarks' offsets, too: a lid that closes
        is seen at the lid.
    """

    points: int
    identity: int
    expression: int
    widths: tuple[int, int, int, int] = (32, 48, 96, 192)
    summary: int = 512
    solid: int = 0
    by_points: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for a card."""
        return asdict(self)

    @classmethod
    def from_dict(cls, sizes: dict[str, Any]) -> SurfaceShape:
        """The inverse of :meth:`to_dict`, also after JSON. TypeError: unknown or missing sizes."""
        return cls(**{**sizes, "widths": tuple(sizes["widths"])})


@dataclass(frozen=True)
class Update:
    """Corrections of B estimates.

    Attributes
    ----------
    moved: (B, L, 2) offset of each landmark from its projection, to the head's right and up in the
        picture, in UNITs at the head's depth.
    log_scale: (B, L) natural logarithm of its Laplace scale in the same unit.
    identity: (B, I) the corrected identity, not a difference. expression: (B, E) the difference.
    depth: (B, L) how much nearer each landmark lies along the camera's axis than estimated, in
        UNITs; the mean over the landmarks means nothing. depth_log_scale: as ``log_scale``.
    normal: (B, L, 2) what the unit normal of the landmark's triangle has more than the estimated
        one to the head's right and up in the picture. normal_log_scale: (B, L) of its round
        Laplace density. All four are None if the network does not say them.
    """

    moved: Tensor
    log_scale: Tensor
    identity: Tensor
    expression: Tensor
    depth: Tensor | None = None
    depth_log_scale: Tensor | None = None
    normal: Tensor | None = None
    normal_log_scale: Tensor | None = None

    @property
    def solid(self) -> tuple[Tensor, Tensor, Tensor, Tensor] | None:
        """Depth and normal, each followed by its scale; None if the network does not say them."""
        if self.depth is None or self.depth_log_scale is None:
            return None
        if self.normal is None or self.normal_log_scale is None:
            return None
        return self.depth, self.depth_log_scale, self.normal, self.normal_log_scale


class SolidHeads(nn.Module):
    """Features at the landmarks and the summary -> depths and normals; they begin at zero.

    Every landmark has weights of its own, but on few numbers that all of them share: enough for
    surfaces, which are smooth.
    """

    def __init__(self, shape: SurfaceShape, seen: int) -> None:
        super().__init__()
        self.local = nn.Linear(seen, shape.solid)
        self.own = nn.Parameter(torch.zeros(SOLID_NUMBERS, shape.solid, shape.points))
        self.joint = nn.Linear(shape.summary, shape.solid)
        self.read = nn.Linear(shape.solid, shape.points * SOLID_NUMBERS)
        nn.init.zeros_(self.read.weight)
        nn.init.zeros_(self.read.bias)

    def forward(self, seen: Tensor, summary: Tensor) -> dict[str, Tensor]:
        """(B, C, L) and (B, S) -> the fields of an Update that it fills."""
        local = functional.relu(self.local(seen.transpose(1, 2))).transpose(1, 2)
        own = [(local * weight).sum(1) for weight in self.own.unbind(0)]
        joint = self.read(functional.relu(self.joint(summary)))
        numbers = torch.stack(own, 2) + joint.view(len(seen), -1, SOLID_NUMBERS)
        depth, depth_scale, right, up, normal_scale = numbers.unbind(2)
        return {
            "depth": depth,
            "depth_log_scale": depth_scale.clamp(-5, 3),
            "normal": NORMAL_UNIT * torch.stack([right, up], 2),
            "normal_log_scale": (NORMAL_LOG_SCALE + normal_scale).clamp(-6, 1),
        }


class SurfaceNetwork(nn.Module):
    """(B, CHANNELS, SIDE, SIDE) unwrapped face and its estimate -> update.

    A texel always shows the same point of a face, so every landmark has weights of its own, on
    features of two scales at its texel. A summary of the whole map is added.
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
        self.by_points = None
        if shape.by_points:
            self.by_points = nn.Linear(2 * shape.points, shape.expression, bias=False)
            nn.init.zeros_(self.by_points.weight)
        self.solid = SolidHeads(shape, second + third) if shape.solid else None
        grid = torch.from_numpy(np.clip(places, -1, 1))[None, :, None]
        self.register_buffer("places", grid, persistent=False)

    def forward(self, texels: Tensor, identity: Tensor, expression: Tensor) -> Update:
        """identity, expression: (B, I) and (B, E) of the estimate used to unwrap the face."""
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
        # Three element-wise products over all landmarks: batched matrix products are slower.
        own = [(seen * weight).sum(1) for weight in self.local.unbind(0)]
        points = points.view(len(texels), -1, POINT_NUMBERS) + torch.stack(own, 2)
        solid = self.solid(seen, summary) if self.solid else {}
        log_scale = points[..., 2].clamp(-5, 3)
        if self.by_points:
            # What keys need must not bend what is said of the landmarks.
            keys = keys + self.by_points(OFFSET_SCALE * points[..., :2].detach().flatten(1))
        return Update(points[..., :2], log_scale, identity + person, keys, **solid)
