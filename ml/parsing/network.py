"""The parsing network: an encoder and a decoder that are joined at every scale."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .classes import CLASSES

WIDTHS = (16, 24, 48, 96)
# Residual blocks at each scale of the encoder.
DEPTHS = (0, 1, 2, 2)


class ParsingNetwork(nn.Module):
    """(B, 3, S, S) sRGB in 0..1 -> (B, C, S, S) logits of CLASSES; S is a multiple of 16."""

    def __init__(
        self,
        widths: tuple[int, int, int, int] = WIDTHS,
        depths: tuple[int, int, int, int] = DEPTHS,
    ) -> None:
        super().__init__()
        inputs = (3, *widths[:-1])
        self.down = nn.ModuleList(
            nn.Sequential(_convolution(before, width, 2), *(_Block(width) for _ in range(depth)))
            for before, width, depth in zip(inputs, widths, depths, strict=True)
        )
        self.up = nn.ModuleList(
            _Joint(coarse, fine) for coarse, fine in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        # Four pixels for every cell of the finest map.
        self.read = nn.Conv2d(widths[0], 4 * len(CLASSES), 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """See the class."""
        seen = (pictures - 0.45) / 0.25
        maps: list[Tensor] = []
        for step in self.down:
            seen = step(seen)
            maps.append(seen)
        for join, finer in zip(self.up, maps[-2::-1], strict=True):
            seen = join(seen, finer)
        found: Tensor = functional.pixel_shuffle(self.read(seen), 2)
        return found


class _Block(nn.Module):
    """Two convolutions whose result is added to their input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _convolution(width, width, 1)
        self.second = nn.Sequential(
            nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        )

    def forward(self, seen: Tensor) -> Tensor:
        return torch.relu(seen + self.second(self.first(seen)))


class _Joint(nn.Module):
    """A coarse map enlarged and added to the finer one, then a convolution of the sum."""

    def __init__(self, coarse: int, fine: int) -> None:
        super().__init__()
        self.narrow = nn.Sequential(nn.Conv2d(coarse, fine, 1, bias=False), nn.BatchNorm2d(fine))
        self.mix = _convolution(fine, fine, 1)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        large = functional.interpolate(
            self.narrow(coarse), size=fine.shape[-2:], mode="bilinear", align_corners=False
        )
        mixed: Tensor = self.mix(torch.relu(large + fine))
        return mixed


def _convolution(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )
