"""Refuse networks that PyTorch cannot train safely on a CPU."""

from __future__ import annotations

from torch import nn

from ..errors import UsageError

# PyTorch 2.13's oneDNN, on x86-64, writes past its buffers when it computes the gradient of the
# weights of a 1x1 convolution with a stride, in channels-last format, if its input channels are
# fewer than a vector is wide: 16 float32 values with AVX-512, 8 with AVX2. Depending on the sizes
# of picture and batch and on the number of threads, the process aborts, or other memory is silently
# overwritten. Measured with guard bytes round every buffer, with 2 to 48 channels: with AVX-512 all
# tried below 16 fail and all from 16 on pass, with AVX2 all tried below 8 fail and all from 8 on
# pass. Output channels make no difference; stride 1, 3x3 kernels, the contiguous format and the
# forward pass are safe. The limit is the same on every machine, so that a network that trains on
# one trains on all.
WIDEST_VECTOR = 16


def refuse_unsafe_layers(network: nn.Module) -> None:
    """Check every convolution of a network, as if in channels-last format.

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
                f"{max(layer.stride)} and {layer.in_channels} input channels; PyTorch's CPU code "
                "writes past its buffers when it computes the gradient of such weights",
                f"Give it {WIDEST_VECTOR} input channels or more",
            )
