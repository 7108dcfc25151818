"""``blender --command effigy --pins``: the head that the other command line makes."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from ml.head.storage import load_head_model
from ml.pins.file import write_pins
from ml.pins.pins import PhotoPins, Pin, Pins
from ml.results.folder import photo_digest
from ml.results.reconstruction import load_reconstruction

ROOT = Path(__file__).resolve().parents[2]
CHIN, JAW = 152, 172
# Lower and farther out than they are in the portrait.
PINS = (Pin((222.0, 184.0), CHIN), Pin((193.0, 146.0), JAW))


@pytest.fixture
def command(bpy, module):
    return module("operators.command_line")


def pins_of(photo, *pins):
    """The path of a file with pins of a photo."""
    width, height = 512, 512
    path = photo.with_name("pins.json")
    own = PhotoPins(photo.name, photo_digest(photo), width, height, pins)
    write_pins(Pins((own,)), load_head_model(), path)
    return path


def test_both_command_lines_make_the_same_head(bpy, command, module, monkeypatch, tmp_path):
    photo, model = tmp_path / "ada.png", load_head_model()
    Image.fromarray(data.astronaut()).save(photo)
    words = [str(photo), "--pins", str(pins_of(photo, *PINS)), "--texture-size", "0"]
    words += ["--detail", "off"]
    here, there = tmp_path / "blender", tmp_path / "cli"
    monkeypatch.setenv("EFFIGY_PYTHON", sys.executable)
    try:
        assert command.run(["reconstruct", *words, "--out", str(here), "--blend"]) == command.OK
    finally:
        module("operators.runtime").engine.stop()
    run = [sys.executable, "-m", "ml.cli", *words, "--out", str(there)]
    subprocess.run(run, cwd=ROOT, check=True, capture_output=True)
    ours, theirs = (load_reconstruction(folder / "ada") for folder in (here, there))
    np.testing.assert_allclose(ours.mesh.vertices, theirs.mesh.vertices, atol=1e-5)
    np.testing.assert_allclose(ours.camera.translation, theirs.camera.translation, atol=1e-5)
    np.testing.assert_allclose(ours.mesh.shape_keys, theirs.mesh.shape_keys, atol=1e-5)
    places = ours.camera.project(model.landmark_sets["dense"].on(ours.mesh.vertices_expressed))
    for pin in PINS:
        np.testing.assert_allclose(places[pin.landmark], pin.position, atol=0.1)
    # And it is the head in the file that was written.
    bpy.ops.wm.open_mainfile(filepath=str(here / "ada/ada.blend"))
    (head,) = (obj for obj in bpy.data.objects if obj.type == "MESH")
    flat = np.empty(3 * len(head.data.vertices), np.float32)
    head.data.shape_keys.key_blocks["Basis"].points.foreach_get("co", flat)
    x, y, z = flat.reshape(-1, 3).T
    np.testing.assert_allclose(np.stack([x, z, -y], -1), theirs.mesh.vertices, atol=1e-5)


def test_the_engine_gets_the_pins_with_each_photo_and_with_a_person(
    command, fake_engine, photos, tmp_path
):
    folder, out = photos("ok1.jpg", "ok2.jpg"), tmp_path / "out"
    path = pins_of(folder / "ok2.jpg", PINS[0])
    wanted = json.loads(path.read_text())
    words = ["batch", str(folder), "--pins", str(path), "--out", str(out)]
    assert command.run(words) == command.OK
    for asked in (out / "ok1", out / "ok2"):
        assert json.loads((asked / "request.json").read_text())["pins"] == wanted
    assert command.run([*words, "--same-person"]) == command.OK
    assert json.loads((out / "request.json").read_text())["pins"] == wanted


def test_pins_that_cannot_be_followed_are_a_wrong_command(
    command, fake_engine, photos, tmp_path, capsys
):
    photo = photos("ok.jpg") / "ok.jpg"
    path, words = pins_of(photo), ["reconstruct", str(photo), "--out", str(tmp_path / "out")]
    for more in (["--skip-existing"], ["--face", "all"]):
        assert command.run([*words, "--pins", str(path), *more]) == command.WRONG_USAGE
        assert "--pins does not go with" in capsys.readouterr().err
    assert command.run([*words, "--pins", "none.json"]) == command.WRONG_USAGE
    assert "none.json is not there" in capsys.readouterr().err
    photo.write_bytes(b"another photo")
    assert command.run([*words, "--pins", str(path)]) == command.WRONG_USAGE
    assert f"{path} holds pins of ok.jpg" in capsys.readouterr().err
