"""Visemes: three sets under their known names, and lips of every person that meet in p, b and m."""

import numpy as np
import pytest

from ml.data import HeadCoefficients
from ml.head.arkit import EXPRESSION_NAMES
from ml.head.mesh import person_mesh, person_of
from ml.head.storage import load_head_model
from ml.speech.lips import Mouth, lip_opening, lips_of, settled
from ml.speech.sets import PARTING, SETS
from ml.speech.sounds import RHUBARB, SILENCE, SOUNDS, sound_of_phone
from tests.support.synthetic_head import synthetic_mesh

MM = 1000
CLOSED = ["viseme_sil", "viseme_PP", "viseme_FF", "viseme_0", "viseme_18", "viseme_21"]


@pytest.fixture(scope="module")
def mouths():
    """Eight people, and the average."""
    model = load_head_model()
    lips = lips_of(model.shape.mean, model.quads, model.part, model.part_names)
    people = np.random.default_rng(3).normal(size=(9, model.identity_count)).clip(-2.5, 2.5)
    people[0] = 0
    return [Mouth(*model.person(np.float32(one)), model.expression_names, lips) for one in people]


def test_the_sets_have_the_names_that_programs_look_for():
    assert " ".join(SETS["OCULUS"].shapes) == (
        "viseme_sil viseme_PP viseme_FF viseme_TH viseme_DD viseme_kk viseme_CH viseme_SS "
        "viseme_nn viseme_RR viseme_aa viseme_E viseme_I viseme_O viseme_U"
    )
    assert list(SETS["MICROSOFT"].shapes) == [f"viseme_{number}" for number in range(22)]
    assert set(SETS["VRM"].shapes) == {"aa", "ih", "ou", "ee", "oh"}


def test_weights_are_of_arkit_and_even_and_shapes_differ():
    for shapes in SETS.values():
        for weights in shapes.shapes.values():
            assert set(weights) <= set(EXPRESSION_NAMES)
            assert all(0 < value <= 1 for value in weights.values())
            for name, value in weights.items():
                if name.endswith("Left"):
                    assert weights[name.removesuffix("Left") + "Right"] == value
    oculus = [tuple(sorted(weights.items())) for weights in SETS["OCULUS"].shapes.values()]
    assert len(set(oculus)) == 15


@pytest.mark.parametrize(("which", "name"), [("OCULUS", "viseme_PP"), ("MICROSOFT", "viseme_21")])
def test_the_lips_of_every_person_meet_without_going_through_each_other(mouths, which, name):
    unsettled = [
        lip_opening(mouth.posed(SETS[which].shapes[name]), mouth.lips).max() for mouth in mouths
    ]
    assert MM * np.ptp(unsettled) > 0.3  # the same weights do not do for all
    for mouth in mouths:
        weights = settled(SETS[which], mouth)[name]
        opening = MM * lip_opening(mouth.posed(weights), mouth.lips).max()
        assert opening == pytest.approx(-0.1, abs=0.01)
        assert weights["mouthPressLeft"] == SETS[which].shapes[name]["mouthPressLeft"]


def test_lips_that_a_person_cannot_close_by_pressing_are_closed_by_mouth_close(mouths):
    mouth = mouths[0]
    parted = mouth.rest.copy()
    parted[mouth.lips.upper] += np.float32([0, 0.004, 0])
    weights = settled(SETS["OCULUS"], Mouth(parted, mouth.keys, mouth.names, mouth.lips))
    assert weights["viseme_PP"]["mouthClose"] > 0.02
    shut = Mouth(parted, mouth.keys, mouth.names, mouth.lips).posed(weights["viseme_PP"])
    assert MM * lip_opening(shut, mouth.lips).max() == pytest.approx(-0.1, abs=0.01)


@pytest.mark.parametrize("which", SETS)
def test_all_other_visemes_leave_the_lips_open(mouths, which):
    for mouth in mouths:
        for name, weights in settled(SETS[which], mouth).items():
            if name not in CLOSED:
                assert MM * lip_opening(mouth.posed(weights), mouth.lips).max() > 2


def test_each_of_the_expressions_that_part_lips_does(mouths):
    for mouth in mouths:
        at_rest = lip_opening(mouth.rest, mouth.lips).max()
        for name in PARTING:
            assert MM * (lip_opening(mouth.posed({name: 1.0}), mouth.lips).max() - at_rest) > 0.5


@pytest.mark.parametrize("level", ["low", "high"])
def test_lips_are_found_at_every_level(level):
    model = load_head_model()
    rest = HeadCoefficients(np.zeros(model.identity_count, np.float32), np.zeros(52, np.float32))
    mesh = person_mesh(model, person_of(model, rest), level)
    lips = lips_of(mesh.vertices, mesh.quads, mesh.part, mesh.part_names)
    mouth = Mouth(mesh.vertices, mesh.shape_keys, mesh.expression_names, lips)
    shut = mouth.posed(settled(SETS["OCULUS"], mouth)["viseme_PP"])
    assert MM * lip_opening(shut, lips).max() == pytest.approx(-0.1, abs=0.01)


def test_a_mesh_without_lips_gets_the_weights_as_they_are():
    mesh = synthetic_mesh(6)
    lips = lips_of(mesh.vertices, mesh.quads, mesh.part, mesh.part_names)
    assert lips is None
    mouth = Mouth(mesh.vertices, mesh.shape_keys, mesh.expression_names, lips)
    assert settled(SETS["OCULUS"], mouth)["viseme_PP"] == SETS["OCULUS"].shapes["viseme_PP"]


def test_every_sound_has_a_viseme_in_every_set():
    for name, sound in SOUNDS.items():
        assert f"viseme_{sound.oculus}" in SETS["OCULUS"].shapes
        assert f"viseme_{sound.microsoft}" in SETS["MICROSOFT"].shapes
        assert set(sound.vrm) <= set(SETS["VRM"].shapes)
        assert set(sound.halves) <= set(SOUNDS), name
    assert {sound.microsoft for sound in SOUNDS.values()} == set(range(22))
    assert {sound.oculus for sound in SOUNDS.values()} == set(
        ["sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "I", "O", "U"]
    )
    assert sorted(RHUBARB) == list("ABCDEFGHX")
    assert set(RHUBARB.values()) <= set(SOUNDS)


@pytest.mark.parametrize(
    ("phones", "sound"),
    [
        ("P B M p b m pʰ bʲ mʲ pː m̩", "p"),
        ("F v fʲ vʷ", "f"),
        ("AH0 AE1 ə æ ɐ", "ae"),
        ("AA2 ɑː ɑ a̠", None),
        ("OW1 ow", "ow"),
        ("AY0 aj", "ay"),
        ("AW1 aw", "aw"),
        ("tʃ dʒ CH ʃ", "sh"),
        ("T d tʰ d̪ʲ t̚", None),
        ("ŋ NG k kʰ ɡ", "k"),
        ("i˥ iː IY1 ɪ", "iy"),
        ("spn sil sp <eps>", SILENCE),
    ],
)
def test_phones_of_arpabet_and_ipa(phones, sound):
    found = {sound_of_phone(phone) for phone in phones.split()}
    assert None not in found
    assert sound is None or found == {sound}
    assert sound_of_phone("") == SILENCE
    assert sound_of_phone("☃") is None
