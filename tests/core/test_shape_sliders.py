"""Shape sliders: each moves its own measure alone, and a head's record carries them."""

import json

import numpy as np
import pytest

from ml.errors import HeadError, UsageError, WeightsMissing
from ml.evaluation.head.contact import contacts_of
from ml.head.mirror import make_mirror
from ml.head.storage import load_head_model
from ml.results.nobody import random_head
from ml.results.record import head_of_record
from ml.results.shaped import NAME, Shaped, shaped_of
from ml.shape_sliders import directions as stored
from ml.shape_sliders.directions import directions
from ml.shape_sliders.measures import HELD, LANDMARKS, MEASURES
from ml.shape_sliders.shape import identity_of, on_another, shape_of, with_shape, without_shape
from ml.shape_sliders.sliders import DIRECTED, SLIDERS


@pytest.fixture(scope="module")
def model():
    return load_head_model()


@pytest.fixture(scope="module")
def record():
    about = random_head(5).to_json()
    about.pop("face_box")  # not a number where there is no photo, and so not equal to itself
    return about


def person_of(seed):
    drawn = np.random.default_rng(seed).normal(size=load_head_model().identity_count)
    return np.clip(drawn, -2.5, 2.5).astype(np.float32)


def measured(model, identity):
    places = model.landmark_sets[LANDMARKS].on(model.shape.neutral(identity))
    return {each.name: float(each.of(places)) for each in (*MEASURES, *HELD)}


def spread(model):
    people = np.stack([person_of(seed) for seed in range(400)])
    rest = np.zeros((400, len(model.expression_names)), np.float32)
    places = model.points(LANDMARKS).batch(people, rest)
    return {each.name: float(each.of(places).std()) for each in (*MEASURES, *HELD)}


def test_there_is_a_slider_for_every_measure_and_a_direction_for_every_slider(model):
    assert [name for name in SLIDERS if name in {each.name for each in MEASURES}] == [
        each.name for each in MEASURES
    ]
    assert directions().shape == (len(DIRECTED), model.identity_count)
    assert len(SLIDERS) == 24


@pytest.mark.parametrize("name", [each.name for each in MEASURES])
def test_a_slider_moves_its_own_measure_as_it_says_and_no_other(model, name):
    differ, other = spread(model), {each.name for each in (*MEASURES, *HELD)} - {name}
    for seed, value in ((0, differ[name]), (1, -differ[name])):
        person = person_of(seed)
        before = measured(model, person)
        after = measured(model, identity_of(Shaped(person, {name: value})))
        assert after[name] - before[name] == pytest.approx(value, rel=0.1)
        for each in other:
            assert abs(after[each] - before[each]) <= 0.2 * differ[each], each


def test_groups_of_people_differ_as_people_do(model):
    """Men's heads are larger, heavy people's jaws wider, and old people's lips thinner."""
    grown = {
        name: measured(model, identity_of(Shaped(np.zeros(model.identity_count), {name: 100.0})))
        for name in ("age", "sex", "weight")
    }
    before = measured(model, np.zeros(model.identity_count, np.float32))
    # Half of what men and women differ by in the NIOSH survey: 7.7, 9.1 and 9.8 mm.
    for name, half in (("face_width", 3.8), ("jaw_width", 4.5), ("head_length", 4.9)):
        change = grown["sex"][name] - before[name]
        assert 0.5 * half < change < 2.5 * half, name
    assert grown["weight"]["jaw_width"] - before["jaw_width"] > 3
    assert grown["age"]["lip_fullness"] < before["lip_fullness"]
    assert grown["age"]["ear_size"] > before["ear_size"]


def test_lids_and_lips_meet_with_all_sliders_moved(model):
    rng = np.random.default_rng(3)
    for seed in range(2):
        values = {name: each.reach * rng.uniform(-0.3, 0.3) for name, each in SLIDERS.items()}
        found = contacts_of(model, identity_of(Shaped(person_of(seed), values)))
        for name in ("lid_gap", "lid_in_ball", "lip_gap_at_rest", "lip_gap_closed_over_open_jaw"):
            assert found[name] < 0.1, name


def test_asymmetry_scales_what_the_two_sides_differ_in(model):
    person, odd = person_of(2), make_mirror(model).identity < 0
    alike = identity_of(Shaped(person, {"asymmetry": -100.0}))
    assert not alike[odd].any()
    np.testing.assert_allclose(alike[~odd], person[~odd], atol=1e-6)
    twice = identity_of(Shaped(person, {"asymmetry": 100.0}))
    np.testing.assert_allclose(twice[odd], 2 * person[odd], atol=1e-5)


def test_likeness_scales_the_person_and_not_the_sliders():
    person, sliders = person_of(2), {"jaw_width": 4.0}
    strange = identity_of(Shaped(np.zeros_like(person), sliders))
    none = identity_of(Shaped(person, sliders, likeness=0.0))
    np.testing.assert_allclose(none, strange, atol=2e-6)
    half = identity_of(Shaped(person, likeness=50.0))
    np.testing.assert_allclose(half, person / 2, atol=2e-6)


def test_two_people_are_mixed():
    one, other = person_of(1), person_of(2)
    found = identity_of(Shaped(one, other=other, mix=25.0))
    np.testing.assert_allclose(found, 0.75 * one + 0.25 * other, atol=2e-6)


def test_a_record_carries_its_sliders_and_gives_them_back(record):
    person = shape_of(record).identity
    wanted = Shaped(person, {"jaw_width": 6.0, "age": -40.0, "neck": 0.0}, 120.0, person_of(9), 30)
    moved = json.loads(json.dumps(with_shape(record, wanted)))
    assert moved.keys() - record.keys() == {NAME}
    found = shape_of(moved)
    assert dict(found.sliders) == {"jaw_width": 6.0, "age": -40.0}
    assert (found.likeness, found.mix) == (120.0, 30.0)
    np.testing.assert_allclose(found.other, wanted.other, atol=1e-6)
    np.testing.assert_allclose(moved["identity"], identity_of(wanted), atol=1e-6)
    assert without_shape(moved) == record
    assert with_shape(moved, Shaped(person)) == record


def test_a_result_carries_them_through_its_files_contents(record):
    moved = with_shape(record, Shaped(shape_of(record).identity, {"nose_tip": 3.0}))
    head = head_of_record(moved)
    assert head.to_json()[NAME] == moved[NAME]
    np.testing.assert_allclose(head.coefficients.identity, moved["identity"], atol=1e-6)


def test_sliders_of_a_head_that_was_changed_otherwise_stand_at_zero(record):
    moved = with_shape(record, Shaped(shape_of(record).identity, {"nose_tip": 3.0}))
    moved["identity"] = person_of(4).tolist()
    found = shape_of(moved)
    assert found.changes_nothing
    np.testing.assert_allclose(found.identity, person_of(4), atol=1e-6)


def test_another_person_keeps_the_sliders(record):
    moved = with_shape(record, Shaped(shape_of(record).identity, {"nose_tip": 3.0}))
    found = on_another(moved, person_of(4))
    assert dict(shape_of(found).sliders) == {"nose_tip": 3.0}
    expected = identity_of(Shaped(person_of(4), {"nose_tip": 3.0}))
    np.testing.assert_allclose(found["identity"], expected, atol=1e-6)


@pytest.mark.parametrize(
    "damage",
    [
        {"identity": [0.0]},
        {"identity": [float("nan")] * 160},
        {"sliders": {"jaw_width": "wide"}},
        {"sliders": [1.0]},
        {"likeness": None},
        {"other": [1.0, 2.0]},
        {"mix": float("inf")},
    ],
)
def test_damaged_sliders_are_refused_in_words(record, damage):
    moved = with_shape(record, Shaped(shape_of(record).identity, {"nose_tip": 3.0}))
    moved[NAME] |= damage
    with pytest.raises(HeadError, match="damaged"):
        shape_of(moved)
    with pytest.raises(ValueError, match="shaped"):
        shaped_of(moved)


def test_a_head_of_another_model_is_refused(record):
    other = {**record, "model": {**record["model"], "version": "1"}}
    with pytest.raises(UsageError, match="was made with"):
        with_shape(other, Shaped(shape_of(record).identity))


def test_directions_that_are_not_those_that_shipped_are_refused(tmp_path, monkeypatch):
    wrong = tmp_path / "sliders.npz"
    wrong.write_bytes(b"x" * stored.ASSET.stat().st_size)
    wrong.with_suffix(".card.json").write_text(stored.ASSET.with_suffix(".card.json").read_text())
    monkeypatch.setattr(stored, "ASSET", wrong)
    with pytest.raises(WeightsMissing, match=r"sliders\.npz"):
        directions()
