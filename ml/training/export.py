"""From a checkpoint to the weights that ship, with their card."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic

import torch
from torch import Tensor

from ..assets.card import AssetCard, write_card
from .config import Config, config_from


@dataclass(frozen=True)
class Trained(Generic[Config]):
    """The result of a run, from its checkpoint.

    Attributes
    ----------
    weights: the averaged ones, by name. config: what they were trained with.
    steps, minutes: the length of the run. started_from, commands: see loop.RunState.
    """

    checkpoint: Path
    weights: dict[str, Tensor]
    config: Config
    steps: int
    minutes: float
    started_from: str
    commands: list[str]


@dataclass(frozen=True)
class CardText:
    """What the cards of one kind of weights have in common.

    Attributes
    ----------
    sources: what they were learned from, with licences.
    before, after: commands before the training and after it; {checkpoint} stands for its path.
    """

    name: str
    sources: tuple[str, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]


def read_trained(checkpoint: Path, kind: type[Config]) -> Trained[Config]:
    """The result of the run whose checkpoint this is.

    Raises
    ------
    UsageError: the run had settings that the configuration ``kind`` does not know.
    """
    state = torch.load(checkpoint, weights_only=True, map_location="cpu")
    return Trained(
        checkpoint,
        state["average"],
        config_from(kind, state["config"], str(checkpoint)),
        state["step"],
        state["seconds"] / 60,
        state["started_from"],
        state["commands"],
    )


def write_trained_card(
    target: Path, trained: Trained[Any], text: CardText, details: dict[str, Any]
) -> AssetCard:
    """Write the card of the weights ``target``, made by a run.

    details: what the card says beside how the weights were trained; its table "training", if
    there is one, is added to that.
    """
    training = {
        **asdict(trained.config),
        "steps": trained.steps,
        "minutes": round(trained.minutes, 1),
        **({"started_from": trained.started_from} if trained.started_from else {}),
        **details.get("training", {}),
    }
    checkpoint = trained.checkpoint.as_posix()
    after = [command.format(checkpoint=checkpoint) for command in text.after]
    return write_card(
        target,
        name=text.name,
        licence="CC0-1.0",
        commercial_use=True,
        sources=text.sources,
        command=" && ".join([*text.before, *trained.commands, *after]),
        details={**details, "training": training},
    )
