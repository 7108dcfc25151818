"""Faces in dim, foggy, back-lit and coloured photos, found in enhanced copies of them."""

from pathlib import Path

import numpy as np
import pytest
from skimage import data

from ml.data import Photo
from ml.errors import NoFaceFound
from ml.photo import enhance
from ml.pipeline.find import enhanced, observe
from ml.pipeline.fit import fit_observation
from ml.settings import Settings

PORTRAIT = np.ascontiguousarray(data.astronaut()[:300, 80:380])


def photo_of(values: np.ndarray) -> Photo:
    return Photo(np.clip(np.round(values), 0, 255).astype(np.uint8), Path("photo.png"), "")


def against_the_light(rgb: np.ndarray) -> np.ndarray:
    around = np.full((600, 600, 3), 250.0)
    around[300:, 150:450] = rgb * 0.04
    return around


FAINT = {
    "dim": lambda rgb: rgb * 0.08,
    "dark": lambda rgb: rgb * 0.04,
    "fog": lambda rgb: rgb * 0.2 + 0.75 * 255,
    "thick fog": lambda rgb: rgb * 0.1 + 0.8 * 255,
    "little contrast": lambda rgb: rgb * 0.08 + 110,
    "blue light": lambda rgb: rgb * [0.05, 0.1, 1],
    "green light": lambda rgb: rgb * [0.05, 0.8, 0.05],
    "one channel": lambda rgb: rgb * [0, 0, 1],
    "against the light": against_the_light,
}


@pytest.fixture(scope="module")
def clear():
    return observe(photo_of(PORTRAIT), Settings())[0]


@pytest.mark.parametrize("kind", list(FAINT))
def test_the_face_is_found_where_it_is(clear, kind):
    found = observe(photo_of(FAINT[kind](PORTRAIT.astype(float))), Settings())[0]
    shift = [150, 300] if kind == "against the light" else [0, 0]
    apart = np.linalg.norm(found.landmarks.points - clear.landmarks.points - shift, axis=1)
    assert apart.mean() < 0.03 * clear.face.box.size


def test_the_fit_sees_the_enhanced_photo(clear):
    dark = photo_of(PORTRAIT * 0.04)
    observation = observe(dark, Settings())[0]
    assert observation.enhancement
    plain, faint = (
        fit_observation(*pair).fit for pair in ((photo_of(PORTRAIT), clear), (dark, observation))
    )
    apart = plain.camera.translation[2] / faint.camera.translation[2]
    assert apart == pytest.approx(1, abs=0.05)
    assert np.abs(plain.coefficients.identity - faint.coefficients.identity).mean() < 0.4


def test_a_photo_with_a_face_is_not_enhanced(clear, monkeypatch):
    monkeypatch.setattr(enhance, "ENHANCEMENTS", None)
    photo = photo_of(PORTRAIT)
    found = observe(photo, Settings())[0]
    assert found.enhancement == ""
    assert enhanced(photo, found.enhancement) is photo
    assert np.array_equal(found.landmarks.points, clear.landmarks.points)


@pytest.mark.parametrize("name", ["brick", "grass", "coins", "page", "moon"])
def test_nothing_is_found_where_no_face_is(name):
    grey = getattr(data, name)()
    with pytest.raises(NoFaceFound):
        observe(photo_of(np.repeat(grey[..., None], 3, 2)), Settings())


@pytest.mark.parametrize("name", list(enhance.ENHANCEMENTS))
def test_even_pictures_and_noise_are_not_blown_up_to_faces(name):
    flat = enhance.ENHANCEMENTS[name](np.full((64, 64, 3), 77, np.uint8))
    assert flat.shape == (64, 64, 3)
    assert np.ptp(flat) == 0
    noise = np.random.default_rng(0).normal(90, 2, (300, 300, 3))
    with pytest.raises(NoFaceFound):
        observe(photo_of(noise), Settings())
