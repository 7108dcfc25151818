"""The loss of the parsing network, and larger networks that begin as smaller ones."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from ml.assets.card import read_card, write_card
from ml.assets.weights import store_weights
from ml.errors import WeightsMissing
from ml.parsing.classes import CLASSES
from ml.parsing.network import ParsingNetwork
from ml.training.config import read_config
from ml.training.loop import start_run
from ml.training.parsing.batches import Source
from ml.training.parsing.losses import UNKNOWN, LossWeights, losses
from ml.training.parsing.train import CONFIG, ParsingConfig, ParsingTraining
from ml.training.parsing.warm_start import grow, start_from

COUNT = len(CLASSES)
SMALL = ((8, 12, 16, 24), (0, 1, 1, 1))
LARGE = ((12, 16, 16, 32, 24), (0, 1, 1, 1, 1))
WEIGHTS = LossWeights(dice=0.7)


def plain_loss(logits, labels):
    """Cross entropy and 1 - mean soft Dice of the classes that are there."""
    entropy = functional.cross_entropy(logits, labels, ignore_index=UNKNOWN)
    known = labels != UNKNOWN
    share = logits.softmax(1).movedim(1, -1)[known]
    true = functional.one_hot(labels[known], COUNT).to(share.dtype)
    there = true.sum(0) > 0
    overlap = (2 * (share * true).sum(0) + 1) / (share.sum(0) + true.sum(0) + 1)
    return entropy + WEIGHTS.dice * (1 - overlap[there].mean())


@pytest.fixture
def example():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, COUNT, 6, 6, generator=generator, dtype=torch.float64)
    labels = torch.randint(0, COUNT - 2, (2, 6, 6), generator=generator)
    labels[:, :2] = UNKNOWN
    return logits.requires_grad_(), labels


def test_loss_and_gradient_are_those_of_automatic_differentiation(example):
    logits, labels = example
    expected = plain_loss(logits, labels)
    (wanted,) = torch.autograd.grad(expected, logits)
    found = sum(losses(logits, labels, WEIGHTS).values())
    (gradient,) = torch.autograd.grad(found, logits)
    torch.testing.assert_close(found, expected)
    # Logarithms of float64 shares below 1e-12 are cut off; there are none here.
    torch.testing.assert_close(gradient, wanted)
    assert gradient[:, :, :2].abs().max() == 0


def pictures(count=2):
    return torch.rand(count, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def small_network():
    """A small network whose batch norms have seen something."""
    torch.manual_seed(3)
    network = ParsingNetwork(*SMALL).train()
    for _ in range(3):
        network(pictures(4))
    return network.eval()


def grown(weights):
    torch.manual_seed(4)
    network = ParsingNetwork(*LARGE)
    grow(network, weights, pictures())
    return network.eval()


def test_a_grown_network_answers_as_the_smaller_one():
    small = small_network()
    large = grown({k: v for k, v in small.state_dict().items() if v.is_floating_point()})
    with torch.no_grad():
        torch.testing.assert_close(large(pictures()), small(pictures()), rtol=1e-3, atol=1e-4)


def test_what_is_new_in_a_grown_network_learns():
    small = small_network()
    large = grown({k: v for k, v in small.state_dict().items() if v.is_floating_point()}).train()
    large(pictures()).square().mean().backward()
    joint = large.up[0].get_submodule("narrow.1")
    assert joint.weight.grad.abs().max() > 0
    assert large.read.weight.grad[:, SMALL[0][0] :].abs().max() > 0


def test_a_run_begins_with_stored_weights_of_a_smaller_network(tmp_path):
    small, target = small_network(), tmp_path / "parsing.safetensors"
    state = {k: v for k, v in small.state_dict().items() if v.is_floating_point()}
    store_weights(state, target)
    with pytest.raises(WeightsMissing):
        start_from(start_run(training()), target, pictures())
    write_card(
        target, name="small", licence="CC0-1.0", commercial_use=True, sources=(), command="",
        details={},
    )  # fmt: skip
    run = start_run(training())
    start_from(run, target, pictures())
    assert run.started_from == read_card(target).sha256
    with torch.no_grad():
        # Weights are stored in half precision.
        torch.testing.assert_close(run.average(pictures()), small(pictures()), rtol=0.05, atol=0.05)


def training():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, COUNT, (4, 64, 64), np.uint8)
    images = rng.integers(0, 255, (4, 64, 64, 3), np.uint8)
    config = read_config(CONFIG, ParsingConfig)
    config = replace(config, batch=2, photos=0, widths=LARGE[0], depths=LARGE[1])
    return ParsingTraining(config, Source(images, labels, np.arange(1, 4)), None)


def test_every_pixel_is_compared_with_its_own_label():
    run = training()
    state = start_run(run)
    images, labels = next(run.batches(0))
    parts = run.loss(state, (images, labels))
    state.network.train()
    expected = losses(state.network(images), labels, run.config.loss)
    torch.testing.assert_close(parts, expected)
