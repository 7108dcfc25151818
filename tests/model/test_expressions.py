"""The expression network: what it says of pictures, how it is trained, and how the fit takes it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from skimage.data import astronaut

from ml.data import Camera, HeadCoefficients, Landmarks, Photo
from ml.fitting.camera import FACING, make_intrinsics
from ml.fitting.evidence import Evidence
from ml.head.arkit import EXPRESSION_NAMES
from ml.head.mirror import make_mirror
from ml.head.storage import load_head_model
from ml.photo.crop import box_from_landmarks
from ml.pipeline.fit import expressive
from ml.regressor.expressions import (
    AMOUNT_SIGMA,
    GAZE_SHARE,
    OPEN_LID_SIGMA,
    REST_SIGMA,
    estimated,
    load_expressions,
)
from ml.regressor.face_mesh import load_face_mesh
from ml.regressor.face_mesh_network import FEATURES, LID_POINTS, RIGHT_EYE
from ml.training.config import read_config
from ml.training.data.stored import PHOTO, RENDER
from ml.training.export import read_trained
from ml.training.expressions.closing import close_lids
from ml.training.expressions.export import export
from ml.training.expressions.features import Seen, Shown, discoloured, see, views
from ml.training.expressions.train import CONFIG, ExpressionConfig, ExpressionTraining, Sizes
from ml.training.loop import start_run, take_step

SIDE = 208


def value(values: np.ndarray, name: str) -> float:
    return float(values[EXPRESSION_NAMES.index(name)])


@pytest.fixture(scope="module")
def photo() -> Photo:
    return Photo(astronaut()[:256, 96:352].copy(), Path("astronaut.png"), "")


@pytest.fixture(scope="module")
def points(photo) -> np.ndarray:
    """(478, 2) of the face mesh, framed by its own points."""
    mesh = load_face_mesh()
    rough = np.array([[80, 60], [170, 170]], np.float32).repeat(234, 0)
    rough[10], rough[152], rough[33], rough[263] = (125, 60), (125, 170), (95, 100), (155, 100)
    found = mesh.predict(photo, [box_from_landmarks(rough)])[0].points
    return mesh.predict(photo, [box_from_landmarks(found[:, :2])])[0].points[:, :2]


def said(logit: float, amount: float) -> tuple[np.ndarray, np.ndarray]:
    """Values and deviations of all expressions where the network says this of each."""
    count = len(EXPRESSION_NAMES)
    found = estimated(np.full(count, logit, np.float32), np.full(count, amount, np.float32))
    return found.values, found.sigma


@pytest.mark.parametrize(
    ("logit", "amount", "low", "high"),
    [(6, 0.8, 0.79, 0.81), (-6, 0.9, 0, 0.01), (6, 1.7, 0.99, 1), (6, -0.3, 0, 0.01)],
)
def test_what_surely_acts_has_its_amount_and_what_surely_rests_has_none(logit, amount, low, high):
    values, _ = said(logit, amount)
    assert low <= values.min() <= values.max() <= high


def test_doubt_makes_the_deviation_larger_and_a_gaze_is_surer_than_a_lid():
    rests, doubted, acts = (said(logit, 0.9)[1] for logit in (-8, 0, 8))
    smile, look, lid = (
        EXPRESSION_NAMES.index(name) for name in ("mouthSmileLeft", "eyeLookUpLeft", "eyeBlinkLeft")
    )
    assert rests[smile] == pytest.approx(REST_SIGMA, rel=0.01)
    assert acts[smile] == pytest.approx(AMOUNT_SIGMA, rel=0.01)
    assert doubted[smile] > 1.5 * acts[smile]
    assert rests[look] == pytest.approx(GAZE_SHARE * REST_SIGMA, rel=0.01)
    assert rests[lid] == pytest.approx(OPEN_LID_SIGMA, rel=0.01)
    assert acts[lid] == pytest.approx(AMOUNT_SIGMA, rel=0.01)


def test_a_smile_with_open_eyes_is_seen(photo, points):
    found = load_expressions().predict(photo, [box_from_landmarks(points)])[0].values
    for side in ("Left", "Right"):
        assert value(found, f"mouthSmile{side}") > 0.5
        assert value(found, f"eyeBlink{side}") < 0.2
    assert value(found, "tongueOut") < 0.2


@pytest.mark.parametrize("closed", [(1.0, 1.0), (1.0, 0.0), (0.0, 1.0)])
def test_closed_lids_and_winks_are_seen(photo, points, closed):
    shut = replace(photo, rgb=close_lids(photo.rgb, points, closed))
    found = load_expressions().predict(shut, [box_from_landmarks(points)])[0].values
    for side, amount in zip(("Left", "Right"), closed, strict=True):
        lid = value(found, f"eyeBlink{side}")
        assert lid > 0.6 if amount else lid < 0.2


def test_no_boxes_no_estimates(photo):
    assert load_expressions().predict(photo, []) == []


def test_where_the_mesh_sees_no_face_the_evidence_stays(photo, points):
    model = load_head_model()
    dense = Landmarks(np.zeros((722, 2), np.float32), np.ones(722, np.float32))
    dense.points[:478] = points
    rest = HeadCoefficients(np.zeros(160, np.float32), np.zeros(52, np.float32))
    camera = Camera(make_intrinsics(300, 256, 256), FACING, np.float32([0, 0, 1]), 256, 256)
    evidence = Evidence(dense, camera, rest)
    blank = replace(photo, rgb=np.full_like(photo.rgb, 120))
    assert expressive(blank, dense, evidence) is evidence
    shown = expressive(photo, dense, evidence)
    assert value(shown.start.expression, "mouthSmileLeft") > 0.5
    assert shown.expression_sigma.shape == (len(model.expression_names),)


@pytest.fixture(scope="module")
def samples(points, photo) -> dict[str, np.ndarray]:
    """Three samples with the astronaut's face, as training stores them."""
    dense = np.zeros((3, 722, 2), np.float32)
    dense[:, :478] = points * SIDE / 256
    expression = np.zeros((3, len(EXPRESSION_NAMES)), np.float16)
    expression[:, EXPRESSION_NAMES.index("eyeBlinkLeft")] = (0, 0.5, 1)
    ahead = np.diag([1, -1, -1]).astype(np.float32)
    aside = np.array([[0, 0, 1], [0, -1, 0], [1, 0, 0]], np.float32)
    return {
        "images": np.stack([cv2.resize(photo.rgb, (SIDE, SIDE))] * 3),
        "points": dense,
        "expression": expression,
        "rotation": np.stack([ahead, aside, ahead]),
        "kind": np.array([RENDER, RENDER, PHOTO], np.uint8),
    }


def test_every_sample_is_seen_as_it_is_and_mirrored(samples):
    shown = Shown(samples, np.arange(3), [None] * 3)
    seen = see(load_face_mesh(), shown, np.random.default_rng(0))
    assert seen.features.shape == (6, FEATURES)
    assert seen.row.tolist() == [0, 0, 1, 1, 2, 2]
    np.testing.assert_allclose(seen.weight, np.float32([1, 1, 0.5, 0.5, 0.3, 0.3]))
    swap = make_mirror(load_head_model()).expression
    np.testing.assert_array_equal(seen.expression[1::2], seen.expression[::2][:, swap])
    assert seen.expression[4, EXPRESSION_NAMES.index("eyeBlinkLeft")] == 1
    assert seen.expression[5, EXPRESSION_NAMES.index("eyeBlinkRight")] == 1


def test_photos_are_seen_with_closed_lids(samples):
    shown = Shown(samples, np.array([2, 2]), [(1.0, 0.0), (0.5, 0.5)])
    seen = see(load_face_mesh(), shown, np.random.default_rng(0))
    left, right = (EXPRESSION_NAMES.index(f"eyeBlink{side}") for side in ("Left", "Right"))
    assert seen.expression[:, left].tolist() == [1, 0, 0.5, 0.5]
    assert seen.expression[:, right].tolist() == [0, 1, 0.5, 0.5]
    assert set(seen.weight.tolist()) == {np.float32(0.8)}


@pytest.mark.parametrize("turned", [0, 25])
def test_a_closed_lid_hides_its_eye_and_leaves_the_rest(photo, points, turned):
    turn = cv2.getRotationMatrix2D((128, 128), turned, 1)
    picture = cv2.warpAffine(photo.rgb, turn, (256, 256))
    at = (points @ turn[:, :2].T + turn[:, 2]).astype(np.float32)
    shut = close_lids(picture, at, (0.0, 1.0))
    iris, other = at[468].astype(int), at[473].astype(int)
    eye = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillConvexPoly(eye, cv2.convexHull(at[list(RIGHT_EYE.points[:LID_POINTS])]).astype(int), 1)
    dark_before, dark_after = ((rgb.mean(2) < 70)[eye > 0].sum() for rgb in (picture, shut))
    assert dark_after < 0.7 * dark_before
    np.testing.assert_array_equal(shut[other[1], other[0]], picture[other[1], other[0]])
    changed = np.abs(shut.astype(int) - picture).max(2) > 0
    high, wide = np.nonzero(changed)
    width = np.linalg.norm(at[33] - at[133])
    assert np.hypot(wide - iris[0], high - iris[1]).max() < 1.3 * width
    np.testing.assert_array_equal(close_lids(picture, at, (0.0, 0.0)), picture)


def test_views_frame_the_face_and_its_mirror_image(samples):
    mesh = load_face_mesh()
    own, mirrored = mesh.predict_crops(list(views(samples, 0, np.random.default_rng(1))))
    assert min(own.flag, mirrored.flag) > 0.9
    expected = samples["points"][0][[33, 263, 1]].copy()
    assert np.abs(own.points[[33, 263, 1], :2] - expected).max() < 5
    expected[:, 0] = SIDE - expected[:, 0]
    assert np.abs(mirrored.points[[263, 33, 1], :2] - expected).max() < 5


def test_colours_change_and_stay_pictures(photo):
    rng = np.random.default_rng(2)
    shown = [discoloured(photo.rgb, rng) for _ in range(40)]
    assert {(picture.shape, picture.dtype.name) for picture in shown} == {
        (photo.rgb.shape, "uint8")
    }
    assert len({picture.tobytes() for picture in shown}) == 40
    # Some are grey but for a tint, which is one factor for each channel.
    tints = [(picture + 1.0).std((0, 1)) / (picture + 1.0).mean((0, 1)) for picture in shown]
    assert min(float(np.ptp(tint)) for tint in tints) < 0.02


def small_training() -> ExpressionTraining:
    """On features that say by themselves what acts."""
    rng = np.random.default_rng(4)
    expression = np.zeros((240, len(EXPRESSION_NAMES)), np.float32)
    acts = rng.random((240, 4)) < 0.4
    expression[:, :4] = acts * rng.uniform(0.5, 1, (240, 4))
    features = rng.normal(0, 0.1, (240, FEATURES)).astype(np.float16)
    features[:, :200] += expression[:, :4].repeat(50, 1).astype(np.float16)
    config = read_config(CONFIG, ExpressionConfig)
    config = replace(config, batch=40, network=Sizes(8, 32, 0.1), steps=60, budget_minutes=0)
    row = np.arange(120).repeat(2)
    return ExpressionTraining(config, Seen(features, expression, np.ones(240, np.float32), row))


def test_training_learns_what_acts_and_the_export_gives_the_same_network(tmp_path):
    training = small_training()
    state = start_run(training)
    before = training.measure(state.network.eval())
    state.network.train()
    for _ in range(60):
        take_step(training, state, next(training.batches(state.step)), 3e-3)
    after = training.measure(state.average)
    assert after["error"] < 0.8 * before["error"]
    assert after["silent"] > 0.95
    state.save(tmp_path / "checkpoint.pt")
    target = tmp_path / "expressions.safetensors"
    trained = read_trained(tmp_path / "checkpoint.pt", ExpressionConfig)
    card = export(trained, target)
    assert card.details["network"]["hidden"] == 32
    network = load_expressions(target).network
    features = torch.from_numpy(training.seen.features[:5].astype(np.float32))
    for found, expected in zip(network(features), state.average(features), strict=True):
        torch.testing.assert_close(found, expected, atol=0.03, rtol=0.03)


def test_kept_out_samples_teach_nothing():
    training = small_training()
    rows = np.concatenate([next(training.batches(step)) for step in range(0, 20)])
    assert not np.any(training.seen.row[rows] % training.config.kept_out == 0)
