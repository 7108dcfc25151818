"""Weight files: small on disk, float32 in memory, verified by their cards.

On disk, large kernels and matrices are int8 with a scale for each output channel, the rest float16.
Against float16 throughout, that moves the fitted head by 0.02 % of the face's size and halves the
files.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from ..errors import Unexpected, WeightsMissing, explained
from .card import REMEDY, verified

Network = TypeVar("Network", bound=nn.Module)


@contextmanager
def stored_weights(path: Path) -> Iterator[tuple[dict[str, Any], dict[str, Tensor]]]:
    """The card's details and the float32 weights of ``path``, to build a network in the block.

    Raises
    ------
    WeightsMissing: absent, altered, or the network built in the block does not fit them.
    HeadError: the weights are sound, but memory, the disk or a package is not.
    """
    card = verified(path)
    try:
        yield card.details, read_state(path)
    except (
        KeyError,
        TypeError,
        ValueError,
        RuntimeError,
        SafetensorError,
        OSError,
        MemoryError,
        ImportError,
    ) as error:
        cause = explained(error, path)
        if not isinstance(cause, Unexpected):
            raise cause from error
        raise WeightsMissing(
            f"The weights {path} do not fit this version ({error})", REMEDY
        ) from error


def filled(make: Callable[[], Network], state: Mapping[str, Tensor]) -> Network:
    """The network that ``make`` builds, with the weights ``state``, which it takes over.

    Raises RuntimeError: a weight is missing or does not fit.
    """
    # Without memory: drawing random weights takes longer than reading the right ones.
    with torch.device("meta"):
        network = make()
    # Batch norms' integer counters of batches are not stored, because inference does not use them.
    counters = {
        name: torch.zeros(value.shape, dtype=value.dtype)
        for name, value in network.state_dict().items()
        if not value.is_floating_point()
    }
    network.load_state_dict({**counters, **state}, assign=True)
    return network


def folded(network: Network) -> Network:
    """A copy for inference with batch norms folded into the convolutions before them.

    Each batch norm is folded into the convolution that is registered just before it. The outputs
    are the same, and one picture takes a quarter less time. Weights that stay as they are are
    shared with ``network``.
    """
    network = _copied(network).eval()
    for module in list(network.modules()):
        children = list(module.named_children())
        for (name, layer), (next_name, norm) in pairwise(children):
            if isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(module, name, _fused(layer, norm))
                setattr(module, next_name, nn.Identity())
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _copied(module: Network) -> Network:
    """Modules of its own that share their tensors; copy.deepcopy takes a fifth of a second."""
    same = copy.copy(module)
    for kind in ("_parameters", "_buffers", "_modules"):
        setattr(same, kind, dict(getattr(module, kind)))
    for name, child in module.named_children():
        same._modules[name] = _copied(child)
    return same


def _fused(layer: nn.Conv2d, norm: nn.BatchNorm2d) -> nn.Conv2d:
    """One convolution of both, by its own weights."""
    fused = _copied(layer)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    fused.weight, bias = fuse_conv_bn_weights(
        layer.weight,
        layer.bias,
        norm.running_mean,
        norm.running_var,
        norm.eps,
        norm.weight,
        norm.bias,
    )
    fused.register_parameter("bias", bias)
    return fused


# The ending of the names of scales, and how many numbers a tensor has that is stored with them.
_SCALE, _LARGE = ".scale", 1 << 16


def store_weights(state: Mapping[str, Tensor], path: Path) -> None:
    """Write the floating-point weights of ``state``. The caller writes the card."""
    stored = dict[str, Tensor]()
    for name, value in state.items():
        if value.is_floating_point():
            large = value.ndim > 1 and value.numel() >= _LARGE
            stored |= _quantised(name, value) if large else {name: value.half().contiguous()}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(stored, path)


def read_state(path: Path) -> dict[str, Tensor]:
    """The float32 weights of a file of :func:`store_weights`."""
    stored = load_file(path)
    state = dict[str, Tensor]()
    for name, value in stored.items():
        if value.dtype == torch.int8:
            state[name] = value.float() * stored[name + _SCALE]
        elif not (name.endswith(_SCALE) and name.removesuffix(_SCALE) in stored):
            state[name] = value.float()
    return state


def _quantised(name: str, value: Tensor) -> dict[str, Tensor]:
    """int8 numbers and the float32 scale of each output channel, which is the first axis."""
    largest = value.float().abs().flatten(1).amax(1).clamp_min(1e-12)
    scale = (largest / 127).view(-1, *[1] * (value.ndim - 1))
    steps = (value.float() / scale).round().to(torch.int8)
    return {name: steps.contiguous(), name + _SCALE: scale}
