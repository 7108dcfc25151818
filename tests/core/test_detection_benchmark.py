"""Finding people who are seen from the side."""

import numpy as np

from ml.data import FaceBox
from ml.evaluation.photos import detection
from ml.evaluation.synthetic.kept_out import KeptOut
from ml.evaluation.synthetic.people import RenderedView
from ml.photo.crop import box_from_landmarks


def view(yaw, place):
    points = np.random.default_rng(0).uniform(0, 60, (500, 2)).astype(np.float32) + place
    rgb = np.full((200, 200, 3), abs(int(yaw)), np.uint8)
    zeros = np.zeros((3, 3))
    return RenderedView(rgb, 0, "ict", zeros, np.zeros(52), zeros, yaw, points)


def kept_out(folder):
    return KeptOut(folder, folder / "reference", folder / "fits", 2)


def test_faces_are_found_where_they_are_or_not_at_all(tmp_path, monkeypatch):
    for name in ("reference", "fits"):
        (tmp_path / name).touch()
    shown = [view(50, 20), view(-55, 90), view(70, 20), view(-62, 90)]
    monkeypatch.setattr(detection, "rendered_views", lambda kept, crowd: iter(shown))

    def find(photo):
        # Sees faces at the left only.
        return [box_from_landmarks(view(0, 20).points[:468])]

    figures = detection.measure_profiles(kept_out(tmp_path), find)
    assert figures == {
        "rendered, turned 45 to 60 degrees": 50.0,
        "rendered, turned 60 to 75 degrees": 50.0,
    }
    nowhere = detection.measure_profiles(kept_out(tmp_path), lambda photo: [FaceBox((190, 10), 8)])
    assert set(nowhere.values()) == {0.0}


def test_without_what_training_makes_there_is_nothing_to_measure(tmp_path):
    assert detection.measure_profiles(kept_out(tmp_path), list) == {}
