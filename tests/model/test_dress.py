"""Texture and relief alone, made again from the files of a result."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image
from skimage import data

from ml.errors import UsageError
from ml.pipeline.dress import answer
from ml.pipeline.same_person import reconstruct_person
from ml.pipeline.single import ignore_progress, reconstruct
from ml.results.folder import write_heads
from ml.results.reconstruction import load_reconstruction, read_about
from ml.results.shaped import Shaped
from ml.settings import Settings
from ml.shape_sliders.shape import with_shape


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder of a head with a small texture and without relief."""
    folder = tmp_path_factory.mktemp("dress")
    Image.fromarray(data.astronaut()).save(folder / "astronaut.png")
    settings = Settings(texture_size=64, detail="off", level="low")
    write_heads(reconstruct(folder / "astronaut.png", settings), folder / "head")
    return folder / "head"


def asked_for(folder, **settings):
    """What Blender leaves of a head's settings before it asks."""
    about = read_about(folder)
    about["settings"] |= settings
    (folder / "reconstruction.json").write_text(json.dumps(about))


def test_a_part_is_made_and_the_rest_stays(made, tmp_path):
    folder = tmp_path / "head"
    shutil.copytree(made, folder)
    before, photo = load_reconstruction(folder), (folder / "photo.jpg").read_bytes()
    asked_for(folder, texture_size=128)
    answer({"folders": [str(folder)], "parts": ["texture"]}, ignore_progress)
    with Image.open(folder / "albedo.png") as albedo:
        assert albedo.size == (128, 128)
    texture = (folder / "albedo.png").read_bytes()
    asked_for(folder, detail="relief")
    answer({"folders": [str(folder)], "parts": ["relief"]}, ignore_progress)
    after, about = load_reconstruction(folder), read_about(folder)
    assert np.abs(after.detail.offsets).max() > 1e-5
    assert (about["detail"], about["settings"]["texture_size"]) == ("relief", 128)
    assert {"albedo.png", "photo.jpg", "detail_normal.png"} <= set(about["images"])
    assert (folder / "albedo.png").read_bytes() == texture
    assert (folder / "photo.jpg").read_bytes() == photo
    np.testing.assert_array_equal(after.mesh.vertices, before.mesh.vertices)


def test_sliders_leave_the_texture_to_the_photo(made, tmp_path):
    textures = []
    for value in (0.0, 10.0):
        folder = tmp_path / str(value)
        shutil.copytree(made, folder)
        asked_for(folder, texture_size=128)
        about = read_about(folder)
        shaped = Shaped(np.float32(about["identity"]), {"mouth_width": value})
        text = json.dumps(with_shape(about, shaped))
        (folder / "reconstruction.json").write_text(text)
        answer({"folders": [str(folder)], "parts": ["texture"]}, ignore_progress)
        assert (read_about(folder).get("shaped") is not None) == bool(value)
        textures.append((folder / "albedo.png").read_bytes())
    assert textures[0] == textures[1]


def test_the_texture_is_blended_again_from_all_photos_of_a_person(tmp_path):
    photos = [tmp_path / "whole.png", tmp_path / "dark.png"]
    portrait = data.astronaut()
    Image.fromarray(portrait).save(photos[0])
    Image.fromarray(portrait[:320, 60:380] // 2).save(photos[1])
    settings = Settings(texture_size=64, detail="off", level="low", hair=False)
    person = reconstruct_person(photos, settings)
    folders = [tmp_path / "first", tmp_path / "second"]
    for head, folder in zip(person.heads, folders, strict=True):
        write_heads([head], folder)
    textures = [np.asarray(Image.open(folders[0] / "albedo.png"), int)]
    for named in (folders[:1], folders):
        answer(
            {"folders": [str(folder) for folder in named], "parts": ["texture"]}, ignore_progress
        )
        textures.append(np.asarray(Image.open(folders[0] / "albedo.png"), int))
    alone, again = (np.abs(other - textures[0]).mean() for other in textures[1:])
    assert again < 0.2 * alone


@pytest.mark.parametrize("parts", [[], ["hair"], None, "texture"])
def test_other_parts_are_refused(made, parts):
    with pytest.raises(UsageError, match="no parts"):
        answer({"folders": [str(made)], "parts": parts}, ignore_progress)
