"""Settings of trainings from TOML files, their command lines, and the layers they refuse."""

from dataclasses import asdict

import pytest
from torch import nn

from ml.errors import UsageError
from ml.head.storage import load_head_model
from ml.photo.detector import DetectorNetwork
from ml.regressor.network import HeadNetwork
from ml.training.arguments import recorded_command, training_parser
from ml.training.config import config_from, read_config
from ml.training.detector import train as detector
from ml.training.guard import WIDEST_VECTOR, refuse_unsafe_layers
from ml.training.perception import config as perception
from ml.training.perception.network import FacePair
from ml.training.regressor import train as regressor
from ml.training.surface import train as surface

KINDS = [
    (regressor.CONFIG, regressor.RegressorConfig),
    (surface.CONFIG, surface.SurfaceConfig),
    (detector.CONFIG, detector.DetectorConfig),
    (perception.CONFIG, perception.FaceClipConfig),
]


@pytest.mark.parametrize(("path", "kind"), KINDS)
def test_shipped_settings_are_read_and_come_back_from_plain_values(path, kind):
    config = read_config(path, kind)
    assert config.progress(0, 0.0) == 0
    assert config_from(kind, asdict(config), "checkpoint") == config
    shorter = read_config(path, kind, 2.0)
    assert shorter.progress(10**6, 60.0) == 0.5


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("seed = 11", "seed = 11\nsede = 12", "unknown setting sede"),
        ("summary = 512", "summary = 512\ndepth = 3", r"\[network\]: unknown setting depth"),
        ("seed = 11", "", "missing setting seed"),
        ("[loss]", "[lost]", "unknown setting lost"),
        ("budget_minutes = 62", "budget_minutes = 62\nsteps = 5", "either budget_minutes or"),
        ("budget_minutes = 62", "", "either budget_minutes or"),
        ("budget_minutes = 62", 'budget_minutes = 62\nclock = "sun"', "'sun' is unknown"),
    ],
)
def test_wrong_settings_are_refused(tmp_path, old, new, said):
    path = tmp_path / "config.toml"
    text = regressor.CONFIG.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(UsageError, match=said) as error:
        read_config(path, regressor.RegressorConfig)
    assert error.value.hint


def test_commands_are_recorded_without_the_place_of_the_data():
    words = ["--data", "/somewhere/data", "--out", "out/my run", "--max-minutes", "5"]
    expected = "python -m ml.training.detector.train --data DATA --out 'out/my run' --max-minutes 5"
    assert recorded_command("detector.train", words) == expected
    assert recorded_command("x", ["--data=/elsewhere"]) == "python -m ml.training.x --data=DATA"
    assert recorded_command("x", ["--data"]) == "python -m ml.training.x --data"


def test_trainings_share_their_options():
    parser = training_parser("Trains.", surface.CONFIG, "out/train/surface", "fits")
    arguments = parser.parse_args(["--max-minutes", "3"])
    assert arguments.config == surface.CONFIG
    assert arguments.out.as_posix() == "out/train/surface"
    assert arguments.max_minutes == 3.0
    assert arguments.fits.name == "train.npz"


def test_strided_1x1_convolutions_need_channels_for_a_whole_vector():
    safe = [
        nn.Conv2d(WIDEST_VECTOR, 4, 1, 2),
        nn.Conv2d(8, 8, 1, 1),
        nn.Conv2d(8, 8, 3, 2),
        nn.Conv2d(3, 8, 5, 2),
    ]
    refuse_unsafe_layers(nn.Sequential(*safe))
    for layer in (nn.Conv2d(8, 32, 1, 2), nn.Conv2d(15, 15, (1, 1), (1, 2))):
        network = nn.ModuleDict({"head": nn.Sequential(*safe, layer)})
        with pytest.raises(UsageError, match=r"head\.4 of ModuleDict") as error:
            refuse_unsafe_layers(network)
        assert str(WIDEST_VECTOR) in error.value.hint


def test_networks_of_the_shipped_sizes_are_safe():
    model = load_head_model()
    known = [read_config(path, kind) for path, kind in KINDS]
    for network in (
        HeadNetwork(regressor.network_shape(model, known[0].network)),
        surface.surface_network(model, known[1].network),
        DetectorNetwork(known[2].widths),
        FacePair(known[3]),
    ):
        refuse_unsafe_layers(network)
