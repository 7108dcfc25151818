"""Networks made ready for inference."""

from __future__ import annotations

import torch
from torch import nn

from ml.assets.weights import folded
from ml.regressor.encoder import Encoder


def _lived(network: nn.Module) -> nn.Module:
    """With statistics, scales and shifts that a fresh normalisation does not have."""
    generator = torch.Generator().manual_seed(3)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for values in (module.weight, module.bias, module.running_mean):
                nn.init.normal_(values, generator=generator)
            nn.init.uniform_(module.running_var, 0.5, 2, generator=generator)
    return network.eval()


@torch.no_grad()
def test_folding_leaves_no_normalisation_and_the_same_outputs():
    encoder = _lived(Encoder((8, 8, 16, 16)))
    ready = folded(encoder)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in ready.modules())
    pictures = torch.rand(2, 3, 64, 64)
    for before, after in zip(encoder(pictures), ready(pictures), strict=True):
        torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-4)


def test_folding_leaves_the_network_that_it_was_given_alone():
    encoder = _lived(Encoder((8, 8, 16, 16)))
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    folded(encoder)
    assert before.keys() == encoder.state_dict().keys()
    assert all(torch.equal(before[name], value) for name, value in encoder.state_dict().items())
