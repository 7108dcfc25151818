"""The shared geometry against formulas of its own: naive loops, SciPy and definitions."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from ml.errors import UsageError
from ml.geometry.alignment import Similarity, best_rigid, best_rotation, best_similarity
from ml.geometry.colour import linear_of, srgb_of
from ml.geometry.mirror import mirror_twins
from ml.geometry.rotations import rotated_about, rotation_from_vector
from ml.geometry.sampling import bilinear, colours_at, texels_at
from ml.geometry.triangles import (
    edges_of,
    grid_quads,
    quad_of_triangle,
    triangulate,
    triangulate_with_uv,
    tube_quads,
)

RNG = np.random.default_rng(4)
# A quad, a triangle that repeats its last index, one that repeats its first, and another quad.
QUADS = np.array([[0, 1, 2, 3], [4, 5, 6, 6], [7, 8, 9, 7], [3, 2, 1, 0]], np.int32)
TRIANGLES = [[0, 1, 2], [4, 5, 6], [7, 8, 9], [3, 2, 1], [0, 2, 3], [3, 1, 0]]
POSE = Similarity(1.7, Rotation.from_rotvec([0.2, -0.4, 0.3]).as_matrix(), np.array([5.0, -3, 2]))


def test_quads_become_their_halves_without_empty_ones():
    np.testing.assert_array_equal(triangulate(QUADS), TRIANGLES)
    assert triangulate(QUADS).dtype == np.int32
    np.testing.assert_array_equal(quad_of_triangle(QUADS), [0, 1, 2, 3, 0, 3])
    triangles, flat = triangulate_with_uv(QUADS, QUADS + 100)
    np.testing.assert_array_equal(triangles, TRIANGLES)
    np.testing.assert_array_equal(flat, triangles + 100)


def test_a_seam_does_not_make_a_half_empty():
    """Where two corners of the UV layout coincide the triangle still has a surface."""
    quads = np.array([[0, 1, 2, 3]])
    triangles, flat = triangulate_with_uv(quads, np.array([[5, 5, 6, 7]]))
    assert len(triangles) == 2
    np.testing.assert_array_equal(flat, [[5, 5, 6], [5, 6, 7]])


def turns(places, quads):
    """Twice the signed area of (F, 4) quads of flat places, positive where counter-clockwise."""
    x, y = places[quads].transpose(2, 0, 1)
    return (x * np.roll(y, -1, 1) - y * np.roll(x, -1, 1)).sum(1)


def test_a_grid_s_quads_cover_it_once():
    grid = np.arange(12).reshape(3, 4)
    row, column = np.divmod(np.arange(12), 4)
    quads = grid_quads(grid)
    # Counter-clockwise where rows run down: y is minus the row.
    np.testing.assert_array_equal(turns(np.column_stack([column, -row]), quads), 2)
    np.testing.assert_array_equal(quads[1], [1, 5, 6, 2])
    assert len(np.unique(quads[:, 0])) == 6


def test_a_tube_s_quads_join_rings_and_close():
    rings = [np.array([0, 1, 2]), np.array([5, 6, 7]), np.array([10, 11, 12])]
    quads = tube_quads(rings)
    expected = [[0, 1, 6, 5], [1, 2, 7, 6], [2, 0, 5, 7], [5, 6, 11, 10]]
    np.testing.assert_array_equal(quads[:4], expected)
    directed = edges_of(quads)
    assert len(np.unique(directed, axis=0)) == len(directed) == 24


def test_edges_come_side_by_side():
    expected = [[0, 1], [4, 5], [1, 2], [5, 6], [2, 3], [6, 6], [3, 0], [6, 4]]
    np.testing.assert_array_equal(edges_of(QUADS[:2]), expected)


@pytest.mark.parametrize("vector", [[0.3, -1.2, 0.5], [0, 0, 0], [0, 3.1, 0], [1e-9, 0, 0]])
def test_a_rotation_is_scipy_s(vector):
    expected = Rotation.from_rotvec(vector).as_matrix()
    np.testing.assert_allclose(rotation_from_vector(np.array(vector)), expected, atol=1e-12)


def test_vectors_turn_about_their_own_axes():
    vectors, axes = RNG.normal(size=(2, 5, 3))
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    angles = RNG.uniform(-3, 3, (5, 1))
    expected = [
        Rotation.from_rotvec(a * t).apply(v) for v, a, t in zip(vectors, axes, angles, strict=True)
    ]
    np.testing.assert_allclose(rotated_about(vectors, axes, angles), expected, atol=1e-12)


def test_a_known_similarity_is_found():
    source = RNG.normal(size=(9, 3))
    found = best_similarity(source, POSE.apply(source))
    assert found.scale == pytest.approx(1.7)
    np.testing.assert_allclose(found.rotation, POSE.rotation, atol=1e-12)
    np.testing.assert_allclose(found.undo(POSE.apply(source)), source, atol=1e-12)


def test_the_best_rotation_is_scipy_s_also_with_noise_and_weights():
    source = RNG.normal(size=(40, 3))
    target = POSE.apply(source) + RNG.normal(0, 0.3, source.shape)
    weights = RNG.uniform(0, 2, 40)
    for share in (np.ones(40), weights):
        a, b = (p - np.average(p, 0, share) for p in (source, target))
        expected = Rotation.align_vectors(b, a, share)[0].as_matrix()
        given = None if share is not weights else weights
        np.testing.assert_allclose(best_rigid(source, target, given).rotation, expected, atol=1e-9)
        np.testing.assert_allclose(
            best_similarity(source, target, given).rotation, expected, atol=1e-9
        )
    centred = [points - points.mean(0) for points in (source, target)]
    expected = Rotation.align_vectors(centred[1], centred[0])[0].as_matrix()
    np.testing.assert_allclose(best_rotation(*centred), expected, atol=1e-9)


def test_no_other_scale_or_shift_comes_closer():
    source = RNG.normal(size=(30, 3))
    target = POSE.apply(source) + RNG.normal(0, 0.3, source.shape)
    weights = RNG.uniform(0, 2, 30)

    def error(pose: Similarity) -> float:
        return float((weights[:, None] * (pose.apply(source) - target) ** 2).sum())

    best, rigid = (f(source, target, weights) for f in (best_similarity, best_rigid))
    assert rigid.scale == 1
    for change in (0.999, 1.001):
        other = Similarity(best.scale * change, best.rotation, best.translation)
        assert error(other) > error(best)
        for one in (best, rigid):
            assert error(Similarity(one.scale, one.rotation, one.translation * change)) > error(one)


def test_weights_leave_a_wrong_point_out():
    source = RNG.normal(size=(9, 3))
    target = POSE.apply(source)
    target[0] += 50
    found = best_similarity(source, target, np.array([0.0] + [1] * 8))
    np.testing.assert_allclose(found.apply(source)[1:], target[1:], atol=1e-10)


def test_a_mirror_image_is_not_a_turn():
    source = RNG.normal(size=(9, 3))
    assert np.linalg.det(best_similarity(source, source * [-1, 1, 1]).rotation) == pytest.approx(1)


def test_one_similarity_after_another():
    other = Similarity(0.5, Rotation.from_rotvec([0, 1, 0]).as_matrix(), np.ones(3))
    points = RNG.normal(size=(4, 3))
    expected = POSE.apply(other.apply(points))
    np.testing.assert_allclose(POSE.after(other).apply(points), expected, atol=1e-12)


@pytest.mark.parametrize("align", [best_similarity, best_rigid])
def test_too_little_defines_nothing(align):
    with pytest.raises(UsageError, match="2 and 2 points do not define"):
        align(np.eye(2, 3), np.eye(2, 3))
    with pytest.raises(UsageError, match="coincide"):
        align(np.ones((4, 3)), np.eye(4, 3))
    with pytest.raises(UsageError, match="do not define"):
        align(np.eye(3), np.eye(3), np.zeros(3))


def test_twins_lie_opposite():
    left = RNG.uniform(0.01, 1, (20, 3))
    middle = RNG.uniform(0, 1, (3, 3)) * [0, 1, 1]
    points = np.concatenate([left, middle, left * [-1, 1, 1]])
    expected = [*range(23, 43), 20, 21, 22, *range(20)]
    np.testing.assert_array_equal(mirror_twins(points), expected)
    np.testing.assert_array_equal(mirror_twins(left[:5], points), expected[:5])


def test_a_second_place_tells_twins_apart():
    """Lips: all four vertices lie together at rest, and only with an open jaw on two sides."""
    rest = np.array([[0.1, 0, 0], [0.1, 0, 0], [-0.1, 0, 0], [-0.1, 0, 0]])
    opened = rest + np.outer([0, 1, 1, 0], [0, -0.2, 0])
    np.testing.assert_array_equal(mirror_twins(np.hstack([rest, opened])), [3, 2, 1, 0])


def naive(picture, column, row):
    """Bilinear interpolation by its definition: a weighted sum over all pixels."""
    down = np.clip(1 - np.abs(row - np.arange(picture.shape[0])), 0, None)
    across = np.clip(1 - np.abs(column - np.arange(picture.shape[1])), 0, None)
    return np.einsum("h,w,hwc->c", down, across, picture)


def test_bilinear_is_the_weighted_sum_of_four_pixels():
    picture = RNG.normal(size=(5, 7, 2)).astype(np.float32)
    places = RNG.uniform(-2, 9, (200, 2)).astype(np.float32)
    expected = [naive(picture, *place) for place in places]
    np.testing.assert_allclose(bilinear(picture, places), expected, atol=1e-5)


def test_colours_of_a_photo_and_beyond_its_rim():
    photo = RNG.integers(0, 256, (6, 9, 3)).astype(np.uint8)
    pixels = RNG.uniform(-3, 12, (50, 2))
    inside = np.clip(pixels - 0.5, 0, [8, 5])
    expected = [naive(photo, *place) for place in inside]
    # OpenCV rounds places to a 32nd of a pixel.
    np.testing.assert_allclose(colours_at(photo, pixels), expected, atol=2 * 255 / 64 + 1)
    np.testing.assert_array_equal(colours_at(photo, np.array([[4.5, 2.5]]))[0], photo[2, 4])
    grid = colours_at(photo, pixels.reshape(10, 5, 2))
    np.testing.assert_array_equal(grid.reshape(50, 3), colours_at(photo, pixels))


def test_a_texel_is_found_from_the_bottom_left():
    texture = np.arange(9).reshape(3, 3)
    uv = np.array([[0, 0], [0.5, 0.5], [0.99, 0.99], [0.1, 0.9], [1, 0], [-1, 2]])
    np.testing.assert_array_equal(texels_at(texture, uv), [6, 4, 2, 0, 8, 0])


def test_the_colour_curve_is_iec_61966_2_1():
    share = np.linspace(0, 1, 256)
    expected = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in share]
    np.testing.assert_allclose(linear_of(255 * share), expected, atol=1e-6)
    np.testing.assert_allclose(srgb_of(np.array(expected)), 255 * share, atol=0.02)
    between = np.linspace(-20, 300, 777)
    np.testing.assert_allclose(srgb_of(linear_of(between)), np.clip(between, 0, 255), atol=0.1)


def test_importing_needs_numpy_only(run_code):
    names = ["triangles", "alignment", "rotations", "mirror", "sampling", "colour"]
    code = "; ".join(f"import ml.geometry.{name}" for name in names)
    code += "; import sys; print(*{'scipy', 'cv2', 'torch', 'numba', 'PIL'} & set(sys.modules))"
    found = run_code(code, capture_output=True, text=True, timeout=60)
    assert found.stdout.split() == []
