"""The network: an encoder that keeps its spatial map, and a parameter refinement module.

The encoder regresses everything once. The refinement module then looks again where the landmarks
were predicted: it samples fine feature maps there (as PyMAF does at projected vertices) and
predicts corrections, from zero-initialised heads, to the points one by one and to the
coefficients together; then it looks once more where the points lie now. FaceCLIP's module runs on
a pooled vector; this one sees the map.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

ROTATION_NUMBERS = 6
SUMMARY_CHANNELS = 64


@dataclass(frozen=True)
class NetworkShape:
    """Sizes of the network; stored beside its weights.

    Attributes
    ----------
    points, identity, expression: how many landmarks and coefficients it predicts.
    crop: side of the input in pixels. widths: channels of the four stages.
    summary: length of the vector that the coefficients are read from.
    refine: channels per point in the refinement module. rounds: how often it looks.
    """

    points: int
    identity: int
    expression: int
    crop: int = 128
    widths: tuple[int, int, int, int] = (32, 64, 128, 256)
    summary: int = 512
    refine: int = 16
    rounds: int = 2

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Prediction:
    """Tensors of one look at a batch.

    Attributes
    ----------
    points: (B, L, 2) in crop units: -1 and 1 are the crop's borders.
    log_scale: (B, L) natural logarithm of the points' Laplace scale, in crop units.
    visible: (B, L) logit that nothing hides the point.
    identity: (B, I). expression: (B, E) 0..1. rotation: (B, 3, 3). confidence: (B,) logit.
    """

    points: Tensor
    log_scale: Tensor
    visible: Tensor
    identity: Tensor
    expression: Tensor
    rotation: Tensor
    confidence: Tensor


@dataclass(frozen=True)
class Estimate:
    """What the rounds correct: Prediction's values before bounds, rotation as six numbers."""

    points: Tensor
    log_scale: Tensor
    visible: Tensor
    identity: Tensor
    expression: Tensor
    rotation: Tensor

    def plus(self, other: Estimate) -> Estimate:
        """Corrected; gradients of points and scales reach only the correction."""
        return Estimate(
            self.points.detach() + other.points,
            self.log_scale.detach() + other.log_scale,
            self.visible.detach() + other.visible,
            self.identity + other.identity,
            self.expression + other.expression,
            self.rotation + other.rotation,
        )

    def prediction(self, confidence: Tensor) -> Prediction:
        """With everything inside its bounds."""
        return Prediction(
            self.points,
            self.log_scale.clamp(-7, 2),
            self.visible,
            self.identity,
            torch.sigmoid(self.expression - 2),
            rotation_from_six(self.rotation),
            confidence,
        )


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        nn.init.zeros_(self.norm2.weight)
        self.shortcut = (
            nn.Identity()
            if stride == 1 and inputs == outputs
            else nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        inner = functional.relu(self.norm1(self.first(x)), inplace=True)
        inner = self.norm2(self.second(inner))
        return functional.relu(inner + self.shortcut(x), inplace=True)


class Encoder(nn.Module):
    """(B, 3, S, S) -> feature maps at 1/4, 1/8 and 1/16 of the input."""

    def __init__(self, widths: tuple[int, int, int, int]) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, widths[0], 5, 2, 2, bias=False),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(inplace=True),
        )
        self.stages = nn.ModuleList(
            nn.Sequential(ResidualBlock(a, b, 2), ResidualBlock(b, b, 1))
            for a, b in pairwise(widths)
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.stem(x)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps


class ParameterRefinement(nn.Module):
    """Corrections from what the fine maps show at the predicted landmarks."""

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__()
        _, fine, middle, _ = shape.widths
        self.fine = nn.Conv2d(fine, 48, 3, padding=1)
        self.middle = nn.Conv2d(middle, 48, 3, padding=1)
        self.local = nn.Linear(96 + 1, shape.refine * 4)
        self.point_update = nn.Linear(shape.refine * 4, 4)
        self.squeeze = nn.Linear(shape.refine * 4, shape.refine)
        self.mix = nn.Linear(shape.points * shape.refine + shape.summary, 256)
        self.sizes = [shape.points * 2, shape.identity, shape.expression, ROTATION_NUMBERS]
        self.update = nn.Linear(256, sum(self.sizes))
        for head in (self.point_update, self.update):
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)

    def prepare(self, maps: list[Tensor]) -> list[Tensor]:
        """The maps that every round looks at."""
        return [self.fine(maps[0]).float(), self.middle(maps[1]).float()]

    def forward(self, levels: list[Tensor], summary: Tensor, now: Estimate) -> Estimate:
        """The correction of an estimate. ``levels``: from :meth:`prepare`."""
        grid = now.points.detach()[:, :, None]
        seen = [
            functional.grid_sample(level, grid, align_corners=False)[..., 0] for level in levels
        ]
        features = torch.cat([*seen, now.log_scale.detach()[:, None]], 1).transpose(1, 2)
        local = functional.relu(self.local(features))
        by_point = self.point_update(local)
        together = torch.cat([self.squeeze(local).flatten(1), summary], 1)
        update = self.update(functional.relu(self.mix(functional.relu(together))))
        moved, identity, expression, rotation = update.split(self.sizes, 1)
        moved = 0.1 * (moved.view_as(now.points) + by_point[..., :2])
        return Estimate(moved, by_point[..., 2], by_point[..., 3], identity, expression, rotation)


class HeadNetwork(nn.Module):
    """Encoder, coarse estimate, rounds of refinement."""

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__()
        self.shape = shape
        self.encoder = Encoder(shape.widths)
        cells = (shape.crop // 16) ** 2
        self.flatten = nn.Sequential(
            nn.Conv2d(shape.widths[-1], 64, 1, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.Flatten(),
        )
        self.summary = nn.Linear(SUMMARY_CHANNELS * cells, shape.summary)
        self.sizes = [
            shape.points * 2, shape.points, shape.points, shape.identity, shape.expression,
            ROTATION_NUMBERS, 1,
        ]  # fmt: skip
        self.read = nn.Linear(shape.summary, sum(self.sizes))
        self.refinement = ParameterRefinement(shape)

    def start_at(self, mean_points: Tensor) -> None:
        """Let an untrained network predict (L, 2) ``mean_points`` (crop units) for every crop."""
        count = mean_points.numel()
        with torch.no_grad():
            self.read.weight[:count] *= 0.1
            self.read.bias[:count] = mean_points.flatten()

    def forward(self, crops: Tensor) -> list[Prediction]:
        """(B, 3, S, S) in 0..1 -> the coarse prediction and the one after each round."""
        maps = self.encoder((crops - 0.45) / 0.25)
        flat_map = self.flatten(maps[-1])
        levels = self.refinement.prepare(maps)
        with full_precision(crops):
            summary = functional.relu(self.summary(flat_map.float()))
            flat, log_scale, visible, identity, expression, rotation, confidence = self.read(
                summary
            ).split(self.sizes, 1)
            points = flat.view(len(crops), -1, 2)
            now = Estimate(points, log_scale - 3, visible, identity, expression, rotation)
            looks = [now.prediction(confidence[:, 0])]
            for _ in range(self.shape.rounds):
                now = now.plus(self.refinement(levels, summary, now))
                looks.append(now.prediction(confidence[:, 0]))
        return looks


def full_precision(like: Tensor) -> torch.autocast:
    """Numbers that become pixels need more than bfloat16's eight bits: 0.1 pixel in a crop."""
    return torch.autocast(like.device.type, enabled=False)


def rotation_from_six(numbers: Tensor) -> Tensor:
    """(B, 6) -> (B, 3, 3): Gram–Schmidt on two rows (Zhou et al., CVPR 2019), zero = facing us."""
    facing = numbers.new_tensor([1.0, 0, 0, 0, -1.0, 0])
    first, second = (numbers + facing).view(-1, 2, 3).unbind(1)
    x = functional.normalize(first, dim=1)
    y = functional.normalize(second - (x * second).sum(1, keepdim=True) * x, dim=1)
    return torch.stack([x, y, torch.cross(x, y, dim=1)], 1)
