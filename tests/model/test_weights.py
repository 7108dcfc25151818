"""Networks made ready for inference."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from ml.assets import card, weights
from ml.assets.card import AssetCard, verified
from ml.assets.weights import filled, folded, read_state, store_weights, stored_weights
from ml.errors import HeadError, WeightsMissing
from ml.regressor.encoder import Encoder

ROOT = Path(__file__).parents[2]


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


@torch.no_grad()
def test_a_network_takes_over_its_weights():
    """Also where batch norms' counters were not stored; what is missing is refused."""
    encoder = _lived(Encoder((8, 8, 16, 16)))
    state = {name: v for name, v in encoder.state_dict().items() if v.is_floating_point()}
    built = filled(lambda: Encoder((8, 8, 16, 16)), state).eval()
    pictures = torch.rand(2, 3, 64, 64)
    for before, after in zip(encoder(pictures), built(pictures), strict=True):
        assert torch.equal(before, after)
    first = next(iter(state))
    with pytest.raises(RuntimeError, match=first.replace(".", r"\.")):
        filled(lambda: Encoder((8, 8, 16, 16)), {k: v for k, v in state.items() if k != first})


def test_loading_imports_nothing_that_inference_does_not_need():
    """Together they took as long to import as all weights take to read."""
    code = "from ml.pipeline.single import warm_up; warm_up(); import sys"
    code += "; print(*{'sympy', 'pandas', 'numba.cuda'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.split() == []


def test_coefficients_alone_load_no_compiler():
    """numba and SciPy took a fifth of the time to the first head without a texture."""
    code = """
from ml.pipeline.single import warm_up
from ml.settings import Settings
warm_up(Settings(detail="off", texture_size=0, hair=False))
import sys
print(*{"numba", "scipy"} & set(sys.modules))
"""
    for _ in range(2):  # The first may find nothing that is kept.
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
        )
    assert done.stdout.split() == []


def test_copies_share_tensors_and_nothing_else():
    encoder = _lived(Encoder((8, 8, 16, 16)))
    kept = {id(value) for value in encoder.parameters()}
    ready = folded(nn.Sequential(encoder, nn.Linear(3, 4)))
    layers = [module for module in ready.modules() if isinstance(module, nn.Conv2d)]
    assert layers
    assert not {id(layer.weight) for layer in layers} & kept
    modules = {id(module) for module in encoder.modules()}
    assert not {id(module) for module in ready.modules()} & modules
    ready[0].stages[0] = nn.Identity()
    assert not isinstance(encoder.stages[0], nn.Identity)


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (RuntimeError("size mismatch for weight"), "weights_missing", "do not fit"),
        (KeyError("network"), "weights_missing", "do not fit"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "error", "not enough memory"),
        (MemoryError(), "error", "not enough memory"),
        (OSError(errno.ENOSPC, "No space left", "cache.nbi"), "error", "disk is full: cache.nbi"),
        (ModuleNotFoundError("x", name="numba"), "engine_unavailable", "lacks numba"),
    ],
)
def test_only_weights_that_do_not_fit_are_called_so(monkeypatch, error, code, words):
    about = AssetCard("a", "a.bin", "", 0, "", True, (), "")
    monkeypatch.setattr(weights, "verified", lambda path: about)
    monkeypatch.setattr(weights, "load_file", lambda path: {})
    with pytest.raises(HeadError, match=words) as caught, stored_weights(Path("a.bin")):
        raise error
    assert caught.value.code == code
    assert caught.value.hint


def test_weights_that_may_not_be_read_are_not_called_missing(tmp_path, monkeypatch):
    asset = tmp_path / "a.bin"
    about = AssetCard("a", "a.bin", "", 0, "", True, (), "")
    monkeypatch.setattr(card, "read_card", lambda path: about)
    with pytest.raises(WeightsMissing, match="is missing"):
        verified(asset)
    denied = PermissionError(errno.EACCES, "Permission denied", str(asset))
    monkeypatch.setattr(Path, "read_bytes", lambda path: (_ for _ in ()).throw(denied))
    with pytest.raises(HeadError, match="not allowed") as caught:
        verified(asset)
    assert caught.value.code == "error"


def test_large_matrices_are_stored_as_bytes_and_the_rest_as_halves(tmp_path):
    """Rounded within half a step of each channel's own scale, whatever the others' size."""
    generator = torch.Generator().manual_seed(0)
    kernel = (
        torch.randn(64, 128, 3, 3, generator=generator)
        * torch.logspace(-3, 1, 64)[:, None, None, None]
    )
    kernel[3] = 0
    state = {"kernel": kernel, "bias": torch.randn(70_000), "small": torch.randn(8, 8)}
    path = tmp_path / "some.safetensors"
    store_weights({**state, "count": torch.tensor(3)}, path)
    found = read_state(path)
    assert found.keys() == state.keys()
    steps = kernel.abs().flatten(1).amax(1) / 127
    off = (found["kernel"] - kernel).abs().flatten(1).amax(1)
    assert torch.all(off <= 0.51 * steps + 1e-12)
    assert all(torch.equal(found[name], state[name].half().float()) for name in ("bias", "small"))
    assert path.stat().st_size < kernel.numel() + 2 * 70_000 + 2000


def test_storing_what_was_read_gives_the_same_file(tmp_path):
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    store_weights({"kernel": torch.randn(256, 512)}, first)
    store_weights(read_state(first), second)
    assert first.read_bytes() == second.read_bytes()


def test_weights_in_any_memory_format_are_stored(tmp_path):
    kernel = torch.randn(64, 128, 3, 3).to(memory_format=torch.channels_last)
    store_weights({"kernel": kernel}, tmp_path / "some.safetensors")
    found = read_state(tmp_path / "some.safetensors")["kernel"]
    assert torch.allclose(found, kernel, atol=0.05)
