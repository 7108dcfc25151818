"""Hard faces: quality falls and the reason says why, though confidence stays near 1."""

import cv2
import numpy as np
import pytest
from skimage import data

from ml.data import Photo
from ml.pipeline.fit import fit_photo
from ml.settings import Settings

PORTRAIT = np.ascontiguousarray(data.astronaut()[:300, 80:380])
NOSE, EYES = (144, 131), ((125, 104), (166, 106))


def fitted(rgb, tmp_path):
    return fit_photo(Photo(np.ascontiguousarray(rgb), tmp_path / "photo.png", ""), Settings())


def stretched(rgb):
    return cv2.resize(rgb, None, fx=1.76, fy=1)


def half_covered(rgb):
    covered = rgb.copy()
    covered[:, : NOSE[0]] = 90
    return covered


def without_eyes(rgb):
    covered = rgb.copy()
    for eye in EYES:
        cv2.ellipse(covered, eye, (16, 10), 0, 0, 360, (205, 160, 140), -1)
    return covered


HARD = {
    "negative": (lambda rgb: 255 - rgb, "negative"),
    "stretched": (stretched, "stretched"),
    "half covered": (half_covered, "covered"),
    "double exposure": (lambda rgb: rgb // 2 + np.roll(rgb, 30, 1) // 2, "do not agree"),
    "mirrored half": (lambda rgb: np.hstack([rgb[:, : NOSE[0]], rgb[:, NOSE[0] :: -1]]), "mirror"),
    "blurred": (lambda rgb: cv2.GaussianBlur(rgb, (0, 0), 6), "blurred"),
}
HARDER = {
    "without eyes": without_eyes,
    "JPEG of quality 3": lambda rgb: cv2.imdecode(
        cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, 3])[1], cv2.IMREAD_COLOR
    ),
    "pencil drawing": lambda rgb: cv2.pencilSketch(rgb)[1],
}
SAME = {
    "grey": lambda rgb: np.repeat(rgb.mean(2, keepdims=True).astype(np.uint8), 3, 2),
    "upside down": lambda rgb: rgb[::-1, ::-1],
}


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    return fitted(PORTRAIT, tmp_path_factory.mktemp("usual"))


def test_the_untouched_portrait_is_trusted(usual):
    assert usual.quality.value > 0.9
    assert usual.quality.reason == ""


@pytest.mark.parametrize("kind", list(HARD))
def test_a_hard_face_is_not_trusted_and_the_reason_says_why(kind, tmp_path):
    spoil, word = HARD[kind]
    found = fitted(spoil(PORTRAIT), tmp_path)
    assert found.observation.face.output.confidence > 0.99
    assert found.quality.value < 0.2
    assert word in found.quality.reason


@pytest.mark.parametrize("kind", list(HARDER))
def test_what_costs_less_lowers_it_less(usual, kind, tmp_path):
    quality = fitted(HARDER[kind](PORTRAIT), tmp_path).quality
    assert 0.2 < quality.value < usual.quality.value - 0.2


@pytest.mark.parametrize("kind", list(SAME))
def test_what_costs_nothing_hardly_changes_it(usual, kind, tmp_path):
    quality = fitted(SAME[kind](PORTRAIT), tmp_path).quality
    assert quality.value == pytest.approx(usual.quality.value, abs=0.1)
