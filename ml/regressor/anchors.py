"""Landmarks as peaks of maps.

A vector that was pooled over the crop tells places to a few pixels only. Some of the landmarks, the
anchors, are therefore sought where the fine map answers to them: their place is the mean of a
softmax over the map (Sun et al., "Integral Human Pose Regression", ECCV 2018), held near the coarse
estimate by a Gaussian window. All other points move along with the anchors near them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .estimate import Estimate, NetworkShape

# Standard deviation of the window, in crop units (half the crop is 1).
WINDOW = 0.18


class AnchorMaps(nn.Module):
    """Moves an estimate's points to where the map shows its anchors."""

    def __init__(self, shape: NetworkShape, channels: int) -> None:
        super().__init__()
        self.rows = list(shape.anchors)
        self.peaks = nn.Conv2d(channels, len(self.rows), 1)
        # How far each point goes along with each anchor; see neighbours_share.
        self.along = nn.Parameter(torch.zeros(shape.points, len(self.rows)))
        self.doubt = nn.Linear(len(self.rows), shape.points)
        for parameter in (*self.peaks.parameters(), *self.doubt.parameters()):
            nn.init.zeros_(parameter)

    def forward(self, level: Tensor, now: Estimate) -> Estimate:
        """The correction of the estimate by the map ``level`` (B, C, H, H)."""
        coarse = now.points.detach()[:, self.rows]
        cells = _cells(level.shape[-1], level)
        window = -0.5 * ((cells[:, None, None, None] - coarse[None]) / WINDOW).square()
        before = _means(window, cells)
        weight = window[:, None, :, :, 1] + window[None, :, :, :, 0]
        logits = self.peaks(level).float().flatten(2)
        share = (weight.flatten(0, 1).permute(1, 2, 0) + logits).softmax(2)
        share = share.view(*share.shape[:2], len(cells), len(cells))
        seen = torch.stack([share.sum(2) @ cells, share.sum(3) @ cells], 2)
        # The window's own mean is left out, so that a blank map moves nothing, at the rim either.
        moved = torch.einsum("la,bac->blc", self.along, seen - before)
        spread = (share.flatten(2) * (share.flatten(2) + 1e-9).log()).sum(2)
        doubt = self.doubt(spread)
        return Estimate(
            moved, doubt, torch.zeros_like(now.visible), torch.zeros_like(now.identity),
            torch.zeros_like(now.expression), torch.zeros_like(now.rotation),
        )  # fmt: skip


def _cells(count: int, like: Tensor) -> Tensor:
    """(count,) middles of cells from -1 to 1."""
    return (torch.arange(count, device=like.device, dtype=torch.float32) + 0.5) * 2 / count - 1


def _means(window: Tensor, cells: Tensor) -> Tensor:
    """(H, B, A, 2) logarithms of weights by axis -> (B, A, 2) mean places."""
    return torch.einsum("hbac,h->bac", window.softmax(0), cells)


def spread_out(places: Tensor, count: int) -> tuple[int, ...]:
    """``count`` of (L, 3) places, each the farthest from those before it; the first is row 0."""
    chosen = [0]
    away = (places - places[0]).norm(dim=1)
    while len(chosen) < count:
        chosen.append(int(away.argmax()))
        away = torch.minimum(away, (places - places[chosen[-1]]).norm(dim=1))
    return tuple(chosen)


def neighbours_share(places: Tensor, rows: tuple[int, ...], near: int = 4) -> Tensor:
    """(L, A): how far each of (L, 3) places goes along with its ``near`` nearest anchors."""
    away = torch.cdist(places, places[list(rows)])
    closest, index = away.topk(near, dim=1, largest=False)
    weight = 1 / (closest + 1e-4)
    share = torch.zeros_like(away)
    return share.scatter(1, index, weight / weight.sum(1, keepdim=True))
