"""Begin a run with the weights of a parsing network that may be narrower and have fewer scales.

The larger network answers exactly as the smaller one did: what is new adds nothing at first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from ...assets.card import read_card
from ...assets.weights import stored_weights
from ...parsing.network import ParsingNetwork
from ..loop import RunState


def start_from(state: RunState, path: Path, pictures: Tensor) -> None:
    """Give a new run the weights at ``path``; pictures: (B, 3, S, S), some of its samples.

    Raises
    ------
    WeightsMissing: absent, altered, or of another kind of network.
    """
    network = state.network
    assert isinstance(network, ParsingNetwork)
    with stored_weights(path) as (_, weights):
        grow(network, weights, pictures)
    state.average.load_state_dict(network.state_dict())
    state.started_from = read_card(path).sha256


@torch.no_grad()
def grow(network: ParsingNetwork, weights: Mapping[str, Tensor], pictures: Tensor) -> None:
    """Put the ``weights`` of a smaller network into the first channels of ``network``.

    Raises
    ------
    KeyError, RuntimeError: they are of no smaller network of this kind.
    """
    own = network.state_dict()
    more = len(network.up) - len({name.split(".")[1] for name in weights if name[:3] == "up."})
    for name, value in weights.items():
        # Joints are numbered from the coarsest scale.
        target = own[re.sub(r"^up\.(\d+)", lambda found: f"up.{int(found[1]) + more}", name)]
        if value.ndim > 1:
            target[: len(value), value.shape[1] :] = 0
        target[tuple(slice(length) for length in value.shape)] = value
    network.eval()
    maps = network.encode(pictures)
    for number in range(more):
        _pass_on(network.up[number], maps[-2 - number])
    network.train()


def _pass_on(joint: nn.Module, fine: Tensor) -> None:
    """Let a joint return its finer map, for which (B, C, H, W) ``fine`` stands."""
    narrow, norm = (joint.get_submodule(name) for name in ("narrow.1", "mix.1"))
    nn.init.zeros_(narrow.get_parameter("weight"))
    nn.init.dirac_(joint.get_submodule("mix.0").get_parameter("weight"))
    assert isinstance(norm, nn.BatchNorm2d)
    variance, mean = torch.var_mean(fine, (0, 2, 3))
    norm.get_buffer("running_mean").copy_(mean)
    norm.get_buffer("running_var").copy_(variance)
    norm.weight.copy_((variance + norm.eps).sqrt())
    norm.bias.copy_(mean)
