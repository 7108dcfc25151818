"""The relief on photos whose relief, light and paint are known."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from ml.detail import layers
from ml.detail import relief as relief_module
from ml.detail.band import in_band
from ml.detail.kernels import flatten
from ml.detail.noise import noise_of
from ml.detail.relief import Relief, combined
from ml.detail.solve import DECAY, STIFFNESS, Shading
from ml.detail.unwrap import unwrap_photo
from ml.detail.view import PersonView
from ml.detail.window import SIDE, TEXEL_MM, window_of
from ml.fitting.camera import FACING
from ml.parsing.classes import CLASSES, Parse
from tests.support.lit_head import MODEL, SOFT, camera_at, lit_photo

ROW, COLUMN = (place.astype(np.float32) * TEXEL_MM for place in np.mgrid[:SIDE, :SIDE])
WINDOW = window_of(MODEL)
# On a cheek of the subject's left: row, column.
CHEEK = (150, 190)


def parsed(view, name="skin", covered=None, other="hair"):
    """A parse that finds ``name`` everywhere, and ``other`` where the window is ``covered``."""
    side = view.camera.width
    shown = np.zeros((len(CLASSES), side, side), np.uint8)
    there = np.zeros((side, side), bool)
    if covered is not None:
        column, row = unwrap_photo(view, MODEL).pixels[covered].T.astype(int)
        there[np.clip(row, 0, side - 1), np.clip(column, 0, side - 1)] = True
        there = cv2.dilate(there.astype(np.uint8), np.ones((5, 5))) > 0
    shown[CLASSES.index(name), ~there] = 255
    shown[CLASSES.index(other), there] = 255
    return Parse(shown, np.float32([[1, 0, 0], [0, 1, 0]]))


def find_relief(view, model, parse=None):
    return relief_module.find_relief(view, model, parse or parsed(view))


def ridges(wide_mm, height_mm=0.3):
    wave = height_mm * np.sin(np.pi * ROW / wide_mm) * np.sin(np.pi * COLUMN / wide_mm)
    return (wave * WINDOW.allowed).astype(np.float32)


def cheek(size_mm):
    row, column = (place * TEXEL_MM for place in CHEEK)
    return (np.abs(ROW - row) < size_mm / 2) & (np.abs(COLUMN - column) < size_mm / 2)


@pytest.fixture(scope="module")
def smooth():
    return find_relief(lit_photo(), MODEL)


@pytest.fixture(scope="module")
def folded():
    return find_relief(lit_photo(ridges(8), crease=0.3), MODEL)


def test_ridges_that_light_shows_are_found(folded):
    where, true = folded.weight > 0.5, ridges(8)
    assert where.mean() > 0.3
    assert np.corrcoef(folded.height[where], true[where])[0, 1] > 0.7


@pytest.mark.parametrize("light", [SOFT * [1, 1, 1, -1, 1, 1, 1, 1, 1], SOFT * 0.3])
def test_no_matter_where_light_comes_from_or_how_bright_it_is(light):
    found = find_relief(lit_photo(ridges(8), light=np.float32(light), crease=0.3), MODEL)
    where = found.weight > 0.5
    assert np.corrcoef(found.height[where], ridges(8)[where])[0, 1] > 0.7


def test_a_smooth_face_has_hardly_any(smooth, folded):
    where = smooth.weight > 0.5
    assert smooth.height[where].std() < 0.06
    assert folded.height[where].std() > smooth.height[where].std()


def test_nothing_at_lids_and_lips_and_the_border_and_where_nothing_is_seen(folded):
    assert not folded.height[WINDOW.allowed == 0].any()
    found = find_relief(lit_photo(ridges(8), camera=camera_at(60)), MODEL)
    far = found.weight.mean(0)
    gone = slice(0, 60) if far[:60].mean() < far[-60:].mean() else slice(-60, None)
    assert np.abs(found.height[:, gone]).max() < 0.1


def test_the_same_photo_gives_the_same_relief(folded):
    again = find_relief(lit_photo(ridges(8), crease=0.3), MODEL)
    np.testing.assert_array_equal(again.height, folded.height)


@pytest.mark.parametrize("other", ["glasses", "hair", "hat", "beard", "lips", "other"])
def test_what_covers_skin_or_is_none_is_no_relief(smooth, other):
    albedo = np.ones((SIDE, SIDE, 3), np.float32)
    albedo[cheek(16)] = 0.2
    view = lit_photo(albedo=albedo)
    found = find_relief(view, MODEL, parsed(view, covered=cheek(24), other=other))
    assert not found.weight[cheek(16)].any()
    assert np.abs(found.height - smooth.height).max() < 0.2


@pytest.mark.parametrize("colour", [(0.5, 0.5, 0.5), (0.5, 0.8, 1.3)])
@pytest.mark.parametrize("size", [8, 30])
def test_paint_on_skin_with_sharp_edges_is_mostly_none(smooth, colour, size, monkeypatch):
    """Make-up and birthmarks, which no parse knows."""
    albedo = np.ones((SIDE, SIDE, 3), np.float32)
    albedo[cheek(size)] = colour
    found = find_relief(lit_photo(albedo=albedo), MODEL)
    monkeypatch.setattr(layers, "_JUMP", 1e4)
    monkeypatch.setattr(layers, "LAYER_PRICE", 1e4)
    neither = find_relief(lit_photo(albedo=albedo), MODEL)
    plain = find_relief(lit_photo(), MODEL)
    off, without = (
        np.abs(one.height - other.height).max()
        for one, other in ((found, smooth), (neither, plain))
    )
    assert off < 0.6 * without


def test_shine_is_not_relief(smooth):
    view = lit_photo()
    plain = find_relief(view, MODEL)
    row, column = CHEEK
    spot = np.exp(-((ROW - row * TEXEL_MM) ** 2 + (COLUMN - column * TEXEL_MM) ** 2) / 50)
    # White light on top of the skin's, of 40 per cent of its red.
    added = 1 + 0.4 * spot[..., None] * (0.5 / np.float32([0.5, 0.3, 0.22]))
    found = find_relief(lit_photo(albedo=added.astype(np.float32)), MODEL)
    brighter = find_relief(lit_photo(albedo=(1 + 0.4 * spot[..., None])), MODEL)
    shiny, bright = (
        np.abs(one.height - plain.height)[cheek(30)].max() for one in (found, brighter)
    )
    assert shiny < 0.6 * bright


@pytest.mark.parametrize("edge", [118, 140, 160])
def test_a_shadow_that_something_casts_is_no_ridge(smooth, edge):
    """It falls over the side of the face; without what knows sharp edges, 1.7 mm high."""
    dark = np.where(edge < COLUMN, 0.45, 1)[..., None]
    found = find_relief(lit_photo(albedo=dark), MODEL)
    assert np.abs(found.height - smooth.height).max() < 0.9


def test_of_a_face_that_is_turned_away_less_is_kept():
    frontal, turned = (relief_module._turned_share(lit_photo(camera=camera_at(a))) for a in (0, 45))
    assert frontal == 1
    assert 0.6 < turned < 0.9


def test_noise_is_no_relief(folded):
    view, rng = lit_photo(ridges(8), crease=0.3), np.random.default_rng(0)
    loud = np.clip(view.rgb + rng.normal(0, 45, view.rgb.shape), 0, 255).astype(np.uint8)
    found = find_relief(PersonView(loud, view.camera, view.person), MODEL)
    assert np.abs(found.height).max() < 0.3 * np.abs(folded.height).max()


def test_blocks_of_a_jpeg_file_are_noise():
    view = lit_photo(camera=camera_at(side=200))
    photo = unwrap_photo(view, MODEL)
    where = photo.seen * WINDOW.allowed > 0.5
    levels = []
    for quality in (95, 4):
        _, stored = cv2.imencode(".jpg", view.rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        levels.append(noise_of(cv2.imdecode(stored, cv2.IMREAD_COLOR)[..., ::-1], photo, where))
    assert levels[1] > 1.5 * levels[0]
    assert levels[1] > layers.NOISE


def test_a_face_that_is_hardly_in_the_photo_has_none():
    view = lit_photo()
    away = view.camera.translation + np.float32([1, 0, 0])
    gone = PersonView(view.rgb, replace(view.camera, translation=away), view.person)
    found = find_relief(gone, MODEL)
    assert not found.height.any()
    assert not found.weight.any()


def test_a_coarse_photo_has_coarse_features_only_and_hard_light_narrow_ones():
    rng = np.random.default_rng(2)
    soft, hard = (relief_module._hardness(rng.normal(0, s, 5000)) for s in (0.1, 0.7))
    assert relief_module._bounds(3.0, soft) == (2.0, 40.0)
    assert relief_module._bounds(3.0, hard) == (2.0, 20.0)
    finest, coarsest = relief_module._bounds(0.3, soft)
    assert finest == pytest.approx(5)
    assert coarsest == 40


def test_what_stays_across_photos_is_the_person():
    weight = np.ones((SIDE, SIDE), np.float32)
    own, fold = ridges(10), np.where(cheek(20), 1, 0).astype(np.float32)
    seen = [Relief(own + fold, weight), Relief(own, weight), Relief(own, weight)]
    np.testing.assert_allclose(combined(seen).height, own + fold / 3, atol=1e-3)
    unseen = Relief(np.zeros_like(own), np.zeros_like(weight))
    np.testing.assert_allclose(combined([seen[1], unseen]).height, own, atol=1e-3)


def test_wider_and_finer_features_are_left_out():
    everywhere = np.ones((SIDE, SIDE), np.float32)
    middle = (slice(90, 160),) * 2

    def passed(wide_mm):
        wave = np.sin(np.pi * COLUMN / wide_mm)
        return in_band(wave, everywhere, 2.0, 20.0)[middle].std() / wave[middle].std()

    assert passed(8) > 0.8
    assert passed(20) == pytest.approx(0.5, abs=0.1)
    assert passed(120) < 0.15


def test_heights_minimise_what_they_should():
    rng = np.random.default_rng(4)
    side = 32
    along_u, along_v, wanted = rng.normal(0, 0.4, (3, side, side)).astype(np.float32)
    weight = rng.random((side, side)).astype(np.float32)
    shading = Shading(along_u, along_v, 1.8)
    found = shading.solve(wanted, weight, np.zeros_like(wanted), 200)
    waves = np.hypot(*np.meshgrid(*(2 * np.pi * np.fft.fftfreq(side, 1.8),) * 2))

    def cost(height):
        spectrum = np.abs(np.fft.fft2(height)) ** 2 / side**2
        prior = ((STIFFNESS * waves**2 + DECAY) * spectrum).sum()
        return (weight * (wanted - shading.of(height.astype(np.float32))) ** 2).sum() + prior

    least = cost(found)
    assert least < 0.95 * cost(np.zeros_like(found))
    for _ in range(5):
        step = cv2.GaussianBlur(rng.normal(size=found.shape), (0, 0), 1.5)
        step *= 0.1 * np.linalg.norm(found) / np.linalg.norm(step)
        assert min(cost(found + step), cost(found - step)) > least


def test_a_flattened_picture_is_piecewise_constant_and_keeps_its_edges():
    rng = np.random.default_rng(5)
    step = np.where(np.arange(64) < 32, -0.5, 0.5)
    noisy = (step + rng.normal(0, 0.1, (64, 64))).astype(np.float32)
    layer = noisy.copy()
    flow = np.zeros((2, 64, 64), np.float32)
    flatten(noisy, np.float32(0.4), 400, layer, layer.copy(), flow)
    assert np.abs(layer[:, 4:28] + 0.5).max() < 0.12
    assert np.abs(layer[:, 36:60] - 0.5).max() < 0.12


def test_faces_turn_towards_the_camera_in_these_photos():
    assert FACING[2, 2] == -1
    assert unwrap_photo(lit_photo(), MODEL).seen[CHEEK] > 0.9
