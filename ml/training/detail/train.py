"""Train the detail network.

    python -m ml.training.detail.fits --samples out/data/shape
    python -m ml.training.detail.train --samples out/data/shape --out out/train/detail

Run it again to go on from the last checkpoint; the time already spent counts.
"""

from __future__ import annotations

import argparse
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from ...detail.band import GRID, Band, band_of
from ...detail.network import DetailNetwork, NetworkShape
from ...detail.window import window_of
from ...head.model import HeadModel
from ...head.storage import load_head_model
from ..data.picture.scene import load_stage
from ..steps import (
    descend,
    follow,
    load_checkpoint,
    log_figures,
    rate_at,
    save_checkpoint,
    set_rate,
)
from .batches import Batch, Source, batches_ahead, make_sample, open_source
from .losses import LossWeights, losses, shares, slopes

CONFIG = Path(__file__).parent / "config.toml"


@dataclass
class Run:
    """All that a checkpoint holds."""

    network: DetailNetwork
    average: DetailNetwork
    optimizer: torch.optim.Optimizer
    step: int = 0
    seconds: float = 0.0

    def save(self, path: Path) -> None:
        """See save_checkpoint."""
        save_checkpoint(path, self._parts(), step=self.step, seconds=self.seconds)

    def load(self, path: Path) -> None:
        state = load_checkpoint(path, self._parts())
        self.step, self.seconds = state["step"], state["seconds"]

    def _parts(self) -> dict[str, Any]:
        return {n: getattr(self, n) for n in ("network", "average", "optimizer")}


def start_run(config: dict[str, Any]) -> Run:
    """Networks and optimizer with fixed random weights."""
    torch.manual_seed(config["seed"])
    shape = NetworkShape.from_dict(config["network"])
    # On a CPU, convolutions with their channels last are quicker by an eighth.
    network, average = (
        DetailNetwork(shape).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        for _ in range(2)
    )
    average.load_state_dict(network.state_dict())
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=config["peak_rate"], weight_decay=config["weight_decay"]
    )
    return Run(network, average.eval(), optimizer)


def take_step(
    run: Run, batch: Batch, rate: float, ruler: Ruler, weights: LossWeights
) -> dict[str, float]:
    """One optimizer step; returns the parts of the loss."""
    band = ruler.band
    set_rate(run.optimizer, rate)
    fine, coarse, seen, field = (
        torch.from_numpy(part) for part in (batch.fine, batch.coarse, batch.seen, batch.field)
    )
    with torch.no_grad():
        true = band(field)
    share = shares(seen, band.allowed, weights.hidden)
    parts = losses(band(run.network(fine, coarse)), true, share, ruler.frames, weights)
    descend(run.optimizer, run.network, torch.stack(list(parts.values())).sum())
    return {name: float(value.detach()) for name, value in parts.items()}


@dataclass(frozen=True)
class Ruler:
    """What fields are measured with: the band, and the frames (G, G, 3, 3) of the window."""

    band: Band
    frames: Tensor


def make_ruler(model: HeadModel) -> Ruler:
    """The ruler on the model's window."""
    return Ruler(band_of(model), torch.from_numpy(window_of(model, GRID).frames))


@torch.no_grad()
def answers(
    network: DetailNetwork, source: Source, band: Band
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Of every row: found and true (3, G, G) mm in the band, and seen."""
    for row in source.rows:
        fine, coarse, seen, field = make_sample(source, int(row), None)
        told = torch.from_numpy(fine)[None], torch.from_numpy(coarse)[None]
        yield (
            band(network(*told))[0],
            band(torch.from_numpy(field)[None])[0],
            torch.from_numpy(seen),
        )


def measured(network: DetailNetwork, source: Source, ruler: Ruler) -> dict[str, float]:
    """Mean errors on visible skin, and those of no detail at all: slopes in degrees, mm."""
    sums = np.zeros(5)
    for found, true, seen in answers(network, source, ruler.band):
        share = (seen * ruler.band.allowed)[1:, 1:]
        rows = []
        for gap in (found - true, true):
            angle = torch.rad2deg(
                torch.atan(slopes(gap[None], ruler.frames)[0].square().sum(0).sqrt())
            )
            far = gap.square().sum(0).sqrt()[1:, 1:]
            rows += [float((angle * share).sum()), float((far * share).sum())]
        sums += [*rows, float(share.sum())]
    names = ("slope_degrees", "offset_mm", "slope_degrees_without", "offset_mm_without")
    return dict(zip(names, (sums[:4] / sums[4]).round(4).tolist(), strict=True))


def train(arguments: argparse.Namespace) -> None:
    config = tomllib.loads(arguments.config.read_text())
    budget = 60 * (arguments.max_minutes or config["budget_minutes"])
    model = load_head_model()
    source = open_source(arguments.samples, model, load_stage(arguments.reference))
    source, kept = split(source, config["held_out_every"])
    arguments.out.mkdir(parents=True, exist_ok=True)
    checkpoint = arguments.out / "checkpoint.pt"
    run, ruler = start_run(config), make_ruler(model)
    if checkpoint.exists():
        run.load(checkpoint)
    run.network.train()
    stream = batches_ahead(source, config["batch"], config["seed"], run.step)
    with tqdm(total=round(budget), initial=round(run.seconds), unit="s", mininterval=5) as bar:
        _loop(arguments, config, run, stream, budget, bar, ruler, kept)
    run.save(checkpoint)
    _measure(arguments.out, run, kept, ruler)


def split(source: Source, every: int) -> tuple[Source, Source]:
    """Training's samples, and those kept out: by their number, whichever are there."""
    kept = source.rows % every == 0
    return replace(source, rows=source.rows[~kept]), replace(source, rows=source.rows[kept])


def _loop(arguments, config, run, stream, budget, bar, ruler, kept) -> None:  # type: ignore[no-untyped-def]
    """Steps until the budget of seconds is spent, saving and measuring on the way."""
    saved = seen = run.seconds
    smooth: dict[str, float] = {}
    weights = LossWeights(**config["loss"])
    while run.seconds < budget:
        begun = time.monotonic()
        rate = rate_at(run.seconds / budget, config["peak_rate"], config["warm_up"])
        parts = take_step(run, next(stream), rate, ruler, weights)
        run.step += 1
        # Young averages would remember the random start: let the decay grow with the steps.
        follow(run.average, run.network, min(config["average_decay"], run.step / (9 + run.step)))
        for name, value in parts.items():
            smooth[name] = 0.97 * smooth.get(name, value) + 0.03 * value
        run.seconds += time.monotonic() - begun
        bar.update(round(run.seconds) - bar.n)
        if run.step % 20 == 0:
            bar.set_postfix({k: f"{v:.3f}" for k, v in smooth.items()} | {"step": run.step})
        if run.seconds - saved > 60 * config["checkpoint_minutes"]:
            run.save(arguments.out / "checkpoint.pt")
            saved = run.seconds
        if run.seconds - seen > 60 * config["measure_minutes"]:
            _measure(arguments.out, run, replace(kept, rows=kept.rows[:50]), ruler)
            seen = run.seconds


def _measure(out: Path, run: Run, kept: Source, ruler: Ruler) -> None:
    line = {"step": run.step, "minutes": run.seconds / 60, **measured(run.average, kept, ruler)}
    log_figures(out, line)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=Path, default=Path("out/data/shape"))
    parser.add_argument("--reference", type=Path, default=Path("out/head/reference.npz"))
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--out", type=Path, default=Path("out/train/detail"))
    parser.add_argument("--max-minutes", type=float, help="instead of the configuration's budget")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
