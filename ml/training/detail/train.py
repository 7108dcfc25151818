"""Train the detail network.

    python -m ml.training.detail.fits --samples out/data/shape
    python -m ml.training.detail.train --samples out/data/shape

Run it again to continue from the last checkpoint; the time already spent counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor, nn

from ...detail.band import GRID, Band, band_of
from ...detail.network import DetailNetwork, NetworkShape
from ...detail.window import window_of
from ...head.storage import load_head_model
from ..arguments import SHAPE_SAMPLES, recorded_command, training_parser
from ..config import TrainingConfig, read_config
from ..data.picture.scene import load_stage
from ..loop import RunState, Training, channels_last, open_run, run
from .batches import Batch, Source, batches_ahead, open_source
from .losses import LossWeights, losses, shares
from .measure import errors

CONFIG = Path(__file__).parent / "config.toml"
# Kept-out samples that the log's figures are measured on.
_MEASURED = 50


@dataclass(frozen=True, kw_only=True)
class DetailConfig(TrainingConfig):
    """See config.toml."""

    held_out_every: int
    network: NetworkShape
    loss: LossWeights


@dataclass(frozen=True)
class DetailTraining(Training):
    """samples: to train on. kept: to measure on."""

    config: DetailConfig
    samples: Source
    kept: Source

    def build(self) -> DetailNetwork:
        return channels_last(DetailNetwork(self.config.network))

    def batches(self, first: int) -> Iterator[Batch]:
        return batches_ahead(self.samples, self.config.batch, self.config.seed, first)

    @cached_property
    def band(self) -> Band:
        """The band of the window that offsets lie in."""
        return band_of(self.samples.model)

    @cached_property
    def frames(self) -> Tensor:
        """(G, G, 3, 3) of the window."""
        return torch.from_numpy(window_of(self.samples.model, GRID).frames)

    def loss(self, state: RunState, batch: Batch) -> dict[str, Tensor]:
        fine, coarse, seen, field = (
            torch.from_numpy(part) for part in (batch.fine, batch.coarse, batch.seen, batch.field)
        )
        weights, band = self.config.loss, self.band
        with torch.no_grad():
            true = band(field)
        share = shares(seen, band.allowed, weights.hidden)
        return losses(band(state.network(fine, coarse)), true, share, self.frames, weights)

    def measure(self, network: nn.Module) -> dict[str, float]:
        some = replace(self.kept, rows=self.kept.rows[:_MEASURED])
        return errors(network, some, self.band, self.frames)


def split(source: Source, every: int) -> tuple[Source, Source]:
    """Samples to train on and samples to measure on, by their number, whichever are there."""
    kept = source.rows % every == 0
    return replace(source, rows=source.rows[~kept]), replace(source, rows=source.rows[kept])


def main() -> None:
    parser = training_parser(__doc__, CONFIG, "out/train/detail", "reference")
    parser.add_argument("--samples", type=Path, default=SHAPE_SAMPLES)
    arguments = parser.parse_args()
    config = read_config(arguments.config, DetailConfig, arguments.max_minutes)
    stage = load_stage(arguments.reference)
    source = open_source(arguments.samples, load_head_model(), stage)
    training = DetailTraining(config, *split(source, config.held_out_every))
    state = open_run(training, arguments.out, recorded_command("detail.train"))
    run(training, state, arguments.out)


if __name__ == "__main__":
    main()
