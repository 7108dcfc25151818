"""Settings of the face CLIP and of its training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...perception.face_clip import FaceWords
from ..config import TrainingConfig
from .captions import vocabulary

CONFIG = Path(__file__).parent / "config.toml"


@dataclass(frozen=True)
class LossWeights:
    """Weights of the parts; the contrast of whole captions has weight 1.

    topics: of the questions about single topics beside it. answers, places: of the lessons.
    """

    topics: float
    answers: float
    places: float


@dataclass(frozen=True, kw_only=True)
class FaceClipConfig(TrainingConfig):
    """See config.toml. clip, resnet, vit: as open_clip's own configurations."""

    captions: int
    lessons_first: float
    kept_out: int
    least_crop: float
    most_crop: float
    loss: LossWeights
    clip: dict[str, Any]
    resnet: dict[str, Any]
    vit: dict[str, Any]


def face_words(config: FaceClipConfig) -> FaceWords:
    """All words of captions."""
    return FaceWords(vocabulary(), config.clip["text_cfg"]["context_length"])


def model_config(config: FaceClipConfig, which: str) -> dict[str, Any]:
    """open_clip's configuration of "resnet" or "vit"."""
    text = {**config.clip["text_cfg"], "vocab_size": face_words(config).size}
    vision = {"patch_size": None, **getattr(config, which)}
    return {**config.clip, "text_cfg": text, "vision_cfg": vision}
