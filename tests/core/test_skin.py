"""Parting skin from light by statistics, and the loops over texels, where the answer is known."""

from dataclasses import asdict

import cv2
import numpy as np
import pytest

from ml.appearance import kernels
from ml.appearance.colour import photographed, recorded
from ml.appearance.light import SkinColours, harmonics_of, separate_light
from ml.appearance.skin import SKIN_MODEL, LightModes, SkinModel, load_skin_model, save_skin_model
from ml.assets.card import card_path, read_card, write_card
from ml.errors import WeightsMissing
from ml.evaluation.synthetic.texture import psnr
from ml.geometry.colour import linear_of, srgb_of
from ml.training.skin import main_axes, well_placed

COUNT = 600


@pytest.fixture(scope="module")
def ball():
    """Unit normals of a hemisphere, edges to the nearest few, and skin that varies in two ways."""
    rng = np.random.default_rng(3)
    normals = rng.normal(size=(COUNT, 3)).astype(np.float32)
    normals[:, 2] = -np.abs(normals[:, 2])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    near = np.argsort(np.linalg.norm(normals[:, None] - normals[None], axis=2), 1)[:, 1:4]
    edges = np.stack([np.repeat(np.arange(COUNT), 3), near.ravel()], 1).astype(np.int32)
    spots = np.sin(9 * normals[:, :1]) * np.cos(7 * normals[:, 1:2])
    modes = np.stack([np.full((COUNT, 3), 0.5), 0.3 * spots * [1.0, 1.2, 1.4]])
    mean = np.log(np.tile([0.45, 0.25, 0.18], (COUNT, 1)))
    none = LightModes(np.zeros((0, COUNT, 3), np.float32), np.full(COUNT, 1e-3, np.float32))
    skin = SkinModel(
        mean.astype(np.float32), modes.astype(np.float32), np.full(COUNT, 1e-3, np.float32), none
    )
    return normals, edges, skin


def test_skin_and_light_are_told_apart(ball):
    normals, edges, skin = ball
    albedo = skin.mean + 1.5 * skin.modes[1]
    light = np.zeros((9, 3), np.float32)
    light[0], light[3] = 2.6, 0.9
    seen = np.exp(albedo) * (harmonics_of(normals) @ light)
    ones = np.ones(COUNT, np.float32)
    found = separate_light(SkinColours(seen.astype(np.float32), ones, normals), skin, edges)
    off = found.albedo - albedo
    # How bright the light was nobody can tell: only the pattern counts.
    assert np.abs(off - np.median(off)).mean() < 0.04
    assert np.abs((albedo - skin.mean) - 0).mean() > 0.12
    ratio = found.harmonics.mean(1) / found.harmonics[0].mean()
    assert ratio[3] == pytest.approx(0.9 / 2.6, abs=0.05)
    np.testing.assert_allclose(np.exp(found.albedo + found.light), seen, rtol=0.2)


def test_what_is_hidden_follows_what_is_seen(ball):
    normals, edges, skin = ball
    albedo = skin.mean - 1.2 * skin.modes[1]
    weight = (normals[:, 0] < 0.1).astype(np.float32)
    seen = (np.exp(albedo) * weight[:, None]).astype(np.float32)
    found = separate_light(SkinColours(seen, weight, normals), skin, edges)
    hidden = weight == 0
    off = (found.albedo - albedo)[hidden]
    mean_off = (skin.mean - albedo)[hidden]
    assert np.abs(off - np.median(off)).mean() < 0.4 * np.abs(mean_off - np.median(mean_off)).mean()


def test_nothing_seen_is_the_mean(ball):
    normals, edges, skin = ball
    nothing = np.zeros(COUNT, np.float32)
    blank = SkinColours(np.zeros((COUNT, 3), np.float32), nothing, normals)
    found = separate_light(blank, skin, edges)
    np.testing.assert_allclose(found.albedo, skin.mean, atol=1e-3)
    assert np.isfinite(found.light).all()


def test_main_axes_find_what_varies_and_how_much():
    rng = np.random.default_rng(0)
    axis = rng.normal(size=(40, 3))
    rows = 5 + rng.normal(size=(300, 1, 1)) * axis + 0.05 * rng.normal(size=(300, 40, 3))
    mean, modes, noise = main_axes(rows.astype(np.float32), None, 1)
    assert np.abs(mean - 5).mean() < 0.1
    agreement = np.sum(modes[0] * axis) / np.linalg.norm(modes[0]) / np.linalg.norm(axis)
    assert abs(agreement) > 0.995
    assert np.linalg.norm(modes[0]) == pytest.approx(np.linalg.norm(axis), rel=0.1)
    assert noise.mean() == pytest.approx(0.05**2, rel=0.1)


def test_the_shipped_statistics_are_small_vouched_for_and_plausible(tmp_path):
    skin = load_skin_model()
    assert SKIN_MODEL.stat().st_size < 3e6
    red, green, blue = np.exp(skin.mean).mean(0)
    assert 0.8 > red > green > blue > 0.02
    altered = tmp_path / "skin.npz"
    save_skin_model(skin, altered)
    card_path(altered).write_text(card_path(SKIN_MODEL).read_text())
    altered.write_bytes(altered.read_bytes()[:-1] + b"x")
    with pytest.raises(WeightsMissing):
        load_skin_model(altered)


@pytest.mark.parametrize("change", ["lacking", "longer", "text", "not finite"])
def test_statistics_that_do_not_fit_are_refused(tmp_path, change):
    with np.load(SKIN_MODEL) as stored:
        arrays = dict(stored)
    if change == "lacking":
        del arrays["light_noise"]
    elif change == "longer":
        arrays["noise"] = np.append(arrays["noise"], arrays["noise"])
    elif change == "text":
        arrays["mean"] = np.array("mean")
    else:
        arrays["mean"][0] = np.nan
    path = tmp_path / "skin.npz"
    np.savez(path, **arrays)
    facts = asdict(read_card(SKIN_MODEL))
    write_card(path, **{k: v for k, v in facts.items() if k not in ("file", "sha256", "size")})
    with pytest.raises(WeightsMissing, match=r"skin.npz could not be read \((it lacks|array)"):
        load_skin_model(path)


def test_colours_there_and_back():
    shades = np.linspace(0, 255, 400, dtype=np.float32)
    np.testing.assert_allclose(srgb_of(linear_of(shades)), shades, atol=0.6)
    np.testing.assert_allclose(photographed(recorded(shades)), shades, atol=0.6)
    assert linear_of(np.float32([255])) == 1
    assert linear_of(np.float32([118])) == pytest.approx(0.181, abs=0.002)


def test_kernels_do_what_numpy_does():
    rng = np.random.default_rng(1)
    corners = rng.integers(0, 50, (200, 3)).astype(np.int32)
    weights = rng.dirichlet([1, 1, 1], 200).astype(np.float32)
    values = rng.normal(size=(50, 4)).astype(np.float32)
    mixed = np.empty((200, 4), np.float32)
    kernels.mix(corners, weights, values, mixed)
    np.testing.assert_allclose(mixed, np.einsum("nk,nkc->nc", weights, values[corners]), atol=1e-5)
    gathered = np.zeros((50, 4), np.float32)
    kernels.gather(corners, weights, mixed, gathered)
    expected = [
        np.bincount(corners.ravel(), (weights * mixed[:, k : k + 1]).ravel(), 50) for k in range(4)
    ]
    np.testing.assert_allclose(gathered, np.stack(expected, 1), atol=1e-4)


def test_sampling_is_bilinear_and_repeats_the_rim():
    rng = np.random.default_rng(2)
    photo = rng.integers(0, 255, (30, 20, 3)).astype(np.uint8)
    pixels = rng.uniform(-5, 35, (100, 2)).astype(np.float32)
    found = np.empty((100, 3), np.float32)
    kernels.sample(photo, pixels, found)
    x, y = (pixels[None, :, k] - 0.5 for k in (0, 1))
    expected = cv2.remap(
        photo.astype(np.float32), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    np.testing.assert_allclose(found, expected[0], atol=4)  # OpenCV's weights are 1/32


def test_psnr_counts_only_what_is_asked():
    photo = np.full((10, 10, 3), 100, np.uint8)
    drawn = photo.astype(np.float32) + 10
    drawn[0] = 0
    where = np.ones((10, 10), bool)
    assert psnr(drawn, photo, where) == pytest.approx(10 * np.log10(255**2 / 100))
    assert np.isnan(psnr(drawn, photo, ~where))


def test_bust_that_sampled_a_wrong_place_takes_its_neighbours_colour():
    across, up = np.meshgrid(np.linspace(-0.08, 0.08, 17), np.linspace(-0.2, -0.1, 11))
    places = np.stack([across.ravel(), up.ravel(), np.zeros(across.size)], 1).astype(np.float32)
    mean = np.full((len(places), 3), -1.0, np.float32)
    chest, throat = 25, 170
    mean[[chest, throat]] = [-0.9, -1.6, -2.2]
    source = well_placed(mean, places)
    changed = np.flatnonzero(source != np.arange(len(places)))
    # Above the bust colours do differ: lips are not skin gone astray.
    assert changed.tolist() == [chest]
    assert (mean[source[chest]] == -1).all()
    assert np.linalg.norm(places[source[chest]] - places[chest]) < 0.015
