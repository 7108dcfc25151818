"""Hair as ribbons with a drawn texture: how many, where they lie, and what they show."""

import numpy as np
import pytest

from ml.hair.atlas import HEIGHT, STRIPS, WIDTH, draw_atlas, strip_edges
from ml.hair.cards import MOST_TRIANGLES, STYLES, Bundle, make_cards

RADIUS = 0.09


def bundle(count=3000, length=0.06, seed=0):
    """Strands on the upper half of a sphere that fall along it, in two colours by side."""
    random = np.random.default_rng(seed)
    normal = random.normal(size=(count, 3))
    normal[:, 1] = np.abs(normal[:, 1])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    points = [RADIUS * normal]
    for _ in range(11):
        down = points[-1] + np.array([0, -length / 11, 0])
        points.append(down / np.linalg.norm(down, axis=1, keepdims=True) * RADIUS * 1.01)
    colour = np.where(normal[:, :1] > 0, [[120, 80, 50]], [[40, 30, 20]])
    return Bundle(np.stack(points, 1), normal, colour.astype(np.float32))


@pytest.mark.parametrize("part", list(STYLES))
@pytest.mark.parametrize("count", [1, 7, 3000])
def test_ribbons_keep_to_their_number_and_width(part, count):
    cards = make_cards(part, bundle(count))
    assert 0 < len(cards.triangles) <= STYLES[part].triangles
    assert cards.triangles.max() == len(cards.vertices) - 1
    assert np.isfinite(cards.vertices).all()
    rungs = cards.vertices.reshape(-1, 2, 3)
    width = np.linalg.norm(rungs[:, 1] - rungs[:, 0], axis=1)
    low, high = STYLES[part].width
    assert width.min() >= 0.7 * low
    assert width.max() <= high + 1e-6
    assert ((cards.strand >= 0) & (cards.strand < count)).all()


def test_all_parts_together_are_few_enough():
    assert sum(style.triangles for style in STYLES.values()) <= MOST_TRIANGLES


def test_ribbons_lie_along_the_head_and_begin_in_the_skin():
    given = bundle()
    cards = make_cards("hair", given)
    away = np.linalg.norm(cards.vertices, axis=1) - RADIUS
    assert away.min() > -0.004
    assert away.max() < 0.004
    one = cards.vertices[cards.triangles]
    normal = np.cross(one[:, 1] - one[:, 0], one[:, 2] - one[:, 0])
    outward = one.mean(1)
    lean = np.abs((normal * outward).sum(1))
    lean /= np.linalg.norm(normal, axis=1) * np.linalg.norm(outward, axis=1)
    assert np.median(lean) > 0.95
    roots = given.points[cards.strand, 0]
    first = np.isclose(cards.uv[:, 1], cards.uv[:, 1].min())
    assert np.linalg.norm(cards.vertices - roots, axis=1)[first].max() < 0.02


def test_hair_that_stands_up_has_ribbons_too():
    given = bundle()
    up = given.points[:, :1] * (1 + np.linspace(0, 0.3, 12)[:, None])
    cards = make_cards("hair", Bundle(up, given.normal, given.colour))
    one = cards.vertices[cards.triangles]
    area = np.linalg.norm(np.cross(one[:, 1] - one[:, 0], one[:, 2] - one[:, 0]), axis=1) / 2
    assert area.min() > 1e-7


def test_each_ribbon_shows_one_strip_of_its_part_from_root_to_tip():
    cards = make_cards("beard", bundle(500))
    left, right = strip_edges("beard")
    assert set(np.unique(cards.uv[:, 0])) <= {*left.astype(np.float32), *right.astype(np.float32)}
    assert cards.uv.min() >= 0
    assert cards.uv.max() <= 1


def test_strips_have_the_colours_of_the_strands_dark_to_light():
    cards = make_cards("hair", bundle())
    assert cards.colours.shape == (STRIPS["hair"], 3)
    assert np.allclose(cards.colours[0], [40, 30, 20], atol=3)
    assert np.allclose(cards.colours[-1], [120, 80, 50], atol=3)


def test_the_atlas_is_dense_at_roots_and_open_at_tips():
    colours = {part: np.tile([100.0, 60, 30], (count, 1)) for part, count in STRIPS.items()}
    picture = draw_atlas(colours)
    assert picture.shape == (HEIGHT, WIDTH, 4)
    for part, count in STRIPS.items():
        left, right = (np.rint(edge * WIDTH).astype(int) for edge in strip_edges(part))
        for number in range(count):
            strip = picture[:, left[number] : right[number]] / 255
            root, tip = strip[HEIGHT // 8 : HEIGHT // 4, :, 3], strip[-HEIGHT // 16 :, :, 3]
            assert root.mean() > 2 * tip.mean()
            drawn = strip[..., 3] > 0.9
            assert np.allclose(255 * strip[drawn][:, :3].mean(0), [95, 57, 28], atol=12)
            assert not strip[:, [0, -1], 3].any()
    assert (picture == draw_atlas(colours)).all()


def test_parts_without_hair_are_clear():
    assert not draw_atlas({})[..., 3].any()
