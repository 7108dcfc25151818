"""The benchmark of albedos of photos finds what is wrong with them, and nothing else."""

import numpy as np
import pytest

from ml.appearance.atlas import atlas_of
from ml.evaluation.photos.skin import (
    SIZE,
    SkinFigures,
    _brows,
    _moustache,
    _off_hue,
    _seams,
    report,
    summarise,
)
from ml.head.storage import load_head_model

SKIN = (205, 160, 138)


@pytest.fixture(scope="module")
def model():
    return load_head_model()


@pytest.fixture(scope="module")
def atlas(model):
    return atlas_of(model, SIZE)


@pytest.fixture
def plain(atlas):
    return np.tile(np.float32(SKIN), (len(atlas.rows), 1))


def patch(atlas, colours):
    """The colours with a darker rectangle on one cheek."""
    x, y, z = atlas.mean.T
    inside = (np.abs(x - 0.045) < 0.008) & (np.abs(y) < 0.008) & (z > 0.03)
    return np.where(inside[:, None], colours * np.float32(0.8), colours)


def test_a_patch_that_the_photo_lacks_is_a_seam_and_one_that_it_shows_is_none(model, atlas, plain):
    shown = atlas.mean[:, 2] > 0.03
    patched = patch(atlas, plain)
    assert _seams(plain, plain, shown, model, atlas) == (0, 0)
    assert _seams(patched, plain, shown, model, atlas)[0] > 1
    assert _seams(patched, patched, shown, model, atlas) == (0, 0)
    # What the photo shows where the skin is hidden is something else's.
    assert _seams(patched, patched, ~shown, model, atlas)[1] > 1


def test_shade_on_one_side_of_the_lip_is_a_moustache(model, atlas, plain):
    x, y, _ = atlas.mean.T
    shade = plain.copy()
    shade[(x > 0) & (y < -0.01) & (y > -0.028)] *= 0.7
    assert abs(_moustache(plain, model, atlas)) < 1e-4
    assert _moustache(shade, model, atlas) > 0.5
    # Gums and teeth behind the lip are no moustache.
    plain[atlas.part != model.part_names.index("skin")] = (90, 40, 40)
    assert abs(_moustache(plain, model, atlas)) < 1e-4


def test_unequal_brows_and_odd_hues_count(atlas, plain):
    assert _brows(plain, atlas) < 1e-4
    assert _off_hue(plain, atlas) == 0
    shade = np.where(atlas.mean[:, :1] > 0, plain, plain * np.float32(0.5))
    assert _brows(shade, atlas) > 0.5
    assert _off_hue(plain * np.float32([1, 0.8, 0.4]), atlas) > 5
    assert _off_hue(plain.mean(1, keepdims=True) * np.ones((1, 3), np.float32), atlas) > 5


def test_figures_that_cannot_be_had_are_left_out_of_the_means():
    rows = [SkinFigures(1, 2, np.nan, 0.1, 0), SkinFigures(3, 4, 0.5, 0.3, 2)]
    summary = summarise(rows)
    assert summary["seams_seen"] == {"mean": 2, "largest": 3}
    assert summary["moustache"] == {"mean": 0.5, "largest": 0.5}
    assert "0.500" in report(summary, 2)
