"""A photo's head that follows pins: from the photo, and again from its result's files."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image
from skimage import data

from ml.head.storage import load_head_model
from ml.pins.file import pins_as_json, pins_of
from ml.pins.heads import no_pins
from ml.pins.pins import Pin
from ml.pipeline.again import answer
from ml.pipeline.single import ignore_progress, reconstruct
from ml.results.folder import write_heads
from ml.results.reconstruction import load_reconstruction, read_about
from ml.settings import Settings

CHIN, JAW = 152, 172
SETTINGS = Settings(texture_size=64, detail="relief", level="low")


@pytest.fixture(scope="module")
def portrait(tmp_path_factory):
    path = tmp_path_factory.mktemp("photo") / "astronaut.png"
    Image.fromarray(data.astronaut()).save(path)
    return path


@pytest.fixture(scope="module")
def made(portrait, tmp_path_factory):
    """The folder of a photo's head, and pins that move its chin and its jaw."""
    folder = tmp_path_factory.mktemp("pins") / "head"
    write_heads(reconstruct(portrait, SETTINGS), folder)
    about = read_about(folder)
    pins, width = no_pins([about]), about["face_box"][2] - about["face_box"][0]
    for landmark, right, down in ((CHIN, 0.0, 0.05), (JAW, -0.04, 0.01)):
        x, y = about["landmarks_478"][landmark]
        pins = pins.placed(0, Pin((x + right * width, y + down * width), landmark))
    # As they are read back.
    model = load_head_model()
    return folder, pins_of(json.loads(json.dumps(pins_as_json(pins, model))), model)


def test_from_the_photo_and_from_the_files_it_is_the_same_head(portrait, made, tmp_path):
    folder, pins = made
    (head,) = reconstruct(portrait, SETTINGS, pins=pins)
    for pin in pins.photos[0].pins:
        assert np.abs(head.landmarks_478_px[pin.landmark] - pin.position).max() < 0.1
    request = {"folders": [str(folder)], "pins": pins_as_json(pins, load_head_model())}
    done = answer(request, tmp_path / "again", ignore_progress)
    again = load_reconstruction(tmp_path / "again")
    assert done == {"folder": str(tmp_path / "again"), "copies": []}
    np.testing.assert_allclose(head.mesh.vertices, again.mesh.vertices, atol=1e-5)
    np.testing.assert_allclose(head.camera.translation, again.camera.translation, atol=1e-5)
    # From the photo itself, so that not one texel differs.
    with Image.open(tmp_path / "again" / "albedo.png") as albedo:
        np.testing.assert_array_equal(np.asarray(albedo), head.albedo)
    assert again.detail is not None
    assert json.loads((tmp_path / "again" / "pins.json").read_text())["photos"][0]["pins"]


def test_without_the_photo_its_copy_is_used_and_named(made, tmp_path):
    folder, pins = made
    moved = tmp_path / "elsewhere" / "far" / "away"
    shutil.copytree(folder, moved)
    about = json.loads((moved / "reconstruction.json").read_text())
    about["photo"]["path"] = str(tmp_path / "gone.png")
    (moved / "reconstruction.json").write_text(json.dumps(about))
    request = {"folders": [str(moved)], "pins": pins_as_json(pins, load_head_model())}
    said = []
    done = answer(request, tmp_path / "again", lambda fraction, message: said.append(message))
    assert done["copies"] == [str(moved / "photo.jpg")]
    assert "astronaut.png was not found: its copy is used" in said
    assert (tmp_path / "again" / "albedo.png").exists()


def test_pins_on_pins_start_from_the_photo(made, tmp_path):
    folder, pins = made
    request = {"folders": [str(folder)], "pins": pins_as_json(pins, load_head_model())}
    answer(request, tmp_path / "one", ignore_progress)
    answer(request | {"folders": [str(tmp_path / "one")]}, tmp_path / "two", ignore_progress)
    one, two = (load_reconstruction(tmp_path / name) for name in ("one", "two"))
    np.testing.assert_allclose(one.mesh.vertices, two.mesh.vertices, atol=1e-6)
    bare = no_pins([read_about(folder)])
    request |= {"folders": [str(tmp_path / "two")], "pins": pins_as_json(bare, load_head_model())}
    answer(request, tmp_path / "none", ignore_progress)
    back = load_reconstruction(tmp_path / "none")
    assert back.pinned is None
    first = load_reconstruction(folder)
    np.testing.assert_allclose(back.mesh.vertices, first.mesh.vertices, atol=1e-5)
