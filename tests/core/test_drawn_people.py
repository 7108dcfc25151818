"""People that the data engine draws: what their faces do, and how they are turned."""

import numpy as np
import pytest

from ml.data import HeadCoefficients
from ml.head.arkit import EXPRESSION_NAMES
from ml.head.storage import load_head_model
from ml.training.data.lids import BESIDE, EDGES, with_lids
from ml.training.data.people.expressions import acted_expression, expression_of
from ml.training.data.people.folds import random_folds
from ml.training.data.people.poses import random_camera
from ml.training.data.people.tongue import tongue_put_out
from ml.training.data.picture.draw import Figure
from ml.training.data.picture.kernels import fast_normals
from ml.training.data.samples import Subject
from tests.support.shipped_stage import shipped_stage


@pytest.fixture(scope="module")
def acted():
    """(N, 52) expressions."""
    rng = np.random.default_rng(0)
    return np.stack([acted_expression(rng) for _ in range(4000)])


def key(acted, name):
    return acted[:, EXPRESSION_NAMES.index(name)]


def test_every_key_is_often_large(acted):
    assert acted.min() >= 0
    assert acted.max() <= 1
    often = (acted >= 0.5).mean(0)
    assert {EXPRESSION_NAMES[index] for index in np.flatnonzero(often < 0.005)} == set()


def test_lids_are_closed_together_and_apart(acted):
    left, right = key(acted, "eyeBlinkLeft"), key(acted, "eyeBlinkRight")
    assert ((left > 0.75) & (right > 0.75)).mean() > 0.1
    for one, other in ((left, right), (right, left)):
        assert ((one > 0.75) & (other == 0)).mean() > 0.04
    assert ((left > 0.25) & (left < 0.75)).mean() > 0.08


def test_what_opposes_is_never_drawn_together(acted):
    opposed = [("mouthLeft", "mouthRight"), ("jawLeft", "jawRight")]
    for side in ("Left", "Right"):
        opposed += [
            (f"eyeLookUp{side}", f"eyeLookDown{side}"),
            (f"eyeLookIn{side}", f"eyeLookOut{side}"),
            (f"eyeBlink{side}", f"eyeWide{side}"),
            (f"mouthSmile{side}", f"mouthFrown{side}"),
        ]
    for one, other in opposed:
        assert not (key(acted, one) * key(acted, other)).any(), (one, other)


def test_both_eyes_look_at_one_place(acted):
    for one, other in (
        ("eyeLookOutLeft", "eyeLookInRight"),
        ("eyeLookInLeft", "eyeLookOutRight"),
        ("eyeLookUpLeft", "eyeLookUpRight"),
    ):
        np.testing.assert_array_equal(key(acted, one), key(acted, other))


def test_lips_meet_only_before_an_open_jaw(acted):
    assert (key(acted, "mouthClose") <= 1.3 * key(acted, "jawOpen") + 1e-6).all()
    assert (key(acted, "mouthClose") > 0.3).any()


def test_a_quarter_of_the_views_is_from_the_side():
    rng = np.random.default_rng(1)
    # The head's forward axis in camera space: along -z where it faces the camera.
    forward = np.stack([random_camera(rng).rotation[:, 2] for _ in range(2000)])
    yaw = np.degrees(np.arctan2(np.abs(forward[:, 0]), -forward[:, 2]))
    assert (yaw > 45).mean() > 0.3
    assert (yaw < 30).mean() > 0.35
    assert yaw.max() < 100


def test_a_tongue_that_is_out_lies_before_the_lips():
    model, rng = load_head_model(), np.random.default_rng(2)
    identity = np.zeros(model.identity_count, np.float32)
    assert tongue_put_out(HeadCoefficients(identity, expression_of({})), rng) == ()
    person = HeadCoefficients(identity, expression_of({"tongueOut": 1.0}))
    (tongue,) = tongue_put_out(person, rng)
    lips = model.points("mediapipe478").at(person)[[13, 14]]
    assert tongue.vertices[:, 2].max() > lips[:, 2].max() + 0.003
    outwards = (tongue.normals * (tongue.vertices - tongue.vertices.mean(0))).sum(1)
    assert outwards.mean() > 0.002


def test_folds_raise_the_landmarks_and_turn_their_normals():
    stage, rng = shipped_stage(), np.random.default_rng(3)
    person = HeadCoefficients(
        rng.normal(size=len(stage.shape.identity)).astype(np.float32), expression_of({})
    )
    folds, _ = random_folds(stage, rng)
    vertices = stage.shape.at(person) + folds
    normals = fast_normals(vertices, stage.triangles)
    figure = Figure(vertices, normals, np.zeros_like(vertices))
    assert Subject(person, figure, lambda *_: vertices).bumps(stage) is None
    bumps = Subject(person, figure, lambda *_: vertices, folds).bumps(stage)
    smooth = stage.shape.at(person)
    np.testing.assert_allclose(
        smooth[stage.anchor] + bumps[:, :3], vertices[stage.anchor], atol=1e-6
    )
    before = fast_normals(smooth, stage.triangles)[stage.anchor]
    np.testing.assert_allclose(before + bumps[:, 3:], normals[stage.anchor], atol=1e-6)
    assert np.abs(bumps[:, 3:]).max() > 0.02


def test_a_lids_edge_is_seen_where_the_skin_beside_it_is():
    places = load_head_model().points("mediapipe478").mean
    apart = np.linalg.norm(places[list(EDGES)] - places[list(BESIDE)], axis=1)
    assert apart.max() < 0.008
    visible = np.zeros((2, 478), np.float32)
    visible[0, list(BESIDE)] = 1
    visible[1, EDGES[3]] = 1
    mended = with_lids(visible)
    assert mended[0, list(EDGES)].all()
    assert mended[0].sum() == len(EDGES) + len(BESIDE)
    np.testing.assert_array_equal(mended[1], visible[1])
