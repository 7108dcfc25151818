"""The face CLIP that ships with Effigy, and the feature consistency loss with it.

Two models of open_clip's own class, trained together on rendered people with captions of their
true attributes (see ml/training/perception). One has a convolutional image encoder, whose early
stages are the loss's geometric features, the other a transformer, whose patch tokens are its
semantic features.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ..assets.card import REMEDY, read_card
from ..errors import UsageError, WeightsMissing
from .clip import carded, load_clip
from .consistency import ConsistencyConfig, FeatureConsistency
from .tower import BLOCK, ImageTower
from .views import ViewSettings

ASSETS = Path(__file__).parent / "assets"
RESNET, VIT = ASSETS / "face_resnet.safetensors", ASSETS / "face_vit.safetensors"
STAGES = ("layer1", "layer2")
BLOCKS = (0, 2, 4, 5)
# Ids of the special tokens. open_clip takes a caption's embedding at its largest id.
_FILL, _BEGIN, _FIRST_WORD = 0, 1, 2


@dataclass(frozen=True)
class FaceWords:
    """The face CLIP's vocabulary and tokeniser.

    Attributes
    ----------
    words: in the order of their ids. length: ids per caption; short captions are padded.
    """

    words: tuple[str, ...]
    length: int

    @property
    def size(self) -> int:
        """The number of ids."""
        return _FIRST_WORD + len(self.words) + 1

    def encode(self, captions: Sequence[str]) -> Tensor:
        """N captions -> (N, length) int64 token ids.

        Raises
        ------
        UsageError: a word is unknown, or a caption is too long.
        """
        ids = {word: _FIRST_WORD + index for index, word in enumerate(self.words)}
        rows = torch.full((len(captions), self.length), _FILL, dtype=torch.int64)
        for row, caption in zip(rows, captions, strict=True):
            used = re.findall(r"[a-z-]+", caption.lower())
            unknown = [word for word in used if word not in ids]
            if unknown:
                raise UsageError(
                    f"The face CLIP does not know {', '.join(unknown)}",
                    f"It knows: {', '.join(self.words)}",
                )
            if len(used) > self.length - 2:
                raise UsageError(
                    f"{caption!r} is too long for the face CLIP",
                    f"Use at most {self.length - 2} words",
                )
            numbers = [_BEGIN, *(ids[word] for word in used), self.size - 1]
            row[: len(numbers)] = torch.tensor(numbers)
        return rows


@dataclass(frozen=True)
class FaceClip:
    """One of the two models: open_clip's ``model``, its image ``tower`` and its vocabulary."""

    model: Any
    tower: ImageTower
    words: FaceWords

    def choose(self, pictures: Tensor, captions: Sequence[Sequence[str]]) -> Tensor:
        """(N, K) probabilities of K choices, each described by one or more captions.

        pictures: (N, 3, S, S) sRGB in 0..1 of the tower's size.

        Raises
        ------
        UsageError: a caption has an unknown word or is too long.
        """
        return self.compare(self.embed(pictures), captions)

    @torch.no_grad()
    def embed(self, pictures: Tensor) -> Tensor:
        """(N, 3, S, S) sRGB in 0..1 -> (N, D) embeddings of length 1."""
        found: Tensor = self.model.encode_image(self.tower.normalised(pictures), normalize=True)
        return found

    @torch.no_grad()
    def compare(self, embeddings: Tensor, captions: Sequence[Sequence[str]]) -> Tensor:
        """(N, D) image embeddings and captions of K choices -> (N, K) probabilities."""
        choices = torch.stack([self._embed_captions(of_one) for of_one in captions])
        return (self.model.logit_scale.exp() * embeddings @ choices.T).softmax(1)

    def _embed_captions(self, captions: Sequence[str]) -> Tensor:
        """(D,) mean embedding of captions with the same meaning, of length 1."""
        found = self.model.encode_text(self.words.encode(captions), normalize=True)
        return functional.normalize(found.mean(0), dim=0)


def load_face_clip(weights: Path = RESNET) -> FaceClip:
    """RESNET or VIT, loaded by open_clip after a check against its card.

    Raises
    ------
    WeightsMissing: absent, altered, or not a face CLIP.
    """
    source = carded(weights)
    model = load_clip(source)
    try:
        config = json.loads(weights.with_suffix(".json").read_text(encoding="utf-8"))
        words = FaceWords(tuple(config["words"]), config["model_cfg"]["text_cfg"]["context_length"])
    except (OSError, ValueError, KeyError) as error:
        raise WeightsMissing(f"{weights} is no face CLIP ({error})", REMEDY) from error
    return FaceClip(model, ImageTower(model), words)


def face_config(views: ViewSettings | None = None) -> ConsistencyConfig:
    """The loss's weights for the face CLIP.

    Layers differ in scale, so each is divided by its mean difference between two people. Two
    different people therefore cost about 1 in each half, and both halves count the same.
    """
    return ConsistencyConfig(
        stages=tuple((name, _weight(RESNET, name) / len(STAGES)) for name in STAGES),
        blocks=tuple(
            (number, _weight(VIT, BLOCK.format(number)) / len(BLOCKS)) for number in BLOCKS
        ),
        views=views or ViewSettings(),
    )


@lru_cache(maxsize=16)
def _weight(weights: Path, layer: str) -> float:
    try:
        return 1 / float(read_card(weights).details["apart"][layer])
    except (KeyError, TypeError, ZeroDivisionError) as error:
        raise WeightsMissing(
            f"The card of {weights} does not say how far apart people are in {layer}", REMEDY
        ) from error


def face_consistency(config: ConsistencyConfig | None = None) -> FeatureConsistency:
    """The feature consistency loss with the face CLIP; nothing is downloaded.

    Raises
    ------
    WeightsMissing: the weights are absent or altered.
    """
    return FeatureConsistency(
        load_face_clip(RESNET).tower, load_face_clip(VIT).tower, config or face_config()
    )
