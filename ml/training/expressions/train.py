"""Train the expression network.

    python -m ml.training.expressions.train --seen out/data/acted_seen

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

from ...head.arkit import EXPRESSION_NAMES
from ...regressor.expression_network import ExpressionNetwork, ExpressionShape
from ...regressor.expressions import estimated
from ..arguments import recorded_command, training_parser
from ..config import TrainingConfig, read_config
from ..loop import RunState, Training, open_run, run
from .features import Seen

CONFIG = Path(__file__).parent / "config.toml"
# From these values on an expression acts, and its amount is learned.
ACTS, AMOUNT = 0.25, 0.1
# Views that the features' mean and spread are computed of, and the least spread.
_MEASURED, _LEAST = 4000, 0.02


@dataclass(frozen=True)
class Sizes:
    """See ExpressionShape."""

    region: int
    hidden: int
    dropout: float


@dataclass(frozen=True, kw_only=True)
class ExpressionConfig(TrainingConfig):
    """See config.toml."""

    kept_out: int
    amount: float
    network: Sizes


@dataclass(frozen=True)
class ExpressionTraining(Training):
    """On views of rendered people and portraits."""

    config: ExpressionConfig
    seen: Seen

    def build(self) -> ExpressionNetwork:
        network = expression_network(self.config.network)
        rng = np.random.default_rng(self.config.seed)
        rows = self._rows(training=True)
        some = self.seen.features[rng.choice(rows, min(_MEASURED, len(rows)), replace=False)]
        some = some.astype(np.float32)
        network.mean.copy_(torch.from_numpy(some.mean(0)))
        network.spread.copy_(torch.from_numpy(some.std(0) + _LEAST))
        return network

    def _rows(self, *, training: bool) -> np.ndarray:
        out = self.seen.row % self.config.kept_out == 0
        return np.flatnonzero(~out if training else out)

    def batches(self, first: int) -> Iterator[np.ndarray]:
        """Rows of ``seen``."""
        rows, size = self._rows(training=True), self.config.batch
        while True:
            order = np.random.default_rng([self.config.seed, first]).permutation(rows)
            for start in range(0, len(order) - size + 1, size):
                yield order[start : start + size]
                first += 1

    def loss(self, state: RunState, batch: np.ndarray) -> dict[str, Tensor]:
        features, true, weight = (
            torch.from_numpy(part[batch].astype(np.float32))
            for part in (self.seen.features, self.seen.expression, self.seen.weight)
        )
        logits, amounts = state.network(features)
        acts = functional.binary_cross_entropy_with_logits(
            logits, (true > ACTS).float(), reduction="none"
        )
        off = (amounts - true) ** 2 * (true > AMOUNT)
        counted = weight[:, None] / weight.mean()
        return {
            "acts": (counted * acts).mean(),
            "amount": self.config.amount * (counted * off).mean(),
        }

    @torch.no_grad()
    def measure(self, network: nn.Module) -> dict[str, float]:
        """On kept-out renders: see the benchmark ``expressions``."""
        rows = self._rows(training=False)
        rows = rows[self.seen.weight[rows] == 1]
        if not len(rows):
            return {}
        both = network(torch.from_numpy(self.seen.features[rows].astype(np.float32)))
        found = estimated(*(part.numpy() for part in both)).values
        true = self.seen.expression[rows]
        lids = [EXPRESSION_NAMES.index(f"eyeBlink{side}") for side in ("Left", "Right")]
        shut = true[:, lids] >= 0.85
        return {
            "found": float((found >= 0.5)[true >= 0.6].mean()),
            "silent": float((found < 0.2)[true == 0].mean()),
            "error": float(np.abs(found - true).mean() / true.mean()),
            "closed_lids": float((found[:, lids][shut] > 0.6).mean()) if shut.any() else 0.0,
            "open_lids": float((found[:, lids][true[:, lids] == 0] < 0.2).mean()),
        }


def expression_network(sizes: Sizes) -> ExpressionNetwork:
    """A network with random weights for the expressions of every head model."""
    return ExpressionNetwork(ExpressionShape(len(EXPRESSION_NAMES), **vars(sizes)))


def main() -> None:
    parser = training_parser(__doc__, CONFIG, "out/train/expressions")
    parser.add_argument("--seen", type=Path, nargs="+", default=[Path("out/data/acted_seen")])
    arguments = parser.parse_args()
    config = read_config(arguments.config, ExpressionConfig, arguments.max_minutes)
    training = ExpressionTraining(config, Seen.read(arguments.seen))
    state = open_run(training, arguments.out, recorded_command("expressions.train"))
    run(training, state, arguments.out)


if __name__ == "__main__":
    main()
