"""Textures from photos of Effigy Head itself, painted with a known pattern.

What light is and what skin is follows from statistics, so that brightness is compared relatively.
"""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from ml.appearance.atlas import atlas_of
from ml.appearance.colour import photographed
from ml.appearance.eye_colour import measure_eye
from ml.appearance.paint import PAINTS, _painted_parts
from ml.appearance.texture import make_albedo, make_texture
from ml.data import Camera, Photo
from ml.fitting.camera import FACING, make_intrinsics
from ml.geometry.colour import linear_of, srgb_of
from ml.geometry.rotations import rotation_from_vector
from ml.head.storage import load_head_model
from ml.parsing.classes import CLASSES, Parse
from ml.rendering import interpolate, rasterize
from ml.results.preview import PANEL, save_preview, without_lashes
from tests.support.fake_pipeline import tiny_head

SIZE, WIDTH, HEIGHT = 256, 480, 600
RED = np.array([255, 0, 0])
WHITE, BLUE = (232, 226, 222), (70, 95, 130)


@pytest.fixture(scope="module")
def model():
    return load_head_model()


def pattern(places: np.ndarray) -> np.ndarray:
    """(N, 3) skin-like colours that vary smoothly over the mean head, mirrored."""
    x, y, _ = places.T
    return np.column_stack(
        [190 + 25 * np.cos(40 * np.abs(x)), 140 + 20 * np.sin(40 * y), 115 + 0 * x]
    ).astype(np.float32)


def colours_of(model, iris) -> np.ndarray:
    """(V, 3) the pattern, but eyes and teeth as they are."""
    colours = pattern(model.shape.mean)
    parts = {"eye": WHITE, "iris": iris, "pupil": (8, 8, 8), "teeth": WHITE, "mouth": (90, 30, 30)}
    for part, name in enumerate(model.part_names):
        if name.split("_")[0] in parts:
            colours[np.unique(model.quads[model.part == part])] = parts[name.split("_")[0]]
    return colours


def photograph(model, yaw: float, vertices=None, iris=BLUE) -> tuple[Photo, Camera]:
    """The mean head (or ``vertices`` of it) in the pattern's colours before a red wall."""
    turn = FACING @ rotation_from_vector(np.radians([0, yaw, 0]))
    shift = np.array([0, 0.02, 1.1], np.float32)
    camera = Camera(
        make_intrinsics(1500, WIDTH, HEIGHT), turn.astype(np.float32), shift, WIDTH, HEIGHT
    )
    vertices = model.shape.mean if vertices is None else vertices
    points = np.column_stack([camera.project(vertices), camera.to_camera_space(vertices)[:, 2]])
    fragments = rasterize(points, model.triangles, WIDTH, HEIGHT)
    picture = interpolate(fragments, colours_of(model, iris), model.triangles)
    picture[fragments.face < 0] = RED
    return Photo(np.clip(picture, 0, 255).astype(np.uint8), Path("made.png"), ""), camera


def skin_texels(model):
    atlas = atlas_of(model, SIZE)
    skin = atlas.part == model.part_names.index("skin")
    return atlas.rows[skin], atlas.columns[skin], atlas.on(model.shape.mean)[skin]


def level_with(colours: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Colours in an exposure that gives them the true ones' median."""
    gain = np.median(linear_of(true).mean(1)) / np.median(linear_of(colours).mean(1))
    return srgb_of(gain * linear_of(colours))


def test_visible_skin_in_its_light_has_the_photos_colours(model):
    photo, camera = photograph(model, 0)
    texture = make_texture(photo, camera, model.shape.mean, model, SIZE)
    albedo = texture.albedo
    assert albedo.shape == (SIZE, SIZE, 3)
    assert albedo.dtype == np.uint8
    rows, columns, places = skin_texels(model)
    face = (np.abs(places[:, 0]) < 0.045) & (np.abs(places[:, 1]) < 0.05) & (places[:, 2] > 0.085)
    atlas = atlas_of(model, SIZE)
    light = atlas.on(texture.light)[atlas.part == model.part_names.index("skin")]
    shown = photographed(linear_of(albedo[rows, columns].astype(np.float32)) * light)
    error = np.abs(shown[face] - pattern(places[face])).mean(1)
    assert np.median(error) < 2
    assert error.mean() < 5
    own = level_with(albedo[rows, columns][face].astype(np.float32), pattern(places[face]))
    assert np.abs(own - pattern(places[face])).mean() < 14  # no light, so hardly any is removed


def test_the_wall_never_reaches_the_skin(model):
    for yaw in (0, 35):
        photo, camera = photograph(model, yaw)
        albedo = make_albedo(photo, camera, model.shape.mean, model, SIZE).astype(int)
        rows, columns, _ = skin_texels(model)
        skin = albedo[rows, columns]
        assert (skin[:, 0] > 2.5 * skin[:, 1] + 20).mean() < 0.002
        assert skin[:, 0].min() > 25  # no hole is left black


def test_hidden_skin_is_the_mirror_image(model):
    photo, camera = photograph(model, 55)
    albedo = make_albedo(photo, camera, model.shape.mean, model, SIZE)
    rows, columns, places = skin_texels(model)
    for side in (-1, 1):
        cheek = (
            (side * places[:, 0] > 0.035)
            & (side * places[:, 0] < 0.055)
            & (places[:, 1] > -0.03)
            & (places[:, 1] < 0.02)
            & (places[:, 2] > 0.06)
        )
        found = level_with(albedo[rows, columns][cheek].astype(np.float32), pattern(places[cheek]))
        assert np.abs(found - pattern(places[cheek])).mean() < 14


def texels(model, albedo, *parts):
    """(N, 3) the albedo's colours in these parts."""
    atlas = atlas_of(model, len(albedo))
    which = atlas.of_parts([model.part_names.index(name) for name in parts])
    return albedo[atlas.rows[which], atlas.columns[which]].astype(int)


def expressed(model, **values):
    names = model.expression_names
    neutral, keys = model.person(np.zeros(model.identity_count, np.float32))
    return neutral + sum(value * keys[names.index(name)] for name, value in values.items())


def test_the_inside_of_the_mouth_is_flesh_even_in_its_depth(model):
    """A renderer lets little light in: what is painted dark would be black."""
    atlas = atlas_of(model, 256)
    painted = zip(PAINTS, _painted_parts(model, atlas), strict=True)
    colours = {kind: linear_of(np.float32(own)) for kind, (_, own) in painted}
    for kind in ("gums", "tongue", "mouth"):
        red, green, blue = colours[kind].T
        assert red.min() > 0.4, kind
        assert (red / green).min() > 1.8, kind
        assert (red / blue).min() > 1.8, kind
        assert red.max() < 0.75, kind


def test_eyes_teeth_and_mouth_are_painted(model):
    photo, camera = photograph(model, 0)
    albedo = make_albedo(photo, camera, model.shape.mean, model, 512)
    for side in ("left", "right"):
        assert np.median(texels(model, albedo, f"pupil_{side}")) < 30
        white = texels(model, albedo, f"eye_{side}")
        assert 90 < np.median(white.min(1)) < 200  # no paper
        assert np.median(texels(model, albedo, f"iris_{side}").mean(1)) < 120
    front = texels(model, albedo, "teeth_upper").min(1).max()
    assert front > texels(model, albedo, "gums_upper", "mouth").min(1).max() + 60
    tongue = np.median(texels(model, albedo, "tongue"), axis=0)
    assert tongue[0] > 1.4 * tongue[1]


def test_what_lies_deep_in_the_mouth_is_darker(model):
    photo, camera = photograph(model, 0)
    albedo = make_albedo(photo, camera, model.shape.mean, model, SIZE)
    atlas = atlas_of(model, SIZE)
    for name in ("teeth_lower", "tongue", "mouth"):
        which = atlas.of_parts([model.part_names.index(name)])
        depth, light = atlas.mean[which, 2], texels(model, albedo, name).sum(1)
        deep, ahead = (depth < np.percentile(depth, 10)), (depth > np.percentile(depth, 90))
        assert 0.6 * light[ahead].mean() < light[deep].mean() < 0.97 * light[ahead].mean(), name


def test_lashes_are_dark_though_they_cover_no_texel(model):
    photo, camera = photograph(model, 0)
    albedo = make_albedo(photo, camera, model.shape.mean, model, SIZE)
    for name in ("lashes_left", "lashes_right"):
        corners = model.uv[np.unique(model.uv_quads[model.part_faces(name)])] * SIZE
        rows, columns = (SIZE - 1 - corners[:, 1]).astype(int), corners[:, 0].astype(int)
        assert albedo[rows, columns].max() < 70


@pytest.mark.parametrize("iris", [BLUE, (84, 60, 40), (90, 100, 70)])
@pytest.mark.parametrize("turned", [0.0, 0.6])
def test_the_iris_has_the_photos_colour(model, iris, turned):
    """Even where the eyes look aside and the fit did not notice."""
    looking = expressed(model, eyeLookOutLeft=turned, eyeLookInRight=turned)
    photo, camera = photograph(model, 0, looking, iris)
    albedo = make_albedo(photo, camera, model.shape.mean, model, 512)
    for side in ("left", "right"):
        # Rim and pupil's edge are darker.
        found = np.percentile(texels(model, albedo, f"iris_{side}"), 85, axis=0)
        # The white beside it says how much light there is, and cameras darken what is dark.
        assert 0.5 < found.mean() / np.mean(iris) < 1.3
        ratio = (found + 1) / found.sum(), (np.array(iris) + 1) / np.sum(iris)
        assert np.abs(ratio[0] - ratio[1]).max() < 0.06


def test_closed_and_tiny_eyes_get_a_common_brown(model):
    closed = expressed(model, eyeBlinkLeft=1, eyeBlinkRight=1)
    photo, camera = photograph(model, 0, closed)
    assert measure_eye(photo, camera, model.shape.mean, model, "left").iris is None
    albedo = make_albedo(photo, camera, model.shape.mean, model, SIZE)
    iris = np.median(texels(model, albedo, "iris_left"), axis=0)
    assert iris[0] > 1.2 * iris[2]  # not the lids' colour, nor blue
    assert iris.mean() < 100
    far = replace(camera, translation=camera.translation + np.float32([0, 0, 5]))
    assert measure_eye(photo, far, model.shape.mean, model, "left").white is None


def test_a_dark_photo_does_not_darken_the_whites(model):
    photo, camera = photograph(model, 0)
    dark = replace(photo, rgb=(0.5 * photo.rgb).astype(np.uint8))
    bright, dim = (
        np.median(texels(model, make_albedo(p, camera, model.shape.mean, model, SIZE), "eye_left"))
        for p in (photo, dark)
    )
    assert abs(bright - dim) < 8
    assert 90 < dim < 200


def test_teeth_do_not_whiten_lips_that_the_fit_missed(model):
    photo, camera = photograph(model, 0, expressed(model, jawOpen=0.35))
    albedo = make_albedo(photo, camera, expressed(model, jawOpen=0.1), model, 512)
    atlas = atlas_of(model, 512)
    lips = (atlas.contours.lips < -0.0005) & (atlas.part == model.part_names.index("skin"))
    found = albedo[atlas.rows[lips], atlas.columns[lips]]
    assert lips.sum() > 300
    assert (found.min(1) > 190).mean() < 0.01


def test_contours_have_the_lips_and_eyes_inside(model):
    contours = atlas_of(model, SIZE).contours
    mean = atlas_of(model, SIZE).mean
    inside = contours.lips < 0
    assert 0.035 < np.ptp(mean[inside, 0]) < 0.065
    eyes = contours.lids < 0
    assert set(np.sign(mean[eyes, 0])) == {-1, 1}
    assert np.isinf(contours.lids[mean[:, 2] < 0]).all()
    # Beside a straight run of the outline the distance is the way walked.
    below = np.abs(mean[:, 0]) < 0.002
    low = mean[inside & below, 1].min()
    under = below & (mean[:, 1] < low - 0.004) & (mean[:, 1] > low - 0.009) & (mean[:, 2] > 0.1)
    np.testing.assert_allclose(contours.lips[under], low - mean[under, 1], atol=0.0012)


def test_clothes_under_the_chin_stay_off_the_neck(model):
    photo, camera = photograph(model, 0)
    height = camera.project(np.float32([[0, -0.1, 0.06]]))[0, 1]
    dressed = photo.rgb.copy()
    dressed[int(height) :] = (20, 22, 30)
    albedo = make_albedo(replace(photo, rgb=dressed), camera, model.shape.mean, model, SIZE)
    rows, columns, _ = skin_texels(model)
    assert albedo[rows, columns].max(1).min() > 90


def lit_from_the_side(photo: Photo, camera: Camera, model) -> Photo:
    """The photo with half as much light on the subject's right as on the left."""
    middle = camera.project(np.float32([[0, 0, 0.1]]))[0, 0]
    edges = camera.project(np.float32([[-0.07, 0, 0.05], [0.07, 0, 0.05]]))[:, 0]
    share = np.interp(np.arange(WIDTH), np.sort(edges), [0.3, 1.0])
    assert edges.min() < middle < edges.max()
    dimmed = srgb_of(linear_of(photo.rgb.astype(np.float32)) * share[None, :, None])
    return replace(photo, rgb=dimmed.astype(np.uint8))


def test_light_from_the_side_is_removed(model):
    photo, camera = photograph(model, 0)
    texture = make_texture(
        lit_from_the_side(photo, camera, model), camera, model.shape.mean, model, SIZE
    )
    rows, columns, places = skin_texels(model)
    bright = linear_of(texture.albedo[rows, columns].astype(np.float32)).mean(1)
    cheeks = (np.abs(places[:, 1]) < 0.02) & (places[:, 2] > 0.07) & (np.abs(places[:, 0]) > 0.03)
    left, right = (np.median(bright[cheeks & (side * places[:, 0] > 0)]) for side in (1, -1))
    assert 0.75 < right / left < 1.33  # about 0.45 in the photo
    # Camera x points to where the subject's left is; the fourth harmonic is x.
    assert texture.harmonics[3].mean() > 0.04 * texture.harmonics[0].mean()


def test_rims_and_strands_before_the_face_are_not_painted_on_it(model):
    photo, camera = photograph(model, 0)
    struck = photo.rgb.copy()
    strand = np.column_stack([np.linspace(-0.03, 0.03, 2), [0.067, 0.078], [0.1, 0.1]])
    ends = camera.project(strand.astype(np.float32)).astype(int)
    cv2.line(struck, ends[0].tolist(), ends[1].tolist(), (12, 10, 9), 4)
    clean, dirty = (
        make_albedo(replace(photo, rgb=rgb), camera, model.shape.mean, model, 512).astype(int)
        for rgb in (photo.rgb, struck)
    )
    assert np.abs(struck.astype(int) - photo.rgb).max() > 100
    marked = np.abs(clean - dirty).max(2)[model_skin(model, 512)] > 40
    assert marked.sum() < 40  # of the 300 texels under it


def model_skin(model, size):
    atlas = atlas_of(model, size)
    mask = np.zeros((size, size), bool)
    skin = atlas.part == model.part_names.index("skin")
    mask[atlas.rows[skin], atlas.columns[skin]] = True
    return mask


def test_large_textures_agree_with_small_ones(model):
    photo, camera = photograph(model, 10)
    small, large = (
        make_albedo(photo, camera, model.shape.mean, model, size) for size in (512, 1024)
    )
    halved = cv2.resize(large, (512, 512), interpolation=cv2.INTER_AREA).astype(int)
    off = np.abs(halved - small).mean(2)[model_skin(model, 512)]
    assert off.mean() < 2.5
    assert np.percentile(off, 99) < 20


def test_the_same_photo_gives_the_same_texture(model):
    photo, camera = photograph(model, 10)
    first, again = (make_albedo(photo, camera, model.shape.mean, model, SIZE) for _ in range(2))
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("with_images", [True, False])
def test_preview_is_a_picture(tmp_path, with_images):
    head = tiny_head(tmp_path / "photo.jpg")
    if not with_images:
        head = replace(head, albedo=None, photo_rgb=None)
    save_preview(head, tmp_path / "deep" / "preview.png")
    with Image.open(tmp_path / "deep" / "preview.png") as sheet:
        assert sheet.size == (PANEL * (5 if with_images else 3), PANEL)
        assert np.asarray(sheet).std() > 3


def test_clay_has_no_lashes(tmp_path):
    mesh = tiny_head(tmp_path / "photo.jpg").mesh
    named = replace(mesh, part_names=("skin", "lashes_left"), part=np.arange(len(mesh.quads)) % 2)
    kept = without_lashes(named)
    assert len(kept.quads) == len(kept.uv_quads) == (len(mesh.quads) + 1) // 2
    np.testing.assert_array_equal(kept.quads, mesh.quads[::2])
    np.testing.assert_array_equal(without_lashes(mesh).quads, mesh.quads)


def behind_dark_glasses(photo, camera):
    """The photo with dark bars over eyes and brows, and a parse that knows them for glasses."""
    corners = camera.project(np.float32([[-0.06, 0.045, 0.1], [0.06, 0.008, 0.1]]))
    (left, right), (top, bottom) = np.sort(corners.astype(int).T)
    rgb = photo.rgb.copy()
    rgb[top:bottom, left:right] = (25, 25, 30)
    side = max(WIDTH, HEIGHT)
    probability = np.zeros((len(CLASSES), side, side), np.uint8)
    probability[CLASSES.index("glasses"), top:bottom, left:right] = 255
    return replace(photo, rgb=rgb), Parse(probability, np.eye(2, 3, dtype=np.float32))


def test_skin_behind_glasses_is_completed_where_a_parse_shows_them(model):
    bare, camera = photograph(model, 0)
    photo, parse = behind_dark_glasses(bare, camera)
    rows, columns, places = skin_texels(model)
    brow = (np.abs(places[:, 0]) < 0.05) & (np.abs(places[:, 1] - 0.036) < 0.005)
    brow &= places[:, 2] > 0.06

    def brightness(photo, parse=None):
        albedo = make_albedo(photo, camera, model.shape.mean, model, SIZE, parse=parse)
        return float(np.median(albedo[rows, columns][brow]))

    plain = brightness(bare)
    assert brightness(photo) < 0.6 * plain
    assert brightness(photo, parse) > 0.7 * plain


@pytest.mark.parametrize("faint", [0, 130])
def test_a_parse_without_sure_glasses_hides_nothing(model, faint):
    photo, camera = photograph(model, 0)
    probability = np.zeros((len(CLASSES), 8, 8), np.uint8)
    probability[CLASSES.index("skin")] = 255 - faint
    probability[CLASSES.index("glasses")] = faint
    parse = Parse(probability, np.array([[WIDTH / 8, 0, 0], [0, HEIGHT / 8, 0]], np.float32))
    first, second = (
        make_albedo(photo, camera, model.shape.mean, model, SIZE, parse=known)
        for known in (None, parse)
    )
    # Only with a parse are shadows and patches sought, and the picture has a little of both.
    apart = np.abs(first.astype(int) - second)
    assert apart.max() <= 8
    assert apart.mean() < 0.3
