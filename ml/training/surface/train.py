"""Train the surface refinement.

    python -m ml.training.surface.train --samples out/data/shape out/data/samples

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
from ...regressor.surface import Unwrap, make_surface_map
from ...regressor.surface_network import SurfaceNetwork, SurfaceShape
from ..arguments import SHAPE_SAMPLES, recorded_command, training_parser
from ..config import TrainingConfig, read_config
from ..loop import RunState, Training, channels_last, open_run, run
from ..regressor.losses import importance_of
from ..regressor.teacher import TeacherOffset
from ..warm_start import start_from
from .batches import Labels, Samples, batches_ahead, load, open_folders
from .estimates import Basis, Estimates, Wrong, make_basis, simulate
from .losses import Head, LossWeights, losses
from .measure import Figures
from .solid import make_solid_basis

CONFIG = Path(__file__).parent / "config.toml"
# Kept-out samples that are measured on, and how many at once.
_MEASURED, _AT_ONCE = 480, 48


@dataclass(frozen=True)
class Sizes:
    """Sizes of the network that the head model does not decide; see SurfaceShape."""

    widths: tuple[int, int, int, int]
    summary: int
    solid: int = 0
    by_points: bool = False


@dataclass(frozen=True, kw_only=True)
class SurfaceConfig(TrainingConfig):
    """See config.toml."""

    photos: float
    kept_out: int
    network: Sizes
    loss: LossWeights
    wrong: Wrong


@dataclass(frozen=True)
class SurfaceTraining(Training):
    """For the head ``model``, on ``samples``."""

    config: SurfaceConfig
    model: HeadModel
    samples: Samples

    def build(self) -> SurfaceNetwork:
        return channels_last(surface_network(self.model, self.config.network))

    def build_beside(self) -> dict[str, nn.Module]:
        return {"offset": TeacherOffset(len(self.model.landmark_sets["dense"]))}

    def batches(self, first: int) -> Iterator[tuple[Labels, torch.Generator]]:
        """Labels, and the random numbers that estimates are simulated with."""
        config = self.config
        random = torch.Generator().manual_seed(config.seed + first)
        stream = batches_ahead(self.samples, config.batch, config.seed, first, config.photos)
        return ((labels, random) for labels in stream)

    @cached_property
    def basis(self) -> Basis:
        """The head at the landmarks that the network refines."""
        return make_basis(self.model)

    @cached_property
    def _unwrap(self) -> Unwrap:
        return Unwrap(make_surface_map(self.model))

    @cached_property
    def head(self) -> Head:
        """What losses and figures are measured on."""
        return Head(importance_of(self.model.points("dense")), make_solid_basis(self.model))

    def inputs(self, labels: Labels, random: torch.Generator) -> tuple[Estimates, Tensor]:
        """Simulated estimates, and the faces unwrapped with them."""
        estimates = simulate(self.basis, labels, self.config.wrong, random)
        both = torch.cat([estimates.identity, estimates.expression], 1)
        return estimates, self._unwrap(labels.pictures, both, estimates.cameras)

    def loss(self, state: RunState, batch: tuple[Labels, torch.Generator]) -> dict[str, Tensor]:
        labels, random = batch
        estimates, texels = self.inputs(labels, random)
        texels = texels.contiguous(memory_format=torch.channels_last)
        update = state.network(texels, estimates.identity, estimates.expression)
        offset = cast(TeacherOffset, state.beside["offset"])
        return losses(update, estimates, labels, offset, self.head, self.config.loss)

    @torch.no_grad()
    def measure(self, network: nn.Module) -> dict[str, float]:
        """On kept-out renders, see measure.py."""
        rows, random = self.samples.rows(training=False), torch.Generator().manual_seed(5)
        figures = Figures(self.head)
        for start in range(0, min(len(rows), _MEASURED), _AT_ONCE):
            labels = load(self.samples, rows[start : start + _AT_ONCE], None)
            estimates, texels = self.inputs(labels, random)
            update = network(texels, estimates.identity, estimates.expression)
            figures.add(update, estimates, labels)
        return figures.values()


def surface_network(model: HeadModel, sizes: Sizes) -> SurfaceNetwork:
    """A network with random weights for the head ``model``."""
    shape = SurfaceShape(
        len(model.landmark_sets["dense"]),
        model.identity_count,
        len(model.expression_names),
        **vars(sizes),
    )
    return SurfaceNetwork(shape, make_surface_map(model).places)


def main() -> None:
    parser = training_parser(__doc__, CONFIG, "out/train/surface", "reference")
    parser.add_argument("--samples", type=Path, nargs="+", default=[SHAPE_SAMPLES])
    parser.add_argument("--start", type=Path, help="weights, with their card, to begin with")
    arguments = parser.parse_args()
    config = read_config(arguments.config, SurfaceConfig, arguments.max_minutes)
    mirror = make_mirror(load_head_model(arguments.reference))
    samples = open_folders(arguments.samples, mirror, config.kept_out)
    training = SurfaceTraining(config, load_head_model(), samples)
    state = open_run(training, arguments.out, recorded_command("surface.train"))
    if arguments.start and not state.step:
        start_from(state, arguments.start)
    run(training, state, arguments.out)


if __name__ == "__main__":
    main()
