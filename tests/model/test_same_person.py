"""One person from two pictures of a public-domain portrait, with the shipped weights."""

import json

import numpy as np
import pytest
from PIL import Image
from skimage import data

from ml.cli import main
from ml.pipeline.same_person import reconstruct_person
from ml.pipeline.single import reconstruct
from ml.results.person import photo_folders
from ml.results.reconstruction import load_reconstruction
from ml.settings import Settings

# Where the outer eye corners, the nose's tip and the chin are in the portrait, by eye.
SEEN = {33: (196, 102), 263: (255, 105), 1: (224, 131), 152: (222, 177)}
CORNER, SCALE = np.array([100, 0]), 1.5


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """The portrait, an enlarged crop of it, and a wall."""
    folder = tmp_path_factory.mktemp("photos")
    whole = Image.fromarray(data.astronaut())
    whole.save(folder / "whole.png")
    crop = whole.crop((*CORNER, CORNER[0] + 260, CORNER[1] + 300))
    crop.resize((390, 450), Image.Resampling.BICUBIC).save(folder / "crop.png")
    Image.fromarray(data.brick()).save(folder / "wall.png")
    return [folder / name for name in ("whole.png", "wall.png", "crop.png")]


@pytest.fixture(scope="module")
def person(pictures):
    return reconstruct_person(pictures, Settings(texture_size=128))


def test_one_identity_lies_on_the_face_in_both_pictures(person):
    whole, crop = person.heads
    np.testing.assert_array_equal(whole.coefficients.identity, crop.coefficients.identity)
    for index, place in SEEN.items():
        assert np.linalg.norm(whole.landmarks_478_px[index] - place) < 5, index
        there = (np.array(place) - CORNER) * SCALE
        assert np.linalg.norm(crop.landmarks_478_px[index] - there) < 5 * SCALE, index


def test_each_picture_has_its_own_expression_and_camera(person):
    whole, crop = person.heads
    smile = whole.mesh.expression_names.index("mouthSmileLeft")
    for head in (whole, crop):
        assert head.coefficients.expression[smile] > 0.2
        assert head.albedo.shape == (128, 128, 3)
        assert head.timings.steps.keys() >= {"read", "find", "fit", "assemble", "texture"}
    assert (whole.camera.width, crop.camera.width) == (512, 390)


def test_the_texture_is_one_of_both_pictures(person, pictures):
    whole, crop = person.heads
    np.testing.assert_array_equal(whole.albedo, crop.albedo)
    (alone,) = reconstruct(pictures[0], Settings(texture_size=128, detail="off", hair=False))
    assert (alone.albedo != whole.albedo).any()


def test_the_wall_is_left_out_by_name(person, pictures):
    assert person.photos == (pictures[0], pictures[2])
    (wall,) = person.left_out
    assert wall.photo.name == "wall.png"
    assert "No face was found" in wall.error.message


def test_the_command_line(pictures, tmp_path):
    out = tmp_path / "out"
    named = [str(path) for path in pictures]
    assert main([*named, "--out", str(out), "--same-person", "--texture-size", "0"]) == 1
    rows = json.loads((out / "report.json").read_text())
    assert [row["code"] for row in rows] == ["", "no_face", ""]
    heads = [load_reconstruction(folder) for folder in photo_folders(out)]
    np.testing.assert_array_equal(heads[0].mesh.vertices, heads[1].mesh.vertices)
