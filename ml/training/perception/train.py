"""Train the face CLIP.

    python -m ml.training.perception.train --samples out/data/shape

Run it again to continue from the last checkpoint; the processor time already spent counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from torch import Tensor

from ...head.storage import load_head_model
from ..arguments import SHAPE_SAMPLES, recorded_command, training_parser
from ..config import read_config
from ..loop import RunState, Training, open_run, run
from .attributes import HeadMeasures
from .config import CONFIG, FaceClipConfig, face_words
from .losses import Texts, caption_loss, lesson_loss
from .network import FacePair
from .people import Batch, People, batches_ahead, load_people


@dataclass(frozen=True)
class FaceClipTraining(Training):
    """On rendered ``people``."""

    config: FaceClipConfig
    people: People

    def build(self) -> FacePair:
        return FacePair(self.config)

    def batches(self, first: int) -> Iterator[Batch]:
        return batches_ahead(self.people, face_words(self.config), self.config, first)

    def loss(self, state: RunState, batch: Batch) -> dict[str, Tensor]:
        """Of each model: of the lessons, and later in the run of the captions, too."""
        pair = cast(FacePair, state.network)
        texts = self._texts(pair, batch) if self._reads_captions(state) else None
        found = {}
        for name, encoded in pair.encode_pictures(batch.pictures).items():
            found[name] = lesson_loss(encoded, batch, self.config.loss)
            if texts is not None:
                scale = pair.scale(name)
                found[name] += caption_loss(encoded, texts, scale, batch, self.config.loss)
        return found

    def _reads_captions(self, state: RunState) -> bool:
        return self.config.progress(state.step, state.seconds) >= self.config.lessons_first

    def _texts(self, pair: FacePair, batch: Batch) -> Texts:
        captions = pair.encode_texts(batch.tokens.flatten(0, 1))
        return Texts(captions.unflatten(0, batch.tokens.shape[:2]), pair.encode_texts(pair.prompts))


def main() -> None:
    parser = training_parser(__doc__, CONFIG, "out/train/face_clip", "reference")
    parser.add_argument("--samples", type=Path, default=SHAPE_SAMPLES)
    arguments = parser.parse_args()
    config = read_config(arguments.config, FaceClipConfig, arguments.max_minutes)
    measures = HeadMeasures(load_head_model(arguments.reference))
    training = FaceClipTraining(config, load_people(arguments.samples, measures, config.kept_out))
    state = open_run(training, arguments.out, recorded_command("perception.train"))
    run(training, state, arguments.out)


if __name__ == "__main__":
    main()
