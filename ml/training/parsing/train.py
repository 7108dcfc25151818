"""Train the parsing network.

    python -m ml.training.parsing.train --samples out/data/parsing --portraits out/parsing/first.npz

Run it again to continue from the last checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ...parsing.classes import CLASSES
from ...parsing.network import ParsingNetwork
from ..arguments import PARSING_SAMPLES, recorded_command, training_parser
from ..config import TrainingConfig, read_config
from ..loop import RunState, Training, channels_last, open_run, run
from ..streams import ahead
from .batches import Batch, Source, batches, photographed, rendered
from .losses import LossWeights, losses
from .measure import intersection_over_union
from .warm_start import start_from

CONFIG = Path(__file__).parent / "config.toml"
# One of so many rendered rows is kept out of training, for the log.
KEPT_OUT = 40


@dataclass(frozen=True, kw_only=True)
class ParsingConfig(TrainingConfig):
    """See config.toml."""

    widths: tuple[int, ...]
    depths: tuple[int, ...]
    photos: int
    loss: LossWeights


@dataclass(frozen=True)
class ParsingTraining(Training):
    """On rendered people and, if there are any, portraits."""

    config: ParsingConfig
    renders: Source
    portraits: Source | None

    def build(self) -> nn.Module:
        return channels_last(ParsingNetwork(self.config.widths, self.config.depths))

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
        network = state.network
        assert isinstance(network, ParsingNetwork)
        cells = network.cells(images.contiguous(memory_format=torch.channels_last))
        # Labels are moved to where the cells are: logits are many more.
        logits = cells.unflatten(1, (len(CLASSES), 4))
        parts = functional.pixel_unshuffle(labels[:, None], 2)
        return losses(logits, parts, self.config.loss)

    def measure(self, network: nn.Module) -> dict[str, float]:
        rows = self.renders.rows[self.renders.rows % KEPT_OUT == 0]
        if not len(rows):
            return {}
        found = intersection_over_union(
            network, self.renders.images[rows], self.renders.labels[rows]
        )
        return {"iou": float(np.nanmean(list(found.values()))), **found}


def main() -> None:
    parser = training_parser(__doc__, CONFIG, "out/train/parsing")
    parser.add_argument("--samples", type=Path, default=PARSING_SAMPLES)
    parser.add_argument("--portraits", type=Path, help="pseudo-labels; see portraits.py")
    parser.add_argument("--start", type=Path, help="weights, with their card, to begin with")
    arguments = parser.parse_args()
    config = read_config(arguments.config, ParsingConfig, arguments.max_minutes)
    portraits = photographed(arguments.portraits) if arguments.portraits else None
    training = ParsingTraining(config, rendered(arguments.samples), portraits)
    state = open_run(training, arguments.out, recorded_command("parsing.train"))
    if arguments.start and not state.step:
        start_from(state, arguments.start, next(training.batches(0))[0])
    run(training, state, arguments.out)


if __name__ == "__main__":
    main()
