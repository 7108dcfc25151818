"""What the protocols on scans rest on: closest points, alignments, bending, and rays."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from ml.errors import UsageError
from ml.evaluation.benchmarks.bending import Guides, bend
from ml.evaluation.benchmarks.closest import ClosestPoints
from ml.evaluation.benchmarks.cylinder import compare
from ml.evaluation.benchmarks.rays import orthographic, perspective, unwrap
from ml.evaluation.benchmarks.registration import (
    Anchors,
    refine_similarity,
    rigid_icp,
)
from ml.geometry.alignment import Similarity
from ml.head.surface import closest_barycentric

RNG = np.random.default_rng(4)
POSE = Similarity(1.7, Rotation.from_rotvec([0.2, -0.4, 0.3]).as_matrix(), np.array([5.0, -3, 2]))
BOX = np.array([20.0, 30.0, 40.0])


def grid(steps, size=1.0):
    """(N, 3) points of a flat square at z = 0, and its triangles, which look along +z."""
    line = np.linspace(-size, size, steps)
    x, y = np.meshgrid(line, line)
    index = np.arange(steps * steps).reshape(steps, steps)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    corners = [np.stack(corner, -1).reshape(-1, 3) for corner in ((a, b, c), (a, c, d))]
    return np.stack([x, y, 0 * x], -1).reshape(-1, 3), np.concatenate(corners).astype(np.int32)


def box(steps=9):
    """A box's (N, 3) points and triangles; its sides have as many points each."""
    flat, triangles = grid(steps)
    sides = [
        np.roll(sign * (flat * [1, sign, 1] + [0, 0, 1]), axis, 1)
        for axis in range(3)
        for sign in (1, -1)
    ]
    numbers = [triangles + number * len(flat) for number in range(6)]
    return np.concatenate(sides) * BOX, np.concatenate(numbers)


def turned(heights, radii, columns=80):
    """(F, 3, 3) triangles, outward, of a profile that turns about the y axis."""
    turn = np.linspace(0, 2 * np.pi, columns + 1)
    radii, heights = np.broadcast_arrays(radii, heights)
    across = radii[:, None] * np.sin(turn), radii[:, None] * np.cos(turn)
    points = np.stack([across[0], heights[:, None] + 0 * turn, across[1]], -1)
    a, b, c, d = points[:-1, :-1], points[:-1, 1:], points[1:, 1:], points[1:, :-1]
    return np.concatenate([np.stack([a, b, c], 2), np.stack([a, c, d], 2)]).reshape(-1, 3, 3)


def sphere(radius, rows=60):
    tilt = np.linspace(-np.pi / 2, np.pi / 2, rows + 1)
    return turned(radius * np.sin(tilt), radius * np.cos(tilt))


def test_closest_points_are_exact_where_triangles_differ_a_hundredfold():
    small, triangles = grid(30, size=0.1)
    big = np.array([[-8.0, -9, 0.5], [9, -7, 0], [0, 9, -0.5], [-8, 9, -4]])
    vertices = np.concatenate([small, big])
    faces = np.concatenate([triangles, len(small) + np.array([[0, 1, 2], [1, 2, 3]])])
    points = RNG.normal(scale=[2, 2, 0.5], size=(300, 3))
    corners = np.broadcast_to(vertices[faces], (300, len(faces), 3, 3))
    weights = closest_barycentric(points[:, None], corners)
    every = np.linalg.norm((weights[..., None] * corners).sum(-2) - points[:, None], axis=-1)
    near = ClosestPoints(vertices, faces)(points)
    found = np.linalg.norm(near - points, axis=1)
    np.testing.assert_allclose(found, every.min(1), atol=1e-12)


def test_nothing_is_close_to_no_triangles():
    with pytest.raises(UsageError, match="without triangles"):
        ClosestPoints(np.zeros((3, 3)), np.zeros((0, 3), np.int32))


def test_rigid_alignment_finds_where_a_box_lies():
    vertices, triangles = box()
    small = Similarity(1.0, Rotation.from_rotvec([0.05, -0.04, 0.06]).as_matrix(), np.ones(3))
    found = rigid_icp(vertices, triangles, small.apply(vertices))
    np.testing.assert_allclose(found.apply(vertices), small.apply(vertices), atol=0.02)


def test_anchors_weigh_as_many_vertices_as_they_say():
    # Moved along z only the two of six sides that face z pull. Eight anchors that stay weigh
    # N vertices together. Least squares: t (N / 3 + N) = d N / 3, so a quarter of the way.
    vertices, triangles = box()
    corners = np.unique(BOX * np.sign(vertices), axis=0)
    corners = corners[(corners != 0).all(1)]
    anchors = Anchors(corners, corners, len(vertices) / len(corners))
    found = rigid_icp(vertices, triangles, vertices + np.array([0, 0, 2.0]), anchors)
    np.testing.assert_allclose(found.translation, [0, 0, 0.5], atol=0.06)


def test_refinement_finds_scale_turn_and_place():
    vertices, triangles = box()
    start = Similarity(1.6, Rotation.from_rotvec([0.25, -0.35, 0.25]).as_matrix(), np.ones(3))
    found = refine_similarity(vertices, triangles, POSE.apply(vertices), start)
    assert found.scale == pytest.approx(1.7, abs=1e-3)
    np.testing.assert_allclose(found.apply(vertices), POSE.apply(vertices), atol=0.05)


def test_refinement_leaves_a_place_that_most_of_the_scan_likes():
    # Of a hundred points nine are 1 above the plane, the rest on it: 0.09 above is the best.
    # The rest have no direction at first, so that a full step would follow the nine.
    vertices, triangles = grid(12, size=4.0)
    scan = grid(10, size=3.0)[0]
    scan[[0, 3, 9, 32, 45, 57, 70, 93, 99], 2] = 1.0
    scan = np.concatenate([scan, scan * [-1, 1, 1], scan * [1, -1, 1], scan * [-1, -1, 1]])
    start = Similarity(1.0, np.eye(3), np.zeros(3))
    found = refine_similarity(vertices, triangles, scan, start)
    assert found.translation[2] == pytest.approx(0.09, abs=0.005)
    assert found.rotation[2, 2] == pytest.approx(1)


def test_what_lies_on_the_surface_stays():
    vertices, triangles = grid(9, size=4.0)
    np.testing.assert_allclose(bend(vertices, triangles, vertices, None), vertices, atol=1e-5)


def test_landmarks_tell_which_points_belong_together():
    # Stretched by a third: closest points are wrong ones, and only landmarks can tell.
    vertices, triangles = grid(15, size=4.0)
    vertices[:, 2] = -0.1 * (vertices**2).sum(1)
    cloud = vertices * [1, 4 / 3, 1]
    known = np.array([0, 14, 112, 210, 224, 3, 120])
    guided = bend(vertices, triangles, cloud, Guides(known, cloud[known]))
    alone = bend(vertices, triangles, cloud, None)
    errors = [np.linalg.norm(bent - cloud, axis=1).mean() for bent in (guided, alone)]
    assert errors[0] < 0.05
    assert errors[1] > 0.2


def test_what_is_far_from_the_surface_is_not_pulled():
    vertices, triangles = grid(15, size=4.0)
    far = vertices[:, 0] > 3.9
    vertices[far, 0] += 6
    bent = bend(vertices, triangles, vertices[~far], None)
    np.testing.assert_allclose(bent, vertices, atol=1e-6)


def test_depth_is_the_distance_along_the_view():
    flat, triangles = grid(2, size=1.0)
    hits = orthographic((flat - [0, 0, 5])[triangles], 2.0)
    assert hits.seen.sum() == 128 * 128
    np.testing.assert_allclose(hits.distance[hits.seen], 5)
    intrinsics = np.array([[256.0, 0, 128], [0, 256, 128], [0, 0, 1]])
    hits = perspective((flat + np.array([0, 0, 4]))[triangles], intrinsics)
    assert hits.seen.sum() == 128 * 128
    np.testing.assert_allclose(hits.distance[hits.seen], 4)


def test_the_nearest_hides_what_is_behind_it_and_what_is_behind_the_camera_is_not_seen():
    flat, triangles = grid(2, size=1.0)
    intrinsics = np.array([[256.0, 0, 128], [0, 256, 128], [0, 0, 1]])
    corners = np.concatenate([(flat + np.array([0, 0, z]))[triangles] for z in (-4.0, 6.0, 4.0)])
    hits = perspective(corners, intrinsics)
    np.testing.assert_allclose(np.unique(hits.distance), [0, 4])
    assert set(np.unique(hits.triangle)) == {-1, 4, 5}


def test_unwrapping_a_sphere_gives_its_radius_at_every_height():
    hits = unwrap(np.concatenate([sphere(50), sphere(80)]))
    y = 150 - 300 * np.arange(256) / 255
    inside = np.abs(y) < 79
    assert hits.seen[inside].all()
    assert not hits.seen[np.abs(y) > 80].any()
    expected = np.sqrt(80**2 - y[inside] ** 2)
    np.testing.assert_allclose(hits.distance[inside].mean(1), expected, rtol=0.01, atol=0.3)
    np.testing.assert_array_equal(hits.distance[:, 0], hits.distance[:, 255])


def test_chamfer_distance_of_tubes_in_each_other_is_the_gap():
    heights = np.array([-12.0, 12])
    figures = compare(turned(heights, 33), turned(heights, 30))
    assert figures["CD"] == pytest.approx(3, abs=0.02)
    assert figures["CR"] == 1
    assert figures["MNE"] == pytest.approx(0, abs=1e-3)


def test_angles_and_completeness_of_spheres_in_each_other():
    # On one ray the normals tilt by asin(y / r); MNE is the angle after (1, 1, 1) is added.
    figures = compare(sphere(16), sphere(12))
    turn = 2 * np.pi * np.arange(256) / 255
    y = (150 - 300 * np.arange(256) / 255)[:, None]
    y = y[np.abs(y[:, 0]) < 12]
    normals = []
    for radius in (16, 12):
        flat = np.sqrt(1 - (y / radius) ** 2)
        across = -flat * np.sin(turn), -flat * np.cos(turn)
        normals.append(np.stack([across[0], y / radius + 0 * turn, across[1]]))
    lit = [(n + 1) / np.linalg.norm(n + 1, axis=0) for n in normals]
    angle, mne = (np.arccos(np.clip((a * b).sum(0), -1, 1)).mean() for a, b in (normals, lit))
    assert figures["angle"] == pytest.approx(angle, rel=0.05)
    assert figures["MNE"] == pytest.approx(mne, rel=0.05)
    assert figures["MNE"] < 0.8 * figures["angle"]
    assert compare(sphere(12), sphere(16))["CR"] == pytest.approx(12 / 16, abs=0.05)


def test_heads_that_nowhere_meet_have_no_figures():
    figures = compare(sphere(10) + np.array([0, 60, 0]), sphere(10) - [0, 60, 0])
    assert all(np.isnan(value) for value in figures.values())
