"""NoW on invented copies of its data whose answers are known, and what all protocols share.

REALY and FaceScape have files of their own beside this one.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from ml.errors import HeadError, UsageError
from ml.evaluation import __main__ as commands
from ml.evaluation.benchmarks import now, protocol
from ml.evaluation.benchmarks.result import ScanResult, Score, Tally, score_all
from ml.evaluation.benchmarks.scans import read_obj
from tests.support.scan_folders import (
    ANYWHERE,
    PERSON,
    PHOTO,
    moved,
    person,
    piece,
    write_now,
    write_obj,
    write_result,
)


def values(outcome):
    return {score.name: score.value for score in outcome.scores}


def test_now_of_the_same_neutral_head_is_nought(folders, model, truth):
    data, results = folders
    write_now(data, model, truth)
    write_result(results / PHOTO, truth)
    outcome = now.measure(data, results, model)
    assert max(values(outcome).values()) < 1e-3
    assert outcome.tally.rows[0]["challenge"] == "multiview_neutral"


def test_now_tells_how_much_of_the_person_was_found(folders, model, truth):
    data, results = folders
    write_now(data, model, truth)
    write_obj(results / f"{PHOTO}.obj", moved(person(model, 0.5), ANYWHERE))
    np.save(results / f"{PHOTO}.npy", ANYWHERE.apply(landmarks(model, person(model, 0.5))))
    outcome = now.measure(data, results, model)
    assert outcome.scores[1].recovered == pytest.approx(0.5, abs=0.05)
    assert outcome.scores[2].recovered is None


def landmarks(model, surface):
    return surface.vertices[model.landmark_sets["now7"].corners[:, 0]]


def test_now_measures_a_known_bump(model, truth):
    flat = 1000 * piece(truth, truth.vertices[:, 2] > 0.04).vertices
    high = np.linalg.norm(flat - [45, -20, 90], axis=1) < 14
    bumpy = flat + 2 * high[:, None] * flat / np.linalg.norm(flat, axis=1, keepdims=True)
    scan = now.Scan(bumpy, 1000 * landmarks(model, truth))
    found = now.distances(scan, moved(truth, ANYWHERE), ANYWHERE.apply(landmarks(model, truth)))
    assert 5 < high.sum() < 0.01 * len(high)
    assert found[high].mean() == pytest.approx(2, abs=0.1)
    assert np.median(found) < 0.02


def test_now_crops_the_scan_to_a_sphere_about_the_face():
    seven = np.array([
        [-45, 30, 0], [-15, 30, 0], [15, 30, 0], [45, 30, 0], [0, -10, 0], [-25, -40, 0],
        [25, -40, 0],
    ], float)  # fmt: skip
    # Bridge (0, 30, 0): the centre lies 0.3 of 40 mm above the nose; radius 1.4 (90 + 40) / 2.
    ways = np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0], [-0.6, 0, 0.8]])
    inside, outside = (radius * ways + [0, 2, 0] for radius in (90.9, 91.1))
    assert now.crop(inside, seven).all()
    assert not now.crop(outside, seven).any()


@pytest.mark.parametrize(
    ("lost", "named"),
    [
        ("imagepathsvalidation.txt", "imagepathsvalidation.txt"),
        (f"scans/{PERSON}/scan.000001.obj", PERSON),
        (f"scans_lmks_onlypp/{PERSON}/scan_picked_points.pp", "*.pp"),
        ("scans", "scans"),
    ],
)
def test_now_names_what_is_missing(folders, model, truth, lost, named):
    data, results = folders
    write_now(data, model, truth)
    write_obj(results / f"{PHOTO}.obj", truth)
    (data / "final_release_version" / lost).rename(data / "elsewhere")
    with pytest.raises(UsageError, match="is missing") as caught:
        now.measure(data, results, model)
    assert named in caught.value.message
    assert "--data" in caught.value.hint


@pytest.mark.parametrize(
    "content", ["<PickedPoints><point x='1' y='2' z='3'/></PickedPoints>", "?"]
)
def test_now_names_damaged_landmarks(tmp_path, content):
    path = tmp_path / "a.pp"
    path.write_text(content)
    with pytest.raises(UsageError, match=r"a\.pp"):
        now.read_picked_points(path)


def test_now_wants_seven_landmarks_beside_a_mesh(folders, model, truth):
    data, results = folders
    write_now(data, model, truth)
    with pytest.raises(UsageError, match="holds no prediction"):
        now.measure(data, results, model)
    write_obj(results / f"{PHOTO}.obj", truth)
    (results / f"{PHOTO}.txt").write_text("1 2 3\n")
    with pytest.raises(UsageError, match=r"IMG_0001\.txt does not hold 7 landmarks"):
        now.measure(data, results, model)


def test_damaged_meshes_are_named(tmp_path):
    for text in (
        "v 1 2 3\nf 1 2 3\n",
        "v 0 0 0\nf 0 1 1\n",
        "v a b c\n",
        "v 1 2\n",
        "v 0 nan 0\n",
        "",
    ):
        path = tmp_path / "a.obj"
        path.write_text(text)
        with pytest.raises(UsageError, match=r"a\.obj .*whole Wavefront"):
            read_obj(path)
    path.write_text("v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nf -4/1 -3/2 -2/3 -1/4\n")
    np.testing.assert_array_equal(read_obj(path).triangles, [[0, 1, 2], [0, 2, 3]])


def test_one_bad_prediction_costs_only_itself():
    def score(name):
        if name == "bad":
            raise HeadError("bad.obj is damaged", "Write it again")
        return None if name == "none" else {"name": name}

    tally = score_all(["good", "bad", "none"], score, "x")
    assert tally == Tally(
        [{"name": "good"}], ["none"], {"bad": "bad.obj is damaged. Write it again"}
    )
    with pytest.raises(HeadError, match=r"bad\.obj"):
        score_all(["bad", "none"], score, "x")


def test_what_is_finished_is_kept_when_the_person_stops():
    def score(name):
        if name == "second":
            raise KeyboardInterrupt
        return {"name": name}

    assert score_all(["first", "second", "third"], score, "x").missing == ["second", "third"]
    with pytest.raises(KeyboardInterrupt):
        score_all(["second"], score, "x")


def test_the_report_says_what_was_recovered_and_what_was_not_scored():
    scores = [Score("nose", "mm", 1.0, 4.0), Score("CR", "share", 0.9, 0.8, deviation=False)]
    report = ScanResult("REALY", scores, Tally([{}], ["3"], {"4": "no faces"})).report()
    assert "75 %" in report
    assert "1 scored, 2 without" in report
    assert "4: no faces" in report
    assert Score("worse", "mm", 5.0, 4.0).recovered == -0.25


def test_commands(folders, model, truth, monkeypatch, capsys):
    data, results = folders
    monkeypatch.setattr(protocol, "load_head_model", lambda: model)
    ask = ["now", "--data", str(data), "--results", str(results), "--json"]
    out = Path(results.parent / "out" / "now.json")
    assert commands.main([*ask, str(out)]) == 1
    assert "imagepathsvalidation.txt is missing" in capsys.readouterr().err
    write_now(data, model, truth)
    write_obj(results / f"{PHOTO}.obj", truth)
    assert commands.main([*ask, str(out)]) == 0
    assert "NoW: 1 scored" in capsys.readouterr().out
    written = json.loads(out.read_text())
    assert [score["name"] for score in written["scores"]] == ["median", "mean", "std"]
    assert written["photos"][0]["name"] == PHOTO
