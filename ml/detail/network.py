"""The detail network: from the unwrapped photo to offsets on the face's window.

A U-Net, after HRN's mid-frequency branch (Lei et al., CVPR 2023), which predicts UV deformations
from a position map and an unwrapped texture. This one also gets the visibility and the normals of
the skin. It is trained with a squared error, so it predicts the mean, which is almost zero, where
the photo holds no information.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .band import GRID

# Input channels per texel of the band's grid (colours, visibility, relief) and per block of texels
# (normals, positions); see unwrap.DetailInput.
FINE_CHANNELS, COARSE_CHANNELS = 5, 6
# Blocks of BLOCK x BLOCK texels become channels at the input and are unpacked at the output:
# convolutions over all texels would take four times as long.
BLOCK = 2
# Millimetres per unit of the last layer's output.
_UNIT = 0.3


@dataclass(frozen=True)
class NetworkShape:
    """Sizes of the network; stored in the card of its weights.

    Attributes
    ----------
    widths: channels at resolutions GRID/2, GRID/4, ...
    places: channels of the learned position embedding.
    """

    widths: tuple[int, ...] = (24, 48, 72, 96, 96)
    places: int = 8

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for a card."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> NetworkShape:
        """The inverse of to_dict."""
        return cls(tuple(values["widths"]), int(values["places"]))


class DetailNetwork(nn.Module):
    """Predicts offsets in millimetres from the unwrapped photo, not yet band-limited."""

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__()
        self.shape = shape
        first, *deeper = shape.widths
        self.places = nn.Parameter(torch.zeros(1, shape.places, GRID // BLOCK, GRID // BLOCK))
        self.stem = _layer(BLOCK**2 * FINE_CHANNELS + COARSE_CHANNELS + shape.places, first)
        self.down = nn.ModuleList(
            nn.Sequential(_layer(before, after, stride=2), _layer(after, after))
            for before, after in zip(shape.widths, deeper, strict=False)
        )
        self.up = nn.ModuleList(
            _layer(before + after, after)
            for before, after in zip(shape.widths[:0:-1], shape.widths[-2::-1], strict=True)
        )
        self.read = nn.Conv2d(first + shape.places, 3 * BLOCK**2, 3, padding=1)
        nn.init.zeros_(self.read.weight)
        nn.init.zeros_(self.read.bias)  # type: ignore[arg-type]

    def forward(self, fine: Tensor, coarse: Tensor) -> Tensor:
        """(B, FINE_CHANNELS, G, G), (B, COARSE_CHANNELS, G/2, G/2) -> (B, 3, G, G) mm.

        G is GRID.
        """
        places = self.places.expand(len(fine), -1, -1, -1)
        blocks = functional.pixel_unshuffle(fine, BLOCK)
        maps = [self.stem(torch.cat([blocks, coarse, places], 1))]
        for down in self.down:
            maps.append(down(maps[-1]))
        found = maps.pop()
        for up in self.up:
            wider = functional.interpolate(
                found, scale_factor=2, mode="bilinear", align_corners=False
            )
            found = up(torch.cat([wider, maps.pop()], 1))
        read = self.read(torch.cat([found, places], 1))
        return _UNIT * functional.pixel_shuffle(read, BLOCK)


def _layer(inward: int, outward: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inward, outward, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(outward),
        nn.ReLU(),
    )
