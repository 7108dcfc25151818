"""Places by UV, and strands that follow a surface, on shapes whose answers are known."""

import numpy as np

from ml.hair.surface import follow, locate, nearest_uv, unclear

# Two triangles of a unit square in UV, on a roof in space.
UV = np.array([[[0, 0], [1, 0], [1, 1]], [[0, 0], [1, 1], [0, 1]]], float)
ROOF = np.array([[[0, 0, 0], [2, 0, 1], [2, 3, 1]], [[0, 0, 0], [2, 3, 1], [0, 3, 5]]], float)


def test_places_are_found_on_their_triangles():
    random = np.random.default_rng(0)
    uv = random.uniform(0, 1, (500, 2))
    found = locate(uv, UV)
    assert np.array_equal(found.triangle, (uv[:, 1] > uv[:, 0]).astype(int))
    assert np.allclose(found.weights.sum(1), 1)
    assert np.allclose(found.of(UV), uv, atol=1e-6)
    below = found.triangle == 0
    assert np.allclose(found.of(ROOF)[below, 2], uv[below, 0], atol=1e-6)


def test_corners_and_edges_belong_to_a_triangle_and_what_is_outside_to_none():
    found = locate(np.array([[0, 0], [1, 1], [0.5, 0.5], [1, 0], [-0.2, 0.5], [1.3, 1.3]]), UV)
    assert (found.triangle[:4] >= 0).all()
    assert found.triangle[4:].tolist() == [-1, -1]
    assert not found.weights[4:].any()


def test_triangles_without_area_hold_nothing():
    flat = np.array([[[0.2, 0.2], [0.4, 0.4], [0.6, 0.6]], *UV])
    found = locate(np.array([[0.3, 0.3], [0.7, 0.1]]), flat)
    assert (found.triangle > 0).all()


def strands():
    """(N, K, 3) straight strands out of a sphere."""
    random = np.random.default_rng(1)
    way = random.normal(size=(400, 1, 3))
    way /= np.linalg.norm(way, axis=2, keepdims=True)
    return way * (0.1 + np.linspace(0, 0.05, 6)[:, None])


def test_a_shift_of_the_surface_shifts_all():
    points = strands().reshape(-1, 3)
    strand = np.repeat(np.arange(400), 6)
    after = follow(points, strand, np.tile([0.01, -0.02, 0.03], (400, 1)))
    assert np.abs(after - points - [0.01, -0.02, 0.03]).max() < 1e-6


def test_roots_end_where_they_should_and_tips_stay_outside_a_larger_surface():
    points = strands()
    roots = points[:, 0]
    moved = 0.3 * roots * (1 + roots[:, :1] / 0.1)  # one side grows, the other hardly
    after = follow(points.reshape(-1, 3), np.repeat(np.arange(400), 6), moved).reshape(400, 6, 3)
    assert np.abs(after[:, 0] - roots - moved).max() < 1e-6
    assert (np.linalg.norm(after[:, -1], axis=1) > np.linalg.norm(after[:, 0], axis=1)).all()


def test_strands_may_have_different_numbers_of_points():
    points = np.array([[0, 0, 0], [0, 0, 1], [1, 0, 0], [1, 0, 1], [1, 0, 2]], float)
    after = follow(points, np.array([0, 0, 1, 1, 1]), np.array([[0, 1, 0], [0, 2, 0]], float))
    assert np.allclose(after[[0, 2], 1], [1, 2], atol=1e-6)
    assert after[1, 1] < after[4, 1]


def test_no_strands_stay_none():
    assert follow(np.zeros((0, 3)), np.zeros(0, int), np.zeros((0, 3))).shape == (0, 3)


def test_places_that_the_map_has_twice_or_not_at_all_are_unclear_and_get_another():
    over = np.array([[[0.2, 0.0], [0.9, 0.0], [0.9, 0.2]]])  # folded over the first triangle
    uv, corners = np.concatenate([UV, over]), np.concatenate([ROOF, ROOF[:1] + 9.0])
    places = np.array([[0.8, 0.1], [0.3, 0.8], [1.2, 0.5], [0.5, 0.5]])
    assert unclear(places, uv).tolist() == [True, False, True, False]
    points = np.array([[1.6, 0.3, 0.8], [2.4, 1.5, 1.2]])
    found = nearest_uv(points, uv, corners)
    assert not unclear(found, uv).any()
    away = np.linalg.norm(locate(found, uv).of(corners) - points, axis=1)
    assert away[1] < 0.9  # the foot of the first is where the map is folded
