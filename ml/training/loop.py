"""The loop that trains every network: steps, averaged weights, log, curves and checkpoints.

A network supplies a :class:`Training`: how it is built, its batches, its loss, its measurements.
"""

from __future__ import annotations

import copy
import json
import math
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from tqdm import tqdm

from ..errors import UsageError
from .config import TrainingConfig
from .curves import save_curves
from .guard import refuse_unsafe_layers

CHECKPOINT, LOG, CURVES = "checkpoint.pt", "log.jsonl", "curves.png"
# How much of the smoothed loss each step keeps.
SMOOTHING = 0.98
Network = TypeVar("Network", bound=nn.Module)
_CLOCKS = {"wall": time.monotonic, "processor": time.process_time}


@dataclass
class RunState:
    """A run between two steps: everything that a checkpoint holds.

    Attributes
    ----------
    network, average: the network and the exponential moving average of its weights.
    beside: modules that are trained with the network and do not ship.
    config: settings by name. step: steps taken. seconds: time they took.
    started_from: sha256 of the weights that the run began with; empty if they were random.
    commands: the command lines that the run was started and continued with.
    """

    network: nn.Module
    average: nn.Module
    beside: nn.ModuleDict
    optimizer: torch.optim.Optimizer
    config: dict[str, Any]
    device: str = "cpu"
    step: int = 0
    seconds: float = 0.0
    started_from: str = ""
    commands: list[str] = field(default_factory=list)

    def save(self, path: Path) -> None:
        """Write a checkpoint, to a temporary file first: a stopped run leaves no half of one."""
        partial = path.with_suffix(".partial")
        states = {name: getattr(self, name).state_dict() for name in _STATES}
        torch.save(states | {name: getattr(self, name) for name in (*_PLAIN, "config")}, partial)
        os.replace(partial, path)

    def load(self, path: Path) -> None:
        """Take over everything from a checkpoint but the configuration.

        Raises
        ------
        UsageError: the checkpoint is of another network.
        """
        stored = torch.load(path, weights_only=True, map_location=self.device)
        try:
            for name in _STATES:
                getattr(self, name).load_state_dict(stored[name])
            for name in _PLAIN:
                setattr(self, name, stored[name])
        except (KeyError, RuntimeError, ValueError) as error:
            raise UsageError(
                f"{path} is a checkpoint of another network ({error})", "Choose another --out"
            ) from error


_STATES = ("network", "average", "beside", "optimizer")
_PLAIN = ("step", "seconds", "started_from", "commands")


class Training(ABC):
    """What a network brings to the loop. ``config``: its settings."""

    config: TrainingConfig

    @abstractmethod
    def build(self) -> nn.Module:
        """The network with random weights. The random seed is set before."""

    def build_beside(self) -> dict[str, nn.Module]:
        """Modules by name that are trained with the network and do not ship."""
        return {}

    @abstractmethod
    def batches(self, first: int) -> Iterator[Any]:
        """Endless batches for :meth:`loss`, from step ``first`` on."""

    @abstractmethod
    def loss(self, state: RunState, batch: Any) -> dict[str, Tensor]:
        """Weighted parts of the loss by name, scalars; their sum is minimised."""

    def measure(self, network: nn.Module) -> dict[str, float]:
        """Figures of the averaged network for the log."""
        return {}


def channels_last(network: Network) -> Network:
    """``network`` with its weights in channels-last format: on a CPU, quicker by an eighth."""
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def start_run(training: Training, device: str = "cpu") -> RunState:
    """A new run with random weights.

    Raises
    ------
    UsageError: see :func:`.guard.refuse_unsafe_layers`.
    """
    config = training.config
    torch.manual_seed(config.seed)
    network = training.build().to(device).train()
    if device == "cpu":
        refuse_unsafe_layers(network)
    beside = nn.ModuleDict(training.build_beside()).to(device)
    average = copy.deepcopy(network).eval()
    optimizer = _optimizer(config, network, beside)
    return RunState(network, average, beside, optimizer, asdict(config), device)


def open_run(training: Training, out: Path, command: str, device: str = "cpu") -> RunState:
    """The run in the folder ``out`` where its checkpoint left it, or a new one.

    command: the command line, for the card. Raises UsageError as :func:`start_run` does.
    """
    state = start_run(training, device)
    out.mkdir(parents=True, exist_ok=True)
    if (out / CHECKPOINT).exists():
        state.load(out / CHECKPOINT)
    if command not in state.commands[-1:]:
        state.commands.append(command)
    return state


def run(training: Training, state: RunState, out: Path) -> None:
    """Train until the end of the run; checkpoints, log and curves go into the folder ``out``."""
    config, smooth = training.config, dict[str, float]()
    saved = measured = state.seconds
    with _progress_bar(config, state) as bar:
        for parts in steps(training, state):
            for name, value in parts.items():
                smooth[name] = SMOOTHING * smooth.get(name, value) + (1 - SMOOTHING) * value
            bar.update(_position(config, state) - bar.n)
            shown = {name: f"{value:.3f}" for name, value in smooth.items()}
            bar.set_postfix({**shown, "step": state.step}, refresh=False)
            if state.seconds - saved > 60 * config.checkpoint_minutes:
                state.save(out / CHECKPOINT)
                saved = state.seconds
            if state.seconds - measured > 60 * config.measure_minutes:
                _log(training, state, smooth, out)
                measured = state.seconds
    if smooth:
        state.save(out / CHECKPOINT)
        _log(training, state, smooth, out)


def steps(training: Training, state: RunState) -> Iterator[dict[str, float]]:
    """Take steps until the end of the run; yields the parts of the loss after each."""
    config = training.config
    clock = _CLOCKS[config.clock]
    stream = training.batches(state.step)
    while (progress := config.progress(state.step, state.seconds)) < 1:
        begun = clock()
        rate = rate_at(progress, config.peak_rate, config.warm_up)
        parts = take_step(training, state, next(stream), rate)
        state.seconds += clock() - begun
        yield parts


def take_step(training: Training, state: RunState, batch: Any, rate: float) -> dict[str, float]:
    """One optimizer step at learning rate ``rate``; returns the parts of the loss before it."""
    config = training.config
    for group in state.optimizer.param_groups:
        group["lr"] = rate
    parts = training.loss(state, batch)
    state.optimizer.zero_grad(set_to_none=True)
    torch.stack(list(parts.values())).sum().backward()
    if config.longest_gradient:
        nn.utils.clip_grad_norm_(state.network.parameters(), config.longest_gradient)
    state.optimizer.step()
    state.step += 1
    # A young average would remember the random weights: its decay grows with the steps.
    decay = min(config.average_decay, (1 + state.step) / (10 + state.step))
    update_average(state.average, state.network, decay)
    return {name: float(part.detach()) for name, part in parts.items()}


def rate_at(progress: float, peak: float, warm_up: float) -> float:
    """The learning rate: a linear rise over ``warm_up``, then a cosine to 0. progress: 0..1."""
    if progress < warm_up:
        return peak * (0.05 + 0.95 * progress / warm_up)
    along = min((progress - warm_up) / (1 - warm_up), 1.0)
    return peak * max(0.5 * (1 + math.cos(math.pi * along)), 1e-3)


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Move averaged weights and statistics towards the network's by ``1 - decay``.

    Unlike torch's AveragedModel the average keeps the network's names, which the checkpoint and
    the weight file share, and begins as the network does.
    """
    present = network.state_dict()
    for name, value in average.state_dict().items():
        if value.is_floating_point():
            value.lerp_(present[name], 1 - decay)
        else:
            value.copy_(present[name])


def _optimizer(
    config: TrainingConfig, network: nn.Module, beside: nn.Module
) -> torch.optim.Optimizer:
    matrices = [weight for weight in network.parameters() if weight.ndim > 1]
    vectors = [weight for weight in network.parameters() if weight.ndim <= 1]
    decay = config.weight_decay
    return torch.optim.AdamW(
        [
            {"params": matrices, "weight_decay": decay},
            {"params": vectors, "weight_decay": decay if config.decay_vectors else 0.0},
            {"params": list(beside.parameters()), "weight_decay": 0.0},
        ],
        lr=config.peak_rate,
        betas=(0.9, config.beta2),
    )


def _progress_bar(config: TrainingConfig, state: RunState) -> tqdm:
    """A bar over the steps, or over the seconds, that the run takes."""
    length, unit = (
        (config.steps, "step") if config.steps else (round(60 * config.budget_minutes), "s")
    )
    return tqdm(total=length, initial=_position(config, state), unit=unit, mininterval=5)


def _position(config: TrainingConfig, state: RunState) -> int:
    return state.step if config.steps else round(state.seconds)


def _log(training: Training, state: RunState, smooth: Mapping[str, float], out: Path) -> None:
    """Append the smoothed loss and the measurements to the log, print them, draw the curves."""
    line = {"step": state.step, "minutes": state.seconds / 60, **smooth}
    text = json.dumps(line | training.measure(state.average))
    with (out / LOG).open("a", encoding="utf-8") as log:
        log.write(text + "\n")
    save_curves(out / LOG, out / CURVES)
    tqdm.write(text)
