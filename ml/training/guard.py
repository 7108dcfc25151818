"""Refuse networks that PyTorch cannot train safely on a CPU."""

from __future__ import annotations

from torch import nn

from ..errors import UsageError

# oneDNN, as PyTorch 2.13 has it, copies the input of a strided 1x1 convolution in channels-last
# format into a scratch buffer with one slot of `channels` values per pixel, but reads and writes
# that buffer in whole vectors. In the backward pass a vector that is wider than the slots runs
# past the end of the buffer: the process aborts, or other memory is overwritten silently.
# A vector holds 16 float32 values with AVX-512 and 8 with AVX2. The widest counts everywhere, so
# that a configuration means the same on every machine.
WIDEST_VECTOR = 16


def refuse_unsafe_layers(network: nn.Module) -> None:
    """Check every convolution of a network that is trained in channels-last format.

    Raises
    ------
    UsageError: a 1x1 convolution with a stride has fewer than WIDEST_VECTOR input channels.
    """
    for name, layer in network.named_modules():
        if not isinstance(layer, nn.Conv2d) or max(layer.kernel_size) > 1:
            continue
        if max(layer.stride) > 1 and layer.in_channels < WIDEST_VECTOR:
            raise UsageError(
                f"The layer {name} of {type(network).__name__} is a 1x1 convolution with stride "
                f"{max(layer.stride)} and {layer.in_channels} input channels, in whose backward "
                "pass PyTorch's CPU code writes past its buffers",
                f"Give it {WIDEST_VECTOR} channels or more",
            )
