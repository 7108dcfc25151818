"""What covers skin is completed, light that the photo alone explains is left out, and skin stays
skin: under hair, beside its shadows and in any light."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from ml.appearance.atlas import atlas_of
from ml.appearance.confidence import unobstructed
from ml.appearance.fine_detail import shorten_beard
from ml.appearance.gamut import toward_gamut, within_gamut
from ml.appearance.light import AlbedoAndLight
from ml.appearance.rims import rims
from ml.appearance.scalp import grown_scalp, shaded, stubble
from ml.appearance.shade import broad_shade, evenly_dark, patch_tone
from ml.appearance.skin import load_skin_model
from ml.appearance.skin_estimate import skin_mesh
from ml.appearance.texture import make_albedo
from ml.data import Camera, Photo
from ml.geometry.colour import linear_of
from ml.head.storage import load_head_model
from ml.parsing.classes import CLASSES, Parse
from ml.rendering import interpolate, rasterize, vertex_normals
from ml.results.preview import brightness

SIZE, SIDE = 512, 360
SKIN = np.float32([205, 160, 138])


@pytest.fixture(scope="module")
def model():
    return load_head_model()


@pytest.fixture(scope="module")
def atlas(model):
    return atlas_of(model, SIZE)


@pytest.fixture(scope="module")
def scene(model):
    """A plain head before a blue wall, its camera, and a parse of bare skin."""
    focal = 1100.0
    middle = np.array([[focal, 0, SIDE / 2], [0, focal, SIDE / 2], [0, 0, 1]], np.float32)
    turn = np.diag([1, -1, -1]).astype(np.float32)
    camera = Camera(middle, turn, np.float32([0, 0.02, 1.1]), SIDE, SIDE)
    places = camera.to_camera_space(model.shape.mean)
    points = np.column_stack([camera.project(model.shape.mean), places[:, 2]])
    drawn = rasterize(points, model.triangles, SIDE, SIDE)
    normals = interpolate(drawn, vertex_normals(places, model.triangles), model.triangles)
    lit = SKIN * brightness(normals)[..., None] * 0.85
    rgb = np.where((drawn.face >= 0)[..., None], lit, [60, 90, 160])
    photo = Photo(np.clip(rgb, 0, 255).astype(np.uint8), Path("photo.png"), "")
    return photo, camera, drawn.face >= 0


def parse_of(kinds: dict[str, np.ndarray]) -> Parse:
    """A sure parse; later names of the (H, W) bool masks win."""
    probability = np.zeros((len(CLASSES), SIDE, SIDE), np.uint8)
    probability[CLASSES.index("skin")] = 255
    for name, where in kinds.items():
        probability[:, where] = 0
        probability[CLASSES.index(name), where] = 255
    return Parse(probability, np.eye(2, 3, dtype=np.float32))


def box(camera, low, high):
    """(H, W) bool: the pixels between two places of the mean head."""
    (left, right), (top, bottom) = np.sort(camera.project(np.float32([low, high])).astype(int).T)
    mask = np.zeros((SIDE, SIDE), bool)
    mask[top:bottom, left:right] = True
    return mask


def luminance(albedo, atlas):
    return linear_of(albedo[atlas.rows, atlas.columns].astype(np.float32)).mean(1)


def test_a_parse_is_interpolated_between_pixels_and_repeated_beyond_its_border():
    rng = np.random.default_rng(2)
    probability = rng.integers(0, 256, (len(CLASSES), 9, 9)).astype(np.uint8)
    parse = Parse(probability, np.array([[2, 0, 10], [0, 2, 20]], np.float32))
    places = rng.uniform(-3, 12, (200, 2))
    found = parse.at(places * 2 + [10, 20], "hair")
    (x, y), image = np.clip(places - 0.5, 0, 8).T, parse.of("hair")
    left, top = (np.minimum(along.astype(int), 7) for along in (x, y))
    across, down = x - left, y - top
    upper = image[top, left] * (1 - across) + image[top, left + 1] * across
    lower = image[top + 1, left] * (1 - across) + image[top + 1, left + 1] * across
    np.testing.assert_allclose(found, upper * (1 - down) + lower * down, atol=1e-5)
    assert len(parse.at(np.full((3, 2), np.nan), "hair")) == 3


def test_hair_before_a_brow_is_replaced_by_the_other_brow(model, atlas, scene):
    photo, camera, head = scene
    rgb = photo.rgb.copy()
    # Two dark brows, and dark hair over all of one of them.
    brows = [box(camera, (s * 0.015, 0.044, 0.1), (s * 0.048, 0.05, 0.09)) for s in (1, -1)]
    for brow in brows:
        rgb[brow] = (70, 50, 42)
    hair = box(camera, (0.008, 0.034, 0.1), (0.06, 0.085, 0.09))
    rgb[hair] = (25, 18, 15)
    photo = replace(photo, rgb=rgb)
    around = {"background": ~head, "brows": brows[1], "hair": hair}
    albedo = make_albedo(photo, camera, model.shape.mean, model, SIZE, parse=parse_of(around))
    log, x = np.log(luminance(albedo, atlas)), atlas.mean[:, 0]
    near = (np.abs(atlas.mean[:, 1] - 0.047) < 0.002) & (np.abs(np.abs(x) - 0.032) < 0.012)
    near &= atlas.mean[:, 2] > 0.05
    ours, theirs = log[near & (x > 0)].mean(), log[near & (x < 0)].mean()
    assert abs(ours - theirs) < 0.25
    above = (np.abs(atlas.mean[:, 1] - 0.065) < 0.005) & (np.abs(x - 0.03) < 0.012)
    cheek = (np.abs(atlas.mean[:, 1]) < 0.008) & (np.abs(np.abs(x) - 0.04) < 0.008)
    assert abs(log[above].mean() - log[cheek & (atlas.mean[:, 2] > 0.05)].mean()) < 0.35


@pytest.mark.parametrize(("parts", "kept"), [(True, False), (False, True)])
def test_thin_rims_are_taken_off_whose_glasses_a_parse_sees_in_parts(
    model, atlas, scene, parts, kept
):
    photo, camera, head = scene
    rgb = photo.rgb.copy()
    rim = np.zeros(rgb.shape[:2], np.uint8)
    for side in (1, -1):
        middle = camera.project(np.float32([[side * 0.034, 0.018, 0.08]]))[0]
        cv2.circle(rim, tuple(int(along) for along in middle), 22, 255, 2)
    rgb[rim > 0] = rgb[rim > 0] * 0.78
    bridge = box(camera, (-0.009, 0.0255, 0.11), (0.009, 0.031, 0.11))
    rgb[bridge] = (60, 55, 50)
    seen = {"background": ~head} | ({"glasses": bridge} if parts else {})
    known = replace(photo, rgb=rgb), camera, model.shape.mean, model, SIZE
    albedo = make_albedo(*known, parse=parse_of(seen))
    log, (x, y, z) = np.log(luminance(albedo, atlas)), atlas.mean.T
    skin = (atlas.part == model.part_names.index("skin")) & (z > 0.04)
    below = skin & (np.abs(np.abs(x) - 0.034) < 0.012) & (y < 0.005) & (y > -0.02)
    darkest = np.percentile(log[below], 2) - np.median(log[below])
    assert (darkest < -0.25) == kept


def test_wrinkles_of_who_wears_glasses_stay(model, atlas):
    x, y, z = atlas.mean.T
    crease = (np.abs(y + 0.004) < 0.0008) & (np.abs(np.abs(x) - 0.034) < 0.012) & (z > 0.04)
    residual = np.zeros((len(x), 3), np.float32)
    residual[crease] = -0.15
    assert not rims(residual, atlas, SIZE).any()
    residual[crease] = -0.6
    assert rims(residual, atlas, SIZE)[crease].min() == 1
    residual[crease & (atlas.columns % 20 > 4)] = 0  # moles, or lashes
    assert not rims(residual, atlas, SIZE).any()


def test_a_broad_shadow_is_light_and_a_mole_is_skin(atlas):
    x, y, z = atlas.mean.T
    residual = np.zeros((len(x), 3), np.float32)
    shadow = (np.hypot(x - 0.04, y) < 0.008) & (z > 0.03)
    mole = (np.hypot(x + 0.04, y) < 0.0012) & (z > 0.03)
    residual[shadow | mole] = -0.6
    every = np.ones(len(x), np.float32)
    found = broad_shade(residual, every, every, atlas, SIZE)
    inner = (np.hypot(x - 0.04, y) < 0.005) & (z > 0.03)
    assert found[inner].mean() < -0.3
    assert np.abs(found[~shadow]).max() < 0.01
    # Where a beard grows, dark is no shadow; neither is what has a hue of its own.
    assert not broad_shade(residual, 0 * every, every, atlas, SIZE).any()
    red = residual * np.float32([0, 1.5, 1.5])
    assert np.abs(broad_shade(red, every, every, atlas, SIZE)[inner]).max() < 0.01


def test_the_noses_shadow_on_the_narrow_upper_lip_is_light_and_nostrils_are_not(model, atlas):
    x, y, z = atlas.mean.T
    skin = (atlas.part == model.part_names.index("skin")) & (z > 0.08)
    lip = skin & (x > 0.002) & (x < 0.02) & (y < -0.013) & (atlas.contours.lips > 0)
    nostril = skin & (np.hypot(np.abs(x) - 0.0085, 1.4 * (y + 0.008)) < 0.004)
    mouth = atlas.contours.lips < 0
    residual = np.zeros((len(x), 3), np.float32)
    residual[lip | nostril | mouth] = -0.6
    every = np.ones(len(x), np.float32)
    found = broad_shade(residual, every, every, atlas, SIZE)
    middle = lip & (atlas.contours.lips > 0.003) & (y < -0.016) & (x > 0.005) & (x < 0.016)
    assert middle.sum() > 50
    assert np.median(found[middle]) < -0.3
    assert np.abs(found[nostril]).max() < 0.01


def test_a_patch_amid_refused_skin_has_the_tone_of_what_is_completed(model, atlas):
    x, y, z = atlas.mean.T
    from_it = np.hypot(x - 0.04, y)
    patch = (from_it < 0.008) & (z > 0.03)
    residual = np.tile(np.float32([-0.5, -0.3, -0.1]), (len(x), 1))
    residual[patch & (from_it < 0.001)] -= 0.4
    every = np.ones(len(x), np.float32)
    found = patch_tone(residual, every, np.float32(patch), atlas, SIZE)
    np.testing.assert_allclose(found[patch], residual[~patch][:1].repeat(patch.sum(), 0), atol=0.15)
    # Its own mark stays darker than it, and where all skin is seen nothing is left out.
    assert (residual - found)[from_it < 0.001].mean() < -0.3
    inner = (np.abs(x) < 0.04) & (np.abs(y) < 0.02) & (z > 0.06)
    inner &= atlas.part == model.part_names.index("skin")
    assert np.abs(patch_tone(residual, every, every, atlas, SIZE)[inner]).max() < 0.02


def test_one_sided_darkness_of_the_statistics_is_light(model):
    mesh = skin_mesh(model)
    x, y, z = model.shape.mean[mesh.vertices].T
    dark = (x > 0.003) & (x < 0.022) & (y < -0.012) & (y > -0.026) & (z > 0.08)
    brows = (np.abs(np.abs(x) - 0.03) < 0.015) & (np.abs(y - 0.046) < 0.004) & (z > 0.06)
    albedo = np.full((len(x), 3), -1.0, np.float32)
    albedo[dark] -= 0.5
    albedo[brows] -= 0.8
    before = AlbedoAndLight(albedo, 0 * albedo, np.zeros((9, 3), np.float32), np.zeros(1))
    after = evenly_dark(before, mesh.twins, mesh.edges)
    assert after.albedo[dark].mean() > -1.2
    np.testing.assert_allclose(after.albedo[brows], -1.8, atol=1e-6)  # on both sides alike
    np.testing.assert_allclose(after.albedo + after.light, albedo, atol=1e-6)
    assert np.abs(after.albedo - albedo)[x < -0.003].max() < 0.02


def test_a_red_straw_before_the_chin_is_no_beard(model, atlas):
    x, y, z = atlas.mean.T
    residual = np.zeros((len(x), 3), np.float32)
    straw = (np.abs(x) < 0.003) & (y < -0.055) & (y > -0.07) & (z > 0.06)
    straw &= atlas.part == model.part_names.index("skin")
    residual[straw] = (0.0, -1.5, -1.4)
    every = np.ones(len(x), np.float32)
    assert unobstructed(residual, every, atlas, SIZE)[0][straw].max() < 0.05
    residual[straw] = (-1.6, -1.2, -0.9)  # black hair
    assert unobstructed(residual, every, atlas, SIZE)[0][straw].min() > 0.95


def test_a_beard_gets_short_and_bare_skin_stays():
    detail = np.float32([[-1.5] * 3, [-1.5] * 3, [-0.1] * 3, [0.2] * 3])
    shorten_beard(detail, np.float32([1, 0, 1, 1]))
    np.testing.assert_allclose(detail[:, 0], [-1.02, -1.5, -0.1, 0.2], atol=1e-5)


@pytest.mark.parametrize("colour", [(0.55, 0.2, 0.03), (0.3, 0.3, 0.31), (0.2, 0.06, 0.09)])
def test_orange_grey_and_purple_faces_come_near_skin_and_their_light_keeps_the_rest(colour):
    logs = np.log(np.tile(np.float32(colour), (9, 1)))
    found = within_gamut(
        AlbedoAndLight(logs, 0 * logs, np.ones((9, 3), np.float32), np.zeros(1)), np.ones(9, bool)
    )
    assert np.abs(found.albedo - logs).max() > 0.1
    np.testing.assert_allclose(found.albedo + found.light, logs, atol=1e-5)
    again = toward_gamut(np.exp(found.albedo[0]))
    assert np.abs(again - found.albedo[0]).max() < 0.35 * np.abs(found.albedo - logs).max()


def test_usual_skins_stay_as_they_are():
    for srgb in ((205, 160, 138), (120, 84, 66), (224, 190, 170), (70, 48, 38)):
        linear = linear_of(np.float32(srgb))
        np.testing.assert_allclose(toward_gamut(linear), np.log(linear), atol=1e-6)


def test_the_statistics_have_no_cap(model):
    skin, mesh = load_skin_model(), skin_mesh(model)
    places = model.shape.mean[mesh.vertices]
    crown, face = places[:, 1] > 0.11, (np.abs(places[:, 1] - 0.07) < 0.008) & (places[:, 2] > 0.06)
    assert np.abs(skin.mean[crown].mean(0) - skin.mean[face].mean(0)).max() < 0.35
    # No person of the statistics has a step where hair would begin.
    steps = (skin.modes[:, mesh.edges[:, 0]] - skin.modes[:, mesh.edges[:, 1]]).mean(2)
    above = (places[mesh.edges][:, :, 1].mean(1) > 0.085) & (places[mesh.edges][:, :, 2].min(1) > 0)
    assert np.sqrt(np.square(steps[:, above]).sum(0)).max() < 0.12


def test_stubble_is_soft_only_where_hair_is_seen(model):
    mesh = skin_mesh(model)
    places = model.shape.mean[mesh.vertices]
    grown, seen = grown_scalp(places), (places[:, 2] > 0.02).astype(np.float32)
    haired = stubble(grown, (seen, seen), mesh.edges)
    bald = stubble(grown, (seen, 0 * seen), mesh.edges)
    assert not bald.any()
    assert haired[places[:, 1] > 0.12].min() > 0.3
    assert haired[(places[:, 1] < 0.06) & (places[:, 2] > 0.08)].max() < 0.01
    along = np.linalg.norm(np.diff(places[mesh.edges], axis=1)[:, 0], axis=1)
    step = np.abs(haired[mesh.edges[:, 0]] - haired[mesh.edges[:, 1]])
    assert (step / along).max() < 25  # the shade takes 1.6 cm to grow at least
    dark = shaded(np.zeros((len(places), 3), np.float32), haired, np.full(3, -2.5, np.float32))
    assert -0.55 < dark.min() < -0.25


def test_a_scalp_under_black_hair_is_skin_with_a_shade(model, atlas, scene):
    photo, camera, head = scene
    places = camera.to_camera_space(model.shape.mean)
    points = np.column_stack([camera.project(model.shape.mean), places[:, 2]])
    drawn = rasterize(points, model.triangles, SIDE, SIDE)
    grown = grown_scalp(model.shape.mean)[:, None]
    hair = head & (interpolate(drawn, grown, model.triangles)[..., 0] > 0.5)
    rgb = photo.rgb.copy()
    rgb[hair] = (22, 18, 16)
    parse = parse_of({"background": ~head, "hair": hair})
    known = (camera, model.shape.mean, model, SIZE)
    haired = make_albedo(replace(photo, rgb=rgb), *known, parse=parse)
    bald = make_albedo(photo, *known, parse=parse_of({"background": ~head}))
    crown = (atlas.mean[:, 1] > 0.12) & (atlas.part == model.part_names.index("skin"))
    ratio = luminance(haired, atlas)[crown].mean() / luminance(bald, atlas)[crown].mean()
    assert 0.5 < ratio < 0.9
