"""What every training does: learning rates, averaged weights, steps, checkpoints, batches ahead."""

from __future__ import annotations

import itertools
import json
import math
import os
import queue
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from ..data import IntArray
from .curves import save_curves

Item = TypeVar("Item")
# Longer gradients are shortened to this.
LONGEST = 5.0


def rate_at(progress: float, peak: float, warm_up: float) -> float:
    """One cycle: linear rise over ``warm_up``, then a cosine to zero. ``progress`` is 0..1."""
    if progress < warm_up:
        return peak * (0.05 + 0.95 * progress / warm_up)
    along = min((progress - warm_up) / (1 - warm_up), 1.0)
    return peak * max(0.5 * (1 + math.cos(math.pi * along)), 1e-3)


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Move the averaged weights and statistics a little towards the network's."""
    ours, theirs = average.state_dict(), network.state_dict()
    for name, value in ours.items():
        if value.is_floating_point():
            value.lerp_(theirs[name], 1 - decay)
        else:
            value.copy_(theirs[name])


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """The learning rate of all parameters."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def descend(
    optimizer: torch.optim.Optimizer, network: nn.Module, loss: Tensor, longest: float = LONGEST
) -> None:
    """One optimizer step down the gradient of ``loss``, shortened to ``longest``."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(network.parameters(), longest)
    optimizer.step()


def save_checkpoint(path: Path, parts: Mapping[str, Any], **plain: Any) -> None:
    """The states of networks and optimizers by name, and plain values beside them.

    Written to a temporary file first: a stopped run never leaves half a checkpoint.
    """
    partial = path.with_suffix(".partial")
    torch.save({name: part.state_dict() for name, part in parts.items()} | plain, partial)
    os.replace(partial, path)


def load_checkpoint(path: Path, parts: Mapping[str, Any], device: str = "cpu") -> dict[str, Any]:
    """Fill ``parts`` with what :func:`save_checkpoint` wrote; returns the plain values."""
    state: dict[str, Any] = torch.load(path, weights_only=True, map_location=device)
    for name, part in parts.items():
        part.load_state_dict(state.pop(name))
    return state


def log_figures(out: Path, line: Mapping[str, float]) -> None:
    """Append a line to ``out``'s log, print it, and draw the log anew."""
    text = json.dumps(line)
    with (out / "log.jsonl").open("a") as log:
        log.write(text + "\n")
    save_curves(out / "log.jsonl", out / "curves.png")
    tqdm.write(text)


def ahead(items: Iterator[Item], most: int) -> Iterator[Item]:
    """``items``, up to ``most`` of them prepared by a thread while the network works.

    What goes wrong in the thread is raised where its item is waited for.
    """
    ready: queue.Queue[Item | Exception] = queue.Queue(maxsize=most)

    def carry() -> None:
        try:
            for item in items:
                ready.put(item)
        except Exception as error:  # noqa: BLE001  # raised again below
            ready.put(error)

    threading.Thread(target=carry, daemon=True).start()
    while True:
        found = ready.get()
        if isinstance(found, Exception):
            raise found
        yield found


def random_rows(
    known: IntArray, size: int, seed: int, first: int
) -> Iterator[tuple[int, IntArray]]:
    """Endless (step, (size,) rows): every known row once a round, from step ``first`` on."""
    count = len(known)
    for step in itertools.count(first):
        turn, within = divmod(step, count // size)
        order = np.random.default_rng([seed, turn]).permutation(count)
        yield step, known[order[within * size : (within + 1) * size]]
