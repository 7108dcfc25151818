"""FaceScape's benchmark on invented copies of its data whose answers are known."""

from dataclasses import replace

import numpy as np
import pytest

from ml.data import Camera
from ml.errors import UsageError
from ml.evaluation.benchmarks import facescape
from ml.geometry.alignment import Similarity
from tests.support.scan_folders import (
    moved,
    write_lab,
    write_obj,
    write_result,
    write_wild,
)

# Where wild truth lies before its camera.
BACK = np.array([0, 0, -3])
# FaceScape's cost grows with the size of what is unwrapped.
SMALL = Similarity(0.2, np.eye(3), np.zeros(3))


@pytest.fixture
def small(truth):
    return moved(truth, SMALL)


def values(outcome):
    return {score.name: score.value for score in outcome.scores}


def test_facescape_wild_settles_the_depth_and_nothing_else(folders, model, small):
    data, results = folders
    placed = write_wild(data, small)
    write_obj(results / "wild" / "000.obj", replace(placed, vertices=placed.vertices - [0, 0, 0.7]))
    outcome = facescape.measure(data, results, model)
    figures = values(outcome)
    assert figures["wild CD"] < 1e-3
    assert figures["wild MNE"] < 1e-3
    assert figures["wild CR"] == 1
    assert outcome.scores[0].baseline > 0.05
    bigger = replace(placed, vertices=1.1 * (placed.vertices - BACK) + BACK)
    write_obj(results / "wild" / "000.obj", bigger)
    # A tenth too large is some millimetres, which no shift takes out.
    assert values(facescape.measure(data, results, model))["wild CD"] > 1


def test_facescape_wild_puts_a_result_into_its_camera(folders, model, small):
    data, results = folders
    write_wild(data, small)
    # So far away that the picture is as good as orthographic: 1000 pixels for a metre.
    far = Camera(
        np.float32([[1e5, 0, 140], [0, 1e5, 120], [0, 0, 1]]),
        np.diag([1, -1, -1]).astype(np.float32), np.float32([-0.012, 0.008, 100]), 256, 256,
    )  # fmt: skip
    write_result(results / "wild" / "000", small, small.vertices, camera=far)
    figures = values(facescape.measure(data, results, model))
    assert figures["wild CD"] < 0.05
    assert figures["wild CR"] > 0.99


@pytest.mark.parametrize(("size", "zoom"), [(1, 1.0), (2, 1.0), (1, 1.5)])
def test_facescape_lab_puts_a_result_into_its_camera(folders, model, small, size, zoom):
    """A larger photo, or a longer lens farther away, show the same."""
    data, results = folders
    camera = write_lab(data, small)
    scale = np.diag([size * zoom, size * zoom, 1]).astype(np.float32)
    own = scale @ camera.intrinsics
    own[:2, 2] = size * camera.intrinsics[:2, 2]
    place = camera.translation * np.float32([1, 1, zoom])
    seen = Camera(own, camera.rotation, place, 256 * size, 256 * size)
    write_result(results / "lab" / "00_0_00", small, small.vertices, camera=seen)
    figures = values(facescape.measure(data, results, model))
    assert figures["lab CD"] < 0.05
    assert figures["lab CR"] > 0.99


def test_facescape_lab_settles_the_depth_along_the_rays(folders, model, small):
    data, results = folders
    camera = write_lab(data, small)
    there = (small.vertices @ camera.rotation.T + camera.translation) * 1000 / facescape.PUPILS
    write_obj(results / "lab" / "00_0_00.obj", replace(small, vertices=1.05 * there))
    figures = values(facescape.measure(data, results, model))
    assert figures["lab CD"] < 0.05
    assert figures["lab CR"] > 0.99


@pytest.mark.parametrize(
    ("lost", "named"),
    [
        ("data/wild_gt_mesh", "wild_gt_mesh"),
        ("code/predef/wild_rotations.npy", "wild_rotations.npy"),
    ],
)
def test_facescape_names_what_is_missing(folders, model, small, lost, named):
    data, results = folders
    write_obj(results / "wild" / "000.obj", write_wild(data, small))
    (data / lost).rename(data / "elsewhere")
    with pytest.raises(UsageError, match=named) as caught:
        facescape.measure(data, results, model)
    assert "--data" in caught.value.hint


def test_facescape_says_that_a_mesh_lies_elsewhere(folders, model, small):
    data, results = folders
    placed = write_wild(data, small)
    write_obj(results / "wild" / "000.obj", replace(placed, vertices=placed.vertices - [0, 9, 0]))
    with pytest.raises(UsageError, match="has to lie in the photo's camera"):
        facescape.measure(data, results, model)
