"""Effigy Head as it ships: topology, symmetry, expressions, landmarks, UV, storage."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import cKDTree

from ml.assets.card import verified
from ml.data import HeadCoefficients
from ml.errors import ModelUnreadable, WeightsMissing
from ml.geometry.mirror import MIRROR
from ml.geometry.triangles import triangulate
from ml.head.arkit import EXPRESSION_NAMES, REGIONS, mirrored_name
from ml.head.model import LinearShape
from ml.head.storage import EFFIGY_HEAD, load_head_model, save_head_model
from ml.rendering import rasterize

SIDES = ("left", "right")


@pytest.fixture(scope="module")
def model():
    return load_head_model()


def expressed(model, **values):
    vertices = model.shape.mean.copy()
    for name, value in values.items():
        vertices += value * model.shape.expression[EXPRESSION_NAMES.index(name)]
    return vertices


def landmark(model, vertices, index):
    return model.landmark_sets["mediapipe478"].on(vertices)[index]


def test_the_asset_is_the_one_its_card_describes():
    card = verified(EFFIGY_HEAD)
    assert card.commercial_use
    assert card.licence == "CC0-1.0"
    assert card.size <= 20_000_000


def test_exactly_the_arkit_expressions(model):
    assert model.expression_names == EXPRESSION_NAMES
    assert len(set(EXPRESSION_NAMES)) == 52
    assert sum(len(names) for names in REGIONS.values()) == 52
    motion = np.abs(model.shape.expression).max((1, 2))
    assert motion.min() > 0.0005, EXPRESSION_NAMES[int(motion.argmin())]


def test_parts(model):
    on_sides = ("eye", "iris", "pupil", "lashes", "tear")
    sides = {f"{part}_{side}" for part in on_sides for side in SIDES}
    rows = {f"{part}_{row}" for part in ("teeth", "gums") for row in ("upper", "lower")}
    assert set(model.part_names) == {"skin", "mouth", "tongue", "bust"} | sides | rows
    for name in model.part_names:
        assert len(model.part_faces(name)) > 30


def test_all_quads_and_manifold(model):
    quads = model.quads
    assert all(len(set(quad)) == 4 for quad in quads.tolist())
    assert len(np.unique(quads)) == model.vertex_count
    directed = np.concatenate([quads[:, [k, (k + 1) % 4]] for k in range(4)])
    # Each directed edge once: neighbours agree on the outside, and no edge has three faces.
    assert len(np.unique(directed, axis=0)) == len(directed)


def test_faces_look_outwards(model):
    mean, quads = model.shape.mean, model.quads
    corner = mean[quads]
    normals = np.cross(corner[:, 2] - corner[:, 0], corner[:, 3] - corner[:, 1])
    for name in ("eye_left", "eye_right", "tongue"):
        faces = model.part_faces(name)
        centre = mean[np.unique(quads[faces])].mean(0)
        outward = (normals[faces] * (corner[faces].mean(1) - centre)).sum(1)
        assert (outward > 0).mean() > 0.97
    skull = (corner.mean(1)[:, 1] > 0.09) & (model.part == model.part_names.index("skin"))
    assert ((normals * (corner.mean(1) - [0, 0.03, 0])).sum(1)[skull] > 0).all()


def skin_and_twins(model):
    """The skin's vertices and, for each, the place of its twin among them.

    At rest the lips touch, so that a vertex of one may lie on the other: the mouth is opened.
    """
    skin = np.unique(model.quads[model.part_faces("skin")])
    parted = expressed(model, jawOpen=0.5)[skin]
    distance, twin = cKDTree(parted).query(parted * MIRROR)
    assert distance.max() < 5e-4
    return skin, twin


def test_mirrored_left_to_right(model):
    skin, twin = skin_and_twins(model)
    mean = model.shape.mean[skin]
    np.testing.assert_array_equal(twin[twin], np.arange(len(skin)))
    assert np.abs(mean[twin] * MIRROR - mean).max() < 1e-6


@pytest.mark.parametrize("name", [n for n in EXPRESSION_NAMES if n.endswith("Left")])
def test_left_and_right_expressions_are_twins(model, name):
    skin, twin = skin_and_twins(model)
    left, right = (
        model.shape.expression[EXPRESSION_NAMES.index(n)][skin] for n in (name, mirrored_name(name))
    )
    assert np.abs(left - right[twin] * MIRROR).max() < 1e-3


def test_the_uv_layout_has_no_overlapping_islands(model):
    assert model.uv.min() >= 0
    assert model.uv.max() <= 1
    size = 512
    drawn = []
    for name in model.part_names:
        triangles = triangulate(model.uv_quads[model.part_faces(name)])
        flat = np.column_stack([model.uv * size, np.ones(len(model.uv))])
        drawn.append(rasterize(flat, triangles, size, size).face >= 0)
    assert np.sum(drawn, axis=0).max() == 1


def test_hardly_any_uv_quad_is_folded(model):
    corner = model.uv[model.uv_quads[model.part_faces("skin")]]
    one, other = corner[:, 2] - corner[:, 0], corner[:, 3] - corner[:, 1]
    area = one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]
    assert (area < 0).mean() < 0.005


def test_landmarks_lie_where_a_face_has_them(model):
    mean = model.shape.mean
    assert {name: len(item) for name, item in model.landmark_sets.items()} == {
        "ibug68": 68,
        "mediapipe478": 478,
        "dense": 722,
        "now7": 7,
        "realy85": 85,
    }
    for landmark_set in model.landmark_sets.values():
        np.testing.assert_allclose(landmark_set.weights.sum(1), 1, atol=1e-5)
    right, left = landmark(model, mean, 33), landmark(model, mean, 263)
    assert 0.08 < left[0] - right[0] < 0.1
    np.testing.assert_allclose(left, right * MIRROR, atol=0.0015)
    forehead, nose, lip, chin = (landmark(model, mean, k)[1] for k in (10, 1, 13, 152))
    assert forehead > nose > lip > chin
    ibug = model.landmark_sets["ibug68"].on(mean)
    assert np.linalg.norm(ibug[8] - landmark(model, mean, 152)) < 0.015
    assert np.linalg.norm(ibug[30] - landmark(model, mean, 1)) < 0.012
    pupils = [landmark(model, mean, k) for k in (468, 473)]
    assert 0.058 < pupils[1][0] - pupils[0][0] < 0.068


def gap(model, vertices, upper, lower):
    return float(
        np.linalg.norm(landmark(model, vertices, upper) - landmark(model, vertices, lower))
    )


def test_the_jaw_opens_and_takes_teeth_and_tongue_along(model):
    open_ = expressed(model, jawOpen=1)
    assert gap(model, open_, 13, 14) > gap(model, model.shape.mean, 13, 14) + 0.015
    moved = open_ - model.shape.mean
    tongue = np.unique(model.quads[model.part_faces("tongue")])
    upper, lower = (
        np.unique(model.quads[model.part_faces(f"teeth_{row}")]) for row in ("upper", "lower")
    )
    # Its root lies near the axis that the jaw turns about.
    blade = tongue[model.shape.mean[tongue, 2] > 0.045]
    assert moved[blade, 1].max() < -0.004
    assert np.abs(moved[upper]).max() < 0.001
    assert moved[lower, 1].max() < -0.004


def test_lids_close_on_their_own_side(model):
    mean, closed = model.shape.mean, expressed(model, eyeBlinkLeft=1)
    assert gap(model, closed, 386, 374) < 0.5 * gap(model, mean, 386, 374)
    assert gap(model, closed, 159, 145) == pytest.approx(gap(model, mean, 159, 145), abs=2e-4)


def test_eyes_turn_without_leaving_their_place(model):
    ball = np.unique(model.quads[model.part_faces("eye_left")])
    moved = expressed(model, eyeLookOutLeft=1)[ball] - model.shape.mean[ball]
    front = model.shape.mean[ball][:, 2].argmax()
    assert moved[front, 0] > 0.003
    assert np.linalg.norm(moved.mean(0)) < 0.5 * np.linalg.norm(moved[front])


def test_the_tongue_comes_out(model):
    tongue = np.unique(model.quads[model.part_faces("tongue")])
    lips = landmark(model, expressed(model, tongueOut=1), 14)[2]
    assert expressed(model, tongueOut=1)[tongue, 2].max() > lips + 0.005


def test_the_tongue_comes_out_between_the_lips_and_leaves_jaw_and_chin_alone(model):
    out, mean = expressed(model, tongueOut=1), model.shape.mean
    teeth = np.unique(model.quads[model.part_faces("teeth_lower", "gums_lower")])
    np.testing.assert_allclose(out[teeth], mean[teeth], atol=1e-6)
    for chin in (152, 175):
        moved = landmark(model, out, chin) - landmark(model, mean, chin)
        assert np.linalg.norm(moved) < 0.0005
    assert gap(model, out, 13, 14) > 0.005


def test_people_stay_people(model):
    rng = np.random.default_rng(1)
    for _ in range(8):
        person = model.shape.neutral(rng.normal(0, 1, model.identity_count).astype(np.float32))
        width = np.ptp(person[np.abs(person[:, 1]) < 0.06, 0])
        assert 0.13 < width < 0.24
        assert 0.22 < np.ptp(person[:, 1]) < 0.45


def test_at_agrees_with_a_plain_sum(model):
    rng = np.random.default_rng(2)
    some = rng.choice(model.vertex_count, 50)
    shape = LinearShape(
        model.shape.mean[some], model.shape.identity[:, some], model.shape.expression[:, some]
    )
    coefficients = HeadCoefficients(
        rng.normal(size=model.identity_count).astype(np.float32), rng.random(52).astype(np.float32)
    )
    plain = shape.mean.astype(np.float64)
    for value, mode in zip(coefficients.identity, shape.identity, strict=True):
        plain = plain + float(value) * mode
    for value, key in zip(coefficients.expression, shape.expression, strict=True):
        plain = plain + float(value) * key
    np.testing.assert_allclose(shape.at(coefficients), plain, atol=1e-6)


def test_storage_keeps_a_model(model, tmp_path):
    save_head_model(model, tmp_path / "again.npz")
    again = load_head_model(tmp_path / "again.npz")
    np.testing.assert_array_equal(again.shape.identity, model.shape.identity)
    np.testing.assert_array_equal(again.quads, model.quads)
    assert again.landmark_sets.keys() == model.landmark_sets.keys()


def test_bad_files_are_refused_with_a_remedy(tmp_path):
    (tmp_path / "cut.npz").write_bytes(EFFIGY_HEAD.read_bytes()[:5000])
    np.savez(tmp_path / "other.npz", something=np.zeros(3))
    for name in ("absent.npz", "cut.npz", "other.npz"):
        with pytest.raises(ModelUnreadable, match=name) as caught:
            load_head_model(tmp_path / name)
        assert caught.value.hint
    with pytest.raises(ModelUnreadable, match="expression_names"):
        replace(load_head_model(), expression_names=("one",))


def test_an_altered_asset_is_noticed(tmp_path):
    copy = tmp_path / "effigy_head.npz"
    copy.write_bytes(EFFIGY_HEAD.read_bytes() + b"x")
    with pytest.raises(WeightsMissing, match="card"):
        verified(copy)
    card = EFFIGY_HEAD.with_suffix(".card.json").read_text()
    copy.with_suffix(".card.json").write_text(card)
    with pytest.raises(WeightsMissing, match="not the file that its card describes"):
        verified(copy)
