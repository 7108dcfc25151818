"""The parsing network: an encoder and a decoder that are joined at every scale."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .classes import CLASSES

WIDTHS = (24, 32, 64, 96, 112)
# Residual blocks at each scale of the encoder.
DEPTHS = (0, 1, 2, 2, 2)


class ParsingNetwork(nn.Module):
    """(B, 3, S, S) sRGB in 0..1 -> (B, C, S, S) logits of CLASSES.

    widths, depths: of the encoder's scales, each half as fine as the one before. S is a multiple
    of two to the power of their number.
    """

    def __init__(self, widths: tuple[int, ...] = WIDTHS, depths: tuple[int, ...] = DEPTHS) -> None:
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
        self.read = _Pointwise(widths[0], 4 * len(CLASSES), 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """See the class."""
        return functional.pixel_shuffle(self.cells(pictures), 2)

    def cells(self, pictures: Tensor) -> Tensor:
        """(B, 4 C, S / 2, S / 2): the logits of four pixels in each cell, one class after another;
        see torch.nn.functional.pixel_shuffle."""
        maps = self.encode(pictures)
        seen = maps[-1]
        for join, finer in zip(self.up, maps[-2::-1], strict=True):
            seen = join(seen, finer)
        found: Tensor = self.read(seen)
        return found

    def encode(self, pictures: Tensor) -> list[Tensor]:
        """The encoder's map at each scale, finest first."""
        seen = (pictures - 0.45) / 0.25
        maps: list[Tensor] = []
        for step in self.down:
            seen = step(seen)
            maps.append(seen)
        return maps


class _Pointwise(nn.Conv2d):
    """A convolution of single cells as a product of matrices.

    On one thread and for few pictures torch would convolve by a slow way, with copies.
    """

    def forward(self, seen: Tensor) -> Tensor:
        rows = functional.linear(seen.permute(0, 2, 3, 1), self.weight[:, :, 0, 0], self.bias)
        return rows.permute(0, 3, 1, 2)


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
        self.narrow = nn.Sequential(_Pointwise(coarse, fine, 1, bias=False), nn.BatchNorm2d(fine))
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
