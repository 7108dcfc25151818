"""Heads from a file of coefficients are those of a direct run, with the shipped weights."""

import numpy as np
import pytest
from PIL import Image
from skimage import data

from ml.commands.coefficients import store_for
from ml.photo.read import read_photo
from ml.pipeline.built import FromFile
from ml.pipeline.estimate import estimate_photo, estimated, with_landmarks
from ml.pipeline.find import observe
from ml.pipeline.fit import fit_observation
from ml.pipeline.single import complete_head, ignore_progress
from ml.pipeline.timing import Clock
from ml.results.files import arrays_of
from ml.settings import Settings


@pytest.fixture(scope="module")
def portrait(tmp_path_factory):
    path = tmp_path_factory.mktemp("photos") / "astronaut.png"
    Image.fromarray(data.astronaut()).save(path)
    return path


@pytest.mark.parametrize("level", ["base", "low"])
def test_a_built_head_equals_a_direct_one_to_the_bit(portrait, tmp_path, monkeypatch, level):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")  # both say when they were made
    settings = Settings(texture_size=256, level=level)
    photo = read_photo(portrait)
    fitted = fit_observation(photo, observe(photo, settings)[0])
    direct = complete_head(photo, fitted, settings, Clock(), ignore_progress)
    with store_for(tmp_path, None, settings, "npz") as store:
        store.add(portrait.name, [with_landmarks(estimated(photo, fitted, level))])
        assert store.finish([portrait]) == 1
    (built,) = FromFile(tmp_path / "coefficients.npz", {portrait: (0,)})(portrait, settings)
    same, other = (arrays_of(head.mesh, head.detail) for head in (direct, built))
    for name, values in same.items():
        np.testing.assert_array_equal(other[name], values, err_msg=name)
    np.testing.assert_array_equal(built.albedo, direct.albedo)
    np.testing.assert_array_equal(built.photo_rgb, direct.photo_rgb)
    about = [{**head.to_json(), "timings_ms": {}} for head in (direct, built)]
    assert about[0] == about[1]


def test_landmarks_of_a_row_are_the_heads_but_for_the_lids(portrait):
    (estimate,) = estimate_photo(portrait, Settings())
    direct = complete_head_of(portrait)
    for name in ("landmarks_68_px", "landmarks_478_px"):
        apart = np.linalg.norm(getattr(estimate, name) - getattr(direct, name), axis=1)
        assert np.median(apart) < 0.05, name
        assert apart.max() < 1.0, name


def complete_head_of(path):
    settings = Settings(texture_size=0, detail="off")
    photo = read_photo(path)
    fitted = fit_observation(photo, observe(photo, settings)[0])
    return complete_head(photo, fitted, settings, Clock(), ignore_progress)
