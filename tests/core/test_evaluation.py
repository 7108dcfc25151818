"""Metrics, the baseline, the measuring of a pipeline, and the command line of the evaluation."""

import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml.errors import NoFaceFound, UsageError
from ml.evaluation import __main__ as commands
from ml.evaluation.metrics import (
    best_pose,
    identity_distances,
    landmark_error,
    overlap,
    yaw_of,
)
from ml.evaluation.photos.labels import LabelledPhoto, read_labels
from ml.evaluation.photos.landmarks import measure, photo_lines, report, summarise, to_json
from ml.evaluation.photos.pipeline import Pipeline
from ml.evaluation.photos.sheet import HEAD, LABEL, TILE, contact_sheet
from ml.evaluation.regions import REGIONS
from ml.evaluation.speed.photo import Speed
from ml.evaluation.speed.profile import part
from ml.photo.crop import EYE_LEFT, EYE_RIGHT, box_from_landmarks
from tests.support.synthetic_head import synthetic_reconstruction


def face_shape(seed=3):
    """(478, 3) metres: a bumpy invented face, wider apart at the eye corners than anywhere."""
    rng = np.random.default_rng(seed)
    shape = rng.uniform([-0.06, -0.08, 0], [0.06, 0.08, 0.07], (478, 3))
    shape[EYE_RIGHT], shape[EYE_LEFT] = (-0.045, 0.03, 0.04), (0.045, 0.03, 0.04)
    shape[10], shape[152] = (0, 0.09, 0.03), (0, -0.09, 0.03)
    return shape.astype(np.float32)


def posed(shape, yaw=0.5, scale=2000.0, shift=(300.0, 400.0)):
    """(478, 2) pixels under weak perspective, y down."""
    cos, sin = np.cos(yaw), np.sin(yaw)
    turned = shape @ np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]]).T
    return (turned[:, :2] * [scale, -scale] + shift).astype(np.float32)


LABEL_POINTS = posed(face_shape(), yaw=0.0)


def head_at(points, confidence=0.9):
    """A reconstruction whose projected landmarks are ``points``."""
    box = box_from_landmarks(points).as_xyxy()
    head = synthetic_reconstruction(3)
    return replace(head, landmarks_478_px=points, face_box=box, confidence=confidence)


def pipeline_of(heads, points=None):
    shown = [head.landmarks_478_px for head in heads] if points is None else points
    return Pipeline(lambda path: tuple(heads), lambda path: shown, lambda photo: [])


def only_row(heads, points=None, label=LABEL_POINTS):
    photo = LabelledPhoto(Path("ada.jpg"), label)
    (row,) = measure([photo], pipeline_of(heads, points), face_shape(seed=9))
    return row


def test_error_is_a_share_of_the_eye_distance_over_468_points():
    eyes = np.linalg.norm(LABEL_POINTS[EYE_LEFT] - LABEL_POINTS[EYE_RIGHT])
    moved = LABEL_POINTS + np.array([0, 0.1 * eyes], np.float32)
    moved[468:] += 1000  # irises do not count
    assert landmark_error(moved, LABEL_POINTS) == pytest.approx(10, abs=0.01)


@pytest.mark.parametrize("yaw", [0.0, 0.5, -1.2])
def test_the_right_face_in_its_best_pose_has_no_error(yaw):
    shape = face_shape()
    label = posed(shape, yaw)
    assert landmark_error(best_pose(shape, label)[0], label) < 0.01


def test_no_pose_makes_another_face_right():
    label = posed(face_shape(), 0.4)
    assert landmark_error(best_pose(face_shape(seed=9), label)[0], label) > 5


def test_best_pose_is_better_than_its_neighbours():
    shape, label = face_shape(seed=5), posed(face_shape(seed=6), 0.3)
    best = best_pose(shape, label)[0]
    energy = ((best - label) ** 2).sum()
    centre = best.mean(0)
    for change in (1.01, 0.99):
        assert (((best - centre) * change + centre - label) ** 2).sum() > energy
    assert ((best + 1 - label) ** 2).sum() > energy


@pytest.mark.parametrize("yaw", [0.0, 0.6, -1.1])
def test_the_best_pose_tells_how_far_a_face_is_turned(yaw):
    shape = face_shape()
    rotation = best_pose(shape, posed(shape, yaw))[1]
    assert np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-5)
    assert yaw_of(rotation) == pytest.approx(np.degrees(yaw), abs=0.1)


def test_pairs_of_one_person_and_of_different_people_are_kept_apart():
    identities = np.zeros((4, 160), np.float32)
    identities[2:, 0] = 1.0
    same, different = identity_distances(identities, np.array([7, 7, 8, 8]))
    assert (len(same), len(different)) == (2, 4)
    assert np.allclose(same, 0)
    assert np.allclose(different, different[0])
    # One standard deviation of the broadest mode moves a face by millimetres, not by metres.
    assert 0.1 < different[0] < 30
    within = identity_distances(identities, np.array([1, 2, 3, 4]), np.array(list("abab")))
    assert [len(part) for part in within] == [0, 2]


def test_overlap_of_boxes():
    assert overlap((0, 0, 2, 2), (0, 0, 2, 2)) == 1
    assert overlap((0, 0, 2, 2), (1, 0, 3, 2)) == pytest.approx(1 / 3)
    assert overlap((0, 0, 1, 1), (2, 0, 3, 1)) == 0


def test_a_found_face_has_three_figures():
    off = LABEL_POINTS + np.array([9, 0], np.float32)
    row = only_row([head_at(off)], points=[LABEL_POINTS])
    assert row.found
    assert row.prominent
    assert row.error == pytest.approx(landmark_error(off, LABEL_POINTS))
    assert row.network == 0
    assert row.baseline > 5


def test_regions_part_all_points_and_tell_where_a_head_is_wrong():
    numbers = np.concatenate(list(REGIONS.values()))
    assert sorted(numbers) == list(range(468))
    off = LABEL_POINTS.copy()
    off[REGIONS["jaw"]] += 50
    row = only_row([head_at(off)])
    assert row.regions["jaw"] > 10
    assert {name: row.regions[name] for name in ("eyes", "mouth")} == {"eyes": 0, "mouth": 0}
    assert row.baseline_regions["eyes"] > 1


def test_the_labelled_face_may_be_the_second():
    elsewhere = head_at(LABEL_POINTS + np.float32(900))
    row = only_row([elsewhere, head_at(LABEL_POINTS)])
    assert row.found
    assert not row.prominent
    assert row.error == pytest.approx(0)


def test_another_face_is_not_the_labelled_one():
    row = only_row([head_at(LABEL_POINTS + np.float32(900))])
    assert not row.found
    assert row.error is None
    assert row.problem


def test_no_face_is_a_row_and_bugs_are_not():
    def fails_with(error):
        def heads(path):
            raise error

        photo = LabelledPhoto(Path("ada.jpg"), LABEL_POINTS)
        return list(measure([photo], replace(pipeline_of([]), heads=heads), face_shape()))

    (row,) = fails_with(NoFaceFound("nobody in ada.jpg"))
    assert row.faces == 0
    assert row.problem == "nobody in ada.jpg"
    with pytest.raises(ZeroDivisionError):
        fails_with(ZeroDivisionError())


def test_summary_counts_all_and_averages_what_was_found():
    near, far = (head_at(LABEL_POINTS + np.float32(shift)) for shift in (0, 20))
    rows = [
        only_row([near]),
        only_row([far]),
        only_row([head_at(LABEL_POINTS + np.float32(900))]),
        only_row([near], label=None),
    ]
    summary = summarise(rows)
    assert (summary.photos, summary.labelled, summary.found) == (4, 3, 2)
    assert summary.unlabelled_with_a_face == 1
    assert summary.error_mean == pytest.approx((rows[0].error + rows[1].error) / 2)
    assert summary.error_worst == rows[1].error
    assert 0 < summary.recovered < 1
    assert "found 2 of 3 labelled faces" in report(rows, summary)
    assert photo_lines(rows).count("ada.jpg") == 4
    assert json.loads(json.dumps(to_json(rows, summary)))["summary"]["found"] == 2


def test_nothing_found_still_reports():
    rows = [only_row([head_at(LABEL_POINTS + np.float32(900))])]
    assert "found 0 of 1" in report(rows, summarise(rows))


def write_set(folder, photos=("a.jpg", "b.jpg"), labelled=("b.jpg",)):
    from PIL import Image

    (folder / "wild").mkdir()
    for name in photos:
        Image.new("RGB", (640, 800), (90, 120, 90)).save(folder / "wild" / name)
    landmarks = np.zeros((len(labelled), 478, 3), np.float32)
    landmarks[..., :2] = LABEL_POINTS
    np.savez(folder / "wild.npz", photo=np.array(labelled), landmarks=landmarks)


def test_labels_belong_to_photos_by_name(tmp_path):
    write_set(tmp_path)
    first, second = read_labels(tmp_path, "wild")
    assert first.landmarks is None
    assert np.array_equal(second.landmarks, LABEL_POINTS)


def test_a_false_label_is_left_out_and_named(tmp_path):
    write_set(tmp_path, photos=("003.jpg", "b.jpg"), labelled=("003.jpg", "b.jpg"))
    photos = read_labels(tmp_path, "wild")
    assert photos[0].landmarks is None
    rows = list(measure(photos, pipeline_of([head_at(LABEL_POINTS)]), face_shape()))
    summary = summarise(rows)
    assert (summary.labelled, summary.found, summary.unlabelled_with_a_face) == (1, 1, 1)
    assert "label of 003.jpg left out: it lies on" in report(rows, summary)


def test_missing_labels_or_photos_say_what_is_missing(tmp_path):
    with pytest.raises(UsageError, match=r"wild\.npz"):
        read_labels(tmp_path, "wild")
    write_set(tmp_path, photos=("a.jpg",), labelled=("lost.jpg",))
    with pytest.raises(UsageError, match=r"lost\.jpg"):
        read_labels(tmp_path, "wild")


def test_sheet_shows_the_label_and_the_head(tmp_path):
    write_set(tmp_path, photos=("b.jpg",))
    photos = read_labels(tmp_path, "wild")
    head = head_at(LABEL_POINTS + np.array([40, 0], np.float32))
    sheet = contact_sheet(photos, pipeline_of([head], points=[]))
    assert sheet.shape[0] == TILE
    for colour in (LABEL, HEAD):
        assert (sheet == np.array(colour)).all(-1).sum() > 100


def test_speed_report_adds_up():
    speed = Speed(cold=5000, warm=400, rooms={"find": 100.0, "fit": 200.0}, peer=800, repeats=5)
    text = speed.report()
    assert "25%" in text
    assert "50%" in text
    assert "0.50 of it" in text


def test_a_remedy_instead_of_a_traceback(tmp_path, capsys):
    assert commands.main(["wild", "--data", str(tmp_path)]) == 1
    assert "--data" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stopped:
        commands.main(["unheard-of"])
    assert stopped.value.code == 2


def test_parts_note_the_processor_time_of_every_call_and_hand_on_what_it_gives():
    spent = defaultdict(list)
    work = part(spent, "fit", lambda count, *, of: [of] * count)
    assert work(2, of=3) == [3, 3]
    with pytest.raises(TypeError):
        work(2)
    work(0, of=0)
    assert [name for name, noted in spent.items()] == ["fit"]
    assert len(spent["fit"]) == 3
    assert all(noted >= 0 for noted in spent["fit"])
