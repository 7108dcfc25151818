"""Figures on rendered people, where the answer is known."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from ml.data import Camera
from ml.errors import NoFaceFound
from ml.evaluation.synthetic import heads
from ml.evaluation.synthetic.heads import STAGES, StageRow, point_error, report, summarise
from ml.evaluation.synthetic.people import RenderedView, age_group
from ml.evaluation.synthetic.shape import ShapeError, shape_error, turn_between
from ml.fitting.camera import make_intrinsics
from ml.geometry.rotations import rotation_from_vector
from ml.training.head.statistics.population import age_shares
from ml.training.head.statistics.sources import MakeHumanHead

COUNT = 400


@pytest.fixture(scope="module")
def face():
    """A mean, a person and two regions that together are the face."""
    rng = np.random.default_rng(0)
    mean = rng.normal(0, 0.05, (COUNT, 3))
    true = mean + rng.normal(0, 0.003, (COUNT, 3))
    left = np.arange(COUNT) < 150
    return mean, true, {"left": left, "right": (np.arange(COUNT) >= 150) & (np.arange(COUNT) < 390)}


def test_the_truth_itself_has_no_error_wherever_it_lies(face):
    mean, true, regions = face
    moved = 1.7 * true @ rotation_from_vector(np.array([0.3, -0.2, 0.9])).T + [0.1, 0.2, -0.4]
    found = shape_error(moved, true, mean, regions)
    assert found.mean < 1e-6
    assert found.face < 1e-6
    assert found.recovered == pytest.approx(1, abs=1e-6)


def test_the_mean_face_is_its_own_baseline_and_recovers_nothing(face):
    mean, true, regions = face
    found = shape_error(mean, true, mean, regions)
    assert found.regions == found.baseline
    assert found.face == found.face_baseline > 2
    assert found.recovered == pytest.approx(0, abs=1e-9)


def test_half_the_deviation_is_half_recovered(face):
    mean, true, regions = face
    found = shape_error((mean + true) / 2, true, mean, regions)
    assert found.recovered == pytest.approx(0.5, abs=0.02)
    assert found.mean == pytest.approx(found.mean_baseline / 2, rel=0.05)


def test_a_region_that_is_only_displaced_has_no_error_of_its_own(face):
    mean, true, regions = face
    shifted = true.copy()
    shifted[regions["left"]] += [0.004, 0, 0]
    found = shape_error(shifted, true, mean, regions)
    assert found.regions["left"] < 0.2
    assert found.face > 1


def test_what_lies_outside_the_face_does_not_count(face):
    mean, true, regions = face
    wild = true.copy()
    wild[390:] += 1.0
    assert shape_error(wild, true, mean, regions).face < 1e-6


def test_turns_are_measured_in_degrees():
    one = rotation_from_vector(np.array([0.2, 0.1, 0.0]))
    assert turn_between(one, one) == pytest.approx(0, abs=1e-3)
    assert turn_between(
        rotation_from_vector(np.array([0, np.radians(25), 0])) @ one, one
    ) == pytest.approx(25)


def test_points_err_by_a_share_of_the_outer_eye_distance():
    true = np.random.default_rng(4).uniform(0, 100, (722, 2)).astype(np.float32)
    true[33], true[263] = (0, 50), (100, 50)
    moved = true + np.array([0, 2], np.float32)
    assert point_error(moved, true) == pytest.approx(2, rel=1e-4)
    assert point_error(moved[:468], true) == pytest.approx(2, rel=1e-4)


def makehuman(names) -> MakeHumanHead:
    nothing = np.zeros((0, 4), np.int32)
    groups = ["nose" if name.startswith("nose") else "macrodetails" for name in names]
    return MakeHumanHead(
        nothing, nothing, nothing, nothing, tuple(names), tuple(groups), np.zeros((len(names), 0))
    )


def test_targets_tell_how_old_a_person_is():
    names = [
        "macrodetails/asian-female-young",
        "macrodetails/african-male-old",
        "macrodetails/universal-male-old-maxmuscle-minweight",
        "nose/nose-old-male-up",
    ]
    shares = age_shares(makehuman(names), np.array([0.2, 0.6, 0.9, 0.5], np.float32))
    assert shares == pytest.approx({"child": 0, "young": 0.25, "old": 0.75})
    assert age_group(shares) == "old"
    assert age_group({"child": 0.2, "young": 0.8, "old": 0}) == "child"
    assert age_group({"child": 0, "young": 0.5, "old": 0.5}) == "middle-aged"
    assert age_group({"child": 0, "young": 0, "old": 1}) == "old"


def row(stage: str, yaw: float, error: float) -> StageRow:
    names = ("realy_nose", "realy_mouth", "realy_forehead", "realy_cheek")
    shape = ShapeError(dict.fromkeys(names, error), dict.fromkeys(names, 2.0), error, 2.0, 0.5)
    return StageRow(SimpleNamespace(yaw=yaw), stage, shape, 3.0, 0.1, 0.2, 4.0, 2.5, None)


def test_the_summary_parts_poses_and_stages_and_counts_what_was_missed():
    rows = [row(stage, yaw, error) for yaw, error in ((-10, 1.0), (50, 1.5)) for stage in STAGES]
    summary = summarise([*rows, None])
    assert (summary["views"], summary["not_found"]) == (3, 1)
    near, far = (summary[f"fitted, {pose}"] for pose in ("to 30 degrees", "30 to 60 degrees"))
    assert (near["ratio"], far["ratio"]) == (0.5, 0.75)
    assert near["expression_ratio"] == pytest.approx(0.5)
    assert near["by_region"]["realy_nose"] == 0.5
    assert near["distance_percent"] is None
    text = report(summary)
    assert "1 faces not found" in text
    assert "0.75" in text


def test_distance_and_focal_length_are_compared_with_the_true_cameras():
    def camera(focal, distance):
        away = np.array([0, 0, distance], np.float32)
        return Camera(make_intrinsics(focal, 448, 448), np.eye(3, dtype=np.float32), away, 448, 448)

    plain = row("fitted", 10, 1.0)
    rows = [
        heads._with_camera(replace(plain, camera=camera(focal, distance)), camera(1000, 1))
        for focal, distance in ((1000, 1.1), (800, 0.5), (2000, 1.2))
    ]
    found = heads.means(rows)
    assert found["distance_percent"] == pytest.approx(100 * np.log(1.2), rel=1e-4)
    assert found["focal_percent"] == pytest.approx(100 * np.log(1.25), rel=1e-4)
    assert heads._with_camera(plain, camera(1000, 1)) is plain
    assert "18%" in report({"views": 3, "not_found": 0, "fitted": found})


def test_a_face_that_no_head_fits_is_not_found_and_ends_nothing(monkeypatch):
    seen = []

    def estimates(photo):
        seen.append(photo)
        yield heads.Estimate("coarse", None, None, None)
        raise NoFaceFound("No head fits")

    monkeypatch.setattr(heads, "_estimates", estimates)
    zeros = np.zeros((3, 3))
    view = RenderedView(np.zeros((8, 8, 3), np.uint8), 0, "ict", zeros, zeros, zeros, 0.0, zeros)
    assert list(heads.measure([view, view], None)) == [None, None]
    assert len(seen) == 2
