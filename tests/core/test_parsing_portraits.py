"""What is known of a portrait's pixels, and portraits with something put on."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from ml.data import Camera, HeadCoefficients
from ml.fitting.camera import FACING, make_intrinsics
from ml.parsing.classes import CLASSES
from ml.parsing.parse import SIZE, head_box
from ml.photo.crop import box_from_landmarks, crop_to_photo, warp_crop
from ml.training.data.portraits import Portrait
from ml.training.data.samples import into_crop
from ml.training.data.worn.extra import opaque
from ml.training.parsing import dress
from ml.training.parsing.dress import dressed_portrait
from ml.training.parsing.labels import INDEX
from ml.training.parsing.losses import UNKNOWN
from ml.training.parsing.portraits import Seen, first_labels, head_classes
from tests.support.shipped_stage import shipped_stage

SKIN, HAIR, COAT, WALL = (205, 160, 130), (45, 30, 25), (30, 40, 110), (150, 170, 190)


@pytest.fixture(scope="module")
def stage():
    return shipped_stage()


@pytest.fixture(scope="module")
def portrait(stage):
    """The mean head in plain colours: dark hair, a blue coat, a pale wall."""
    camera = Camera(
        make_intrinsics(900.0, 240, 280), FACING.astype(np.float32), np.float32([0, 0, 1.5]),
        240, 280,
    )  # fmt: skip
    coefficients = HeadCoefficients(
        np.zeros(len(stage.shape.identity), np.float32),
        np.zeros(len(stage.shape.expression), np.float32),
    )
    labels = camera.project(stage.dense.mean)[:478]
    rgb = np.full((280, 240, 3), WALL, np.uint8)
    x, y = labels[4].astype(int)
    cv2.ellipse(rgb, (int(x), int(labels[152, 1]) + 95), (110, 75), 0, 0, 360, COAT, -1)
    cv2.ellipse(rgb, (int(x), int(y) - 30), (58, 70), 0, 0, 360, HAIR, -1)
    hull = cv2.convexHull(labels[:468].astype(np.int32))
    cv2.fillConvexPoly(rgb, hull, SKIN)
    noise = np.random.default_rng(0).normal(0, 3, rgb.shape)
    return Portrait((rgb + noise).clip(0, 255).astype(np.uint8), labels, camera, coefficients)


def seen(stage, portrait, **chances):
    to_photo = crop_to_photo(head_box(box_from_landmarks(portrait.labels)), SIZE)
    rgb = warp_crop(portrait.rgb, to_photo, SIZE)
    wall = np.abs(rgb.astype(int) - WALL).max(2) < 25
    person = np.where(wall, 0, 255).astype(np.uint8)
    known = {"glasses": 0.0, "beard": 0.0} | chances
    points = into_crop(portrait.labels, to_photo)
    return Seen(rgb, points, person, head_classes(stage, portrait, to_photo), **known)


def name_at(labels, x, y):
    value = labels[int(y), int(x)]
    return "unknown" if value == UNKNOWN else CLASSES[value]


def test_what_landmarks_outline_and_colours_settle(stage, portrait):
    view = seen(stage, portrait)
    labels, points = first_labels(view), view.points
    for landmark, name in ((50, "skin"), (280, "skin"), (4, "nose"), (16, "lips"), (468, "eyes")):
        assert name_at(labels, *points[landmark]) == name
    assert name_at(labels, 3, 3) == "background"
    above = points[10] - [0, 12]
    assert name_at(labels, *above) == "hair"
    assert name_at(labels, points[152, 0] + 45, SIZE - 4) == "clothes"
    assert not (labels[view.person == 0] != INDEX["background"]).any()


@pytest.mark.parametrize(("chance", "landmark"), [("glasses", 6), ("beard", 199)])
def test_where_glasses_or_a_beard_may_be_is_unknown(stage, portrait, chance, landmark):
    view = seen(stage, portrait, **{chance: 0.8})
    x, y = view.points[landmark]
    assert name_at(first_labels(view), x, y) == "unknown"
    assert name_at(first_labels(seen(stage, portrait)), x, y) in ("nose", "skin")


@pytest.mark.parametrize("name", ["glasses", "hat", "beard"])
def test_what_is_put_on_changes_picture_and_labels_together(stage, portrait, name, monkeypatch):
    shares = {"glasses": (0, 0), "hat": (1, 0), "beard": (0, 1)}[name]
    for constant, value in zip(("HAT", "BEARD"), shares, strict=True):
        monkeypatch.setattr(dress, constant, value)
    view = seen(stage, portrait)
    before = first_labels(view)
    image, labels = dressed_portrait(stage, portrait, view.rgb, before, (1,))
    put_on = labels == INDEX[name]
    assert put_on.sum() > 60
    np.testing.assert_array_equal(labels[~put_on], before[~put_on])
    changed = np.abs(image.astype(int) - view.rgb).max(2) > 3
    assert changed[put_on].mean() > 0.6
    far = cv2.dilate(put_on.astype(np.uint8), np.ones((41, 41))) == 0
    assert not changed[far].any()


def test_the_skin_under_a_beard_that_is_put_on_is_darkened(stage, portrait, monkeypatch):
    for constant, value in (("HAT", 0), ("BEARD", 1), ("KINDS", {"full": 1.0})):
        monkeypatch.setattr(dress, constant, value)
    black = np.full(3, 0.01, np.float32)
    monkeypatch.setattr(dress, "hair_colour", lambda _: black)
    monkeypatch.setattr(dress, "make_beard", lambda *_: nothing())
    monkeypatch.setattr(dress, "moustache", lambda *_: nothing())
    view = seen(stage, portrait)
    image, labels = dressed_portrait(stage, portrait, view.rgb, first_labels(view), (1,))
    x, y = view.points[199].astype(int)
    assert name_at(labels, x, y) == "beard"
    assert name_at(labels, *view.points[9]) == "skin"
    dark = image.astype(float).mean(2) / view.rgb.mean(2)
    assert dark[labels == INDEX["beard"]].mean() < 0.6
    np.testing.assert_allclose(dark[labels == INDEX["hair"]].mean(), 1, atol=0.02)


def nothing():
    """A mesh too small to be seen, behind the head."""
    corners = np.full((3, 3), -0.5, np.float32)
    return opaque(corners, np.array([[0, 1, 2]], np.int32), corners * 0, corners)


def test_dark_shoulders_are_unknown_only_under_long_dark_hair(stage, portrait):
    """A coat in the hair's colour: where hair falls past the jaw it may be hair."""
    view = seen(stage, portrait)
    points, height = view.points, view.points[152, 1] - view.points[10, 1]
    dark = view.rgb.copy()
    coat = np.abs(dark.astype(int) - COAT).max(2) < 25
    dark[coat] = HAIR
    view = replace(view, rgb=dark)
    place = points[152, 0] + 45, SIZE - 4
    assert name_at(first_labels(view), *place) == "clothes"
    for side in (234, 454):
        cv2.circle(dark, (int(points[side, 0]), int(points[152, 1] - 0.14 * height)), 14, HAIR, -1)
    person = np.maximum(view.person, 255 * (dark == HAIR).all(2).astype(np.uint8))
    assert name_at(first_labels(replace(view, person=person)), *place) == "unknown"
