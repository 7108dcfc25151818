"""Train the surface refinement.

    python -m ml.training.surface.train --samples out/data/shape --out out/train/surface

Run it again to go on from the last checkpoint; the time already spent counts.
"""

from __future__ import annotations

import argparse
import copy
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from ...head.mirror import make_mirror
from ...head.model import HeadModel
from ...head.storage import load_head_model
from ...regressor.surface import Unwrap, make_surface_map
from ...regressor.surface_network import UNIT, SurfaceNetwork, SurfaceShape, Update
from ..regressor.losses import Importance, importance_of
from ..regressor.teacher import TeacherOffset
from ..steps import (
    descend,
    follow,
    load_checkpoint,
    log_figures,
    rate_at,
    save_checkpoint,
    set_rate,
)
from .batches import Labels, Samples, batches_ahead, load, open_folders
from .estimates import Basis, Estimates, Wrong, in_frame, simulate

CONFIG = Path(__file__).parent / "config.toml"


@dataclass
class Run:
    """All that a checkpoint holds."""

    network: SurfaceNetwork
    average: SurfaceNetwork
    offset: TeacherOffset
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
        return {n: getattr(self, n) for n in ("network", "average", "offset", "optimizer")}


@dataclass(frozen=True)
class Task:
    """What stays the same from step to step. ``wrong`` and ``weights``: see config.toml."""

    basis: Basis
    unwrap: Unwrap
    importance: Importance
    wrong: Wrong
    weights: dict[str, float]

    def see(self, labels: Labels, random: torch.Generator) -> tuple[Estimates, Tensor]:
        """Simulated estimates, and the faces unwrapped with them."""
        estimates = simulate(
            self.basis,
            labels.identity,
            labels.expression,
            labels.rotation,
            labels.points,
            labels.pictures.shape[3],
            self.wrong,
            random,
        )
        both = torch.cat([estimates.identity, estimates.expression], 1)
        return estimates, self.unwrap(labels.pictures, both, estimates.cameras)


def make_task(model: HeadModel, config: dict[str, Any]) -> Task:
    """For the head that ships."""
    dense = model.points("dense")
    bases = torch.cat([torch.from_numpy(b).flatten(1) for b in (dense.identity, dense.expression)])
    return Task(
        Basis(torch.from_numpy(dense.mean).flatten(), bases),
        Unwrap(make_surface_map(model)),
        importance_of(dense),
        Wrong(**config["wrong"]),
        config["loss"],
    )


def network_for(model: HeadModel, config: dict[str, Any]) -> SurfaceNetwork:
    """A network with fresh weights for the head ``model``."""
    sizes = config["network"]
    shape = SurfaceShape(
        len(model.embeddings["dense"]),
        model.identity_count,
        len(model.expression_names),
        tuple(sizes["widths"]),
        sizes["summary"],
    )
    return SurfaceNetwork(shape, make_surface_map(model).places)


def start_run(model: HeadModel, config: dict[str, Any]) -> Run:
    """Networks and optimizer with fixed random weights."""
    torch.manual_seed(config["seed"])
    network = network_for(model, config)
    average = copy.deepcopy(network)
    for module in (network, average):
        module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    offset = TeacherOffset(network.shape.points)
    groups: list[dict[str, Any]] = [
        {
            "params": [p for p in network.parameters() if p.ndim > 1],
            "weight_decay": config["weight_decay"],
        },
        {
            "params": [*(p for p in network.parameters() if p.ndim <= 1), *offset.parameters()],
            "weight_decay": 0.0,
        },
    ]
    return Run(network, average, offset, torch.optim.AdamW(groups, lr=config["peak_rate"]))


def losses(
    update: Update, estimates: Estimates, labels: Labels, offset: TeacherOffset, task: Task
) -> dict[str, Tensor]:
    """Parts of the loss, already weighted; their sum is minimised."""
    weights = task.weights
    wanted = in_frame(estimates.cameras, labels.points - estimates.landmarks) / UNIT
    moved = update.moved + _teacher(estimates, labels, offset)
    distance = ((moved - wanted).square().sum(2) + 1e-6).sqrt()
    nll = distance * torch.exp(-update.log_scale) + 2 * update.log_scale
    seen = labels.weight * (labels.visible + weights["hidden"] * (1 - labels.visible))
    identity = (update.identity - labels.identity) @ task.importance.identity
    share = labels.drawn + weights["identity_of_photos"] * (1 - labels.drawn)
    keys = (estimates.expression + update.expression - labels.expression).abs()
    keys = (keys * task.importance.expression).sum(1) / task.importance.expression.sum()
    return {
        "points": (nll * seen).sum() / seen.sum(),
        "identity": weights["identity"] * (identity.square().sum(1) * share).sum() / share.sum(),
        "expression": weights["expression"] * (keys * (1 + labels.drawn)).mean(),
    }


def _teacher(estimates: Estimates, labels: Labels, offset: TeacherOffset) -> Tensor:
    """(B, L, 2) UNITs that a teacher's points lie off the surface's, in the head's frame."""
    points = estimates.landmarks[:, : offset.taught]
    extent = (points.amax(1) - points.amin(1)).amax(1)
    off = offset(labels.rotation, extent) * labels.taught[:, None, None]
    flat = in_frame(estimates.cameras, off) / UNIT
    rest = labels.points.shape[1] - offset.taught
    return nn.functional.pad(flat, (0, 0, 0, rest))


def take_step(
    run: Run, task: Task, labels: Labels, rate: float, random: torch.Generator
) -> dict[str, float]:
    """One optimizer step; returns the parts of the loss."""
    set_rate(run.optimizer, rate)
    estimates, texels = task.see(labels, random)
    texels = texels.contiguous(memory_format=torch.channels_last)
    update = run.network(texels, estimates.identity, estimates.expression)
    parts = losses(update, estimates, labels, run.offset, task)
    descend(run.optimizer, run.network, torch.stack(list(parts.values())).sum())
    return {name: float(value.detach()) for name, value in parts.items()}


@torch.no_grad()
def measure(network: SurfaceNetwork, task: Task, samples: Samples) -> dict[str, float]:
    """On kept-out renders: share of the estimate's error that is left, of visible points and of
    identity (in what it moves the landmarks), and the identity's error without any estimate."""
    rows = samples.rows(training=False)
    random = torch.Generator().manual_seed(5)
    kept: dict[str, list[Tensor]] = {name: [] for name in ("points", "before", "id", "id0", "none")}
    for start in range(0, min(len(rows), 480), 48):
        labels = load(samples, rows[start : start + 48], None)
        estimates, texels = task.see(labels, random)
        update = network(texels, estimates.identity, estimates.expression)
        wanted = in_frame(estimates.cameras, labels.points - estimates.landmarks) / UNIT
        seen = labels.visible * labels.drawn[:, None]
        total = seen.sum(1).clamp(min=1)
        for name, off in (("points", update.moved - wanted), ("before", wanted)):
            kept[name].append((off.norm(dim=2) * seen).sum(1) / total)
        for name, found in (
            ("id", update.identity),
            ("id0", estimates.identity),
            ("none", 0 * labels.identity),
        ):
            off = (found - labels.identity) @ task.importance.identity
            kept[name].append(off.square().sum(1) * labels.drawn)
    mean = {name: float(torch.cat(values).sum()) for name, values in kept.items()}
    return {
        "points_left": mean["points"] / mean["before"],
        "identity_left": mean["id"] / mean["id0"],
        "identity_estimate": mean["id0"] / mean["none"],
    }


def train(arguments: argparse.Namespace) -> None:
    config = tomllib.loads(arguments.config.read_text())
    budget = 60 * (arguments.max_minutes or config["budget_minutes"])
    model = load_head_model()
    task, run = make_task(model, config), start_run(model, config)
    arguments.out.mkdir(parents=True, exist_ok=True)
    checkpoint = arguments.out / "checkpoint.pt"
    if checkpoint.exists():
        run.load(checkpoint)
    mirror = make_mirror(load_head_model(arguments.reference))
    samples = open_folders(arguments.samples, mirror, config["kept_out"])
    run.network.train()
    run.average.eval()
    with tqdm(total=round(budget), initial=round(run.seconds), unit="s", mininterval=5) as bar:
        _loop(arguments.out, config, run, task, samples, budget, bar)
    run.save(checkpoint)


def _loop(out, config, run, task, samples, budget, bar) -> None:  # type: ignore[no-untyped-def]
    """Steps until the budget of seconds is spent, saving and measuring on the way."""
    stream = batches_ahead(samples, config["batch"], config["seed"], run.step, config["photos"])
    random = torch.Generator().manual_seed(config["seed"] + run.step)
    saved, smooth = run.seconds, dict[str, float]()
    while run.seconds < budget:
        begun = time.monotonic()
        rate = rate_at(run.seconds / budget, config["peak_rate"], config["warm_up"])
        parts = take_step(run, task, next(stream), rate, random)
        run.step += 1
        # Young averages would remember the random start: let the decay grow with the steps.
        decay = min(config["average_decay"], (1 + run.step) / (10 + run.step))
        follow(run.average, run.network, decay)
        for name, value in parts.items():
            smooth[name] = 0.98 * smooth.get(name, value) + 0.02 * value
        run.seconds += time.monotonic() - begun
        bar.update(round(run.seconds) - bar.n)
        if run.step % 25 == 0:
            bar.set_postfix({k: f"{v:.3f}" for k, v in smooth.items()} | {"step": run.step})
        if run.seconds - saved > 60 * config["checkpoint_minutes"] or run.seconds >= budget:
            run.save(out / "checkpoint.pt")
            saved = run.seconds
            line = {"step": run.step, "minutes": run.seconds / 60, **smooth}
            line |= measure(run.average, task, samples)
            log_figures(out, line)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=Path, nargs="+", default=[Path("out/data/shape")])
    parser.add_argument("--reference", type=Path, default=Path("out/head/reference.npz"))
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--out", type=Path, default=Path("out/train/surface"))
    parser.add_argument("--max-minutes", type=float, help="instead of the configuration's budget")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
