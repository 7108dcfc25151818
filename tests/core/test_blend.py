"""One texture from several photos: each shows its own part, and no seam, blur or cast is left."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from ml.appearance.atlas import atlas_of
from ml.appearance.bands import Part, Sheet, best_shares, sharpness
from ml.appearance.blend import blend_textures, cropped, middle_tone
from ml.appearance.colour import photographed
from ml.appearance.fine_detail import Held
from ml.appearance.projection import project, sample
from ml.appearance.texture import View, make_albedo, see_skin
from ml.data import Camera, Photo
from ml.fitting.camera import FACING, make_intrinsics
from ml.geometry.colour import linear_of, srgb_of
from ml.geometry.rotations import rotation_from_vector
from ml.head.storage import load_head_model
from ml.rendering import interpolate, rasterize

SIZE, WIDTH, HEIGHT = 256, 480, 600
WALL = (70, 90, 150)


@pytest.fixture(scope="module")
def model():
    return load_head_model()


def skin_colours(places: np.ndarray) -> np.ndarray:
    """(V, 3) skin-like colours, varied enough not to be taken for a photo without colours."""
    x, y, _ = places.T
    return np.column_stack(
        [190 + 25 * np.cos(40 * x), 140 + 20 * np.sin(40 * y), 115 + 0 * x]
    ).astype(np.float32)


def view_of(model, yaw: float, colours=skin_colours) -> View:
    """The mean head, turned, in ``colours`` of the places on it."""
    turn = (FACING @ rotation_from_vector(np.radians([0, yaw, 0]))).astype(np.float32)
    shift = np.array([0, 0.02, 1.1], np.float32)
    camera = Camera(make_intrinsics(1500, WIDTH, HEIGHT), turn, shift, WIDTH, HEIGHT)
    mean = model.shape.mean
    points = np.column_stack([camera.project(mean), camera.to_camera_space(mean)[:, 2]])
    drawn = rasterize(points, model.triangles, WIDTH, HEIGHT)
    places = interpolate(drawn, mean, model.triangles)
    inside = drawn.face >= 0
    picture = np.full((HEIGHT, WIDTH, 3), WALL, np.float32)
    picture[inside] = colours(places[inside])
    return View(
        Photo(np.clip(picture, 0, 255).astype(np.uint8), Path("made.png"), ""), camera, mean
    )


def in_light(view: View, gains) -> View:
    """The view whose linear light is multiplied by three gains."""
    linear = linear_of(view.photo.rgb.astype(np.float32)) * np.float32(gains)
    return replace(view, photo=replace(view.photo, rgb=srgb_of(linear).round().astype(np.uint8)))


def blended(model, *views: View, size: int = SIZE) -> np.ndarray:
    return blend_textures([see_skin(view, model, size) for view in views], model, size)[0].albedo


def lightness(model, albedo, where) -> np.ndarray:
    """Mean logarithm of the linear colours of the skin texels whose (N, 3) places are ``where``."""
    atlas = atlas_of(model, len(albedo))
    chosen = where(atlas.mean) & (atlas.part == model.part_names.index("skin"))
    colours = albedo[atlas.rows[chosen], atlas.columns[chosen]].astype(np.float32)
    return np.log(linear_of(colours))


def mark(side: int):
    return lambda places: (
        (np.linalg.norm(places[:, :2] - [side * 0.045, -0.015], axis=1) < 0.005)
        & (places[:, 2] > 0.05)
    )


def around(side: int):
    return lambda places: (
        (np.abs(np.linalg.norm(places[:, :2] - [side * 0.045, -0.015], axis=1) - 0.015) < 0.003)
        & (places[:, 2] > 0.05)
    )


def test_each_photo_shows_its_own_side(model):
    """A mark that one photo of two shows is there, on one side only."""

    def marked(places):
        colours = skin_colours(places)
        colours[mark(1)(places)] *= 0.85
        return colours

    albedo = blended(model, view_of(model, -50, marked), view_of(model, 50, marked))
    depth = {
        side: lightness(model, albedo, mark(side)).mean()
        - lightness(model, albedo, around(side)).mean()
        for side in (-1, 1)
    }
    assert depth[1] < -0.15
    assert abs(depth[-1]) < 0.05


def step_at(model, albedo) -> float:
    """The largest difference between neighbours, 4 mm apart across the face, of mean log colour."""
    bands = [
        lightness(
            model,
            albedo,
            lambda p, x=x: (
                (np.abs(p[:, 0] - x) < 0.002)
                & (p[:, 1] > 0.05)
                & (p[:, 1] < 0.075)
                & (p[:, 2] > 0.07)
            ),
        ).mean(0)
        for x in np.arange(-0.04, 0.041, 0.004)
    ]
    return float(np.abs(np.diff(bands, axis=0)).max())


def test_photos_in_different_light_leave_no_seam(model):
    def plain(places):
        return np.tile(np.float32([195, 145, 120]), (len(places), 1))

    left, right = view_of(model, -35, plain), view_of(model, 35, plain)
    same = step_at(model, blended(model, left, right))
    dim = in_light(right, (0.6, 0.45, 0.3))
    assert step_at(model, blended(model, left, dim)) < same + 0.03


def stripes(phase: float):
    def colours(places):
        wave = 1 + 0.16 * np.sin(2 * np.pi * places[:, 0] / 0.006 + phase)
        return skin_colours(places) * wave[:, None]

    return colours


def test_detail_comes_from_one_photo(model):
    """Fine stripes of two equally good photos, half a period apart, do not cancel."""

    def forehead(places):
        x, y, z = places.T
        return (np.abs(x) < 0.03) & (y > 0.045) & (y < 0.07) & (z > 0.07)

    one, other = (view_of(model, 0, stripes(phase)) for phase in (0, np.pi))
    alone = make_albedo(one.photo, one.camera, one.vertices, model, 512)
    both = blended(model, one, other, size=512)
    contrast = [lightness(model, albedo, forehead).mean(1).std() for albedo in (alone, both)]
    assert contrast[0] > 0.08
    assert contrast[1] > 0.85 * contrast[0]


def test_each_brow_and_the_lips_come_from_one_photo(model):
    """Of two photos, one shows one half of every feature better, the other one the other half."""
    view, sheet = view_of(model, 0), Sheet.of(model, 512)
    x, y, z = sheet.coarse.mean.T
    outer = np.abs(np.abs(x) - 0.015) < 0.0155
    first = np.where(outer, 1.0, 0.6).astype(np.float32)
    projection, nothing = project(view.camera, view.vertices, model), np.zeros_like(x)
    held = Held(nothing, np.zeros((len(x), 3), np.float32), nothing)
    parts = [
        Part(view.photo, projection, view.vertices, held, trust) for trust in (first, 1.6 - first)
    ]
    shares = best_shares(parts, model, sheet)
    contours = sheet.coarse.contours
    skin = (sheet.coarse.part == model.part_names.index("skin")) & (z > 0.03)
    for distance in (contours.brows, contours.lids, contours.lips):
        for side in (x > 0, x < 0):
            feature = shares[0][skin & side & (np.abs(distance) < 0.003)]
            assert np.ptp(feature) < 0.1
    cheek = skin & (np.abs(y + 0.01) < 0.008)
    assert shares[0][cheek & (np.abs(np.abs(x) - 0.022) < 0.004)].min() > 0.9
    assert shares[1][cheek & (np.abs(np.abs(x) - 0.04) < 0.004)].min() > 0.9


def test_a_grey_photo_leaves_the_hue_to_the_others(model):
    def face(places):
        return (np.abs(places[:, 0]) < 0.04) & (places[:, 2] > 0.08)

    def chroma(albedo):
        logs = lightness(model, albedo, face)
        return logs[:, 0].mean() - logs[:, 2].mean()

    colour, side = view_of(model, -20), view_of(model, 20)
    grey = np.repeat(side.photo.rgb.mean(2, keepdims=True).astype(np.uint8), 3, 2)
    alone = make_albedo(colour.photo, colour.camera, colour.vertices, model, SIZE)
    mixed = blended(model, colour, replace(side, photo=replace(side.photo, rgb=grey)))
    assert abs(chroma(mixed) - chroma(alone)) < 0.1


def test_the_cropped_photo_is_enough(model):
    """The part of a photo that is kept gives the same texture as the whole."""
    views = [view_of(model, yaw) for yaw in (-25, 25)]
    wide = []
    for view in views:
        rgb = cv2.copyMakeBorder(view.photo.rgb, 300, 0, 200, 0, cv2.BORDER_CONSTANT, value=WALL)
        inner = view.camera.intrinsics.copy()
        inner[:2, 2] += (200, 300)
        camera = replace(view.camera, intrinsics=inner, width=WIDTH + 200, height=HEIGHT + 300)
        wide.append(View(replace(view.photo, rgb=rgb), camera, view.vertices))
    seen = [see_skin(view, model, SIZE) for view in wide]
    small = [cropped(one) for one in seen]
    assert small[0].view.photo.rgb.size < 0.5 * seen[0].view.photo.rgb.size
    whole, part = (blend_textures(some, model, SIZE)[0].albedo for some in (seen, small))
    assert np.abs(whole.astype(int) - part).max() <= 2


def test_all_photos_have_one_albedo_and_their_own_light(model):
    bluish = in_light(view_of(model, 20), (0.6, 0.8, 1.0))
    seen = [see_skin(view, model, SIZE) for view in (view_of(model, -20), bluish)]
    textures = blend_textures(seen, model, SIZE)
    np.testing.assert_array_equal(textures[0].albedo, textures[1].albedo)
    atlas = atlas_of(model, SIZE)
    x, y, z = atlas.mean.T
    face = (np.abs(x) < 0.03) & (np.abs(y) < 0.05) & (z > 0.09)
    face &= atlas.part == model.part_names.index("skin")
    albedo = textures[0].albedo[atlas.rows, atlas.columns][face].astype(np.float32)
    for one, texture in zip(seen, textures, strict=True):
        shown = photographed(linear_of(albedo) * atlas.on(texture.light)[face])
        photo = sample(one.view.photo.rgb, one.projection.pixels, atlas)[face]
        assert np.median(np.abs(shown - photo)) < 4


def test_one_strange_light_among_several_counts_little():
    tones = np.log(
        np.float32([[0.3, 0.2, 0.15], [0.31, 0.2, 0.16], [0.29, 0.2, 0.15], [0.6, 0.2, 0.03]])
    )
    shares = np.full(4, 0.25, np.float32)
    middle = middle_tone(tones, shares)
    assert (
        np.abs(middle - tones[:3].mean(0)).max()
        < 0.5 * np.abs(tones.mean(0) - tones[:3].mean(0)).max()
    )
    np.testing.assert_allclose(middle_tone(tones[:2], shares[:2]), tones[:2].mean(0), atol=1e-6)


def test_a_small_photo_is_less_sharp(model):
    sheet, view = Sheet.of(model, SIZE), view_of(model, 0)
    small = view.camera.intrinsics * np.float32([[0.3], [0.3], [1]])
    ratios = [
        np.median(sharpness(project(camera, view.vertices, model), model, sheet))
        for camera in (view.camera, replace(view.camera, intrinsics=small))
    ]
    assert ratios[1] < 0.6 * ratios[0]
