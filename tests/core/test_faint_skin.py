"""Skin from grey, toned, dim, foggy and strangely lit photos is that of the same photo as it was.

The head in the photos is Effigy Head's mean, in skin of the shipped statistics.
"""

from pathlib import Path

import cv2
import numpy as np
import pytest

from ml.appearance.atlas import atlas_of
from ml.appearance.colour import photographed
from ml.appearance.confidence import lab
from ml.appearance.levels import with_usual_levels
from ml.appearance.light import AlbedoAndLight, _solved
from ml.appearance.monochrome import coloured, grey_statistics, is_monochrome
from ml.appearance.skin import load_skin_model
from ml.appearance.skin_estimate import skin_mesh
from ml.appearance.texture import make_albedo
from ml.data import Camera, Photo
from ml.fitting.camera import FACING, make_intrinsics
from ml.geometry.colour import linear_of, srgb_of
from ml.head.storage import load_head_model
from ml.rendering import interpolate, rasterize

SIZE, SIDE = 256, 480
NOTHING, NO_MODES = np.zeros((9, 3), np.float32), np.zeros(44, np.float32)


@pytest.fixture(scope="module")
def model():
    return load_head_model()


@pytest.fixture(scope="module")
def atlas(model):
    return atlas_of(model, SIZE)


@pytest.fixture(scope="module")
def camera():
    shift = np.array([0, 0.02, 1.1], np.float32)
    return Camera(make_intrinsics(1300, SIDE, SIDE), FACING.astype(np.float32), shift, SIDE, SIDE)


@pytest.fixture(scope="module")
def portrait(model, camera):
    """Mean skin, slightly darker than usual, before a wall from black to white."""
    skin, own = load_skin_model(), skin_mesh(model).vertices
    colours = np.full(model.shape.mean.shape, 0.6, np.float32)
    colours[own] = np.exp(skin.mean + 0.5 * skin.modes[0])
    depth = camera.to_camera_space(model.shape.mean)[:, 2]
    points = np.column_stack([camera.project(model.shape.mean), depth])
    fragments = rasterize(points, model.triangles, SIDE, SIDE)
    light = interpolate(fragments, colours, model.triangles)
    light[fragments.face < 0] = np.linspace(0, 1, (fragments.face < 0).sum())[:, None]
    return cv2.GaussianBlur(np.clip(photographed(light), 0, 255), (3, 3), 0)


def photo_of(values: np.ndarray) -> Photo:
    return Photo(np.clip(np.round(values), 0, 255).astype(np.uint8), Path("made.png"), "")


def parts(model, atlas, albedo):
    """(3,) Lab of the cheeks, the lips and the whites of the eyes."""
    x, y, z = atlas.mean.T
    skin = atlas.part == model.part_names.index("skin")
    cheek = skin & (np.abs(np.abs(x) - 0.037) < 0.012) & (y > -0.035) & (y < 0.005) & (z > 0.06)
    lips = skin & (atlas.contours.lips < -0.001) & (atlas.contours.gap > 0.002)
    whites = np.isin(atlas.part, [model.part_names.index(f"eye_{s}") for s in ("left", "right")])
    colours = albedo[atlas.rows, atlas.columns].astype(np.float32)
    return [lab(np.median(colours[w], 0)[None])[0] for w in (cheek, lips, whites)]


@pytest.fixture(scope="module")
def usual(model, atlas, camera, portrait):
    albedo = make_albedo(photo_of(portrait), camera, model.shape.mean, model, SIZE)
    return parts(model, atlas, albedo)


def grey(rgb):
    return np.repeat((rgb @ [0.299, 0.587, 0.114])[..., None], 3, 2)


def lit(*gains):
    return lambda rgb: srgb_of(linear_of(rgb) * np.array(gains, np.float32))


GREY = {
    "grey": grey,
    "sepia": lambda rgb: (grey(rgb) / 255) ** [0.75, 1, 1.35] * 255,
    "blue toned": lambda rgb: grey(rgb) * [0.75, 0.95, 1] + [0, 5, 20],
    "almost grey": lambda rgb: grey(rgb) + 0.12 * (rgb - grey(rgb)),
    "grey and dim": lambda rgb: 0.3 * grey(rgb),
    "grey and foggy": lambda rgb: 0.3 * grey(rgb) + 150,
    "light of one colour": lambda rgb: grey(rgb) * [1, 0.6, 0.05],
}
FAINT = {
    "dim": lambda rgb: 0.3 * rgb,
    "dark": lambda rgb: 0.12 * rgb,
    "fog": lambda rgb: 0.4 * rgb + 0.5 * 255,
    "thick fog": lambda rgb: 0.2 * rgb + 0.75 * 255,
    "orange light": lit(1.5, 0.8, 0.3),
    "blue light": lit(0.4, 0.8, 1.6),
    "green light": lit(0.6, 1.3, 0.5),
}


@pytest.mark.parametrize("kind", [*GREY, *FAINT])
def test_the_skin_is_that_of_the_photo_as_it_was(model, atlas, camera, portrait, usual, kind):
    changed = photo_of((GREY | FAINT)[kind](portrait))
    found = parts(model, atlas, make_albedo(changed, camera, model.shape.mean, model, SIZE))
    cheek, lips, whites = found
    assert np.linalg.norm(cheek - usual[0]) < 6
    assert lips[1] > cheek[1] + 2  # redder than the cheek
    assert np.linalg.norm(whites - usual[2]) < 5  # whites are bound to the skin's light


def test_a_photo_in_colour_stays_as_it_is(model, atlas, portrait):
    photo = photo_of(portrait)
    assert with_usual_levels(photo) is photo
    flat = photo_of(np.full((64, 64, 3), 20))
    assert with_usual_levels(flat) is flat
    # A common cast is what the plain prior says.
    gram, right = np.eye(5, dtype=np.float32), np.array([3, 0, 2, -2, 2], np.float32)
    np.testing.assert_allclose(_solved(gram, right), right / 2)
    # Of an uncommon one the evidence decides more.
    assert _solved(gram, 4 * right)[2] > 0.9 * 4 * right[2]


def test_levels_change_without_a_jump():
    ramp = np.repeat(np.linspace(0, 1, 256)[None, :, None], 3, 2)
    for usual, faint in (((64, 250), (66, 250)), ((4, 150), (4, 148))):
        pair = [photo_of(low + ramp * (high - low)) for low, high in (usual, faint)]
        before, after = (with_usual_levels(photo).rgb.astype(int) for photo in pair)
        assert np.abs(before - after).max() <= 8


def test_few_texels_tell_nothing_of_colour(atlas):
    nothing = np.zeros(len(atlas.mean), np.float32)
    assert not is_monochrome(np.zeros((len(atlas.mean), 3), np.float32), nothing, atlas, SIZE)


def test_a_lightness_has_the_hue_of_such_skins():
    skin = load_skin_model()
    statistics = grey_statistics(skin)
    for amount in (-1.0, 1.0):
        log_albedo = np.exp(skin.mean + amount * skin.modes[0]) @ [0.2126, 0.7152, 0.0722]
        in_grey = statistics.mean + amount * statistics.modes[0]
        assert np.abs(in_grey - np.log(log_albedo)[:, None]).mean() < 0.03
    assert np.ptp(statistics.modes, axis=-1).max() == 0
    found = coloured(AlbedoAndLight(statistics.mean, statistics.mean, NOTHING, NO_MODES), skin)
    np.testing.assert_allclose(found, skin.mean, atol=1e-4)
