"""Train the regressor.

    python -m ml.training.regressor.train --data DATA --samples out/data/samples

Run it again to continue from the last checkpoint; the time already spent counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from ...head.mirror import make_mirror
from ...head.model import HeadModel
from ...head.storage import load_head_model
from ...regressor.estimate import NetworkShape
from ...regressor.network import HeadNetwork
from ..arguments import SAMPLES, recorded_command, training_parser
from ..config import TrainingConfig, read_config
from ..data.stored import finished_rows, open_samples
from ..loop import RunState, Training, channels_last, open_run, run
from ..warm_start import start_from
from .batches import Batch, Source, batches_ahead
from .losses import Importance, LossWeights, importance_of, losses
from .measure import portrait_error
from .teacher import TeacherOffset, as_taught

CONFIG = Path(__file__).parent / "config.toml"


@dataclass(frozen=True)
class Sizes:
    """Sizes of the network that the head model does not decide; see NetworkShape."""

    widths: tuple[int, int, int, int]
    summary: int
    refine: int
    rounds: int


@dataclass(frozen=True, kw_only=True)
class RegressorConfig(TrainingConfig):
    """See config.toml."""

    network: Sizes
    loss: LossWeights


@dataclass(frozen=True)
class RegressorTraining(Training):
    """samples: folder. data: the training data, whose portraits are measured on; None for none."""

    config: RegressorConfig
    model: HeadModel
    samples: Path
    data: Path | None = None

    def build(self) -> HeadNetwork:
        return channels_last(HeadNetwork(network_shape(self.model, self.config.network)))

    def build_beside(self) -> dict[str, nn.Module]:
        return {"offset": TeacherOffset(len(self.model.landmark_sets["dense"]))}

    def batches(self, first: int) -> Iterator[Batch]:
        samples = open_samples(self.samples)
        rows = finished_rows(self.samples, len(samples["kind"]))
        crop = network_shape(self.model, self.config.network).crop
        source = Source(samples, rows, make_mirror(self.model), crop)
        return batches_ahead(source, self.config.batch, self.config.seed, first)

    @cached_property
    def _importance(self) -> Importance:
        return importance_of(self.model.points("dense"))

    def loss(self, state: RunState, batch: Batch) -> dict[str, Tensor]:
        device, weights = state.device, self.config.loss
        offset = cast(TeacherOffset, state.beside["offset"])
        crops = torch.from_numpy(batch.crops).to(device, memory_format=torch.channels_last)
        # Heads and losses stay in float32.
        with torch.autocast(device, torch.bfloat16, enabled=computes_bfloat16(device)):
            predictions = state.network(crops)
        taught = torch.from_numpy(batch.taught).to(device)
        rotation = torch.from_numpy(batch.rotation).to(device)
        earlier, parts = torch.zeros((), device=device), dict[str, Tensor]()
        for number, prediction in enumerate(predictions):
            if parts:
                share = weights.coarse if number == 1 else 1.0
                earlier = earlier + share * torch.stack(list(parts.values())).sum()
            points = as_taught(prediction.points, offset, rotation, taught)
            parts = losses(prediction, points, batch, self._importance, weights)
        return {**parts, "earlier": earlier}

    def measure(self, network: nn.Module) -> dict[str, float]:
        if self.data is None:
            return {}
        return {"portraits_dev_percent": portrait_error(network, self.data)}


def network_shape(model: HeadModel, sizes: Sizes) -> NetworkShape:
    """All sizes of the network that predicts the coefficients and landmarks of ``model``."""
    return NetworkShape(
        points=len(model.landmark_sets["dense"]),
        identity=model.identity_count,
        expression=len(model.expression_names),
        **vars(sizes),
    )


def computes_bfloat16(device: str) -> bool:
    """Whether the device has instructions for bfloat16. Processors that emulate them are 300 times
    slower with bfloat16 than with float32."""
    return device != "cpu" or torch.cpu._is_avx512_bf16_supported()


def main() -> None:
    parser = training_parser(__doc__, CONFIG, "out/train/regressor", "reference")
    parser.add_argument("--samples", type=Path, default=SAMPLES)
    parser.add_argument("--data", type=Path, help="the training data, to measure on its portraits")
    parser.add_argument("--start", type=Path, help="weights, with their card, to begin with")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    arguments = parser.parse_args()
    config = read_config(arguments.config, RegressorConfig, arguments.max_minutes)
    model = load_head_model(arguments.reference)
    training = RegressorTraining(config, model, arguments.samples, arguments.data)
    command = recorded_command("regressor.train")
    state = open_run(training, arguments.out, command, arguments.device)
    if arguments.start and not state.step:
        start_from(state, arguments.start)
    run(training, state, arguments.out)


if __name__ == "__main__":
    main()
