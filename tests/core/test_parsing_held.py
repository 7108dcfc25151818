"""What is laid over samples of parsing and put behind them: hands, things held, backgrounds."""

import cv2
import numpy as np
import pytest

from ml.training.parsing import held
from ml.training.parsing.batches import Source, elsewhere
from ml.training.parsing.hands import draw_hand
from ml.training.parsing.held import hold
from ml.training.parsing.labels import INDEX

SIDE = 96
OTHER = np.random.default_rng(5).integers(0, 255, (SIDE, SIDE, 3), np.uint8)


def sample():
    """A face under dark hair on a blue wall."""
    labels = np.zeros((SIDE, SIDE), np.uint8)
    cv2.ellipse(labels, (48, 40), (30, 30), 0, 0, 360, INDEX["hair"], -1)
    cv2.ellipse(labels, (48, 50), (22, 28), 0, 0, 360, INDEX["skin"], -1)
    cv2.ellipse(labels, (48, 66), (8, 3), 0, 0, 360, INDEX["lips"], -1)
    colours = np.full((16, 3), (60, 90, 160), np.uint8)
    for name, colour in (
        ("hair", (30, 20, 15)),
        ("skin", (210, 160, 130)),
        ("lips", (190, 90, 90)),
    ):
        colours[INDEX[name]] = colour
    return colours[labels], labels


@pytest.mark.parametrize("kind", held.KINDS)
def test_what_is_held_changes_picture_and_labels_together(kind, monkeypatch):
    monkeypatch.setattr(held, "KINDS", {kind: 1.0})
    image, labels = sample()
    covered = 0
    for seed in range(8):
        rng = np.random.default_rng(seed)
        picture, found = hold(image, labels, OTHER, rng)
        over = found != labels
        covered += over.sum()
        assert set(np.unique(found[over])) <= {INDEX[n] for n in ("other", "clothes", "hair")}
        if over.any():
            assert (picture != image).any(2)[over].mean() > 0.8
        again = hold(image, labels, OTHER, np.random.default_rng(seed))
        np.testing.assert_array_equal(again[0], picture)
        np.testing.assert_array_equal(again[1], found)
    assert covered > 8 * 15
    np.testing.assert_array_equal(labels, sample()[1])


def test_only_a_face_has_something_held_before_it():
    image, labels = sample()
    empty = np.zeros_like(labels)
    picture, found = hold(image, empty, OTHER, np.random.default_rng(0))
    assert picture is image
    assert found is empty


def test_loose_hair_has_the_hairs_colour_and_class(monkeypatch):
    monkeypatch.setattr(held, "KINDS", {"locks": 1.0})
    image, labels = sample()
    picture, found = hold(image, labels, OTHER, np.random.default_rng(2))
    fallen = (found == INDEX["hair"]) & (labels == INDEX["skin"])
    assert fallen.any()
    assert picture[fallen].mean() < 0.5 * image[labels == INDEX["skin"]].mean()


@pytest.mark.parametrize("seed", range(5))
def test_a_hand_is_one_piece_with_fingers_and_an_arm(seed):
    hand = draw_hand((200, 200), np.array([100.0, 100.0]), 60.0, np.random.default_rng(seed))
    solid = hand.alpha > 0.5
    assert cv2.connectedComponents(solid.astype(np.uint8))[0] == 2
    # Fingers end about two palms from the wrist at most; the arm leads on to the picture's edge.
    assert -2.6 < hand.along[solid].min() < -0.9
    assert hand.along[solid].max() > 1.5
    across = {level: (solid & (np.abs(hand.along - level) < 0.06)).sum() for level in (-0.6, 1.0)}
    assert min(across.values()) > 30
    # Its surface is not evenly lit.
    assert hand.tone[solid].std() > 0.02


def test_only_the_background_is_replaced_by_a_renders_background():
    image, labels = sample()
    wall = np.full((1, SIDE, SIDE, 3), (20, 200, 40), np.uint8)
    scenes = Source(wall, np.zeros((1, SIDE, SIDE), np.uint8), np.arange(1))
    picture = elsewhere(image, labels, scenes, np.random.default_rng(0))
    person = (labels > 0).astype(np.uint8)
    inside, outside = (cv2.erode(mask, np.ones((7, 7))) > 0 for mask in (person, 1 - person))
    assert np.abs(picture[inside].astype(int) - image[inside]).max() <= 1
    assert np.abs(picture[outside].astype(int) - wall[0, 0, 0]).max() <= 1


def test_people_in_renders_are_put_behind_nobody():
    image, labels = sample()
    crowd = Source(OTHER[None], np.full((1, SIDE, SIDE), INDEX["hair"], np.uint8), np.arange(1))
    assert elsewhere(image, labels, crowd, np.random.default_rng(0)) is image
