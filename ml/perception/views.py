"""Random views of pictures: crops and perspective, the same for a photo and its render."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ..errors import UsageError

_CORNERS = ((-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0))


@dataclass(frozen=True)
class ViewSettings:
    """The distribution of random views.

    Attributes
    ----------
    count: views per picture. whole: whether the first view is the whole picture.
    least_side: the smallest crop's side, as a share of the picture's.
    bend: largest inward movement of a view's corners, for perspective, as a share of half the
        view's side. CLIPasso (Vinker et al., 2022) draws four such views.
    """

    count: int = 4
    whole: bool = True
    least_side: float = 0.8
    bend: float = 0.25


def draw_views(settings: ViewSettings, batch: int, generator: torch.Generator) -> Tensor:
    """(N, B, 3, 3) homographies from a view's coordinates to the picture's.

    Both run from -1 to 1, x right and y down. Views lie inside the picture.

    Raises
    ------
    UsageError: a setting is out of range.
    """
    if settings.count < 1 or not 0 < settings.least_side <= 1 or not 0 <= settings.bend <= 0.5:
        raise UsageError(
            f"Views cannot be drawn with {settings}",
            "count is at least 1, least_side in (0, 1], bend in [0, 0.5]",
        )
    shape = (settings.count, batch)
    device = generator.device

    def uniform(*more: int) -> Tensor:
        return torch.rand(*shape, *more, generator=generator, device=device)

    corners = torch.tensor(_CORNERS, device=device)
    bent = corners * (1 - settings.bend * uniform(4, 2))
    side = settings.least_side + (1 - settings.least_side) * uniform(1, 1)
    middle = (1 - side) * (2 * uniform(1, 2) - 1)
    views = _homographies((middle + side * bent).double()).float()
    if settings.whole:
        views[0] = torch.eye(3, device=device)
    return views


def _homographies(corners: Tensor) -> Tensor:
    """(..., 4, 2) images of the square's four corners -> (..., 3, 3), by eight linear equations."""
    x, y = corners.new_tensor(_CORNERS).unbind(1)
    u, v = corners.unbind(-1)
    zero, one = torch.zeros_like(u), torch.ones_like(u)
    x, y = x * one, y * one
    rows = torch.cat(
        [
            torch.stack([x, y, one, zero, zero, zero, -u * x, -u * y], -1),
            torch.stack([zero, zero, zero, x, y, one, -v * x, -v * y], -1),
        ],
        -2,
    )
    eight = torch.linalg.solve(rows, torch.cat([u, v], -1))
    return torch.cat([eight, one[..., :1]], -1).unflatten(-1, (3, 3))


def through_views(pictures: Tensor, views: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, C, S, S) pictures resampled by (N, B, 3, 3) views -> (N * B, C, *size), view by view.

    Differentiable. Larger pictures are reduced first, so that no view skips pixels.

    Raises
    ------
    UsageError: the pictures are not square.
    """
    if pictures.shape[-1] != pictures.shape[-2]:
        raise UsageError(
            f"Pictures of {tuple(pictures.shape[-2:])} are not square", "Crop them to a square"
        )
    # Bilinear samples reach one pixel, so a picture may be a third larger than a view.
    largest = math.ceil(max(size) * 4 / 3)
    if pictures.shape[-1] > largest:
        pictures = functional.interpolate(
            pictures, size=(largest, largest), mode="bilinear", antialias=True, align_corners=False
        )
    count, batch = views.shape[:2]
    down, right = (
        (torch.arange(n, device=pictures.device, dtype=pictures.dtype) + 0.5) * (2 / n) - 1
        for n in size
    )
    y, x = torch.meshgrid(down, right, indexing="ij")
    places = torch.stack([x, y, torch.ones_like(x)], -1).view(1, -1, 3)
    turned = places @ views.to(places).flatten(0, 1).transpose(1, 2)
    grid = (turned[..., :2] / turned[..., 2:]).view(count * batch, *size, 2)
    repeated = pictures.expand(count, *pictures.shape).flatten(0, 1)
    return functional.grid_sample(repeated, grid, padding_mode="border", align_corners=False)
