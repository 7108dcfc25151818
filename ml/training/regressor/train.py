"""Train the regressor.

    python -m ml.training.regressor.train --samples out/data/v1 --out out/train/v1 \
        --data ../shared/data

Run it again to go on from the last checkpoint; the time already spent counts.
"""

from __future__ import annotations

import argparse
import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from ...head.mirror import make_mirror
from ...head.model import HeadModel
from ...head.storage import load_head_model
from ...regressor.estimate import NetworkShape
from ...regressor.network import HeadNetwork
from ..data.stored import finished_rows, open_samples
from ..steps import (
    descend,
    follow,
    load_checkpoint,
    log_figures,
    rate_at,
    save_checkpoint,
    set_rate,
)
from .batches import Batch, batches_ahead
from .losses import Importance, LossWeights, importance_of, losses
from .measure import portrait_error
from .teacher import TeacherOffset, as_taught
from .warm_start import start_from

CONFIG = Path(__file__).parent / "config.toml"


@dataclass
class Run:
    """All that a checkpoint holds."""

    network: HeadNetwork
    average: HeadNetwork
    offset: TeacherOffset
    optimizer: torch.optim.Optimizer
    device: str = "cpu"
    step: int = 0
    seconds: float = 0.0
    started_from: str = ""

    def save(self, path: Path) -> None:
        """See save_checkpoint."""
        save_checkpoint(
            path,
            self._parts(),
            step=self.step,
            seconds=self.seconds,
            started_from=self.started_from,
        )

    def load(self, path: Path) -> None:
        state = load_checkpoint(path, self._parts(), self.device)
        self.step, self.seconds = state["step"], state["seconds"]
        self.started_from = state["started_from"]

    def _parts(self) -> dict[str, Any]:
        return {n: getattr(self, n) for n in ("network", "average", "offset", "optimizer")}


def network_shape(model: HeadModel, config: dict[str, Any]) -> NetworkShape:
    """Sizes from the head model and the configuration."""
    sizes = config["network"]
    return NetworkShape(
        points=len(model.embeddings["dense"]),
        identity=model.identity_count,
        expression=len(model.expression_names),
        widths=tuple(sizes["widths"]),
        summary=sizes["summary"],
        refine=sizes["refine"],
        rounds=sizes["rounds"],
    )


def start_run(shape: NetworkShape, config: dict[str, Any], device: str = "cpu") -> Run:
    """Networks and optimizer with fixed random weights."""
    torch.manual_seed(config["seed"])
    network, average, offset = HeadNetwork(shape), HeadNetwork(shape), TeacherOffset(shape.points)
    offset.to(device)
    for module in (network, average):
        module.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    average.load_state_dict(network.state_dict())
    matrices = [p for p in network.parameters() if p.ndim > 1]
    vectors = [p for p in network.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [
            {"params": matrices, "weight_decay": config["weight_decay"]},
            {"params": [*vectors, *offset.parameters()], "weight_decay": 0.0},
        ],
        lr=config["peak_rate"],
    )
    return Run(network, average, offset, optimizer, device)


def take_step(
    run: Run, batch: Batch, rate: float, importance: Importance, weights: LossWeights
) -> dict[str, float]:
    """One optimizer step; returns the parts of the last prediction's loss."""
    set_rate(run.optimizer, rate)
    device = run.device
    crops = torch.from_numpy(batch.crops).to(device, memory_format=torch.channels_last)
    # Heads and losses stay in float32.
    with torch.autocast(device, torch.bfloat16, enabled=bfloat16_pays(device)):
        looks = run.network(crops)
    taught = torch.from_numpy(batch.taught).to(device)
    rotation = torch.from_numpy(batch.rotation).to(device)
    total, parts = torch.zeros((), device=device), {}
    for number, look in enumerate(looks):
        points = as_taught(look.points, run.offset, rotation, taught)
        parts = losses(look, points, batch, importance, weights)
        share = weights.first_look if number == 0 else 1.0
        total = total + share * torch.stack(list(parts.values())).sum()
    descend(run.optimizer, run.network, total)
    return {name: float(value.detach()) for name, value in parts.items()}


def bfloat16_pays(device: str) -> bool:
    """Whether the device computes in bfloat16. Processors that only emulate it are 300 times slower
    at it than in float32."""
    return device != "cpu" or torch.cpu._is_avx512_bf16_supported()


def train(arguments: argparse.Namespace) -> None:
    config = tomllib.loads(arguments.config.read_text())
    budget = 60 * (arguments.max_minutes or config["budget_minutes"])
    model = load_head_model(arguments.reference)
    dense = model.points("dense")
    run = start_run(network_shape(model, config), config, arguments.device)
    arguments.out.mkdir(parents=True, exist_ok=True)
    checkpoint = arguments.out / "checkpoint.pt"
    if checkpoint.exists():
        run.load(checkpoint)
    elif arguments.start:
        run.started_from = start_from(run.network, arguments.start)
        run.average.load_state_dict(run.network.state_dict())
    importance = importance_of(dense, arguments.device)
    weights = LossWeights(**config["loss"])
    samples = open_samples(arguments.samples)
    known = finished_rows(arguments.samples, len(samples["kind"]))
    stream = batches_ahead(
        samples,
        known,
        make_mirror(model),
        config["batch"],
        run.network.shape.crop,
        config["seed"],
        run.step,
    )
    run.network.train()
    run.average.eval()
    with tqdm(total=round(budget), initial=round(run.seconds), unit="s", mininterval=5) as bar:
        parts = _loop(arguments, config, run, stream, budget, bar, (importance, weights))
    run.save(checkpoint)
    _measure(arguments, run, parts)


def _loop(arguments, config, run, stream, budget, bar, terms) -> dict[str, float]:  # type: ignore[no-untyped-def]
    """Steps until the budget of seconds is spent, saving and measuring on the way; returns the
    smoothed parts of the loss."""
    saved = measured = run.seconds
    smooth: dict[str, float] = {}
    while run.seconds < budget:
        begun = time.monotonic()
        rate = rate_at(run.seconds / budget, config["peak_rate"], config["warm_up"])
        parts = take_step(run, next(stream), rate, *terms)
        run.step += 1
        # Young averages would remember the random start: let the decay grow with the steps.
        decay = min(config["average_decay"], (1 + run.step) / (10 + run.step))
        follow(run.average, run.network, decay)
        for name, value in parts.items():
            smooth[name] = 0.98 * smooth.get(name, value) + 0.02 * value
        spent = time.monotonic() - begun
        run.seconds += spent
        bar.update(round(run.seconds) - bar.n)
        if run.step % 50 == 0:
            bar.set_postfix({k: f"{v:.3f}" for k, v in smooth.items()} | {"step": run.step})
        if run.seconds - saved > 60 * config["checkpoint_minutes"]:
            run.save(arguments.out / "checkpoint.pt")
            saved = run.seconds
        if run.seconds - measured > 60 * config["measure_minutes"]:
            _measure(arguments, run, smooth)
            measured = run.seconds
    return smooth


def _measure(arguments: argparse.Namespace, run: Run, parts: Mapping[str, float]) -> None:
    """Append the averaged network's error on development portraits, and the smoothed parts of the
    loss, to the log."""
    if arguments.data is None:
        return
    error = portrait_error(run.average, arguments.data)
    line = {"step": run.step, "minutes": run.seconds / 60, "portraits_dev_percent": error, **parts}
    log_figures(arguments.out, line)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=Path, default=Path("out/data/v1"))
    parser.add_argument("--reference", type=Path, default=Path("out/head/reference.npz"))
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--out", type=Path, default=Path("out/train/v1"))
    parser.add_argument("--data", type=Path, help="measure on this data's portraits now and then")
    parser.add_argument("--start", type=Path, help="earlier weights, with their card, to begin at")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--max-minutes", type=float, help="instead of the configuration's budget")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
