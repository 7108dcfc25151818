"""Gauss–Newton against synthetic heads whose answer is known."""

from dataclasses import replace

import numpy as np
import pytest

from ml.data import Camera, HeadCoefficients, Landmarks
from ml.fitting.camera import FACING, first_camera, guess_focal, implausible, make_intrinsics
from ml.fitting.evidence import Evidence
from ml.fitting.gauss_newton import FitSettings, fit_head, fit_person
from ml.fitting.photo_energy import PhotoEnergy, zoomed
from ml.fitting.posed_points import ExpressedPose
from ml.geometry.rotations import rotation_from_vector
from ml.head.model import LinearShape

IDENTITIES, EXPRESSIONS, POINTS = 6, 4, 120


@pytest.fixture(scope="module")
def shape() -> LinearShape:
    rng = np.random.default_rng(3)
    mean = rng.normal(0, 0.06, (POINTS, 3)).astype(np.float32)
    identity = rng.normal(0, 0.003, (IDENTITIES, POINTS, 3)).astype(np.float32)
    expression = rng.normal(0, 0.006, (EXPRESSIONS, POINTS, 3)).astype(np.float32)
    return LinearShape(mean, identity, expression)


@pytest.fixture(scope="module")
def truth() -> tuple[HeadCoefficients, Camera]:
    turn = rotation_from_vector(np.array([0.1, 0.5, -0.2])) @ FACING
    camera = Camera(
        make_intrinsics(900, 640, 480), turn, np.array([0.05, -0.02, 1.1], np.float32), 640, 480
    )
    identity = np.array([1.5, -1, 0.5, 0, 2, -0.7], np.float32)
    return HeadCoefficients(identity, np.array([0.8, 0, 0.3, 1.0], np.float32)), camera


def at_rest() -> HeadCoefficients:
    return HeadCoefficients(np.zeros(IDENTITIES, np.float32), np.full(EXPRESSIONS, 0.3, np.float32))


WEAK_PRIORS = FitSettings(
    iterations=60, sigma_scale=1, identity_weight=0.01, expression_sigma=10, outlier=1e6
)
SOFT = FitSettings(iterations=40, sigma_scale=1)


def first_guess(shape: LinearShape, landmarks: Landmarks, camera: Camera) -> Camera:
    turn = rotation_from_vector(np.array([0.0, 0.25, 0.0])) @ FACING
    return first_camera(shape.mean, landmarks.points, turn, camera.intrinsics, (640, 480))


def test_recovers_identity_expression_and_pose_from_exact_points(shape, truth):
    coefficients, camera = truth
    pixels = camera.project(shape.at(coefficients))
    landmarks = Landmarks(pixels, np.full(POINTS, 0.5, np.float32))
    fit = fit_head(shape, landmarks, first_guess(shape, landmarks, camera), at_rest(), WEAK_PRIORS)
    np.testing.assert_allclose(fit.coefficients.expression, coefficients.expression, atol=0.02)
    np.testing.assert_allclose(fit.coefficients.identity, coefficients.identity, atol=0.05)
    np.testing.assert_allclose(fit.camera.rotation, camera.rotation, atol=0.005)
    assert fit.residual < 1e-3


def test_expressions_stay_within_their_bounds(shape, truth):
    coefficients, camera = truth
    beyond = replace(coefficients, expression=np.array([1.6, -0.9, 0.5, 0.2], np.float32))
    pixels = camera.project(shape.at(beyond))
    landmarks = Landmarks(pixels, np.full(POINTS, 0.5, np.float32))
    fit = fit_head(shape, landmarks, first_guess(shape, landmarks, camera), at_rest(), WEAK_PRIORS)
    assert fit.coefficients.expression.min() >= 0
    assert fit.coefficients.expression.max() <= 1
    assert fit.coefficients.expression[0] == pytest.approx(1, abs=1e-6)


def test_points_with_infinite_sigma_and_gross_outliers_do_not_matter(shape, truth):
    coefficients, camera = truth
    pixels = camera.project(shape.at(coefficients)).copy()
    sigma = np.full(POINTS, 1.0, np.float32)
    pixels[:10] += 500
    sigma[:10] = np.inf
    pixels[10:14] += 300
    settings = replace(WEAK_PRIORS, outlier=4.0)
    landmarks = Landmarks(pixels, sigma)
    start = first_camera(
        shape.mean[14:], pixels[14:], camera.rotation, camera.intrinsics, (640, 480)
    )
    fit = fit_head(shape, landmarks, start, at_rest(), settings)
    projected = fit.camera.project(shape.at(fit.coefficients))
    clean = camera.project(shape.at(coefficients))
    assert np.linalg.norm(projected - clean, axis=1)[14:].mean() < 1.0


def test_a_stronger_prior_pulls_towards_the_mean(shape, truth):
    coefficients, camera = truth
    landmarks = Landmarks(camera.project(shape.at(coefficients)), np.full(POINTS, 2.0, np.float32))
    lengths = []
    for weight in (0.1, 3.0, 30.0):
        settings = replace(WEAK_PRIORS, identity_weight=weight)
        fit = fit_head(shape, landmarks, camera, at_rest(), settings)
        lengths.append(float(np.linalg.norm(fit.coefficients.identity)))
    assert lengths[0] > lengths[1] > lengths[2]


def test_jacobian_agrees_with_finite_differences(shape, truth):
    coefficients, camera = truth
    guess = Evidence(Landmarks(np.zeros((POINTS, 2)), np.ones(POINTS)), camera, at_rest())
    view = PhotoEnergy(shape, guess, 1.0, 0.3, 4.0)
    pose = ExpressedPose(coefficients.expression, camera)
    jacobian = view.jacobian(coefficients.identity, pose)
    step = 1e-2
    last = IDENTITIES + EXPRESSIONS + 6

    def moved(index: int, by: float) -> np.ndarray:
        identity, expression = coefficients.identity.copy(), coefficients.expression.copy()
        at = camera
        if index < IDENTITIES:
            identity[index] += by
        elif index < IDENTITIES + EXPRESSIONS:
            expression[index - IDENTITIES] += by
        else:
            axis = np.eye(3)[(index - IDENTITIES - EXPRESSIONS) % 3] * by
            if index == last:
                # The distance goes with the focal length.
                longer = np.float32(np.exp(by))
                scale = np.array([1, 1, longer], np.float32)
                at = replace(
                    camera,
                    intrinsics=zoomed(camera.intrinsics, longer),
                    translation=camera.translation * scale,
                )
            elif index < IDENTITIES + EXPRESSIONS + 3:
                at = replace(camera, rotation=rotation_from_vector(axis) @ camera.rotation)
            else:
                at = replace(camera, translation=camera.translation + axis.astype(np.float32))
        return view.residual(identity, ExpressedPose(expression, at))

    for index in range(last + 1):
        slope = (moved(index, step) - moved(index, -step)) / (2 * step)
        np.testing.assert_allclose(jacobian[..., index], slope, rtol=2e-3, atol=0.3)


def test_a_networks_identity_counts_as_much_as_it_knows(shape, truth):
    coefficients, camera = truth
    # Points so vague that only the priors speak.
    landmarks = Landmarks(camera.project(shape.mean), np.full(POINTS, 1e4, np.float32))
    start = replace(coefficients, expression=np.zeros(EXPRESSIONS, np.float32))
    sure = np.array([0.1, 0.1, 0.1, 1, 1, 1], np.float32)
    fit = fit_head(shape, landmarks, camera, start, identity_sigma=sure)
    np.testing.assert_allclose(fit.coefficients.identity, start.identity, atol=0.02)
    ignored = fit_head(shape, landmarks, camera, start).coefficients.identity
    np.testing.assert_allclose(ignored, 0, atol=0.02)


def test_several_photos_share_an_identity_and_tell_more(shape, truth):
    coefficients, camera = truth
    rng = np.random.default_rng(8)
    photos, one_by_one = [], []
    for turn in (-0.6, -0.2, 0.2, 0.6):
        spin = rotation_from_vector(np.array([0, turn, 0])) @ camera.rotation
        seen = replace(camera, rotation=spin.astype(np.float32))
        expression = rng.random(EXPRESSIONS).astype(np.float32)
        pixels = seen.project(shape.at(replace(coefficients, expression=expression)))
        noisy = pixels + rng.normal(0, 4, pixels.shape).astype(np.float32)
        item = Evidence(Landmarks(noisy, np.full(POINTS, 4, np.float32)), seen, at_rest())
        photos.append((item, expression))
        one_by_one.append(fit_person(shape, [item], SOFT)[0].coefficients.identity)
    together = fit_person(shape, [item for item, _ in photos], SOFT)
    found = together[0].coefficients.identity
    for fit, (_, expression) in zip(together, photos, strict=True):
        np.testing.assert_array_equal(fit.coefficients.identity, found)
        assert np.abs(fit.coefficients.expression - expression).mean() < 0.12
    alone = [np.linalg.norm(identity - coefficients.identity) for identity in one_by_one]
    assert np.linalg.norm(found - coefficients.identity) < 0.7 * np.mean(alone)


@pytest.mark.parametrize("nearer", [0.6, 1.5])
def test_a_guessed_focal_length_is_found_from_exact_points_and_a_known_one_kept(
    shape, truth, nearer
):
    coefficients, camera = truth
    pixels = camera.project(shape.at(coefficients))
    guess = replace(
        camera,
        intrinsics=zoomed(camera.intrinsics, nearer),
        translation=camera.translation * np.array([1, 1, nearer], np.float32),
    )
    focal = float(guess.intrinsics[0, 0])
    landmarks = Landmarks(pixels, np.full(POINTS, 0.05, np.float32))
    guessed = Evidence(landmarks, guess, coefficients, focal=focal, focal_sigma=0.4)
    found = fit_person(shape, [guessed], replace(SOFT, outlier=1e6))[0].camera
    assert found.intrinsics[0, 0] == pytest.approx(900, rel=0.03)
    assert found.translation[2] == pytest.approx(1.1, rel=0.03)
    np.testing.assert_array_equal(found.intrinsics[:2, 2], camera.intrinsics[:2, 2])
    known = fit_person(shape, [replace(guessed, focal_sigma=0.0)], SOFT)[0].camera
    np.testing.assert_array_equal(known.intrinsics, guess.intrinsics)
    # Points that say nothing leave what was expected.
    vague = replace(guessed, landmarks=Landmarks(pixels, np.full(POINTS, 500, np.float32)))
    blind = fit_person(shape, [vague], SOFT)[0].camera
    assert blind.intrinsics[0, 0] == pytest.approx(focal, rel=0.02)


def test_focal_follows_exif_then_lens_then_distance():
    assert guess_focal(4000, 3000, 800, focal_px=3100.0) == 3100.0
    assert guess_focal(3600, 2400, 300) == pytest.approx(5000)
    # A tight crop: a normal lens would put the face half a metre away.
    assert guess_focal(225, 275, 150) == pytest.approx(150 * 1.35 / 0.165)


def test_first_camera_meets_the_points_it_was_given(shape, truth):
    coefficients, camera = truth
    pixels = camera.project(shape.at(coefficients))
    guess = first_camera(
        shape.at(coefficients), pixels, camera.rotation, camera.intrinsics, (640, 480)
    )
    error = np.linalg.norm(guess.project(shape.at(coefficients)) - pixels, axis=1)
    assert error.mean() < 0.02 * np.ptp(pixels, axis=0).max()


def test_modes_that_are_not_fitted_keep_the_first_guess_and_count(shape, truth):
    coefficients, camera = truth
    landmarks = Landmarks(camera.project(shape.at(coefficients)), np.full(POINTS, 0.5, np.float32))
    settings = replace(WEAK_PRIORS, modes=4)
    start = replace(coefficients, identity=np.array([0, 0, 0, 0, 2, -0.7], np.float32))
    fit = fit_head(shape, landmarks, camera, start, settings)
    np.testing.assert_array_equal(fit.coefficients.identity[4:], start.identity[4:])
    np.testing.assert_allclose(fit.coefficients.identity, coefficients.identity, atol=0.05)


def test_a_face_nearer_than_an_arm_is_implausible():
    assert implausible(1000.0, 1000 * 0.165 / 0.36) == ""
    assert "0.20 m" in implausible(1000.0, 1000 * 0.165 / 0.2)
