"""Where networks compute: the choice, what is not there, and the CPU's numbers beside a GPU's.

No GPU is needed: PyTorch's "meta" device stands for one that fails, and "cpu:0", which PyTorch
takes for another device than "cpu", for one that works.
"""

import numpy as np
import pytest
import torch

from ml.assets import device
from ml.assets.device import Place, current_device, place_of, run, use_device
from ml.cli import main
from ml.data import FaceBox, Photo
from ml.environment import DEVICE_VARIABLE
from ml.errors import EngineUnavailable, UsageError
from ml.perception.face_clip import face_consistency
from ml.photo.detector import load_detector
from ml.pipeline.check import check
from ml.pipeline.single import warm_up
from ml.regressor.expressions import load_expressions
from ml.regressor.regressor import load_regressor
from ml.settings import Settings

OTHER, BROKEN = torch.device("cpu:0"), torch.device("meta")


@pytest.fixture(autouse=True)
def own_choice(monkeypatch):
    monkeypatch.delenv(DEVICE_VARIABLE, raising=False)
    monkeypatch.setattr(device, "_used", [])


@pytest.fixture
def gpus(monkeypatch):
    """The GPUs that PyTorch reports; tests fill the list."""
    there: list[str] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: "cuda" in there)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: "mps" in there)
    return there


def put(place: torch.device, *, asked_for: bool = False) -> None:
    device._used[:] = [Place(place, asked_for)]


def photo() -> Photo:
    rgb = np.random.default_rng(3).integers(0, 256, (160, 120, 3), np.uint8)
    return Photo(rgb, "nobody.png", "")


def everything() -> list[np.ndarray]:
    """What several networks say of one picture."""
    shown, box = photo(), FaceBox((60, 80), 70.0, 0.1)
    from ml.photo.crop import crop_face

    found = load_detector().boxes(shown.rgb, 0.0)[:5]
    seen = load_regressor().predict([crop_face(shown, box)])[0]
    mood = load_expressions().predict(shown, [box])[0]
    boxes = np.array([(*each.center, each.size, each.score) for each in found])
    return [boxes, seen.landmarks.points, seen.coefficients.identity, mood.values, mood.sigma]


@pytest.mark.parametrize(
    ("reported", "chosen"), [([], "cpu"), (["mps"], "mps"), (["cuda"], "cuda")]
)
def test_auto_takes_the_gpu_that_pytorch_reports(gpus, reported, chosen):
    gpus += reported
    assert place_of("auto") == Place(torch.device(chosen))
    assert place_of("cpu") == Place(torch.device("cpu"), True)


def test_the_environment_says_what_auto_is(gpus, monkeypatch):
    gpus.append("cuda")
    monkeypatch.setenv(DEVICE_VARIABLE, "cpu")
    assert place_of("auto").device.type == "cpu"
    assert place_of("cuda").device.type == "cuda"
    monkeypatch.setenv(DEVICE_VARIABLE, "tpu")
    with pytest.raises(UsageError, match=r"EFFIGY_DEVICE names no device: 'tpu'.*auto, cpu, cuda"):
        place_of("auto")


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_an_error_with_a_remedy(gpus, name):
    with pytest.raises(EngineUnavailable) as caught:
        warm_up(Settings(device=name))
    assert f"The device {name} is not there" in str(caught.value)
    assert "--device auto or cpu" in caught.value.hint
    assert current_device().type == "cpu"


def test_the_cpu_says_the_same_before_and_after_another_device():
    use_device("cpu")
    before = everything()
    put(OTHER)
    there = everything()
    put(BROKEN)
    everything()
    use_device("cpu")
    for values in (there, everything()):
        for one, other in zip(before, values, strict=True):
            np.testing.assert_array_equal(one, other)


def test_another_device_gets_a_copy_and_gives_everything_back(monkeypatch):
    network, where = torch.nn.Linear(2, 2), []
    network.register_forward_hook(lambda own, _, out: where.append(own is network))
    put(OTHER)
    with torch.inference_mode():
        first, again = (run(network, torch.ones(1, 2)) for _ in range(2))
    assert where == [False, False]
    assert first.device == again.device == torch.device("cpu")
    assert [*device._copies[network]] == ["cpu:0"]


def test_clips_features_are_the_same_from_a_copy_and_carry_gradients():
    loss = face_consistency()
    pictures = torch.from_numpy(np.random.default_rng(1).random((2, 1, 3, 96, 96), np.float32))
    render, mask = pictures[0].requires_grad_(), torch.ones(1, 1, 96, 96)
    found = []
    for place in (torch.device("cpu"), OTHER):
        put(place)
        value = loss(render, pictures[1].detach(), mask, torch.Generator().manual_seed(0)).total
        found.append((value.detach(), *torch.autograd.grad(value, render)))
    assert found[0][1].abs().sum() > 0
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))


def test_what_an_automatic_device_cannot_do_the_cpu_does(caplog):
    network = torch.nn.Linear(2, 2)
    put(BROKEN)
    with torch.inference_mode():
        assert run(network, torch.ones(1, 2)).device.type == "cpu"
        assert run(network, torch.ones(1, 2)).device.type == "cpu"
    assert caplog.text.count("Linear stays on the CPU") == 1


def test_what_a_named_device_cannot_do_is_an_error():
    put(BROKEN, asked_for=True)
    with pytest.raises(EngineUnavailable, match="The device meta failed") as caught:
        run(torch.nn.Linear(2, 2), torch.ones(1, 2))
    assert "--device auto or cpu" in caught.value.hint


def test_the_check_tries_the_device(gpus, monkeypatch):
    assert check()["device"] == "cpu"
    monkeypatch.setattr(device, "place_of", lambda name: Place(OTHER))
    assert check()["device"] == "cpu:0"
    monkeypatch.setattr(device, "place_of", lambda name: Place(BROKEN))
    assert check()["device"] == "cpu"
    monkeypatch.undo()
    monkeypatch.setenv(DEVICE_VARIABLE, "mps")
    with pytest.raises(EngineUnavailable, match="The device mps is not there"):
        check()


def test_a_batch_says_once_that_a_device_is_not_there(gpus, tmp_path, capsys):
    for name in "ab":
        (tmp_path / f"{name}.jpg").write_bytes(b"")
    assert main([str(tmp_path), "--out", str(tmp_path / "out"), "--device", "cuda"]) == 1
    assert capsys.readouterr().err.count("The device cuda is not there") == 1
    assert not (tmp_path / "out").exists()
