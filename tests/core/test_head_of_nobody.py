"""Heads without a photo: the average person, and random ones by their seed."""

import json

import numpy as np
import pytest

from ml.errors import UsageError
from ml.head.storage import load_head_model
from ml.results.nobody import average_head, random_head
from ml.results.record import head_of_record


def test_the_average_is_the_models_mean_at_rest():
    head, model = average_head(), load_head_model()
    # Lids are laid on the eyeballs of every person, the average one too.
    assert np.abs(head.mesh.vertices - model.person(np.zeros(160, np.float32))[0]).max() <= 1e-6
    assert np.abs(head.mesh.vertices - model.shape.mean).mean() <= 1e-5
    assert not head.coefficients.expression.any()
    assert np.array_equal(head.mesh.vertices, head.mesh.vertices_expressed)


def test_a_seed_is_a_person_and_variation_says_how_far_from_the_average():
    mean, ada = average_head("low").mesh.vertices, random_head(3, level="low")
    again, other = random_head(3, level="low"), random_head(4, level="low")
    assert np.array_equal(ada.mesh.vertices, again.mesh.vertices)
    assert np.abs(ada.mesh.vertices - other.mesh.vertices).max() > 1e-3
    less = random_head(3, 0.5, "low").mesh.vertices
    halfway = (ada.mesh.vertices + mean) / 2
    assert np.abs(less - halfway).max() <= 5e-4
    assert np.abs(random_head(3, 0.0, "low").mesh.vertices - mean).max() <= 1e-6
    assert np.abs(random_head(9, 1.0, "low").coefficients.identity).max() <= 2.5


def test_its_record_names_no_photo_and_gives_it_again():
    head = random_head(5, level="low")
    record = json.loads(json.dumps(head.to_json()))
    assert (record["photo"]["name"], record["photo"]["sha256"]) == ("", "")
    assert np.array_equal(head_of_record(record).mesh.vertices, head.mesh.vertices)


def test_its_camera_sees_the_whole_head_in_the_middle():
    head = average_head()
    seen = head.camera.project(head.mesh.vertices)
    low, high = seen.min(0), seen.max(0)
    assert (low > 0).all()
    assert (high < 1024).all()
    assert (low + high) / 2 == pytest.approx((512, 512), abs=30)
    assert high[1] - low[1] == pytest.approx(0.7 * 1024, rel=0.1)


def test_an_unknown_level_is_refused():
    with pytest.raises(UsageError, match="no level 'finest'"):
        average_head("finest")
