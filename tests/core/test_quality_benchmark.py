"""Calibration of quality: weights and orders with known answers, and what is done to pictures."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from ml.evaluation.trust import command, measure, strangers
from ml.evaluation.trust.calibrate import calibrate, calibrating, judge
from ml.evaluation.trust.measure import KINDS, UNTOUCHED, TrustRow
from ml.evaluation.trust.spoil import SPOILS
from ml.fitting.measures import Measures
from ml.fitting.quality import WEIGHTS, expected_error, terms

ASKED = {
    "vagueness": 0.5,
    "identity": 0.0,
    "disagreement": 0.2,
    "misfit": 0.1,
    "blur": 2.0,
    "symmetry": 0.3,
}


def shape(ratio, baseline=2.0):
    return SimpleNamespace(mean=ratio * baseline, mean_baseline=baseline)


def rows_of(count, seed=0):
    """Pictures whose error over the mean face's is 0.8 times the factors of the terms in ASKED."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        found = Measures(
            misfit=float(rng.uniform(0.003, 0.01)),
            vagueness=float(rng.uniform(0.004, 0.02)),
            outside=0.0,
            turned=0.1,
            identity=float(rng.uniform(0.2, 0.6)),
            disagreement=float(rng.uniform(1, 6)),
            width=140.0,
            fineness=float(rng.uniform(0, 0.3)),
            contrast=30.0,
            symmetry=float(rng.choice([0.6, 0.99])),
        )
        total = sum(ASKED[name] * term for name, term in terms(found).items())
        ratio = 0.8 * np.exp(total)
        identity = rng.normal(0, 0.1, 160) + np.eye(160)[number // 4 % 20] * 2
        rows.append(TrustRow(number // 4, 0.0, UNTOUCHED, found, identity, shape(ratio)))
    return rows


def test_the_weights_that_made_the_errors_are_found():
    constant, weights = calibrate(rows_of(400))
    assert np.exp(constant) == pytest.approx(0.8, rel=1e-3)
    assert weights == pytest.approx(ASKED, abs=0.01)


def test_a_term_that_lowers_the_error_gets_no_weight():
    rows = [
        TrustRow(0, 0.0, UNTOUCHED, found, None, shape(0.8 * np.exp(-terms(found)["vagueness"])))
        for found in (row.measures for row in rows_of(100))
    ]
    assert calibrate(rows)[1]["vagueness"] == 0


def test_half_of_the_people_of_each_source_calibrate():
    sides = [(person % 2, calibrating(TrustRow(person, 0.0, UNTOUCHED))) for person in range(8)]
    assert {sides.count(side) for side in sides} == {2}


def test_the_order_of_errors_is_judged_and_reported():
    rows = [replace(row, shape=shape(expected_error(row.measures))) for row in rows_of(200, seed=1)]
    figures = judge(rows)
    assert figures["rank correlation with the error over the mean face's"] == pytest.approx(1)
    quality = [fifth["quality"] for fifth in figures["fifths"]]
    assert quality == sorted(quality, reverse=True)
    assert figures["fifths"][0]["ratio"] < figures["fifths"][4]["ratio"]
    assert figures["kinds"][UNTOUCHED]["pictures"] == 200
    text = "\n".join(command.lines_of(command.summarise([*rows, TrustRow(1, 0.0, KINDS[0])])))
    assert "201 pictures, 1 faces not found" in text
    assert f"WEIGHTS = {{'vagueness': {WEIGHTS['vagueness']}" in text
    assert "of these with the stranger named: " in text


def test_groups_are_of_one_person_or_have_one_stranger_of_the_same_source():
    views = strangers.views_of(rows_of(64), calibration=False)
    assert {view.person // 2 % 2 for view in views} == {1}
    mixed = list(strangers._mixed(views))
    assert len(mixed) == 8 * 3
    for group in mixed:
        people = [view.person for view in group]
        assert len(group) == 4
        assert len(set(people[:-1])) == 1
        assert people[-1] != people[0]
        assert (people[-1] - people[0]) % 2 == 0


def test_the_spread_of_one_person_and_between_people_is_found():
    rng = np.random.default_rng(3)
    views = []
    for person in range(300):
        middle = rng.normal(0, 2, strangers.MODES)
        for vague in (1, 1, 4):
            noise = rng.normal(0, 0.5 * vague**0.5, strangers.MODES)
            views.append(strangers.View(person, middle + noise, 0.006 * vague))
    within, between = strangers.spread_of(views)
    assert np.mean(within) == pytest.approx(0.25, rel=0.05)
    assert np.mean(between) == pytest.approx(4, rel=0.05)


@pytest.fixture
def picture():
    """Grey noise, and 722 points: an ellipse for the face, eyes in their places."""
    rng = np.random.default_rng(0)
    rgb = rng.integers(60, 200, (300, 300, 3), np.uint8)
    angle = np.linspace(0, 2 * np.pi, 722)
    points = np.stack([150 + 70 * np.cos(angle), 150 + 90 * np.sin(angle)], 1).astype(np.float32)
    points[[33, 263, 468, 473, 4]] = [[110, 130], [190, 130], [120, 130], [180, 130], [150, 160]]
    return rgb, points


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_changes_the_picture_and_not_its_argument(picture, kind):
    rgb, points = picture
    before = rgb.copy()
    spoiled = SPOILS[kind](rgb, points, np.random.default_rng(1))
    np.testing.assert_array_equal(rgb, before)
    assert spoiled.dtype == np.uint8
    assert spoiled.ndim == 3
    assert spoiled.shape != rgb.shape or np.abs(spoiled.astype(int) - rgb).mean() > 1


def test_each_view_gives_an_untouched_row_and_two_spoiled(monkeypatch, picture):
    rgb, points = picture
    seen = []
    monkeypatch.setattr(measure, "_row", lambda view, kind, rgb, reference: seen.append(kind))
    monkeypatch.setattr(measure, "replace", lambda view, **_: view)
    view = SimpleNamespace(rgb=rgb, points=points)
    list(measure.measure_views([view] * 32, None))
    assert seen.count(UNTOUCHED) == 32
    assert {kind: seen.count(kind) for kind in KINDS} == dict.fromkeys(KINDS, 4)
