"""Feature maps from named layers of a CLIP's image encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..assets.device import run
from ..errors import UsageError

BLOCK = "transformer.resblocks.{}"


class ImageTower:
    """The image encoder of a model from :func:`ml.perception.clip.load_clip`.

    Not an nn.Module, so that ``train()`` cannot switch its batch norms to batch statistics.
    """

    def __init__(self, model: nn.Module) -> None:
        visual: Any = model.visual
        self._visual: nn.Module = visual.eval().requires_grad_(False)
        self._layered = _Layered(self._visual).eval()
        self._modules = dict(visual.named_modules())
        size = visual.image_size
        self.size: tuple[int, int] = (size, size) if isinstance(size, int) else tuple(size)
        self._grid: tuple[int, int] | None = getattr(visual, "grid_size", None)
        self._mean = torch.tensor(visual.image_mean).view(1, 3, 1, 1)
        self._std = torch.tensor(visual.image_std).view(1, 3, 1, 1)

    @property
    def device(self) -> torch.device:
        """The device of the encoder's parameters."""
        return next(self._visual.parameters()).device

    def to(self, device: torch.device | str) -> ImageTower:
        """Move the encoder to ``device``, in place; returns the tower itself."""
        self._visual.to(device)
        return self

    def require(self, layers: Sequence[str]) -> None:
        """Check that the encoder has these layers.

        Raises
        ------
        UsageError: it lacks one; the hint names some of its layers.
        """
        unknown = [name for name in layers if name not in self._modules]
        if unknown:
            has = [name for name in self._modules if name.count(".") < 1 and name]
            has += [
                name
                for name in self._modules
                if name.startswith(BLOCK.format("")) and name.count(".") == 2
            ]
            raise UsageError(
                f"This CLIP has no layer {', '.join(unknown)}",
                f"Some of its layers: {', '.join(has)}",
            )

    def normalised(self, pictures: Tensor) -> Tensor:
        """(N, 3, H, W) sRGB in 0..1 -> the encoder's input, by CLIP's mean and deviation."""
        return (pictures - self._mean.to(pictures)) / self._std.to(pictures)

    def features(self, pictures: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """Outputs of named layers for pictures.

        Parameters
        ----------
        pictures: (N, 3, H, W) sRGB in 0..1, of the tower's ``size``. CLIP's own normalisation is
            applied here and nowhere else.
        layers: names of modules inside the encoder: "layer2", "transformer.resblocks.4".

        Returns
        -------
        (N, C, h, w) by layer. A transformer block's patch tokens are arranged on their grid; its
        class token is dropped. Always float32: bfloat16's eight bits would hide small differences.

        Raises
        ------
        UsageError: no such layer, pictures of another size, or tokens without a grid.
        """
        self.require(layers)
        if tuple(pictures.shape[-2:]) != self.size:
            raise UsageError(
                f"This CLIP takes pictures of {self.size}, not {tuple(pictures.shape[-2:])}",
                "Resize them first",
            )
        kept = run(self._layered, self.normalised(pictures.to(self.device).float()), list(layers))
        return {name: self._as_map(kept[name]) for name in layers}

    def _as_map(self, output: Tensor) -> Tensor:
        if output.dim() != 3:
            return output
        if self._grid is None:
            raise UsageError("This CLIP's tokens have no grid", "Choose layers of convolutions")
        high, wide = self._grid
        patches = output[:, output.shape[1] - high * wide :]
        return patches.transpose(1, 2).reshape(len(output), -1, high, wide)


class _Layered(nn.Module):
    """Outputs of named layers of an encoder, of which no more is computed than they need."""

    def __init__(self, visual: nn.Module) -> None:
        super().__init__()
        self.visual = visual

    def forward(self, pictures: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        kept: dict[str, Tensor] = {}
        modules = dict(self.visual.named_modules())
        hooks = [
            modules[name].register_forward_hook(_keeper(kept, name, len(set(layers))))
            for name in layers
        ]
        try:
            with torch.autocast(pictures.device.type, enabled=False):
                self.visual(pictures)
        except _AllComputed:
            pass
        finally:
            for hook in hooks:
                hook.remove()
        return kept


class _AllComputed(Exception):
    """Ends the forward pass once all requested layers have been computed."""


def _keeper(kept: dict[str, Tensor], name: str, wanted: int) -> Any:
    def keep(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
        kept[name] = output
        if len(kept) == wanted:
            raise _AllComputed

    return keep
