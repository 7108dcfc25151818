"""Confidence that the photo shows skin, irises' colours, and distances to eyes and lips."""

import cv2
import numpy as np
import pytest

from ml.appearance import kernels
from ml.appearance.atlas import atlas_of
from ml.appearance.colour import log_of, recorded
from ml.appearance.confidence import off_edges, throat_of, unobstructed
from ml.appearance.fine_detail import compose_albedo
from ml.appearance.light import averaged
from ml.appearance.skin_estimate import at_vertices
from ml.geometry.colour import srgb_of
from ml.head.storage import load_head_model

SIZE = 512
PALE, DEEP = (np.array(skin, np.float32) for skin in ((0.5, 0.3, 0.22), (0.11, 0.05, 0.03)))


@pytest.fixture(scope="module")
def model():
    return load_head_model()


@pytest.fixture(scope="module")
def atlas(model):
    return atlas_of(model, SIZE)


def forehead(atlas):
    x, y, z = atlas.mean.T
    return (np.abs(x) < 0.03) & (y > 0.066) & (y < 0.075) & (z > 0.07)


def striped(atlas, depth: float) -> np.ndarray:
    """(N, 3) logs of stripes two texels wide, as bright as the skin on the average."""
    return np.repeat(np.where(atlas.columns % 4 < 2, depth, -depth)[:, None], 3, 1)


def test_bare_skin_is_confident_everywhere(atlas):
    off = np.random.default_rng(0).normal(0, 0.05, (len(atlas.rows), 3)).astype(np.float32)
    bare, clear = unobstructed(off, np.ones(len(off), np.float32), atlas, SIZE)
    assert bare.min() == 1
    assert clear[forehead(atlas)].mean() > 0.99


def test_strands_of_skins_own_brightness_lend_a_mean_but_no_detail(atlas):
    off = striped(atlas, 0.35).astype(np.float32)
    bare, clear = unobstructed(off, np.ones(len(off), np.float32), atlas, SIZE)
    assert bare[forehead(atlas)].min() > 0.99
    assert clear[forehead(atlas)].max() < 0.01
    assert clear[atlas.contours.brows < -0.003].min() > 0.9  # brows are hair, too
    lower = (atlas.mean[:, 1] < -0.03) & (np.abs(atlas.mean[:, 0]) < 0.02)
    assert clear[lower & (atlas.mean[:, 2] > 0.08)].min() > 0.9  # and so are beards


def test_the_dim_rim_of_a_strand_is_part_of_it_but_far_shade_is_not(atlas):
    x, y, z = atlas.mean.T
    from_it = np.abs(y - 0.008)  # on the cheeks
    half, other = ((z > 0.07) & (np.abs(side * x - 0.034) < 0.01) for side in (1, -1))
    off = np.zeros((len(x), 3), np.float32)
    off[half & (from_it < 0.006)] = -0.35
    off[half & (from_it < 0.001)] = -1.0
    off[other & (from_it < 0.006)] = -0.35
    bare, clear = unobstructed(off, np.ones(len(x), np.float32), atlas, SIZE)
    rim = (from_it > 0.0035) & (from_it < 0.005)
    middle = np.abs(np.abs(x) - 0.034) < 0.004
    assert clear[half & middle & rim].max() < 0.05
    assert clear[other & middle & (from_it < 0.002)].min() > 0.9
    assert bare[half & middle & rim].min() > 0.9


def test_specks_cover_nothing_but_strands_do(atlas):
    x, y, z = atlas.mean.T
    cheek = (np.abs(y - 0.005) < 0.01) & (np.abs(np.abs(x) - 0.052) < 0.006) & (z > 0.05)
    specks = cheek & (x > 0) & (atlas.rows % 12 < 2) & (atlas.columns % 12 < 2)
    strand = cheek & (x < 0) & (atlas.columns % 12 < 2)
    assert specks.sum() > 10
    off = np.zeros((len(x), 3), np.float32)
    off[specks | strand] = -1.2
    bare, _ = unobstructed(off, np.ones(len(x), np.float32), atlas, SIZE)
    assert bare[specks].min() == 1
    assert bare[strand].max() == 0


def test_the_nose_is_kept_without_an_edge_beside_skin_that_is_refused(atlas):
    off = np.tile(np.float32([0.6, 0, -0.6]), (len(atlas.rows), 1))
    _, clear = unobstructed(off, np.ones(len(off), np.float32), atlas, SIZE)
    image = atlas.image(clear, SIZE)
    places = atlas.image(atlas.mean, SIZE)
    beside = (np.abs(places[..., 1]) < 0.012) & (np.abs(places[..., 0]) < 0.04)
    beside &= places[..., 2] > 0.06
    assert image[beside].max() > 0.95
    assert image[beside].min() < 0.05
    both = beside[:, 1:] & beside[:, :-1]
    assert np.abs(np.diff(image, axis=1))[both].max() < 0.3


def test_throats_begin_under_the_jaw(model, atlas):
    throat = throat_of(model, atlas)
    _, y, z = atlas.mean.T
    skin = atlas.part == model.part_names.index("skin")
    assert throat[skin & (y < -0.11)].min() > 0.9
    assert throat[skin & (y > -0.015)].max() == 0
    assert throat[skin & (y > -0.055) & (z > 0.09)].max() == 0  # lips look down, too
    assert throat[skin & (y < -0.06) & (z < 0.07)].mean() > 0.9


def test_distances_to_a_ring_are_negative_inside_and_stay_infinite_far_off():
    turn = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    ring = np.column_stack([np.cos(turn), np.sin(turn)]).astype(np.float32)
    places = np.random.default_rng(4).uniform(-2, 2, (500, 3)).astype(np.float32)
    found = np.full(500, np.inf, np.float32)
    kernels.signed_distance(places, ring, np.float32(-1), np.float32(0.5), found)
    near = (places[:, 2] > -1) & (np.abs(places[:, :2]) < 1.5).all(1)
    assert np.isinf(found[~near]).all()
    expected = np.linalg.norm(places[near, :2], axis=1) - 1
    np.testing.assert_allclose(found[near], expected, atol=1e-3)


def test_residuals_are_what_sampling_and_mixing_give():
    rng = np.random.default_rng(5)
    corners = rng.integers(0, 40, (300, 3)).astype(np.int32)
    weights = rng.dirichlet([1, 1, 1], 300).astype(np.float32)
    values = rng.uniform(-3, 33, (40, 5)).astype(np.float32)
    photo = rng.integers(0, 256, (30, 20, 3)).astype(np.uint8)
    table = log_of(recorded(np.arange(255 * 64 + 1, dtype=np.float32) / 64)).astype(np.float32)
    found, wanted = np.empty((300, 3), np.float32), np.arange(300) % 3 > 0
    kernels.residual(corners, weights, wanted, values, photo, table, found)
    mixed, seen = np.empty((300, 5), np.float32), np.empty((300, 3), np.float32)
    kernels.mix(corners, weights, values, mixed)
    kernels.sample(photo, np.ascontiguousarray(mixed[:, :2]), seen)
    expected = np.log(np.maximum(recorded(seen), 0.002)) - mixed[:, 2:]
    np.testing.assert_allclose(found[wanted], expected[wanted], atol=2e-3)
    assert not found[~wanted].any()


def test_colours_of_logarithms_are_those_of_their_light(model, atlas):
    rng = np.random.default_rng(8)
    albedo = rng.uniform(-12, 1, (len(model.shape.mean), 3)).astype(np.float32)
    detail = rng.normal(0, 0.5, (SIZE, SIZE, 3)).astype(np.float32)
    found = compose_albedo(albedo, np.arange(9), detail, atlas)[atlas.rows, atlas.columns]
    logs = atlas.on(albedo) + detail[atlas.rows, atlas.columns]
    dark, cold = logs.mean(1), logs[:, 1:].max(1) > logs[:, 0]
    # No brow, beard or nostril is blue or green.
    grey = cold & (dark < -2.6)
    assert grey.sum() > 1000
    assert np.ptp(found[grey], axis=1).max() == 0
    found, expected = (each[~cold | (dark > -1.9)] for each in (found, srgb_of(np.exp(logs))))
    assert expected.min() < 0.1
    assert expected.max() > 254.9
    apart = np.abs(found - expected)
    assert apart.max() <= 1
    # Rounded to whole numbers of an exact colour; only near black are the logarithms' steps wider.
    assert apart[expected > 1].max() < 0.53


def test_what_a_layout_decides_is_computed_once_and_stays(atlas):
    first = off_edges(atlas)
    assert off_edges(atlas) is first
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 2
    small = atlas_of(load_head_model(), SIZE // 2)
    assert len(off_edges(small)) == len(small.rows) != len(first)


def test_texels_find_their_values_again_in_images_of_any_width(atlas):
    values = np.random.default_rng(4).normal(size=(len(atlas.rows), 2)).astype(np.float32)
    for width in (SIZE, SIZE + 7):
        image = atlas.image(values, width)
        np.testing.assert_array_equal(image[atlas.rows, atlas.columns], values)
        np.testing.assert_array_equal(atlas.of_image(image), values)
        assert np.count_nonzero(image[..., 0]) == np.count_nonzero(values[:, 0])


def test_a_part_of_an_atlas_knows_what_the_whole_knows(model, atlas):
    x, y, z = atlas.mean.T
    skin = atlas.part == model.part_names.index("skin")
    chosen = np.flatnonzero((np.hypot(x - 0.01, y + 0.03) < 0.03) & (z > 0.05) & skin)
    part, values = atlas.only(chosen, 9), np.arange(3 * len(chosen), dtype=np.float32)
    values = values.reshape(-1, 3) + 1
    np.testing.assert_array_equal(off_edges(part), off_edges(atlas)[chosen])
    np.testing.assert_array_equal(throat_of(model, part), throat_of(model, atlas)[chosen])
    np.testing.assert_array_equal(part.on(model.shape.mean), atlas.on(model.shape.mean)[chosen])
    whole = part.on_whole(values)
    np.testing.assert_array_equal(whole[chosen], values)
    assert np.count_nonzero(whole) == values.size
    image, large = part.image(values, SIZE), atlas.image(whole, SIZE)
    np.testing.assert_array_equal(part.of_image(image), values)
    # Blurs as wide as the margin see the same in the window as in the image of the whole.
    (top, left), near = (along[chosen].min() - 9 for along in (atlas.rows, atlas.columns)), 9
    height, width = part.window
    np.testing.assert_array_equal(image, large[top : top + height, left : left + width])
    assert not image[:near].any()
    assert not image[-near:].any()
    assert not image[:, :near].any()
    assert not image[:, -near:].any()


def test_means_at_vertices_count_what_a_part_lacks_as_nothing(model, atlas):
    rng = np.random.default_rng(3)
    values = rng.uniform(0, 1, (len(atlas.rows), 2)).astype(np.float32)
    values[atlas.mean[:, 2] < 0.06] = 0
    chosen, count = np.flatnonzero(values[:, 0]), len(model.shape.mean)
    found = at_vertices(values[chosen], atlas.only(chosen, 4), count)
    np.testing.assert_allclose(found, at_vertices(values, atlas, count), atol=1e-6)


@pytest.mark.parametrize("times", [2, 3])
def test_what_is_held_is_enlarged_as_an_image(times):
    rng = np.random.default_rng(6)
    image = rng.uniform(0, 1, (20, 20, 2)).astype(np.float32)
    side = 20 * times
    rows, columns = (along.ravel().astype(np.int32) for along in np.indices((side, side)))
    found, wanted = np.empty((side * side, 2), np.float32), (rows + columns) % 2
    kernels.enlarge(image, rows, columns, 1 / times, wanted, found)
    expected = cv2.resize(image, (side, side))[rows, columns]
    np.testing.assert_allclose(found[wanted > 0], expected[wanted > 0], atol=1e-5)
    assert not found[wanted == 0].any()


def test_averaging_moves_each_vertex_half_way_to_the_mean_of_its_neighbours():
    edges = np.array([[0, 1], [1, 2], [1, 3]], np.int32)
    values = np.array([[0.0], [6.0], [3.0], [9.0], [5.0]], np.float32)
    found = averaged(values, edges, 1)[:, 0]
    np.testing.assert_allclose(found, [3, 5, 4.5, 7.5, 2.5])


def test_parts_cover_every_texel_once_and_their_errors_arrive(monkeypatch):
    monkeypatch.setattr(kernels, "LEAST", 10)
    monkeypatch.setattr(kernels.cv2, "getNumThreads", lambda: 3)
    for count in (0, 5, 29, 30, 101):
        touched = np.zeros(count, int)

        def touch(part, touched=touched):
            touched[part] += 1

        kernels.in_parts(touch, count)
        assert (touched == 1).all()

    def failing(part):
        raise ValueError(part.start)

    with pytest.raises(ValueError, match="0"):
        kernels.in_parts(failing, 101)
