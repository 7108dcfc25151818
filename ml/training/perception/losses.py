"""The loss of the face CLIP: lessons, which need no text encoder, and captions.

From captions alone an image encoder learns slowly: prompts that share most of their words lie close
together, and only their difference says which part of the picture matters. In the lessons it
answers every topic by a linear layer, and predicts at every place the features of the regressor's
encoder.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ...perception.clip import open_clip_module
from .config import LossWeights
from .encoded import at_cells
from .network import Encoded
from .people import Batch
from .topics import TOPICS

# An upper limit of CLIP's logarithm of the temperature (Radford et al., 2021).
_SHARPEST = 4.6052


def lesson_loss(encoded: Encoded, batch: Batch, weights: LossWeights) -> Tensor:
    """Of the lessons: answers to all topics, and features of the regressor's encoder."""
    answers = TOPICS.loss(encoded.answers, batch.answers, batch.weights)
    places = encoded.places
    wanted = at_cells(batch.encoded, batch.boxes, (places.shape[2], places.shape[3]))
    return weights.answers * answers + weights.places * functional.mse_loss(places, wanted)


@dataclass(frozen=True)
class Texts:
    """Normalised embeddings. captions: (K, B, D), K of each picture. prompts: (P, D) of topics."""

    captions: Tensor
    prompts: Tensor


def caption_loss(
    encoded: Encoded, texts: Texts, scale: Tensor, batch: Batch, weights: LossWeights
) -> Tensor:
    """Of open_clip's contrast with the captions, averaged over them, and of every topic's prompts.

    scale: scalar, logarithm of the factor from similarity to logits.
    """
    contrast = open_clip_module().ClipLoss()
    pictures = functional.normalize(encoded.embedding, dim=-1)
    sharp = scale.clamp(max=_SHARPEST).exp()
    parts = [contrast(pictures, captions, sharp) for captions in texts.captions]
    topics = TOPICS.loss(sharp * pictures @ texts.prompts.T, batch.answers, batch.weights)
    return torch.stack(parts).mean() + weights.topics * topics
