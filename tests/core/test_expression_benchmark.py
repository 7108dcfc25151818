"""The benchmark of single expression keys: what its figures mean."""

import numpy as np
import pytest

from ml.evaluation.synthetic import expressions
from ml.evaluation.synthetic.expressions import Faces, acting, figures_of, summarise
from ml.head.arkit import EXPRESSION_NAMES
from ml.training.data.people.expressions import expression_of


def faces_of(*pairs):
    """Faces from pairs of what they did and what was found, by the names of keys."""
    true, found = zip(*pairs, strict=True)
    return Faces(*(np.stack([expression_of(one) for one in side]) for side in (true, found)))


def rows_of(faces):
    return {row.name: row for row in figures_of(faces)}


def test_keys_are_detected_where_acted_and_silent_where_not():
    rows = rows_of(
        faces_of(
            ({"jawOpen": 1.0}, {"jawOpen": 0.7, "mouthLeft": 0.3}),
            ({"jawOpen": 0.8}, {"jawOpen": 0.3}),
            ({"jawOpen": 0.3}, {"jawOpen": 0.9}),
            ({}, {"jawOpen": 0.1}),
            ({}, {"jawOpen": 0.4}),
        )
    )
    jaw = rows["jawOpen"]
    # A jaw that is a little open says neither.
    assert (jaw.faces, jaw.detected, jaw.silent) == (2, 0.5, 0.5)
    assert jaw.found == pytest.approx(0.5)
    assert rows["mouthLeft"].silent == pytest.approx(0.8)
    assert np.isnan(rows["mouthLeft"].detected)


def test_every_key_counts_alike():
    often = [({"jawOpen": 1.0}, {"jawOpen": 1.0})] * 9
    faces = faces_of(*often, ({"tongueOut": 1.0}, {}))
    assert summarise(figures_of(faces), faces)["keys detected"] == 0.5


def test_a_wink_needs_one_lid_closed_and_the_other_open():
    wink = {"eyeBlinkLeft": 1.0}
    faces = faces_of(
        (wink, wink),
        (wink, {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 0.5}),
        (wink, {"eyeBlinkRight": 1.0}),
        (wink, {"eyeBlinkLeft": 0.5}),
        ({"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}, {}),
    )
    summary = summarise(figures_of(faces), faces)
    assert summary["winks: closed above 0.6, open below 0.2"] == 0.25
    assert summary["closed lids above 0.6"] == pytest.approx(2 / 6)
    assert summary["open lids below 0.2"] == pytest.approx(2 / 4)


def test_gaze_is_measured_in_degrees_on_open_eyes():
    left = {"eyeLookOutLeft": 0.5, "eyeLookInRight": 0.5}
    faces = faces_of(
        (left, {"eyeLookOutLeft": 0.3, "eyeLookInRight": 0.3}),
        (left, left | {"eyeLookUpLeft": 0.2, "eyeLookUpRight": 0.2}),
        (left | {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}, {"eyeLookInLeft": 1.0}),
    )
    summary = summarise(figures_of(faces), faces)
    assert summary["gaze, median degrees"] == pytest.approx((30 + 22) / 2 * 0.2)
    assert summary["gaze of eyes that look ahead, median degrees"] == pytest.approx(15)


def test_every_key_can_be_asked_for():
    rng = np.random.default_rng(0)
    for key in range(len(EXPRESSION_NAMES)):
        assert acting(key, rng)[key] >= expressions.ACTED


def test_faces_that_are_not_found_are_counted(monkeypatch):
    from ml.errors import NoFaceFound
    from ml.pipeline import fit

    def nothing(photo, settings):
        raise NoFaceFound("No face", "Try another photo")

    class View:
        photo, expression = None, expression_of({})

    class Head:
        expression = expression_of({"jawOpen": 0.5})

    class Fitted:
        class fit:
            coefficients = Head

    monkeypatch.setattr(fit, "fit_photo", nothing)
    answers = iter([Fitted, None, Fitted])

    def sometimes(photo, settings):
        return next(answers) or nothing(photo, settings)

    monkeypatch.setattr(fit, "fit_photo", sometimes)
    faces, missed = expressions.measure([View, View, View])
    assert missed == 1
    assert faces.found.shape == (2, 52)
