"""Colours of eyes: irises that people have, whites that are none, both eyes alike."""

import numpy as np
import pytest
from skimage.color import rgb2lab

from ml.appearance.eye_albedo import FaceTone, eye_paints, light_on
from ml.appearance.eye_colour import EyeColours
from ml.appearance.eyes import SCLERA, Eye, EyePaint, eye_layers
from ml.appearance.iris import SeenIris, likely_irises
from ml.evaluation.synthetic.irises import IrisRow, family, report, summarise, true_iris, unlikely
from ml.geometry.colour import linear_of
from ml.training.data.people.eyes import random_eyes

PALE, DEEP = (np.array(c, np.float32) for c in ([0.4, 0.22, 0.16], [0.09, 0.05, 0.03]))
LIGHT = np.ones(3, np.float32)
RADIUS, BALL = 0.00595, 0.0145


def eye(iris, white=(201, 191, 184), size=9.0) -> EyeColours:
    return EyeColours(np.array(iris, np.float32), np.array(white, np.float32), size)


def lab(srgb):
    return rgb2lab(np.asarray(srgb, np.float64)[None] / 255)[0]


def iris_of(seen, skin=PALE, hued=True, light=LIGHT):
    return eye_paints([seen, seen], FaceTone(skin, light, hued))[0].iris


@pytest.mark.parametrize("pale", [0.0, 0.5, 1.0])
def test_no_photo_gives_an_iris_that_nobody_has(pale):
    rng = np.random.default_rng(5)
    skin = PALE * pale + DEEP * (1 - pale)
    for freed in np.exp(rng.uniform(np.log(0.002), np.log(1.5), (200, 3))):
        seen = SeenIris(freed.astype(np.float32), skin, size=float(rng.uniform(2.5, 20)))
        (iris,) = likely_irises([seen], pale)
        assert not unlikely(lab(iris)), (freed, iris)
        assert iris.max() < 190


def test_colours_that_irises_have_are_found():
    for colour in ((52, 34, 22), (94, 63, 36), (112, 92, 56), (90, 118, 146), (120, 126, 128)):
        found = lab(iris_of(eye(np.array(colour) * 0.85)))
        assert np.linalg.norm((found - lab(colour))[1:]) < 9, colour
        if colour != (112, 92, 56):  # between brown and green
            assert family(found) == family(lab(colour))


def test_the_pink_of_the_lids_beside_a_small_iris_makes_it_no_mauve():
    """The white of a small eye is mixed with skin; dividing by it made grey irises mauve."""
    mixed = eye((96, 92, 93), white=(190, 135, 120), size=4.0)
    found = lab(iris_of(mixed))
    assert found[1] < 5
    assert family(found) != "brown" or found[2] > 5


def test_grey_in_the_dark_iris_of_dark_skin_is_the_sky():
    iris = iris_of(eye((48, 46, 50)), DEEP)
    assert iris[0] > 1.3 * iris[2]
    blue = iris_of(eye((90, 115, 150)))
    assert blue[2] > 1.3 * blue[0]


def test_irises_that_nobody_sees_are_as_dark_as_is_common():
    hidden = EyeColours(None, None)
    pale, deep = (iris_of(hidden, skin) for skin in (PALE, DEEP))
    assert deep.mean() < 0.75 * pale.mean()
    assert pale[0] > pale[2]
    assert deep[0] > 1.3 * deep[2]
    # Behind dark glasses there are a dark disc and a dark "white".
    behind = EyeColours(np.array([40.0, 52, 80]), np.array([50.0, 55, 70]), 8.0)
    assert light_on(behind, FaceTone(PALE, LIGHT)) is None
    np.testing.assert_array_equal(iris_of(behind), pale)


def test_an_iris_in_a_grey_photo_is_brown_and_as_bright():
    dark, light = (iris_of(eye((value,) * 3), hued=False) for value in (45, 120))
    assert dark.mean() < 0.75 * light.mean()
    assert dark[0] > 1.3 * dark[2]


def test_both_eyes_are_alike_unless_they_surely_differ():
    face = FaceTone(PALE, LIGHT)
    left, right = eye_paints([eye((96, 66, 44)), eye((74, 50, 40))], face)  # one in shade
    np.testing.assert_array_equal(left.iris, right.iris)
    left, right = eye_paints([eye((84, 112, 146)), eye((60, 38, 24))], face)
    assert family(lab(left.iris)) == "blue"
    assert family(lab(right.iris)) == "brown"
    small = [eye((84, 102, 116), size=2.6), eye((70, 52, 40), size=2.6)]
    left, right = eye_paints(small, face)
    np.testing.assert_array_equal(left.iris, right.iris)


def test_the_clearer_eye_counts_more():
    face = FaceTone(PALE, LIGHT)
    blue, brown = (84, 112, 146), (74, 46, 30)
    for clear in (0, 1):
        sizes = [12.0 if number == clear else 2.6 for number in range(2)]
        eyes = [eye(c, size=s) for c, s in zip((blue, brown), sizes, strict=True)]
        found = lab(eye_paints(eyes, face)[clear].iris)
        assert family(found) == ("blue", "brown")[clear]


def test_whites_are_as_bright_as_the_faces_light_says():
    dim, usual, bright = (
        eye_paints([eye((60, 40, 30), np.array([201, 191, 184]) * gain)] * 2, FaceTone(PALE, LIGHT))
        for gain in (0.6, 0.85, 1.1)
    )
    whites = [one[0].white.mean() for one in (dim, usual, bright)]
    assert whites[0] < whites[1] < whites[2]
    assert whites[0] > 165
    assert whites[2] < 210
    hidden = [EyeColours(None, None)] * 2
    pale, deep = (eye_paints(hidden, FaceTone(skin, LIGHT))[0].white for skin in (PALE, DEEP))
    np.testing.assert_allclose(pale, SCLERA, atol=0.5)
    assert deep.mean() < pale.mean()


def painted(side, size=240):
    """(size, size, 3) an eye from ahead, +Y up: row 0 is the top; and (size, size) radii."""
    line = np.linspace(-0.9 * BALL, 0.9 * BALL, size)
    x, y = np.meshgrid(line, -line)
    z = np.sqrt(np.maximum(BALL**2 - x**2 - y**2, 0)) - 2.25 * RADIUS
    places = np.stack([x, y, z], -1).reshape(-1, 3).astype(np.float32)
    layers = eye_layers(Eye(side, np.zeros(3, np.float32), RADIUS), places)
    found = layers.painted(EyePaint(np.float32([90, 118, 146]), SCLERA))
    return found.reshape(size, size, 3), np.hypot(x, y) / RADIUS


def test_an_eye_has_veins_fibres_a_dark_rim_and_a_round_pupil():
    picture, away = painted("left")
    turn = np.arctan2(*np.indices(away.shape) - len(away) / 2 + 0.5)
    light = picture.mean(2)
    assert light[away < 0.28].max() < 25
    for part in range(8):  # the pupil is as wide every way
        wedge = np.floor((turn + np.pi) / (2 * np.pi) * 8) == part
        assert 0.28 < away[wedge & (light > 40)].min() < 0.42
    ring = (away > 0.55) & (away < 0.75)
    assert 0.04 < light[ring].std() / light[ring].mean() < 0.3
    assert light[(away > 0.9) & (away < 1)].mean() < 0.7 * light[ring].mean()
    # Whites: pinker in the corners, darker under the upper lid, uneven.
    level = np.abs(np.sin(turn)) < 0.2
    middle, corner = (
        picture[level & (away > low) & (away < high)].mean(0)
        for low, high in ((1.2, 1.4), (2, 2.2))
    )
    assert corner[0] / corner[2] > 1.1 * middle[0] / middle[2]
    assert corner.mean() < 0.92 * middle.mean()
    above, below = (light[a:b, 118:122].mean() for a, b in ((30, 50), (190, 210)))
    assert above < 0.95 * below
    assert middle.max() < 215


def test_left_and_right_have_veins_of_their_own_and_always_the_same():
    left, right, again = painted("left")[0], painted("right")[0], painted("left")[0]
    np.testing.assert_array_equal(left, again)
    away = painted("left")[1]
    white = (away > 1.2) & (away < 2.2)
    assert np.abs(left - right)[white].max() > 8
    assert np.abs(left - right[:, ::-1])[white].max() > 8


def test_the_benchmark_of_irises_tells_families_apart():
    brown, blue = lab((88, 58, 34)), lab((90, 118, 146))
    rows = [IrisRow("Effigy", brown, brown), IrisRow("Effigy", brown, blue)]
    rows += [IrisRow("mauve", lab((120, 89, 100)), brown)]
    summary = summarise(rows)
    assert summary["Effigy"]["named"] == 0.5
    assert summary["Effigy"]["mean"] > 10
    assert (summary["Effigy"]["unlikely"], summary["mauve"]["unlikely"]) == (0, 1)
    assert "Effigy" in report(summary)
    eyes = random_eyes(np.random.default_rng(1), dark=False)
    assert np.abs(true_iris(eyes) - lab([0, 0, 0])).max() > 5
    assert linear_of(np.float32([255.0]))[0] == pytest.approx(1)
