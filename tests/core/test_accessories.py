"""Hair, glasses, hats and clothes on the shipped head: where they lie, and how they are drawn."""

from dataclasses import replace

import numpy as np
import pytest

from ml.fitting.camera import FACING
from ml.rendering import vertex_normals
from ml.training.data.picture.draw import SUPERSAMPLING, Figure, OrbitCamera, Shot, draw_head
from ml.training.data.picture.kernels import fast_normals
from ml.training.data.picture.visibility import hidden_by, visible_points
from ml.training.data.worn.accessories import one_extra, random_outfit
from ml.training.data.worn.anchors import anchors_of, measure
from ml.training.data.worn.beards import make_beard
from ml.training.data.worn.extra import Extra
from ml.training.data.worn.glasses import make_glasses, random_frame
from ml.training.data.worn.hair import shell, strands
from ml.training.data.worn.haircuts import STYLES, random_cut
from ml.training.data.worn.headgear import HATS, hat_line, make_hat
from tests.support.shipped_stage import shipped_stage


@pytest.fixture(scope="module")
def stage():
    return shipped_stage()


@pytest.fixture(scope="module")
def wearer(stage):
    return measure(anchors_of(stage), stage.shape.mean)


def assert_sound(extra: Extra):
    count = len(extra.vertices)
    for values in (extra.vertices, extra.normals, extra.colours):
        assert values.shape == (count, 3)
        assert np.isfinite(values).all()
    assert extra.triangles.min() >= 0
    assert extra.triangles.max() < count
    assert extra.colours.min() >= 0
    assert extra.colours.max() <= 1
    assert ((extra.alpha >= 0) & (extra.alpha <= 1)).all()
    assert np.abs(extra.vertices).max() < 0.65
    assert np.linalg.norm(extra.normals, axis=1).max() < 1.01


@pytest.mark.parametrize("seed", range(12))
def test_everything_worn_is_sound(stage, seed):
    vertices = stage.shape.mean
    rng = np.random.default_rng(seed)
    for extra in random_outfit(measure(anchors_of(stage), vertices), rng).extras + one_extra(
        stage, vertices, rng
    ):
        assert_sound(extra)


def test_the_seed_decides_everything(stage):
    first, second, other = (
        random_outfit(measure(anchors_of(stage), stage.shape.mean), np.random.default_rng(seed))
        for seed in (3, 3, 4)
    )
    assert len(first.extras) == len(second.extras) > 0
    for a, b in zip(first.extras, second.extras, strict=True):
        np.testing.assert_array_equal(a.vertices, b.vertices)
        np.testing.assert_array_equal(a.colours, b.colours)
    assert not np.array_equal(first.hair, other.hair)


@pytest.mark.parametrize("style", STYLES)
def test_hair_covers_the_crown_and_stays_off_the_eyes(wearer, style):
    rng = np.random.default_rng(1)
    cut = random_cut(wearer, rng, style)
    cap = shell(wearer, cut.line, cut.thickness, np.full(3, 0.2), rng)
    made = [cap, *strands(wearer, replace(cut, fringe=0.0), np.full(3, 0.2), rng)]
    for extra in made:
        assert_sound(extra)
    if style != "receding":
        top = wearer.centre + np.array([0, wearer.reach(np.float32([0, 1, 0])), 0])
        assert np.linalg.norm(cap.vertices - top, axis=1).min() < cut.thickness * 1.3 + 0.004
        assert cap.vertices[:, 1].max() >= top[1]
    if style in ("short", "back", "buzz", "bob", "long"):
        eyes = wearer.landmarks[[33, 133, 263, 362]].mean(0)
        points = np.concatenate([extra.vertices for extra in made]) - eyes
        before = (np.abs(points[:, 0]) < 0.02) & (np.abs(points[:, 1]) < 0.02) & (points[:, 2] > 0)
        assert before.mean() < 0.01


@pytest.mark.parametrize("seed", range(10))
def test_glasses_lie_before_the_eyes_and_on_the_nose(wearer, seed):
    rng = np.random.default_rng(seed)
    made = make_glasses(wearer, random_frame(rng), rng)
    lenses = [extra for extra in made if extra.alpha.min() < 1]
    assert len(lenses) >= 2
    eyes = wearer.landmarks[[33, 133, 263, 362]]
    for lens in lenses[:1]:
        near = np.linalg.norm(lens.vertices[:, None, :2] - eyes[None, :, :2], axis=2)
        vertex, eye = np.unravel_index(near.argmin(), near.shape)
        assert 0.002 < lens.vertices[vertex, 2] - eyes[eye, 2] < 0.04
    for extra in made:
        assert_sound(extra)
        assert depth_in_the_face(wearer, extra.vertices) < 0.005


def depth_in_the_face(wearer, points):
    """How deep the deepest of the points near the nose lies under the skin, metres."""
    skin = wearer.vertices[wearer.anchors.front]
    points = points[(np.abs(points[:, 0]) < 0.035) & (points[:, 2] > 0.06)]
    across = np.linalg.norm(points[:, None, :2] - skin[None, :, :2], axis=2)
    nearest = across.argmin(1)
    return (skin[nearest, 2] - points[:, 2]).max(initial=-1)


@pytest.mark.parametrize("kind", HATS)
def test_hats_enclose_the_crown(wearer, kind):
    rng = np.random.default_rng(2)
    made = make_hat(wearer, kind, hat_line(kind, rng), rng)
    for extra in made:
        assert_sound(extra)
    points = np.concatenate([extra.vertices for extra in made])
    top = wearer.vertices[wearer.anchors.on_skull, 1].max()
    assert top < points[:, 1].max() < top + 0.12


def test_beards_grow_on_the_jaw(wearer):
    beard = make_beard(wearer, np.full(3, 0.1), False, np.random.default_rng(0))
    assert_sound(beard)
    mouth = wearer.landmarks[[61, 291]].mean(0)
    assert np.median(beard.vertices[:, 1]) < mouth[1]
    assert beard.vertices[:, 2].min() > 0


CROP = np.array([[5, 0, -240], [0, 5, -240]], np.float32)
AHEAD = OrbitCamera(FACING.astype(np.float32), 1.0)


def drawing(stage, extras, camera=AHEAD):
    """The head, white, on black; the camera records colours as they are."""
    vertices = stage.shape.mean
    normals = vertex_normals(vertices, stage.triangles)
    white = np.full((len(vertices), 3), 200, np.float32)
    return draw_head(
        stage,
        Figure(vertices, normals, white, extras),
        Shot(camera, CROP, np.zeros((96, 96, 3), np.uint8)),
        lambda pixels, _: pixels.colours,
    )


def drawn(stage, extras):
    return drawing(stage, extras).image


def pane(depth, alpha):
    """A dark square over the right half of the face."""
    corners = np.array(
        [[0.01, 0, depth], [0.05, 0, depth], [0.05, 0.04, depth], [0.01, 0.04, depth]]
    )
    return Extra(
        corners.astype(np.float32), np.array([[0, 1, 2], [0, 2, 3]], np.int32),
        np.zeros((4, 3), np.float32), np.tile(np.float32([0, 0, 1]), (4, 1)),
        np.full(4, alpha, np.float32),
    )  # fmt: skip


def test_lenses_blend_by_their_alpha(stage):
    plain = drawn(stage, ())
    row, column = 44, 54
    assert plain[row, column, 0] == 200
    half = drawn(stage, (pane(0.2, 0.5),))
    assert abs(int(half[row, column, 0]) - 100) <= 1
    solid = drawn(stage, (pane(0.2, 1.0),))
    assert solid[row, column].max() == 0
    hidden = drawn(stage, (pane(-0.1, 0.5),))
    np.testing.assert_array_equal(hidden, plain)


def seen(stage, extras=(), camera=AHEAD):
    """(478,) bool: MediaPipe's points that a drawing of the mean head shows."""
    normals = vertex_normals(stage.shape.mean, stage.triangles) @ camera.rotation.T
    points = camera.project(stage.dense.mean)
    cells = (points - CROP[:, 2]) / CROP[0, 0] * SUPERSAMPLING
    return visible_points(
        stage,
        camera.to_camera_space(stage.dense.mean),
        normals,
        cells,
        drawing(stage, extras, camera),
    )


TURN = np.radians(70)
# Turned so that the subject's left is seen.
TO_THE_SIDE = FACING @ np.array(
    [[np.cos(TURN), 0, -np.sin(TURN)], [0, 1, 0], [np.sin(TURN), 0, np.cos(TURN)]]
)


def test_a_frontal_face_shows_nearly_all_its_points(stage):
    assert seen(stage)[:468].mean() > 0.9
    assert seen(stage)[468:].mean() > 0.5


def test_a_turned_face_hides_its_far_side(stage):
    shown = seen(stage, camera=OrbitCamera(TO_THE_SIDE.astype(np.float32), 1.0))
    left, right = stage.dense.mean[:468, 0] > 0.02, stage.dense.mean[:468, 0] < -0.02
    assert shown[:468][left].mean() > 0.85
    assert shown[:468][right].mean() < 0.25
    assert not shown[[33, 133, 234]].any()


@pytest.mark.parametrize(("alpha", "hides"), [(0.3, False), (0.9, True), (1.0, True)])
def test_what_lies_before_a_point_hides_it(stage, alpha, hides):
    x, y = stage.dense.mean[:, :2].T
    under = (x > 0.015) & (x < 0.045) & (y > 0.005) & (y < 0.035)
    before, after = seen(stage), seen(stage, (pane(0.2, alpha),))
    assert before[under].mean() > 0.8
    assert not after[under].any() if hides else (after[under] == before[under]).all()
    np.testing.assert_array_equal(before[x < -0.02], after[x < -0.02])


def test_paint_over_a_point_hides_it():
    before = np.zeros((20, 20, 3), np.uint8)
    after = before.copy()
    after[:10] = 90
    points = np.array([[5, 5], [5, 15]], np.float32)
    assert hidden_by(before, after, points).tolist() == [True, False]


def test_fast_normals_are_the_renderers(stage):
    vertices = stage.shape.mean
    fast, slow = fast_normals(vertices, stage.triangles), vertex_normals(vertices, stage.triangles)
    alike = (fast * slow).sum(1)[np.unique(stage.triangles)]
    assert np.quantile(alike, 0.001) > 0.999
