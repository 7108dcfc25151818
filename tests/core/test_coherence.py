"""Fitted expressions are ones that a face can have."""

import numpy as np
import pytest

from ml.data import Camera, HeadCoefficients, Landmarks
from ml.fitting.camera import FACING, make_intrinsics
from ml.fitting.coherence import MOST_CONVERGENT, OPPOSED, controls_of
from ml.fitting.evidence import Evidence
from ml.fitting.gauss_newton import FitSettings, fit_head, fit_person
from ml.head.arkit import EXPRESSION_NAMES
from ml.head.model import LinearShape

COUNT, POINTS = len(EXPRESSION_NAMES), 200
EYES = ("Left", "Right")
OPPOSED_LOOKS = (("In", "Out"), ("Up", "Down"))


def at(*names, value=0.5):
    values = np.zeros(COUNT, np.float32)
    values[[EXPRESSION_NAMES.index(name) for name in names]] = value
    return values


def named(expression):
    return dict(zip(EXPRESSION_NAMES, expression.tolist(), strict=True))


def assert_coherent(expression):
    assert expression.min() >= 0
    assert expression.max() <= 1
    value = named(expression)
    for one, other in OPPOSED:
        assert min(value[one], value[other]) == 0, (one, other)
    for side in EYES:
        for one, other in OPPOSED_LOOKS:
            assert min(value[f"eyeLook{one}{side}"], value[f"eyeLook{other}{side}"]) == 0
    for way in ("Up", "Down"):
        assert value[f"eyeLook{way}Left"] == value[f"eyeLook{way}Right"]
    inward = sum(value[f"eyeLookIn{side}"] - value[f"eyeLookOut{side}"] for side in EYES)
    assert -1e-6 <= inward <= 2 * MOST_CONVERGENT + 1e-6


@pytest.fixture(scope="module")
def shape():
    """Opposed expressions move every point about opposite ways, as a face's do."""
    rng = np.random.default_rng(5)
    mean = rng.normal(0, 0.06, (POINTS, 3)).astype(np.float32)
    expression = rng.normal(0, 0.004, (COUNT, POINTS, 3)).astype(np.float32)
    looks = [(f"eyeLook{a}{side}", f"eyeLook{b}{side}") for side in EYES for a, b in OPPOSED_LOOKS]
    for one, other in (*OPPOSED, *looks):
        moved = expression[EXPRESSION_NAMES.index(one)]
        own = 0.3 * expression[EXPRESSION_NAMES.index(other)]
        expression[EXPRESSION_NAMES.index(other)] = own - moved
    identity = rng.normal(0, 0.003, (3, POINTS, 3)).astype(np.float32)
    return LinearShape(mean, identity, expression)


CAMERA = Camera(make_intrinsics(900, 640, 480), FACING, np.array([0, 0, 1.1], np.float32), 640, 480)
SURE = FitSettings(iterations=40, sigma_scale=1, expression_sigma=3, outlier=1e6)


def fitted(shape, truth, guess, settings=SURE):
    points = CAMERA.project(shape.at(HeadCoefficients(np.zeros(3, np.float32), truth)))
    landmarks = Landmarks(points, np.full(POINTS, 0.5, np.float32))
    start = HeadCoefficients(np.zeros(3, np.float32), guess)
    return fit_head(shape, landmarks, CAMERA, start, settings).coefficients.expression


@pytest.mark.parametrize("iterations", [1, 3, 40])
@pytest.mark.parametrize("seed", range(4))
def test_no_fit_ends_with_opposed_expressions(shape, seed, iterations):
    rng = np.random.default_rng(seed)
    truth, guess = rng.uniform(0, 0.6, (2, COUNT)).astype(np.float32)
    settings = FitSettings(iterations=iterations, sigma_scale=1)
    assert_coherent(fitted(shape, truth, guess, settings))


@pytest.mark.parametrize(
    "names",
    [
        ("mouthRight", "jawLeft", "eyeBlinkLeft"),
        ("eyeLookOutLeft", "eyeLookInRight", "eyeLookUpLeft", "eyeLookUpRight"),
        ("eyeLookInLeft", "eyeLookOutRight", "eyeLookDownLeft", "eyeLookDownRight"),
    ],
)
def test_a_fit_finds_what_it_was_made_from_across_its_opposite(shape, names):
    guess = at("mouthLeft", "jawRight", "eyeLookUpLeft", "eyeLookUpRight", value=0.2)
    found = fitted(shape, at(*names), guess)
    np.testing.assert_allclose(found, at(*names), atol=0.02)


def test_convergence_is_found_up_to_its_limit(shape):
    for amount in (0.1, 0.2):
        truth = at("eyeLookInLeft", "eyeLookInRight", value=amount)
        np.testing.assert_allclose(fitted(shape, truth, 0 * truth), truth, atol=0.02)
    cross = named(fitted(shape, at("eyeLookInLeft", "eyeLookInRight"), at()))
    inward = cross["eyeLookInLeft"] + cross["eyeLookInRight"]
    assert inward == pytest.approx(2 * MOST_CONVERGENT, abs=1e-3)
    assert_coherent(fitted(shape, at("eyeLookOutLeft", "eyeLookOutRight"), at()))


def test_photos_of_one_person_have_coherent_expressions_each(shape):
    rng = np.random.default_rng(9)
    photos = []
    for _ in range(2):
        truth, guess = rng.uniform(0, 0.6, (2, COUNT)).astype(np.float32)
        points = CAMERA.project(shape.at(HeadCoefficients(np.zeros(3, np.float32), truth)))
        start = HeadCoefficients(np.zeros(3, np.float32), guess)
        photos.append(Evidence(Landmarks(points, np.ones(POINTS, np.float32)), CAMERA, start))
    for fit in fit_person(shape, photos):
        assert_coherent(fit.coefficients.expression)


def test_controls_and_expressions_lead_to_each_other():
    controls = controls_of(COUNT)
    rng = np.random.default_rng(1)
    for _ in range(20):
        # Half of the range: a far look to the side leaves no room for convergence.
        values = rng.uniform(controls.low, controls.high).astype(np.float32) / 2
        expression = controls.expression(values)
        assert_coherent(expression)
        np.testing.assert_allclose(controls.of(expression), values, atol=1e-6)
        slope = controls.slope(values)
        for index in range(len(values)):
            step = np.zeros(len(values), np.float32)
            step[index] = 1e-4
            change = controls.expression(values + step) - controls.expression(values - step)
            np.testing.assert_allclose(slope[:, index], change / 2e-4, atol=2e-2)


def test_every_expression_has_a_control():
    weights = controls_of(COUNT).weights
    assert (weights != 0).any(1).all()
    assert (weights != 0).any(0).all()


def test_a_control_weighs_as_the_expressions_that_it_stands_for():
    """Of opposed ones the one that acts; a gaze is two keys' of both eyes."""
    controls = controls_of(COUNT)
    sigma = np.full(COUNT, 0.5, np.float32)
    sigma[EXPRESSION_NAMES.index("mouthRight")] = 0.1
    column = OPPOSED.index(("mouthLeft", "mouthRight")) - len(OPPOSED) - 3
    for name, expected in (("mouthLeft", 4), ("mouthRight", 100)):
        values = controls.of(at(name))
        assert controls.precision(values, sigma)[column] == pytest.approx(expected)
    assert controls.precision(controls.of(at()), sigma)[-2] == pytest.approx(2 * 4)


def test_an_expression_that_is_surely_known_stays_and_another_follows_the_landmarks(shape):
    truth = HeadCoefficients(np.zeros(3, np.float32), at("jawOpen", "cheekPuff", value=0.8))
    pixels = CAMERA.project(shape.at(truth))
    landmarks = Landmarks(pixels, np.full(POINTS, 0.5, np.float32))
    sigma = np.full(COUNT, 3.0, np.float32)
    sigma[EXPRESSION_NAMES.index("jawOpen")] = 1e-4
    known = HeadCoefficients(np.zeros(3, np.float32), at("jawOpen", value=0.3))
    evidence = Evidence(landmarks, CAMERA, known, expression_sigma=sigma)
    found = named(fit_person(shape, [evidence], SURE)[0].coefficients.expression)
    assert found["jawOpen"] == pytest.approx(0.3, abs=0.02)
    assert found["cheekPuff"] > 0.5
