"""Train the face detector.

    python -m ml.training.detector.train --data DATA --samples out/data/samples

Run it again to continue from the last checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from ...photo.detector import DetectorNetwork
from ..arguments import SAMPLES, recorded_command, training_parser
from ..config import TrainingConfig, read_config
from ..loop import RunState, Training, open_run, run
from ..streams import ahead
from .losses import LossWeights, losses
from .tiles import Stock, load_stock, make_tile

CONFIG = Path(__file__).parent / "config.toml"
# Images, targets and weights, see tiles.Tile.
Batch = tuple[Tensor, Tensor, Tensor]


@dataclass(frozen=True, kw_only=True)
class DetectorConfig(TrainingConfig):
    """See config.toml."""

    widths: tuple[int, int, int]
    loss: LossWeights


@dataclass(frozen=True)
class DetectorTraining(Training):
    """On tiles made of ``stock``."""

    config: DetectorConfig
    stock: Stock

    def build(self) -> DetectorNetwork:
        return DetectorNetwork(self.config.widths)

    def batches(self, first: int) -> Iterator[Batch]:
        return ahead(self._tiles(first), 4)

    def _tiles(self, first: int) -> Iterator[Batch]:
        cv2.setNumThreads(1)
        for step in count(first):
            rng = np.random.default_rng([self.config.seed, step])
            tiles = [make_tile(self.stock, rng) for _ in range(self.config.batch)]
            images, wanted, weight = (
                torch.from_numpy(np.stack([getattr(tile, name) for tile in tiles]))
                for name in ("image", "wanted", "weight")
            )
            yield images.permute(0, 3, 1, 2).float() / 255, wanted, weight

    def loss(self, state: RunState, batch: Batch) -> dict[str, Tensor]:
        images, wanted, weight = batch
        output = state.network(images.contiguous(memory_format=torch.channels_last))
        return losses(output, wanted, weight, self.config.loss)


def main() -> None:
    files = ("data", "reference", "fits")
    parser = training_parser(__doc__, CONFIG, "out/train/detector", *files)
    parser.add_argument("--samples", type=Path, default=SAMPLES)
    arguments = parser.parse_args()
    config = read_config(arguments.config, DetectorConfig, arguments.max_minutes)
    stock = load_stock(
        arguments.data, arguments.reference, arguments.fits, arguments.samples, config.seed
    )
    training = DetectorTraining(config, stock)
    state = open_run(training, arguments.out, recorded_command("detector.train"))
    run(training, state, arguments.out)


if __name__ == "__main__":
    main()
