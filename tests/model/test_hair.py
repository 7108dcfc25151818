"""Hair that is grown on a plain head in a drawn picture."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from ml.data import Camera, HeadCoefficients, Photo
from ml.hair.colour import greyed, unmixed
from ml.hair.find import Shown, find_hair
from ml.hair.ground import ground_of
from ml.hair.solid import solid_of
from ml.head.mesh import person_of
from ml.head.storage import load_head_model
from ml.parsing.classes import CLASSES, Parse
from ml.rendering import rasterize

SIDE = 192
MODEL = load_head_model()


def camera() -> Camera:
    lens = np.array([[430, 0, 96], [0, 430, 86], [0, 0, 1]], np.float32)
    turn = np.diag([1, -1, -1]).astype(np.float32)
    return Camera(lens, turn, np.array([0, 0, 1.0], np.float32), SIDE, SIDE)


def person():
    counts = MODEL.identity_count, len(MODEL.expression_names)
    return person_of(MODEL, HeadCoefficients(*(np.zeros(n, np.float32) for n in counts)))


def silhouette(vertices) -> np.ndarray:
    view = camera()
    placed = np.hstack([view.project(vertices), view.to_camera_space(vertices)[:, 2:]])
    return rasterize(placed, ground_of(MODEL).triangles, SIDE, SIDE).face >= 0


def heights() -> np.ndarray:
    """(SIDE,) height in head space of each row of pixels at the middle of the head."""
    return -(np.arange(SIDE) + 0.5 - 86) / 430


def drawn(layers: dict[str, np.ndarray], colour=(90, 60, 40)) -> Shown:
    """A person whose picture shows skin, and over it the given classes."""
    labels = np.zeros((SIDE, SIDE), np.uint8)
    labels[silhouette(person().expressed)] = CLASSES.index("skin")
    rgb = np.full((SIDE, SIDE, 3), 140, np.uint8)
    rgb[labels > 0] = (200, 160, 140)
    for name, where in layers.items():
        labels[where] = CLASSES.index(name)
        rgb[where] = colour
    probability = (np.arange(len(CLASSES))[:, None, None] == labels) * np.uint8(255)
    parse = Parse(probability.astype(np.uint8), np.eye(2, 3, dtype=np.float32))
    return Shown(Photo(rgb, Path("drawn"), "ab" * 32), camera(), person(), parse)


def cap(thickness: float, lowest: float) -> np.ndarray:
    """Hair so thick (metres) above and beside the head, down to a height; the face is free."""
    head = silhouette(person().expressed).astype(np.uint8)
    head[heights() < min(lowest, -0.08)] = 0
    reach = 2 * round(thickness * 430) + 1
    grown = cv2.dilate(head, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    across = np.abs(np.arange(SIDE) + 0.5 - 96) / 430
    face = (heights()[:, None] < 0.085) & (across[None] < 0.06)
    return (grown > 0) & ~face & (heights()[:, None] > lowest)


@pytest.fixture(scope="module")
def short():
    return find_hair(drawn({"hair": cap(0.02, 0.02)}), MODEL)


@pytest.fixture(scope="module")
def long():
    return find_hair(drawn({"hair": cap(0.03, -0.16)}), MODEL)


def above_skin(points) -> np.ndarray:
    """Metres that points lie above the skin below them, by the nearest triangles."""
    return solid_of(person().rest, MODEL).height(points.reshape(-1, 3))[0]


def test_short_and_long_hair_are_told_apart_by_how_far_they_reach(short, long):
    assert (short.look.length, long.look.length) == ("short", "long")
    assert long.strands.of("scalp").points[..., 1].min() < -0.12
    assert short.strands.of("scalp").points[..., 1].min() > -0.08


def test_a_head_without_hair_stays_bald():
    hair = find_hair(drawn({}), MODEL)
    assert hair.look.length == "bald"
    assert len(hair.strands.of("scalp", "beard", "moustache").points) == 0


def test_strands_begin_on_the_skin_where_their_texture_coordinates_say(short):
    model, points = MODEL, ground_of(MODEL).roots["scalp"]
    scalp = short.strands.of("scalp")
    index = [int(np.abs(points.uv - uv).sum(1).argmin()) for uv in scalp.root_uv[::97]]
    roots = points.points.on(model.shape.mean)[index]
    assert np.abs(roots - scalp.points[::97, 0]).max() < 1e-4


def test_no_strand_enters_the_head(short, long):
    for hair in (short, long):
        assert above_skin(hair.strands.points[:, 1:]).min() > 0


def test_hair_fills_its_outline_in_the_photo_and_does_not_leave_it(short):
    picture = np.zeros((SIDE, SIDE), np.uint8)
    pixels = np.round(camera().project(short.strands.of("scalp").points) * 8).astype(np.int32)
    cv2.polylines(picture, list(pixels), False, 1, 1, shift=3)
    drawn_hair = (picture > 0) | silhouette(person().rest)
    wanted = cap(0.02, 0.02) | silhouette(person().rest)
    assert (drawn_hair & wanted).sum() / (drawn_hair | wanted).sum() > 0.93


def test_colours_are_those_of_the_photo():
    hair = find_hair(drawn({"hair": cap(0.02, 0.02)}, colour=(180, 90, 40)), MODEL)
    assert np.abs(np.array(hair.look.colour) - (180, 90, 40)).max() < 12


def test_hair_below_a_hat_goes_on_under_it_and_none_is_made_up():
    """Whoever takes a hat off is not bald above its rim."""
    head = cap(0.02, 0.0)
    worn = head & (heights()[:, None] > 0.075)
    hair = find_hair(drawn({"hair": head & ~worn, "hat": worn}), MODEL)
    assert hair.look.hat
    top = hair.strands.of("scalp").points[:, 0, 1]
    assert (top > 0.12).sum() > 1000
    bald = find_hair(drawn({"hat": worn}), MODEL)
    assert bald.look.hat
    assert len(bald.strands.of("scalp").points) == 0


def test_a_beard_grows_where_the_photo_shows_one():
    chin = silhouette(person().expressed) & (heights()[:, None] < -0.03)
    chin &= heights()[:, None] > -0.09
    bearded = find_hair(drawn({"beard": chin}), MODEL)
    assert bearded.look.beard == "beard"
    assert len(bearded.strands.of("beard").points) > 800
    assert find_hair(drawn({}), MODEL).look.beard == "none"


def test_the_same_photo_gives_the_same_strands(short):
    again = find_hair(drawn({"hair": cap(0.02, 0.02)}), MODEL)
    assert np.array_equal(again.strands.points, short.strands.points)
    other = drawn({"hair": cap(0.02, 0.02)})
    other = replace(other, photo=replace(other.photo, sha256="cd" * 32))
    assert not np.array_equal(find_hair(other, MODEL).strands.points, short.strands.points)


def lip(*, strands: bool, sides: tuple[int, ...] = (-1, 1)) -> Shown:
    """A person with a dark upper lip on these sides, strands or a shadow; all parsed as skin."""
    shown, scale = drawn({}), 4
    x = (np.arange(scale * SIDE) + 0.5 - scale * 96) / (scale * 430)
    y = np.repeat(heights(), scale)[:, None]
    dark = (np.abs(x) < 0.025) & (y < -0.012) & (y > -0.026) & np.isin(np.sign(x), sides)
    shade = np.where(dark, 0.5, 1.0)
    if strands:
        stripes = np.random.default_rng(4).uniform(0.4, 1.6, scale * SIDE // 2)
        shade = np.where(dark, shade * np.repeat(stripes, 2), shade)
    else:
        shade = cv2.GaussianBlur(shade, (0, 0), 5)
    rgb = cv2.resize(shown.photo.rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST)
    rgb = np.clip(rgb * shade[..., None], 0, 255).astype(np.uint8)
    lens = shown.camera.intrinsics * np.array([[scale], [scale], [1]], np.float32)
    side = scale * SIDE
    return replace(
        shown,
        photo=replace(shown.photo, rgb=rgb),
        camera=replace(shown.camera, intrinsics=lens, width=side, height=side),
        parse=replace(shown.parse, to_photo=scale * np.eye(2, 3, dtype=np.float32)),
    )


def test_a_moustache_that_the_parse_takes_for_skin_is_found_by_its_strands():
    hair = find_hair(lip(strands=True), MODEL)
    assert hair.look.moustache
    strands = hair.strands.of("moustache")
    assert len(strands.points) > 100
    assert strands.colour.mean() < 120  # darker than skin


def test_a_shadow_under_the_nose_is_no_moustache():
    assert not find_hair(lip(strands=False), MODEL).look.moustache
    assert not find_hair(lip(strands=True, sides=(1,)), MODEL).look.moustache
    assert not find_hair(drawn({}), MODEL).look.moustache


def test_a_faint_beard_without_a_moustache_is_the_shadow_of_a_chin():
    chin = silhouette(person().expressed) & (heights()[:, None] < -0.055)
    shown = drawn({"beard": chin & (heights()[:, None] > -0.075)})
    weak = (shown.parse.probability // 2).astype(np.uint8)
    hair = find_hair(replace(shown, parse=replace(shown.parse, probability=weak)), MODEL)
    assert hair.look.beard == "none"


def test_hair_falls_back_over_the_crown_and_not_aside_from_a_parting(long):
    points = long.strands.of("scalp").points
    root = points[:, 0]
    crown = (np.abs(root[:, 0]) < 0.012) & (root[:, 1] > 0.1) & (root[:, 2] < -0.045)
    way = points[crown, 6] - root[crown]
    assert crown.sum() > 40
    assert (-way[:, 2] > np.abs(way[:, 0])).mean() > 0.7


def test_long_hair_falls_beside_the_face_and_not_before_it(long):
    points = long.strands.of("scalp").points.reshape(-1, 3)
    jaw = points[(points[:, 1] < -0.05) & (points[:, 1] > -0.08)]
    assert np.quantile(jaw[:, 2], 0.98) < 0.08  # the chin is at 0.1


def test_hair_seen_only_beyond_the_outline_is_rooted_behind_it():
    hair = find_hair(drawn({"hair": cap(0.025, 0.03) & ~silhouette(person().expressed)}), MODEL)
    assert hair.look.length == "short"
    assert len(hair.strands.of("scalp").points) > 2000


def furred(colour: tuple[int, int, int]) -> Shown:
    """Dark hair at the head, and hair of a colour round it, to the chin."""
    head, around = silhouette(person().expressed), cap(0.05, -0.08)
    shown = drawn({"hair": around}, colour=(35, 25, 20))
    shown.photo.rgb[around & ~head] = colour
    return shown


def test_the_fur_of_a_hood_is_no_hair():
    worn = find_hair(furred((150, 110, 70)), MODEL)
    grown = find_hair(furred((40, 30, 22)), MODEL)  # hardly another colour: all of it is hair
    wide = [np.abs(h.strands.of("scalp").points[..., 0]).max() for h in (worn, grown)]
    assert wide[0] < wide[1] - 0.015
    assert max(worn.look.colour) < 60


def test_collars_and_wisps_do_not_make_short_hair_long():
    across = np.abs(np.arange(SIDE) + 0.5 - 96)[None] / 430
    low, high = heights()[:, None] < -0.115, heights()[:, None] < 0.02
    collar = low & (across < 0.12) & (heights()[:, None] > -0.16)
    wisp = high & (np.abs(across - 0.085) < 0.0012) & (heights()[:, None] > -0.15)
    for more in (collar, wisp):
        assert find_hair(drawn({"hair": cap(0.02, 0.02) | more}), MODEL).look.length == "short"


def disc(x: float, y: float, radius: float) -> np.ndarray:
    across = (np.arange(SIDE) + 0.5 - 96)[None] / 430
    return np.hypot(np.abs(across) - x, heights()[:, None] - y) < radius


def ears() -> np.ndarray:
    found = np.zeros((SIDE, SIDE), np.uint8)
    where = np.round(camera().project(MODEL.shape.mean[MODEL.masks["ears"] > 0.5])).astype(int)
    found[where[:, 1], where[:, 0]] = 1
    return cv2.dilate(found, np.ones((5, 5))) > 0


def test_a_knot_on_top_or_at_the_nape_gathers_all_hair_and_none_falls(long, short):
    thin = cap(0.006, 0.03)
    worn = {0.1: drawn({"hair": thin | disc(0, 0.16, 0.031)}),
            -0.09: drawn({"hair": thin | disc(0.075, -0.035, 0.02), "ears": ears()})}  # fmt: skip
    for height, shown in worn.items():
        hair = find_hair(shown, MODEL)
        assert hair.look.tied
        points = hair.strands.of("scalp").points
        assert points[..., 1].min() > -0.1
        tips = points[:, -1]
        assert (np.linalg.norm(tips - np.median(tips, 0), axis=1) < 0.06).mean() > 0.7
        assert np.median(tips[:, 1]) > height
        assert np.median(tips[:, 2]) < 0.03
    assert not long.look.tied
    assert not short.look.tied


def test_hair_that_hangs_is_not_tied_whatever_stands_on_top():
    falls = cap(0.006, -0.12) | disc(0, 0.16, 0.031)
    hair = find_hair(drawn({"hair": falls}), MODEL)
    assert not hair.look.tied
    assert hair.strands.of("scalp").points[..., 1].min() < -0.08


def test_skin_that_shows_through_thin_hair_is_taken_out_of_its_colour():
    rosy, grey = np.full((40, 3), (150, 100, 90), np.uint8), np.full((40, 3), 120, np.uint8)
    brows = unmixed(rosy, grey).astype(int)
    assert np.ptp(brows[0]) <= 1  # as grey as the hair
    assert brows.mean() < rosy.mean() - 15
    stubble = greyed(rosy).astype(int)
    assert np.ptp(stubble[0]) < 0.7 * np.ptp(rosy[0].astype(int))
    assert stubble.mean() < rosy.mean() - 8


def test_hair_too_short_for_a_thickness_lies_and_covers_the_skin():
    thin = find_hair(drawn({"hair": cap(0.001, 0.02)}), MODEL)
    assert thin.look.length == "shaved"
    points = thin.strands.of("scalp").points
    length = np.linalg.norm(np.diff(points, axis=1), axis=2).sum(1)
    assert 0.006 < np.median(length) < 0.011
    assert np.quantile(above_skin(points[:, -1]), 0.9) < 0.004
