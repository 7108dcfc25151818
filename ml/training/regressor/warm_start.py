"""Begin a training with what earlier weights have learned, though the network has changed."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load_file

from ...assets.card import verified
from ...errors import UsageError
from ...regressor.network import HeadNetwork


def start_from(network: HeadNetwork, weights: Path) -> str:
    """Copy the layers that ``weights`` (with their card) share with ``network``; returns their
    sha256. Layers of another name or size begin as they are.

    Raises
    ------
    UsageError: the weights know other landmarks or other identity modes.
    """
    card = verified(weights)
    before, shape = card.details["network"], network.shape
    if (before["points"], before["identity"]) != (shape.points, shape.identity):
        raise UsageError(
            f"{weights} has {before['points']} points and {before['identity']} identity modes; "
            f"this training has {shape.points} and {shape.identity}",
            "Train from the beginning, or from other weights",
        )
    ours = network.state_dict()
    shared = {
        name: value.float()
        for name, value in load_file(weights).items()
        if name in ours and ours[name].shape == value.shape
    }
    network.load_state_dict({**ours, **shared})
    return card.sha256
