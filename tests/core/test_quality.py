"""How far a head can be trusted: one figure from measures, and what lowers it in words."""

import csv
import json
from dataclasses import fields, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from ml.cli import main
from ml.data import Camera, FitResult, HeadCoefficients, Landmarks, Observation, Photo
from ml.errors import HeadError
from ml.fitting.camera import make_intrinsics
from ml.fitting.measures import Measures, measure, symmetry_of
from ml.fitting.quality import LOW, Quality, quality_of, reason_of, terms
from ml.head.storage import load_head_model
from ml.results.reconstruction import load_reconstruction, save_reconstruction
from tests.support.fake_pipeline import fake_heads, tiny_head
from tests.support.known_faces import SIDE, found_face

SHARP = Measures(
    misfit=0.003,
    vagueness=0.006,
    outside=0.0,
    turned=0.1,
    identity=0.3,
    disagreement=1.5,
    width=140.0,
    fineness=0.2,
    contrast=30.0,
    symmetry=0.6,
)
REASON = "The face is only 40 pixels wide"


def test_a_sharp_photo_of_a_usual_face_is_trusted_fully():
    assert quality_of(SHARP) == Quality(1.0, "")


@pytest.mark.parametrize(
    ("worse", "word"),
    [
        ({"vagueness": 0.03}, "negative"),
        ({"identity": 1.2}, "stretched"),
        ({"disagreement": 20.0}, "stretched"),
        ({"vagueness": 0.03, "outside": 0.5}, "Half of the face lies outside the picture"),
        ({"vagueness": 0.03, "width": 40.0}, "The face is only 40 pixels wide"),
        ({"vagueness": 0.03, "fineness": 0.01}, "blurred"),
        ({"vagueness": 0.03, "contrast": 3.0}, "contrast"),
        ({"vagueness": 0.03, "turned": 0.45}, "Half of the face is turned away"),
        ({"symmetry": 0.99}, "mirror image"),
    ],
)
def test_what_is_worse_lowers_it_and_is_named(worse, word):
    quality = quality_of(replace(SHARP, **worse))
    assert quality.value < LOW
    assert word in quality.reason
    assert not quality.reason.endswith(".")


def test_a_little_worse_is_a_little_lower_and_needs_no_reason():
    values = [quality_of(replace(SHARP, vagueness=0.006 * more)) for more in (1, 1.2, 1.4, 4)]
    assert [q.value for q in values] == sorted({q.value for q in values}, reverse=True)
    assert values[1].reason == ""


@pytest.mark.parametrize("value", [0.0, 1e9, float("inf"), float("nan")])
def test_whatever_is_measured_gives_a_figure(value):
    for name in (field.name for field in fields(Measures)):
        quality = quality_of(replace(SHARP, **{name: value}))
        assert 0 <= quality.value <= 1
        if value == 1e9 and name in terms(SHARP):
            assert reason_of(replace(SHARP, **{name: value}))


def measured(camera_x=0.0, landmark_shift=0.0, sigma=0.6, rgb=None, turn=0.0):
    """Measures of the mean face, in a picture of noise, whose landmarks lie beside it."""
    rng, model = np.random.default_rng(5), load_head_model()
    rest = HeadCoefficients(np.zeros(model.identity_count, np.float32), np.zeros(52, np.float32))
    face = found_face(rest.identity, rest.expression, turn, rng)
    place = np.array([camera_x, 0, 1.2], np.float32)
    rotation, size = face.output.rotation, (SIDE, SIDE)
    camera = Camera(make_intrinsics(1000, *size), rotation, place, *size)
    points = camera.project(model.points("dense").at(rest)) + np.float32([landmark_shift, 0])
    landmarks = Landmarks(points, np.full(len(points), sigma, np.float32))
    noise = rng.integers(0, 256, (*size, 3), np.uint8)
    photo = Photo(noise if rgb is None else rgb, Path("x.png"), "")
    observation = Observation(face, landmarks, "dense")
    return measure(photo, observation, landmarks, FitResult(rest, camera, 0.0), model)


def test_a_face_is_measured_against_its_fitted_head():
    found = measured(landmark_shift=1.2)
    assert found.misfit == pytest.approx(1.2 / found.width, rel=1e-3)
    assert found.vagueness == pytest.approx(0.6 / found.width, rel=1e-3)
    assert (found.outside, found.identity, found.disagreement) == (0, 0, 0)
    assert 100 < found.width < 200


def test_the_share_outside_the_picture_and_turned_away():
    # At 1.12 m, 0.143 m are 128 pixels: the face's middle lies on the border.
    assert measured(camera_x=0.143).outside == pytest.approx(0.5, abs=0.1)
    assert measured().turned < 0.2
    assert measured(turn=1.4).turned > 0.3
    assert measured(camera_x=2.0).outside == 1


def test_blur_and_contrast_of_the_picture():
    rng = np.random.default_rng(2)
    coarse = rng.integers(0, 256, (9, 9, 3), np.uint8)
    noise = rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    soft = measured(rgb=cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC))
    assert soft.fineness < 0.06 < 0.3 < measured(rgb=noise).fineness
    faint = measured(rgb=(noise * 0.05).astype(np.uint8))
    assert faint.contrast < 0.1 * measured(rgb=noise).contrast


def test_a_half_and_its_mirror_image_are_known_wherever_the_middle_lies():
    noise = np.random.default_rng(2).integers(0, 256, (16, 16, 3), np.uint8)
    picture = cv2.resize(noise, (128, 128), interpolation=cv2.INTER_CUBIC)
    assert symmetry_of(picture) < 0.6
    for middle in (60, 64, 70):
        half = picture[:, :middle]
        made = np.concatenate([half, half[:, ::-1], half[:, ::-1]], 1)[:, :128]
        assert symmetry_of(np.ascontiguousarray(made)) > 0.98
    assert symmetry_of(np.full_like(picture, 90)) == 0


def doubted(photo):
    return replace(tiny_head(photo), quality=0.125, quality_reason=REASON)


def test_a_result_holds_it_and_earlier_results_go_without(tmp_path):
    save_reconstruction(doubted(tmp_path / "me.jpg"), tmp_path / "new")
    head = load_reconstruction(tmp_path / "new")
    assert (head.quality, head.quality_reason) == (0.125, REASON)
    save_reconstruction(tiny_head(tmp_path / "me.jpg"), tmp_path / "old")
    assert "quality" not in (tmp_path / "old/reconstruction.json").read_text()
    head = load_reconstruction(tmp_path / "old")
    assert (head.quality, head.quality_reason) == (None, "")


@pytest.mark.parametrize("entry", [{"quality": "good"}, {"quality": None}, {"quality_reason": 3}])
def test_an_entry_that_does_not_fit_is_refused(tmp_path, entry):
    path = save_reconstruction(doubted(tmp_path / "me.jpg"), tmp_path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **entry}))
    with pytest.raises(HeadError, match=next(iter(entry))):
        load_reconstruction(tmp_path)


def test_the_command_line_warns_and_the_reports_say_it(tmp_path, capsys):
    photos, out = [tmp_path / "good.jpg", tmp_path / "small.jpg"], tmp_path / "out"
    for photo in photos:
        photo.write_bytes(b"x")

    def reconstruct(photo, settings):
        return [doubted(photo)] if photo.stem == "small" else fake_heads(photo, settings)

    assert main([*map(str, photos), "--out", str(out)], reconstruct=reconstruct) == 0
    said = capsys.readouterr().err.splitlines()
    assert said[1].endswith("small.jpg")
    assert said[2].strip() == f"Low quality (0.12): {REASON}"
    for table in (
        json.loads((out / "report.json").read_text()),
        [json.loads(line) for line in (out / "report.jsonl").read_text().splitlines()],
    ):
        facts = [(row["quality"], row["quality_reason"]) for row in table]
        assert facts == [(None, ""), (0.125, REASON)]
    with (out / "report.csv").open() as file:
        assert [row["quality"] for row in csv.DictReader(file)] == ["", "0.125"]
