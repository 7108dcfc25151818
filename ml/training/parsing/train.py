"""Train the parsing network.

    python -m ml.training.parsing.train --samples out/data/parsing --portraits out/parsing/first.npz

Run it again to continue from the last checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ...assets.weights import filled
from ...parsing.network import ParsingNetwork
from ..arguments import PARSING_SAMPLES, recorded_command, training_parser
from ..config import TrainingConfig, read_config
from ..loop import RunState, Training, channels_last, open_run, run
from ..streams import ahead
from .batches import Batch, Source, batches, photographed, rendered
from .losses import LossWeights, class_weights, losses
from .measure import intersection_over_union

CONFIG = Path(__file__).parent / "config.toml"
# One of so many rendered rows is kept out of training, for the log.
KEPT_OUT = 40
# Pixels of so many samples are counted for the weights of the classes.
COUNTED = 400


@dataclass(frozen=True, kw_only=True)
class ParsingConfig(TrainingConfig):
    """See config.toml."""

    widths: tuple[int, int, int, int]
    depths: tuple[int, int, int, int]
    photos: int
    loss: LossWeights


@dataclass(frozen=True)
class ParsingTraining(Training):
    """On rendered people and, if there are any, portraits. start: earlier weights, or None."""

    config: ParsingConfig
    renders: Source
    portraits: Source | None
    start: dict[str, Tensor] | None = None

    def build(self) -> nn.Module:
        network = ParsingNetwork(self.config.widths, self.config.depths)
        return channels_last(filled(network, self.start) if self.start else network)

    def batches(self, first: int) -> Iterator[Batch]:
        rows = self.renders.rows[self.renders.rows % KEPT_OUT > 0]
        renders = Source(self.renders.images, self.renders.labels, rows)
        # A run may begin with portraits alone, while the first renders are being made.
        photos = self.config.photos if len(rows) else self.config.batch
        photos = photos if self.portraits else 0
        sources = [(renders, self.config.batch - photos)]
        if self.portraits:
            sources.append((self.portraits, photos))
        return ahead(batches([s for s in sources if s[1]], self.config.seed, first), 4)

    def loss(self, state: RunState, batch: Batch) -> dict[str, Tensor]:
        images, labels = batch
        logits = state.network(images.contiguous(memory_format=torch.channels_last))
        return losses(logits, labels, self._weight, self.config.loss)

    def measure(self, network: nn.Module) -> dict[str, float]:
        rows = self.renders.rows[self.renders.rows % KEPT_OUT == 0]
        if not len(rows):
            return {}
        found = intersection_over_union(
            network, self.renders.images[rows], self.renders.labels[rows]
        )
        return {"iou": float(np.nanmean(list(found.values()))), **found}

    @cached_property
    def _weight(self) -> Tensor:
        sources = [source for source in (self.renders, self.portraits) if source]
        labels = [source.labels[source.rows[:COUNTED]] for source in sources]
        return torch.from_numpy(class_weights(np.concatenate(labels), self.config.loss.balance))


def main() -> None:
    parser = training_parser(__doc__, CONFIG, "out/train/parsing")
    parser.add_argument("--samples", type=Path, default=PARSING_SAMPLES)
    parser.add_argument("--portraits", type=Path, help="pseudo-labels; see portraits.py")
    parser.add_argument("--start", type=Path, help="checkpoint whose weights the run begins with")
    arguments = parser.parse_args()
    config = read_config(arguments.config, ParsingConfig, arguments.max_minutes)
    portraits = photographed(arguments.portraits) if arguments.portraits else None
    start = None
    if arguments.start:
        state = torch.load(arguments.start, weights_only=True, map_location="cpu")
        start = {k: v for k, v in state["average"].items() if v.is_floating_point()}
    training = ParsingTraining(config, rendered(arguments.samples), portraits, start)
    state = open_run(training, arguments.out, recorded_command("parsing.train"))
    run(training, state, arguments.out)


if __name__ == "__main__":
    main()
