"""Depths and normals of the landmarks in the fit, against heads whose answer is known."""

from dataclasses import replace

import numpy as np
import pytest

from ml.data import Camera, HeadCoefficients, Landmarks
from ml.fitting.camera import FACING, make_intrinsics
from ml.fitting.coherence import controls_of
from ml.fitting.evidence import Evidence
from ml.fitting.gauss_newton import FitSettings, fit_person
from ml.fitting.posed_points import ExpressedPose, PosedPoints
from ml.fitting.surface_terms import Depths, DepthTerm, Normals, NormalTerm, Robust
from ml.geometry.rotations import rotation_from_vector
from ml.head.storage import load_head_model

COUNT = 160
ROBUST = Robust(scale=1, limit=16, count=1)


@pytest.fixture(scope="module")
def shape():
    return load_head_model().points("dense").first(COUNT)


@pytest.fixture(scope="module")
def edges():
    both = load_head_model().edges("dense")
    whole = len(both.mean) // 2
    which = np.r_[:COUNT, whole : whole + COUNT]
    parts = both.mean[which], both.identity[:, which], both.expression[:, which]
    return type(both)(*parts)


@pytest.fixture(scope="module")
def truth(shape):
    rng = np.random.default_rng(4)
    identity = np.zeros(len(shape.identity), np.float32)
    identity[:20] = rng.normal(0, 1, 20)
    turn = (rotation_from_vector(np.array([0.1, 0.3, -0.2])) @ FACING).astype(np.float32)
    camera = Camera(
        make_intrinsics(900, 640, 480), turn, np.array([0.05, -0.02, 1.1], np.float32), 640, 480
    )
    return HeadCoefficients(identity, np.zeros(len(shape.expression), np.float32)), camera


def normals_of(edges, coefficients, camera):
    """(L, 3) by the plain way."""
    first, second = np.split(edges.at(coefficients) @ camera.rotation.T, 2)
    product = np.cross(first, second)
    return (product / np.linalg.norm(product, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def evidence(shape, truth):
    """Landmarks that say less than the priors, from a head and camera that are not the truth."""
    coefficients, camera = truth
    pixels = camera.project(shape.at(coefficients))
    start = HeadCoefficients(0 * coefficients.identity, coefficients.expression)
    return Evidence(Landmarks(pixels, np.full(COUNT, 8, np.float32)), camera, start)


def depths_of(shape, truth, sigma=0.0003):
    coefficients, camera = truth
    values = camera.to_camera_space(shape.at(coefficients))[:, 2]
    return Depths(values, np.full(COUNT, sigma, np.float32))


def settings(**changes):
    return FitSettings(iterations=20, sigma_scale=1, **changes)


def error_mm(shape, truth, evidence, **changes):
    fit = fit_person(shape, [evidence], settings(**changes))[0]
    off = shape.neutral(fit.coefficients.identity) - shape.neutral(truth[0].identity)
    return 1000 * np.linalg.norm(off - off.mean(0), axis=1).mean()


def test_depths_and_normals_tell_shape(shape, edges, truth, evidence):
    values = normals_of(edges, *truth)[:, :2]
    normals = Normals(values, np.full(COUNT, 0.03, np.float32), edges)
    plain = error_mm(shape, truth, evidence)
    deep = error_mm(shape, truth, replace(evidence, depths=depths_of(shape, truth)))
    inclined = error_mm(shape, truth, replace(evidence, normals=normals))
    assert deep < 0.7 * plain
    assert inclined < 0.7 * plain


def test_a_distance_that_all_depths_share_means_nothing(shape, truth, evidence):
    near = depths_of(shape, truth)
    far = replace(near, values=near.values + np.float32(0.25))
    one, other = (
        fit_person(shape, [replace(evidence, depths=depths)], settings())[0]
        for depths in (near, far)
    )
    moved = shape.at(one.coefficients) - shape.at(other.coefficients)
    assert np.abs(moved).max() < 2e-5
    np.testing.assert_allclose(one.camera.translation, other.camera.translation, atol=1e-4)


def test_unknown_and_grossly_wrong_depths_do_not_count(shape, truth, evidence):
    depths = depths_of(shape, truth)
    values, sigma = depths.values.copy(), depths.sigma.copy()
    values[:20] += 0.5
    sigma[:20] = np.inf
    values[20:30] += 0.04
    spoilt = replace(evidence, depths=Depths(values, sigma))
    clean = error_mm(shape, truth, replace(evidence, depths=depths))
    assert error_mm(shape, truth, spoilt) < clean + 0.1
    plain = error_mm(shape, truth, evidence)
    nothing = replace(evidence, depths=Depths(values, np.full(COUNT, np.inf, np.float32)))
    assert error_mm(shape, truth, nothing) == pytest.approx(plain, abs=1e-4)


def test_unknown_normals_do_not_count(shape, edges, truth, evidence):
    values, sigma = normals_of(edges, *truth)[:, :2], np.full(COUNT, 0.03, np.float32)
    clean = error_mm(shape, truth, replace(evidence, normals=Normals(values, sigma, edges)))
    values[:20], sigma[:20] = np.nan, np.inf
    some = error_mm(shape, truth, replace(evidence, normals=Normals(values, sigma, edges)))
    assert some == pytest.approx(clean, abs=0.2)


def slopes_by_differences(value, identity, pose, step=2e-3):
    """Derivatives by identity, controls and rotation, of ``value(identity, pose)``."""
    columns = []
    for index in range(len(identity) + len(pose.controls) + 3):
        sides = []
        for sign in (1, -1):
            moved, at = identity.copy(), pose
            if index < len(identity):
                moved[index] += sign * step
            elif index < len(identity) + len(pose.controls):
                controls = pose.controls.copy()
                controls[index - len(identity)] += sign * step
                at = ExpressedPose(controls, pose.camera)
            else:
                axis = np.eye(3)[index - len(identity) - len(pose.controls)] * sign * step
                turned = (rotation_from_vector(axis) @ pose.camera.rotation).astype(np.float32)
                at = ExpressedPose(pose.controls, replace(pose.camera, rotation=turned))
            sides.append(value(moved, at))
        columns.append((sides[0] - sides[1]) / (2 * step))
    return np.stack(columns, -1)


@pytest.mark.parametrize("kind", ["depths", "normals"])
def test_derivatives_agree_with_finite_differences(shape, edges, truth, kind):
    coefficients, camera = truth
    controls = controls_of(len(shape.expression))
    # Not where an expression gives way to its opposite: there is no derivative.
    values = np.where(controls.high < 1, 0.1, 0.3).astype(np.float32)
    pose, every = ExpressedPose(values, camera), np.ones(COUNT, bool)
    if kind == "depths":
        # Errors far within the loss: weights are 1, so rows are plain derivatives.
        depths = Depths(np.zeros(COUNT, np.float32), np.full(COUNT, 1, np.float32))
        points = PosedPoints(shape, every, np.empty(0), controls)
        term = DepthTerm(depths, every, ROBUST)

        def value(identity, pose):
            deep = points.places(identity, pose)[:, 2]
            return deep - deep.mean()

        places = points.places(coefficients.identity, pose)
        rows, residual = term.rows(points, places, pose)
    else:
        zero, wide = np.zeros((COUNT, 2), np.float32), np.full(COUNT, 100, np.float32)
        points = PosedPoints(edges, np.ones(2 * COUNT, bool), np.empty(0), controls)
        term = NormalTerm(Normals(zero, wide, edges), every, ROBUST, points)

        def value(identity, pose):
            expression = controls.expression(pose.controls)
            head = HeadCoefficients(identity, expression)
            return normals_of(edges, head, pose.camera)[:, :2].ravel()

        rows, residual = (100 * part for part in term.rows(coefficients.identity, pose))
    expected = slopes_by_differences(value, coefficients.identity, pose)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(rows[:, :-4], expected, atol=2e-2 * scale)
    np.testing.assert_array_equal(rows[:, -4:], 0)
    np.testing.assert_allclose(residual, value(coefficients.identity, pose), rtol=1e-2, atol=1e-4)


def test_places_follow_values_that_are_changed_where_they_lie(shape, truth):
    coefficients, camera = truth
    controls = controls_of(len(shape.expression))
    points = PosedPoints(shape, np.ones(COUNT, bool), np.empty(0), controls)
    identity = coefficients.identity.copy()
    pose = ExpressedPose(np.zeros(len(controls.low), np.float32), camera)
    for change in (identity, pose.controls):
        points.places(identity, pose)
        change[0] += 0.5
        head = HeadCoefficients(identity, controls.expression(pose.controls))
        expected = shape.at(head) @ camera.rotation.T
        np.testing.assert_allclose(points.places(identity, pose), expected, atol=1e-6)
