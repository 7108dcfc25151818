"""The face CLIP in training: two of open_clip's models, and the layers that only training needs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ...perception.clip import open_clip_module
from ...regressor.network import SUMMARY_CHANNELS
from ..loop import channels_last
from .config import FaceClipConfig, face_words, model_config
from .topics import TOPICS

MODELS = ("resnet", "vit")
# The parts of open_clip's CLIP that are its text encoder.
TEXT = (
    "transformer",
    "token_embedding",
    "positional_embedding",
    "ln_final",
    "text_projection",
)


@dataclass(frozen=True)
class Encoded:
    """B pictures as one image encoder sees them.

    Attributes
    ----------
    embedding: (B, D), not normalised. answers: (B, P) logits of all topics' prompts, read from it.
    places: (B, C, h, w) features of the regressor's encoder, read from a layer's map.
    """

    embedding: Tensor
    answers: Tensor
    places: Tensor


class Lessons(nn.Module):
    """Reads from one image encoder the answers to all topics, and at every place the features of
    the regressor's encoder. These layers do not ship."""

    def __init__(self, model: Any, layer: str, channels: int, size: int) -> None:
        super().__init__()
        self._model = (model,)  # in a tuple, so that it is no submodule
        model.visual.get_submodule(layer).register_forward_hook(self._keep)
        self.answer = nn.Linear(size, len(TOPICS.prompts))
        self.places = nn.Conv2d(channels, SUMMARY_CHANNELS, 1)
        self._map = torch.empty(0)

    def forward(self, pictures: Tensor) -> Encoded:
        """pictures: (B, 3, S, S) normalised."""
        embedding: Tensor = self._model[0].encode_image(pictures)
        return Encoded(embedding, self.answer(embedding), self.places(self._map))

    def _keep(self, _module: nn.Module, _inputs: Any, output: Tensor) -> None:
        if output.dim() == 3:  # a transformer's tokens, the class token first
            patches = output[:, 1:].transpose(1, 2)
            side = math.isqrt(patches.shape[2])
            output = patches.unflatten(2, (side, side))
        self._map = output


class FacePair(nn.Module):
    """Two of open_clip's CLIPs with one text encoder, so that both share one embedding space."""

    def __init__(self, config: FaceClipConfig) -> None:
        super().__init__()
        open_clip = open_clip_module()
        self.resnet: Any = open_clip.CLIP(**model_config(config, "resnet"))
        self.vit: Any = open_clip.CLIP(**model_config(config, "vit"))
        for name in TEXT:
            setattr(self.vit, name, getattr(self.resnet, name))
        channels_last(self.resnet.visual)
        self.mean: Tensor
        self.std: Tensor
        for name, of in (
            ("mean", open_clip.OPENAI_DATASET_MEAN),
            ("std", open_clip.OPENAI_DATASET_STD),
        ):
            self.register_buffer(name, torch.tensor(of).view(1, 3, 1, 1), persistent=False)
        self.prompts: Tensor
        asked = face_words(config).encode(TOPICS.prompts)
        self.register_buffer("prompts", asked, persistent=False)
        size = config.clip["embed_dim"]
        resnet = Lessons(self.resnet, "layer3", 16 * config.resnet["width"], size)
        vit = Lessons(self.vit, "transformer.resblocks.4", config.vit["width"], size)
        self.lessons = nn.ModuleDict({"resnet": resnet, "vit": vit})

    def encode_pictures(self, pictures: Tensor) -> dict[str, Encoded]:
        """(B, 3, S, S) in 0..1 -> what each of MODELS makes of them."""
        normalised = ((pictures - self.mean) / self.std).contiguous(
            memory_format=torch.channels_last
        )
        return {name: self.lessons[name](normalised) for name in MODELS}

    def encode_texts(self, tokens: Tensor) -> Tensor:
        """(N, T) tokens -> (N, D) normalised embeddings."""
        embedding: Tensor = self.resnet.encode_text(tokens, normalize=True)
        return embedding

    def scale(self, which: str) -> Tensor:
        """The logarithm of the factor from similarity to logits, of one of MODELS."""
        scale: Tensor = getattr(self, which).logit_scale
        return scale
