"""The face detector: decoding, its pyramid, its training tiles, and the weights that ship."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from skimage.data import astronaut

from ml.data import FaceBox, Photo
from ml.errors import WeightsMissing
from ml.photo.detector import (
    LARGEST,
    SMALLEST,
    STEP,
    STRIDE,
    WEIGHTS,
    Detector,
    DetectorNetwork,
    decoded,
    distinct_boxes,
    load_detector,
)
from ml.photo.faces import propose_faces, propose_more_faces
from ml.training.config import read_config
from ml.training.detector.export import export
from ml.training.detector.losses import LossWeights, losses
from ml.training.detector.tiles import CELLS, TILE, face_tile, targets
from ml.training.detector.train import CONFIG, DetectorConfig, DetectorTraining
from ml.training.export import read_trained
from ml.training.loop import start_run, take_step

# Where the astronaut's face is: brow to chin, ear to ear.
ASTRONAUT = FaceBox((222.0, 112.0), 150.0)
BLANK = Photo(np.zeros((400, 600, 3), np.uint8), Path("blank.jpg"), "0" * 64)


def as_output(wanted):
    """What a network would say that had learned ``wanted`` by heart."""
    output = wanted.copy()
    # Nearer cells are surer, so that one of them speaks.
    output[0] = np.where(wanted[0] > 0, 4 - np.hypot(wanted[1], wanted[2]), -9)
    return output


@pytest.mark.parametrize(
    "box",
    [
        FaceBox((41.0, 52.0), 30.0, 0.3),
        FaceBox((20.0, 70.0), 19.0, -0.9),
        FaceBox((47.0, 49.0), 45.0),
    ],
)
def test_targets_say_what_is_decoded(box):
    wanted, weight = targets(box)
    found = decoded(as_output(wanted), 0.5)
    assert len(found) == 1
    np.testing.assert_allclose(found[0, :4], [*box.center, box.size, box.roll], atol=1e-3)
    assert (weight[1] == wanted[0]).all()
    assert not (weight[0] * (1 - wanted[0]))[np.hypot(wanted[1], wanted[2]) * 16 < 4].any()


def test_a_tile_s_box_lies_where_its_face_does():
    """A bright disc stands for the face: its middle is found to a twentieth of a pixel."""
    picture = np.zeros((600, 800, 3), np.uint8)
    cv2.circle(picture, (380, 290), 60, (255, 255, 255), -1)
    # OpenCV counts from the first pixel's middle, boxes from its corner.
    box = FaceBox((380.5, 290.5), 200.0)
    row, column = np.mgrid[:TILE, :TILE] + 0.5
    off = []
    for seed in range(80):
        tile, moved = face_tile(picture, box, np.random.default_rng(seed))
        if np.abs(np.array(moved.center) - TILE / 2).max() + 0.4 * moved.size > TILE / 2:
            continue
        bright = tile[..., 0] / tile[..., 0].sum(dtype=float)
        off.append([(column * bright).sum(), (row * bright).sum()] - np.array(moved.center))
    assert len(off) > 20
    assert np.abs(np.mean(off, axis=0)).max() < 0.05


def test_faces_of_other_sizes_are_no_faces_here():
    for size in (8.0, 120.0):
        wanted, weight = targets(FaceBox((48, 48), size))
        assert not wanted[0].any()
        assert weight[0].all()
    borderline = targets(FaceBox((48, 48), LARGEST * 1.2))
    assert not borderline[0][0].any()
    assert not borderline[1][0].all()


def test_no_size_falls_between_two_levels():
    assert SMALLEST / LARGEST < STEP


def test_the_loss_prefers_the_right_place_and_size():
    right = targets(FaceBox((40, 40), 30.0))
    wanted, weight = (torch.from_numpy(array)[None] for array in right)

    def loss(output):
        parts = losses(torch.from_numpy(output)[None], wanted, weight, LossWeights(1.0, 1.5))
        return float(sum(parts.values()))

    learned = as_output(right[0])
    learned[0] = np.where(right[0][0] > 0, 9, -9)
    shifted, silent = learned.copy(), learned.copy()
    shifted[1] += 0.3
    silent[0] = -9
    assert loss(learned) < 1e-3 < loss(shifted) < loss(silent)


def test_distinct_boxes_keeps_the_best_of_each_face():
    boxes = [
        FaceBox((100, 100), 50, 0, 0.6), FaceBox((104, 100), 56, 0, 0.9), FaceBox((300, 90), 50),
    ]  # fmt: skip
    assert [box.center for box in distinct_boxes(boxes)] == [(300, 90), (104, 100)]


def test_the_network_keeps_a_cell_for_every_eight_pixels():
    output = DetectorNetwork((4, 8, 8))(torch.rand(2, 3, TILE, 2 * TILE))
    assert output.shape == (2, 6, CELLS, 2 * CELLS)
    assert TILE == CELLS * STRIDE


@pytest.fixture
def trained(tmp_path):
    """A small network's run before its first step, exported."""
    config = replace(read_config(CONFIG, DetectorConfig), widths=(8, 8, 8))
    start_run(DetectorTraining(config, None)).save(tmp_path / "checkpoint.pt")
    return read_trained(tmp_path / "checkpoint.pt", DetectorConfig)


def test_exported_weights_come_back_and_altered_ones_do_not(trained, tmp_path):
    target = tmp_path / "detector.safetensors"
    assert export(trained, target).details["widths"] == (8, 8, 8)
    load_detector.cache_clear()
    assert load_detector(target).boxes(BLANK.rgb, 0.9) == []
    load_detector.cache_clear()
    altered = tmp_path / "altered.safetensors"
    export(trained, altered)
    altered.write_bytes(altered.read_bytes()[:-1] + b"x")
    with pytest.raises(WeightsMissing, match="not the file"):
        load_detector(altered)
    load_detector.cache_clear()


def test_training_finds_the_same_face_again():
    config = replace(read_config(CONFIG, DetectorConfig), widths=(8, 8, 8))
    training = DetectorTraining(config, None)
    state = start_run(training)
    rng = np.random.default_rng(0)
    images = torch.from_numpy(rng.random((2, 3, TILE, TILE), np.float32))
    wanted, weight = (
        torch.from_numpy(part)[None].repeat(2, 1, 1, 1)
        for part in targets(FaceBox((40.0, 40.0), 30.0))
    )
    batch = images, wanted, weight
    first = take_step(training, state, batch, 3e-3)
    for _ in range(40):
        last = take_step(training, state, batch, 3e-3)
    assert last["score"] < 0.5 * first["score"]
    assert last["box"] < 0.5 * first["box"]


@pytest.mark.parametrize("quarter", [0, 1, 2, 3])
def test_photos_on_their_side_are_searched(quarter):
    rgb = np.ascontiguousarray(np.rot90(astronaut(), quarter))
    boxes = propose_more_faces(Photo(rgb, Path("side.jpg"), ""))
    # Turned counter-clockwise, (x, y) of a square picture 512 wide goes to (y, 512 - x).
    x, y = ASTRONAUT.center
    for _ in range(quarter):
        x, y = y, 512 - x
    near = [box for box in boxes if np.hypot(box.center[0] - x, box.center[1] - y) < 40]
    assert near
    lean = (near[0].roll + quarter * np.pi / 2 + np.pi) % (2 * np.pi) - np.pi
    assert abs(lean) < 0.5


def test_nothing_is_proposed_in_a_blank_photo():
    assert propose_more_faces(BLANK) == []


def test_the_shipped_detector_finds_the_astronaut():
    box = propose_faces(Photo(astronaut(), Path("astronaut.png"), ""))[0]
    assert np.hypot(*np.subtract(box.center, ASTRONAUT.center)) < 30
    assert 0.65 < box.size / ASTRONAUT.size < 1.5
    assert abs(box.roll) < 0.4
    assert load_detector(WEIGHTS) is load_detector(WEIGHTS)


def test_small_faces_in_large_photos_are_proposed_on_the_second_try():
    small = cv2.resize(astronaut(), (110, 110), interpolation=cv2.INTER_AREA)
    rgb = np.full((900, 1300, 3), 90, np.uint8)
    rgb[400:510, 700:810] = small
    x, y = np.array(ASTRONAUT.center) * 110 / 512 + [700, 400]

    def right(box):
        near = np.hypot(box.center[0] - x, box.center[1] - y) < 6
        return near and 0.7 < box.size / (ASTRONAUT.size * 110 / 512) < 1.4

    photo = Photo(rgb, Path("far.jpg"), "")
    # The small picture's edges make a larger face of it, too.
    assert any(right(box) for box in propose_more_faces(photo))
    assert not any(right(box) for box in propose_faces(photo))


def test_the_search_for_the_prominent_face_ends_where_smaller_ones_cannot_be_it(monkeypatch):
    scales, level = [], Detector._level

    def counted(self, rgb, scale, least):
        scales.append(scale)
        return level(self, rgb, scale, least)

    monkeypatch.setattr(Detector, "_level", counted)
    photo = Photo(np.ascontiguousarray(astronaut()[:320, 60:380]), Path("near.png"), "")
    prominent = propose_faces(photo, "prominent")
    coarse = list(scales)
    scales.clear()
    every = propose_faces(photo)
    assert max(coarse) < max(scales)
    assert set(coarse) < set(scales)
    assert np.hypot(*np.subtract(prominent[0].center, every[0].center)) < 15


def test_the_search_goes_on_while_smaller_faces_may_be_the_prominent_one():
    seen = []

    def never(found, largest):
        seen.append(largest)
        return False

    boxes = load_detector().boxes(astronaut(), 0.6, stop=never)
    assert boxes == load_detector().boxes(astronaut(), 0.6)
    assert seen == sorted(seen, reverse=True)
    assert len(seen) > 3
