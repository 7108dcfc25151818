"""The feature consistency loss: a render should have the same CLIP features as the photo.

After FaceCLIP (Computational Visual Media 2025, DOI 10.26599/CVM.2025.9450434): *geometric*
features are the early stages of a convolutional CLIP, compared by their squared difference;
*semantic* features are patch tokens of a transformer CLIP, compared by their angle. Random views
and this pair of features go back to CLIPasso (Vinker et al., 2022).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from ..errors import UsageError
from .tower import BLOCK, ImageTower
from .views import ViewSettings, draw_views, through_views


@dataclass(frozen=True)
class ConsistencyConfig:
    """The weights of the loss. The defaults are the paper's layers for RN101 and ViT-B/32.

    Attributes
    ----------
    geometric, semantic: weights of the two halves.
    stages: names of the convolutional CLIP's layers, each with its weight.
    blocks: indices of the transformer CLIP's blocks, from 0, each with its weight.
    views: number and distribution of the random views.
    """

    geometric: float = 0.5
    semantic: float = 0.5
    stages: tuple[tuple[str, float], ...] = (("layer1", 0.5), ("layer2", 0.5))
    blocks: tuple[tuple[int, float], ...] = ((1, 0.25), (4, 0.25), (8, 0.25), (11, 0.25))
    views: ViewSettings = field(default_factory=ViewSettings)


@dataclass(frozen=True)
class Consistency:
    """The loss and its terms: scalars, 0 for equal features.

    Attributes
    ----------
    total: weighted sum of geometric and semantic. Carries gradients to the render.
    geometric: weighted sum of mean squared differences. semantic: of mean 1 - cosine.
    layers: each layer's own value, unweighted and detached.
    """

    total: Tensor
    geometric: Tensor
    semantic: Tensor
    layers: dict[str, Tensor]


@dataclass(frozen=True)
class Target:
    """A photo's features; made once when several renders are compared in the same views.

    Attributes
    ----------
    photo: (B, 3, S, S) sRGB 0..1. mask: (B, 1, S, S) 0..1. views: (N, B, 3, 3) homographies.
    features: by half and layer, (N * B, C, h, w).
    """

    photo: Tensor
    mask: Tensor
    views: Tensor
    features: dict[str, dict[str, Tensor]]


@dataclass(frozen=True)
class _Half:
    name: str
    tower: ImageTower
    layers: dict[str, float]


class FeatureConsistency:
    """The loss with its one or two CLIP models, which are not trained.

    Parameters
    ----------
    convolutional: for the geometric features; may be None if their weight is 0.
    transformer: for the semantic features; likewise.

    Raises
    ------
    UsageError: a model is missing, or has no layer of a configured name.
    """

    def __init__(
        self,
        convolutional: ImageTower | None,
        transformer: ImageTower | None,
        config: ConsistencyConfig | None = None,
    ) -> None:
        self.config = config or ConsistencyConfig()
        blocks = {BLOCK.format(number): weight for number, weight in self.config.blocks}
        self._halves = [
            *_half("geometric", self.config.geometric, convolutional, dict(self.config.stages)),
            *_half("semantic", self.config.semantic, transformer, blocks),
        ]

    def __call__(
        self, render: Tensor, photo: Tensor, mask: Tensor, generator: torch.Generator
    ) -> Consistency:
        """Compare renders with photos in views drawn from ``generator``.

        Parameters
        ----------
        render, photo: (B, 3, S, S) sRGB in 0..1; gradients flow to ``render``.
        mask: (B, 1, S, S) in 0..1, where the render is compared. Outside it the photo replaces
            the render. It gets no gradient: with one, the head would shrink where it does not
            match.
        """
        return self.compare(render, self.target(photo, mask, generator))

    @torch.no_grad()
    def target(self, photo: Tensor, mask: Tensor, generator: torch.Generator) -> Target:
        """The photo's features in views drawn from ``generator``; parameters as in ``__call__``."""
        if photo.shape[-2:] != mask.shape[-2:] or len(photo) != len(mask) or mask.shape[1] != 1:
            raise UsageError(
                f"A mask of {tuple(mask.shape)} does not fit photos of {tuple(photo.shape)}",
                "Give one channel of the same size for every photo",
            )
        views = draw_views(self.config.views, len(photo), generator)
        return Target(photo, mask, views, self._features(photo, views))

    def compare(self, render: Tensor, target: Target) -> Consistency:
        """Compare (B, 3, S, S) renders with a target."""
        mask = target.mask.detach()
        shown = target.photo + mask * (render - target.photo)
        found = self._features(shown, target.views)
        sums = {name: render.new_zeros(()) for name in ("geometric", "semantic")}
        layers = {}
        for half in self._halves:
            seen = through_views(mask, target.views, half.tower.size).to(half.tower.device)
            measure = _squares if half.name == "geometric" else _angles
            for layer, weight in half.layers.items():
                apart = measure(found[half.name][layer], target.features[half.name][layer])
                value = _within(apart, seen).to(render.device)
                sums[half.name] = sums[half.name] + weight * value
                layers[layer] = value.detach()
        total = self.config.geometric * sums["geometric"] + self.config.semantic * sums["semantic"]
        return Consistency(total, sums["geometric"], sums["semantic"], layers)

    def _features(self, pictures: Tensor, views: Tensor) -> dict[str, dict[str, Tensor]]:
        return {
            half.name: half.tower.features(
                through_views(pictures, views, half.tower.size), list(half.layers)
            )
            for half in self._halves
        }


def _half(
    name: str, weight: float, tower: ImageTower | None, layers: dict[str, float]
) -> list[_Half]:
    used = {layer: own for layer, own in layers.items() if own}
    if not weight or not used:
        return []
    if tower is None:
        raise UsageError(
            f"The {name} half of the loss has no CLIP model", "Give one, or set its weight to 0"
        )
    tower.require(list(used))
    return [_Half(name, tower, used)]


def _squares(found: Tensor, wanted: Tensor) -> Tensor:
    """(N, C, h, w) twice -> (N, 1, h, w) mean squared difference over the channels."""
    return (found - wanted).square().mean(1, keepdim=True)


def _angles(found: Tensor, wanted: Tensor) -> Tensor:
    """(N, C, h, w) twice -> (N, 1, h, w) 1 - cosine."""
    return 1 - functional.cosine_similarity(found, wanted, dim=1)[:, None]


def _within(apart: Tensor, mask: Tensor) -> Tensor:
    """Mean of (N, 1, h, w) weighted by the (N, 1, H, W) mask; an empty mask counts as 0."""
    share = functional.adaptive_avg_pool2d(mask.float(), (apart.shape[-2], apart.shape[-1]))
    inside = (apart * share).sum((1, 2, 3)) / share.sum((1, 2, 3)).clamp(min=1e-6)
    return inside.sum() / max(len(inside), 1)
