"""How the head's statistics are learned, on small made-up populations."""

import numpy as np
import pytest

from ml.geometry.mirror import MIRROR, mirror_twins
from ml.head.surface import closest_barycentric, nearest_on_triangles
from ml.training.head.statistics.components import (
    align_rigidly,
    identity_modes,
    mirrored,
)
from ml.training.head.statistics.population import average_weights, people, people_weights
from ml.training.head.statistics.sources import MakeHumanHead


@pytest.fixture(scope="module")
def mean() -> np.ndarray:
    rng = np.random.default_rng(0)
    half = rng.uniform(0.01, 0.1, (30, 3))
    midline = rng.uniform(-0.1, 0.1, (5, 3)) * [0, 1, 1]
    return np.concatenate([half, half * MIRROR, midline]).astype(np.float32)


def test_mirror_twins_pairs_both_sides_and_keeps_the_midline(mean):
    opposite = mirror_twins(mean)
    np.testing.assert_array_equal(opposite[:30], np.arange(30, 60))
    np.testing.assert_array_equal(opposite[opposite], np.arange(len(mean)))
    np.testing.assert_array_equal(opposite[60:], np.arange(60, 65))


def test_modes_are_symmetric_or_antisymmetric_and_span_the_population(mean):
    rng = np.random.default_rng(1)
    deviations = rng.normal(0, 0.002, (7, len(mean), 3)).astype(np.float32)
    opposite = mirror_twins(mean)
    found = identity_modes(deviations, opposite, np.ones(len(mean), np.float32), 14)
    signs = np.where(found.symmetric, 1, -1)[:, None, None]
    np.testing.assert_allclose(mirrored(found.modes, opposite), signs * found.modes, atol=1e-8)
    # 7 people and their mirror images lie in a space of 14 dimensions: nothing may be lost.
    basis = found.modes.reshape(14, -1)
    rebuilt = np.linalg.lstsq(basis.T, deviations.reshape(7, -1).T, rcond=None)[0]
    np.testing.assert_allclose(basis.T @ rebuilt, deviations.reshape(7, -1).T, atol=1e-6)
    assert found.explained[-1] == pytest.approx(1, abs=1e-4)
    assert np.all(np.diff(found.explained) >= -1e-6)


def test_a_mode_is_one_standard_deviation_long(mean):
    rng = np.random.default_rng(2)
    direction = np.zeros((len(mean), 3), np.float32)
    direction[:, 1] = 1e-3
    amounts = rng.normal(0, 2, 400).astype(np.float32)
    people_ = amounts[:, None, None] * direction / np.sqrt(len(amounts))
    found = identity_modes(
        people_.astype(np.float32), mirror_twins(mean), np.ones(len(mean), np.float32), 1
    )
    assert np.abs(found.modes[0, :, 1]).mean() == pytest.approx(
        1e-3 * np.sqrt((amounts**2).mean()), rel=1e-3
    )


def test_rigid_alignment_removes_pose_and_keeps_size(mean):
    turn = np.linalg.qr(np.random.default_rng(4).normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    moved = (1.1 * mean) @ turn.T.astype(np.float32) + 0.3
    aligned = align_rigidly(moved[None], mean, np.arange(len(mean)))[0]
    centre = mean.mean(0)
    np.testing.assert_allclose(aligned - centre, 1.1 * (mean - centre), atol=1e-5)


def test_closest_barycentric_agrees_with_dense_search():
    rng = np.random.default_rng(5)
    triangle, points = rng.normal(size=(20, 3, 3)), rng.normal(size=(20, 3))
    weights = closest_barycentric(points, triangle)
    reached = np.linalg.norm((weights[..., None] * triangle).sum(-2) - points, axis=1)
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 201)] * 2), -1).reshape(-1, 2)
    grid = grid[grid.sum(1) <= 1]
    every = np.column_stack([1 - grid.sum(1), grid])
    dense = np.linalg.norm(np.einsum("gk,nkc->ngc", every, triangle) - points[:, None], axis=2).min(
        1
    )
    np.testing.assert_array_less(reached, dense + 1e-9)
    np.testing.assert_allclose(reached, dense, atol=0.02)
    assert weights.min() >= -1e-12


def test_nearest_on_triangles_returns_points_of_the_surface():
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]], np.float32)
    triangles = np.array([[0, 1, 2], [1, 3, 2]], np.int32)
    found = nearest_on_triangles(vertices, triangles, np.array([[0.2, 0.3, 5.0], [2.0, 2.0, 1.0]]))
    np.testing.assert_allclose(found.on(vertices), [[0.2, 0.3, 0], [1, 1, 0]], atol=1e-6)


def make_head() -> MakeHumanHead:
    names = (
        "macrodetails/african-female-young",
        "macrodetails/asian-male-old",
        "macrodetails/universal-female-young-maxmuscle-maxweight",
        "nose/nose-width-incr",
        "ears/l-ear-scale-incr",
        "ears/r-ear-scale-incr",
        "head/head-trans-up",
    )
    groups = tuple(name.split("/")[0] for name in names)
    targets = np.random.default_rng(6).normal(size=(len(names), 4, 3)).astype(np.float16)
    none = np.zeros((0, 4), np.int32)
    base = np.zeros((4, 3), np.float32)
    return MakeHumanHead(base, none, np.zeros((0, 2)), none, names, groups, targets)


def test_macro_targets_multiply_and_poses_stay_out():
    head = make_head()
    average = average_weights(head)
    assert average[0] == pytest.approx(1 / 3 * 0.5)
    assert average[1] == 0
    weights = people_weights(head, 200, np.random.default_rng(7))
    assert weights.min() >= 0
    assert weights[:, :3].max() <= 1
    assert not weights[:, 6].any()
    # Ears of one person differ far less than ears of different people.
    assert np.abs(weights[:, 4] - weights[:, 5]).mean() < 0.3 * weights[:, 4].std()


def test_people_are_base_plus_targets_in_metres():
    head = make_head()
    weights = np.zeros((1, len(head.target_names)), np.float32)
    weights[0, 3] = 0.5
    np.testing.assert_allclose(
        people(head, weights)[0], 0.05 * head.targets[3].astype(np.float32), atol=1e-6
    )
