"""Textures from photos of Effigy Head itself, painted with a known pattern."""

import numpy as np
import pytest
from PIL import Image

from ml.appearance.atlas import atlas_of
from ml.appearance.preview import PANEL, save_preview
from ml.appearance.texture import make_albedo
from ml.data import Camera, Photo
from ml.fitting.camera import FACING, make_intrinsics
from ml.fitting.gauss_newton import rotation_from_vector
from ml.head.storage import load_head_model
from ml.rendering import interpolate, rasterize
from tests.support.fake_walks import tiny_head

SIZE, WIDTH, HEIGHT = 256, 480, 600
RED = np.array([255, 0, 0])


@pytest.fixture(scope="module")
def model():
    return load_head_model()


def pattern(places: np.ndarray) -> np.ndarray:
    """(N, 3) skin-like colours that vary smoothly over the mean head, mirrored."""
    x, y, _ = places.T
    return np.column_stack(
        [190 + 25 * np.cos(40 * np.abs(x)), 140 + 20 * np.sin(40 * y), 115 + 0 * x]
    ).astype(np.float32)


def photograph(model, yaw: float) -> tuple[Photo, Camera]:
    """The mean head in the pattern's colours before a red wall."""
    turn = FACING @ rotation_from_vector(np.radians([0, yaw, 0]))
    shift = np.array([0, 0.02, 1.1], np.float32)
    camera = Camera(
        make_intrinsics(1500, WIDTH, HEIGHT), turn.astype(np.float32), shift, WIDTH, HEIGHT
    )
    vertices = model.shape.mean
    points = np.column_stack([camera.project(vertices), camera.to_camera_space(vertices)[:, 2]])
    fragments = rasterize(points, model.triangles, WIDTH, HEIGHT)
    picture = interpolate(fragments, pattern(vertices), model.triangles)
    picture[fragments.face < 0] = RED
    from pathlib import Path

    return Photo(np.clip(picture, 0, 255).astype(np.uint8), Path("made.png"), ""), camera


def skin_texels(model):
    atlas = atlas_of(model, SIZE)
    skin = atlas.part == model.part_names.index("skin")
    return atlas.rows[skin], atlas.columns[skin], atlas.on(model.shape.mean)[skin]


def test_visible_skin_has_the_photos_colours(model):
    photo, camera = photograph(model, 0)
    albedo = make_albedo(photo, camera, model.shape.mean, model, SIZE)
    assert albedo.shape == (SIZE, SIZE, 3)
    assert albedo.dtype == np.uint8
    rows, columns, places = skin_texels(model)
    face = (np.abs(places[:, 0]) < 0.045) & (np.abs(places[:, 1]) < 0.05) & (places[:, 2] > 0.085)
    error = np.abs(albedo[rows, columns][face] - pattern(places[face])).mean(1)
    assert np.median(error) < 2
    assert error.mean() < 5


def test_the_wall_never_reaches_the_skin(model):
    for yaw in (0, 35):
        photo, camera = photograph(model, yaw)
        albedo = make_albedo(photo, camera, model.shape.mean, model, SIZE).astype(int)
        rows, columns, _ = skin_texels(model)
        skin = albedo[rows, columns]
        assert ((skin[:, 0] - skin[:, 1]) > 120).mean() < 0.002
        assert skin.min() > 60  # no hole is left black


def test_hidden_skin_is_the_mirror_image(model):
    photo, camera = photograph(model, 55)
    albedo = make_albedo(photo, camera, model.shape.mean, model, SIZE)
    rows, columns, places = skin_texels(model)
    for side in (-1, 1):
        cheek = (
            (side * places[:, 0] > 0.035) & (side * places[:, 0] < 0.055)
            & (places[:, 1] > -0.03) & (places[:, 1] < 0.02) & (places[:, 2] > 0.06)
        )  # fmt: skip
        error = np.abs(albedo[rows, columns][cheek] - pattern(places[cheek])).mean()
        assert error < 14


def test_eyes_teeth_and_mouth_are_painted(model):
    photo, camera = photograph(model, 0)
    albedo = make_albedo(photo, camera, model.shape.mean, model, SIZE)
    atlas = atlas_of(model, SIZE)

    def texels(name):
        part = atlas.part == model.part_names.index(name)
        return albedo[atlas.rows[part], atlas.columns[part]].astype(int)

    for eye in ("eye_left", "eye_right"):
        assert texels(eye).min() < 30  # pupil
        assert np.median(texels(eye).min(1)) > 120  # sclera
    assert texels("teeth").min() > texels("mouth").max()


def test_the_same_photo_gives_the_same_texture(model):
    photo, camera = photograph(model, 10)
    first, again = (make_albedo(photo, camera, model.shape.mean, model, SIZE) for _ in range(2))
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("with_images", [True, False])
def test_preview_is_a_picture(tmp_path, with_images):
    from dataclasses import replace

    head = tiny_head(tmp_path / "photo.jpg")
    if not with_images:
        head = replace(head, albedo=None, photo_rgb=None)
    save_preview(head, tmp_path / "deep" / "preview.png")
    with Image.open(tmp_path / "deep" / "preview.png") as sheet:
        assert sheet.size == (PANEL * (5 if with_images else 3), PANEL)
        assert np.asarray(sheet).std() > 3
