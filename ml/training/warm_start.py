"""Start a training from earlier weights, even of a network with other sizes."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, cast

from ..assets.card import verified
from ..assets.weights import read_state
from ..errors import UsageError
from .loop import RunState


class _Shape(Protocol):
    """What the networks of faces have in common."""

    points: int
    identity: int


def start_from(state: RunState, weights: Path) -> None:
    """Copy the layers that ``weights`` (with their card) share with a new run's network.

    Layers of another name or size keep their random weights.

    Raises
    ------
    UsageError: the weights are for other landmarks or other identity modes.
    """
    card = verified(weights)
    before, shape = card.details["network"], cast(_Shape, state.network.shape)
    if (before["points"], before["identity"]) != (shape.points, shape.identity):
        raise UsageError(
            f"{weights} has {before['points']} points and {before['identity']} identity modes; "
            f"this training has {shape.points} and {shape.identity}",
            "Train from the beginning, or from other weights",
        )
    ours = state.network.state_dict()
    shared = {
        name: value
        for name, value in read_state(weights).items()
        if name in ours and ours[name].shape == value.shape
    }
    for network in (state.network, state.average):
        network.load_state_dict({**ours, **shared})
    state.started_from = card.sha256
