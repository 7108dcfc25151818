"""REALY on invented copies of its data whose answers are known."""

import json
from dataclasses import replace

import numpy as np
import pytest

from ml.errors import ModelUnreadable, UsageError
from ml.evaluation.benchmarks import now, realy
from ml.evaluation.benchmarks.scans import Surface, mean_face
from ml.results.provenance import Provenance
from tests.support.scan_folders import (
    ANYWHERE,
    REGION_BOUNDS,
    UNIT,
    moved,
    piece,
    write_now,
    write_obj,
    write_realy,
    write_result,
)


def raised(surface, place, height, width):
    """The surface with a hill of ``height`` metres, and the (V,) heights."""
    away = np.linalg.norm(surface.vertices - place, axis=1)
    hill = height * np.exp(-((away / width) ** 2))
    outward = surface.vertices / np.linalg.norm(surface.vertices, axis=1, keepdims=True)
    return replace(surface, vertices=surface.vertices + hill[:, None] * outward), hill


def values(outcome):
    return {score.name: score.value for score in outcome.scores}


def test_realy_of_the_same_head_is_nought_wherever_it_lies(folders, model, truth):
    data, results = folders
    write_realy(data, model, truth)
    write_obj(results / "1.obj", moved(truth, ANYWHERE))
    outcome = realy.measure(data, results, model)
    assert set(values(outcome)) == {*REGION_BOUNDS, "all"}
    assert max(values(outcome).values()) < 1e-3
    assert outcome.scores[-1].recovered == pytest.approx(1, abs=0.01)
    assert outcome.scores[-1].baseline > 0.1


def test_realy_scores_the_expressed_head_of_a_result(folders, model, truth):
    data, results = folders
    write_realy(data, model, truth)
    write_result(results / "1_left", mean_face(model), truth.vertices)
    outcome = realy.measure(data, results, model)
    assert values(outcome)["all"] < 1e-3
    assert outcome.tally.rows[0]["name"] == "1_left"


def test_realy_sees_a_hill_where_it_is_and_as_high_as_it_is(folders, model, truth):
    data, results = folders
    write_realy(data, model, truth)
    hilly, hill = raised(truth, (0, 0.058, 0.095), 0.003, 0.015)
    write_obj(results / "1.obj", hilly)
    errors = values(realy.measure(data, results, model))
    used = np.zeros(len(hill), bool)
    used[np.unique(truth.triangles)] = True
    heights = 1000 * hill[used & (model.masks["realy_forehead"] > 0)]
    # The rigid alignment takes some of the mean out, which every vertex then lacks.
    assert heights.mean() < errors["forehead"] < np.abs(heights - heights.mean()).mean()
    assert max(errors["nose"], errors["mouth"], errors["cheek"]) < 0.1 * errors["forehead"]
    assert errors["all"] == pytest.approx(np.mean([errors[name] for name in REGION_BOUNDS]))


def test_realy_errors_are_in_the_persons_millimetres(folders, model, truth):
    data, results = folders
    write_realy(data, model, truth)
    write_obj(results / "1.obj", mean_face(model))
    before = values(realy.measure(data, results, model))
    np.savetxt(data / "metrical_scale.txt", np.full(100, 2 * UNIT))
    after = values(realy.measure(data, results, model))
    assert after["all"] == pytest.approx(2 * before["all"])


def test_realy_bends_all_but_the_cheeks_by_landmarks(folders, model, truth, monkeypatch):
    data, results = folders
    write_realy(data, model, truth)
    write_obj(results / "1.obj", moved(truth, ANYWHERE))
    seen = []

    def bend(vertices, triangles, cloud, guides):
        seen.append((vertices, guides))
        return vertices

    monkeypatch.setattr(realy, "bend", bend)
    realy.measure(data, results, model)
    ours = dict(zip(REGION_BOUNDS, seen[:4], strict=True))
    assert ours["cheek"][1] is None
    for name, count in (("nose", 9), ("mouth", 14), ("forehead", 22)):
        vertices, guides = ours[name]
        assert len(guides.vertices) == count
        # Every landmark is a vertex of this head, though not always of the region.
        away = np.linalg.norm(vertices[guides.vertices] - guides.places, axis=1)
        assert np.median(away) < 1e-6


def test_realys_scale_does_not_shrink_what_fits_badly():
    rng = np.random.default_rng(1)
    target = rng.normal(size=(7, 3))
    assert realy.seven_point_pose(ANYWHERE.undo(target), target).scale == pytest.approx(3)
    # Twice as spread in every direction, whatever the noise: half the size.
    noisy = np.concatenate([target, -target])
    source = 2 * noisy * rng.choice([0.8, 1.2], (14, 1))
    expected = np.abs(noisy).sum() / np.abs(source - source.mean(0)).sum()
    assert realy.seven_point_pose(source, noisy).scale == pytest.approx(expected, rel=0.05)


def test_realy_takes_meshes_of_another_topology_with_their_keypoints(folders, model, truth):
    data, results = folders
    write_realy(data, model, truth)
    other = Surface(truth.vertices, truth.triangles[::-1])
    other = piece(other, truth.vertices[:, 2] > -0.05)
    keypoints = model.landmark_sets["realy85"].corners[:, 0]
    rows = []
    for place in truth.vertices[keypoints]:
        vertex = np.abs(other.vertices - place).sum(1).argmin()
        triangle, corner = np.argwhere(other.triangles == vertex)[0]
        rows.append([int(triangle), float(corner == 0), float(corner == 1)])
    write_obj(results / "1.obj", other)
    with pytest.raises(UsageError, match=r"1\.obj has \d+ vertices.*keypoints\.txt"):
        realy.measure(data, results, model)
    (results / "keypoints.txt").write_text(json.dumps(rows))
    assert values(realy.measure(data, results, model))["all"] < 1e-3
    (results / "keypoints.txt").write_text(json.dumps(rows[:80]))
    with pytest.raises(UsageError, match=r"keypoints\.txt holds no 85 keypoints"):
        realy.measure(data, results, model)


@pytest.mark.parametrize(
    ("lost", "named"),
    [
        ("REALY_scan_region", "REALY_scan_region"),
        ("metrical_scale.txt", "metrical_scale.txt"),
        ("REALY_HIFI3D_keypoints/1.obj", "1.obj"),
        ("REALY_scan_region/1/nose.obj", "nose.obj"),
    ],
)
def test_realy_names_what_is_missing(folders, model, truth, lost, named):
    data, results = folders
    write_realy(data, model, truth)
    write_obj(results / "1.obj", truth)
    (data / lost).rename(data / "elsewhere")
    with pytest.raises(UsageError, match="is missing") as caught:
        realy.measure(data, results, model)
    assert named in caught.value.message
    assert caught.value.hint


def test_realy_says_which_people_have_no_head(folders, model, truth):
    data, results = folders
    write_realy(data, model, truth)
    write_realy(data, model, truth, number=2)
    with pytest.raises(UsageError, match="holds no prediction: looked for 1, 2"):
        realy.measure(data, results, model)
    write_obj(results / "2.obj", truth)
    outcome = realy.measure(data, results, model)
    assert outcome.tally.missing == ["1"]
    assert "not comparable with others': 1" in outcome.report()


def test_a_result_of_another_head_model_is_refused(folders, model, truth):
    data, results = folders
    write_realy(data, model, truth)
    old = Provenance("invented-head", "0.1", "CC0-1.0", "a.jpg", "ab", 600, 800, "0.1")
    write_result(results / "1", truth, provenance=old)
    with pytest.raises(UsageError, match=r"invented-head 0\.1, .* Reconstruct the photo again"):
        realy.measure(data, results, model)


def test_a_head_model_without_the_landmarks_is_refused(folders, model, truth):
    data, results = folders
    write_realy(data, model, truth)
    write_now(data, model, truth)
    bare = replace(model, landmark_sets={})
    for protocol, name in ((realy, "realy85"), (now, "now7")):
        with pytest.raises(ModelUnreadable, match=f"no landmark set '{name}'.*newer"):
            protocol.measure(data, results, bare)
