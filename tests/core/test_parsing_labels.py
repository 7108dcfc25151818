"""Masks that parsing is learned from: they are those of what was drawn."""

import numpy as np
import pytest

from ml.fitting.camera import FACING
from ml.parsing.classes import CLASSES
from ml.rendering import vertex_normals
from ml.training.data.people.dressed import DressedHead
from ml.training.data.people.eyes import random_eyes
from ml.training.data.people.traits import Traits
from ml.training.data.picture.draw import Figure, OrbitCamera, Shot, draw_head
from ml.training.data.worn.accessories import Outfit, Wardrobe, random_outfit
from ml.training.data.worn.anchors import anchors_of, measure
from ml.training.data.worn.extra import Extra
from ml.training.parsing.labels import INDEX, draw_labels, most_of
from tests.support.shipped_stage import shipped_stage

CROP = np.array([[5, 0, -240], [0, 5, -240]], np.float32)
AHEAD = OrbitCamera(FACING.astype(np.float32), 1.0)


@pytest.fixture(scope="module")
def stage():
    return shipped_stage()


def labels(stage, extras=(), scalp=0.0, beard=0.0, hair=0.0, skin=1.0):
    """The classes of the mean head from ahead, 96 x 96, with hair painted on its skin."""
    vertices = stage.shape.mean
    bare = np.full((len(vertices), 3), skin, np.float32)
    figure = Figure(vertices, vertex_normals(vertices, stage.triangles), bare, tuple(extras))
    jaw = (beard * (vertices[:, 1] < -0.03)).astype(np.float32)
    crown = (scalp * (vertices[:, 1] > 0.1)).astype(np.float32)
    outfit = Outfit(
        list(extras), np.full(3, hair, np.float32), np.maximum(jaw, crown), jaw, Traits()
    )
    eyes = random_eyes(np.random.default_rng(0), dark=False)
    head = DressedHead(figure, lambda pixels, _: pixels.colours, Traits(), False, outfit, eyes)
    shot = Shot(AHEAD, CROP, np.zeros((96, 96, 3), np.uint8))
    return draw_labels(stage, head, draw_head(stage, figure, shot, head.shade))


def pane(kind, alpha=1.0, depth=0.2):
    """A square over the left half of the face, the right one in the picture."""
    corners = np.array(
        [[0.01, 0, depth], [0.05, 0, depth], [0.05, 0.04, depth], [0.01, 0.04, depth]], np.float32
    )
    return Extra(
        corners, np.array([[0, 1, 2], [0, 2, 3]], np.int32), np.zeros((4, 3), np.float32),
        np.tile(np.float32([0, 0, 1]), (4, 1)), np.full(4, alpha, np.float32), kind=kind,
    )  # fmt: skip


def at(stage, found, landmark):
    """The class at one of MediaPipe's points."""
    x, y = ((AHEAD.project(stage.dense.mean[[landmark]]) - CROP[:, 2]) / 5)[0].astype(int)
    return CLASSES[found[y, x]]


@pytest.mark.parametrize(
    ("landmark", "name"),
    [(4, "nose"), (50, "skin"), (151, "skin"), (105, "brows"), (17, "lips"), (468, "eyes")],
)
def test_features_of_a_bare_head_have_their_classes(stage, landmark, name):
    assert at(stage, labels(stage), landmark) == name


def test_what_is_no_head_is_background(stage):
    assert labels(stage)[0, 0] == INDEX["background"]
    assert labels(stage)[66, 48] == INDEX["neck"]


@pytest.mark.parametrize("kind", ["hat", "clothes", "other"])
def test_things_worn_have_the_class_of_their_kind(stage, kind):
    found = labels(stage, (pane(kind),))
    assert found[44, 54] == INDEX[kind]
    assert labels(stage, (pane(kind, depth=-0.1),))[44, 54] != INDEX[kind]


@pytest.mark.parametrize(("alpha", "hides"), [(0.1, False), (0.9, True)])
def test_only_lenses_that_hide_the_eye_are_glasses(stage, alpha, hides):
    assert (labels(stage, (pane("glasses", alpha),))[44, 54] == INDEX["glasses"]) == hides


def test_painted_hair_is_hair_and_a_painted_beard_a_beard(stage):
    painted = labels(stage, scalp=0.9, beard=0.5)
    assert at(stage, painted, 199) == "beard"
    assert at(stage, painted, 17) == "lips"
    assert (painted == INDEX["hair"]).sum() > 50
    assert not np.isin(labels(stage), [INDEX["hair"], INDEX["beard"]]).any()


def test_a_pixel_has_the_class_of_most_of_it():
    fine = np.array([[1, 1, 2, 2], [1, 3, 2, 0], [0, 0, 5, 5], [0, 0, 5, 5]], np.uint8)
    assert most_of(fine, 2).tolist() == [[1, 2], [0, 5]]


def test_rims_thinner_than_a_pixel_are_glasses():
    fine = np.full((3, 3), INDEX["skin"], np.uint8)
    fine[0] = INDEX["glasses"]
    assert CLASSES[most_of(fine, 1)[0, 0]] == "skin"
    fine[1, 0] = INDEX["glasses"]
    assert CLASSES[most_of(fine, 1)[0, 0]] == "glasses"
    fine[fine == INDEX["glasses"]] = INDEX["lips"]
    assert CLASSES[most_of(fine, 1)[0, 0]] == "skin"


@pytest.mark.parametrize(("hair", "name"), [(0.0, "beard"), (0.55, "skin"), (1.0, "beard")])
def test_stubble_as_bright_as_the_skin_is_skin(stage, hair, name):
    painted = labels(stage, beard=0.3, hair=hair, skin=0.6)
    assert at(stage, painted, 199) == name


def test_stubble_is_paint_on_the_jaw(stage):
    wearer = measure(anchors_of(stage), stage.shape.mean)
    always = Wardrobe(beard=0, stubble=1)
    outfit = random_outfit(wearer, np.random.default_rng(0), always)
    assert outfit.beard.max() > 0.2
    assert stage.shape.mean[outfit.beard > 0.1, 1].max() < 0.035
    assert not any(extra.kind == "beard" for extra in outfit.extras)
    assert (outfit.painted >= outfit.beard).all()


def test_the_wardrobe_says_what_is_worn(stage):
    wearer = measure(anchors_of(stage), stage.shape.mean)
    naked = Wardrobe(hair=0, beard=0, glasses=0, hat=0, clothes=0)
    dressed = Wardrobe(hair=1, beard=1, glasses=1, hat=1, clothes=1)
    for seed in range(4):
        rng = np.random.default_rng(seed)
        bare = {extra.kind for extra in random_outfit(wearer, rng, naked).extras}
        assert bare <= {"brows", "other"}
        kinds = {extra.kind for extra in random_outfit(wearer, rng, dressed).extras}
        assert {"beard", "glasses", "hat", "clothes"} <= kinds
