"""Proposals, looking again, and choosing among several faces."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml.data import FaceBox, Photo
from ml.errors import NoFaceFound, UsageError
from ml.photo.crop import BOX_SCALE, box_from_landmarks, crop_face, crop_to_photo
from ml.photo.face_alignment_source import detected_face
from ml.photo.faces import choose, prominence
from ml.pipeline.find import BATCH, find_faces, observe
from ml.settings import Settings
from tests.support.seen_faces import face_at, looking

PHOTO = Photo(np.zeros((400, 600, 3), np.uint8), Path("group.jpg"), "0" * 64)


def test_a_second_look_frames_the_face_exactly():
    rough = [FaceBox((330.0, 180.0), 90.0)]
    found = find_faces(PHOTO, rough, looking([(300, 200, 80)]))
    assert len(found) == 1
    assert found[0].box.center == pytest.approx((300, 200), abs=1)
    assert found[0].box.size == pytest.approx(80 * BOX_SCALE, rel=0.02)
    assert found[0].output.confidence > 0.95


def test_proposals_of_one_face_give_one_and_far_ones_fall():
    faces = [(150, 200, 80), (450, 200, 60)]
    proposals = [FaceBox((x, 200.0), 100.0) for x in (130, 165, 172, 430, 300)]
    found = find_faces(PHOTO, proposals, looking(faces))
    assert sorted(round(face.box.center[0]) for face in found) == [150, 450]
    assert find_faces(PHOTO, [FaceBox((20.0, 20.0), 50.0)], looking(faces)) == []
    assert find_faces(PHOTO, [], looking(faces)) == []


def test_a_confident_look_with_vague_points_is_no_face():
    def predict(crops):
        return [
            replace(output, landmarks=replace(output.landmarks, sigma=output.landmarks.sigma * 8))
            for output in looking([(300, 200, 80)])(crops)
        ]

    assert find_faces(PHOTO, [FaceBox((300.0, 200.0), 100.0)], predict) == []


def test_prominence_prefers_large_then_central():
    large, small = FaceBox((300, 200), 200), FaceBox((300, 200), 90)
    aside = FaceBox((580, 380), 200)
    assert prominence(large, PHOTO) > prominence(aside, PHOTO) > prominence(small, PHOTO)


def test_choosing_faces():
    assert list(choose(3, "prominent", PHOTO.path)) == [0]
    assert list(choose(3, "all", PHOTO.path)) == [0, 1, 2]
    assert list(choose(3, "2", PHOTO.path)) == [1]
    with pytest.raises(NoFaceFound, match=r"group\.jpg has 3 faces"):
        choose(3, "4", PHOTO.path)
    with pytest.raises(NoFaceFound, match=r"No face was found in group\.jpg"):
        choose(0, "all", PHOTO.path)
    for wrong in ("0", "-1", "biggest", ""):
        with pytest.raises(UsageError):
            choose(3, wrong, PHOTO.path)


def test_crop_map_follows_centre_size_and_roll():
    box = FaceBox((50.0, 80.0), 64.0, np.pi / 2)
    to_photo = crop_to_photo(box, 128)
    np.testing.assert_allclose(to_photo @ [64, 64, 1], [50, 80], atol=1e-4)
    # Rolled clockwise by a quarter turn, the crop's top edge is the photo's right side.
    np.testing.assert_allclose(to_photo @ [64, 0, 1], [82, 80], atol=1e-4)


def test_crop_shows_what_the_box_frames_and_repeats_the_border():
    rgb = np.zeros((200, 200, 3), np.uint8)
    rgb[60:140, 60:140, 0] = 255
    rgb[0] = 77
    photo = Photo(rgb, Path("square.png"), "")
    inside = crop_face(photo, FaceBox((100.0, 100.0), 80.0)).rgb
    assert (inside[4:-4, 4:-4, 0] == 255).all()
    above = crop_face(photo, FaceBox((100.0, -60.0), 40.0)).rgb
    assert (above == 77).all()


def test_box_turns_with_the_face():
    points = face_at(300, 200, 100)
    turn = np.radians(25)
    spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    turned = ((points - [300, 200]) @ spin.T + [300, 200]).astype(np.float32)
    straight, rolled = box_from_landmarks(points), box_from_landmarks(turned)
    assert rolled.roll - straight.roll == pytest.approx(turn, abs=1e-3)
    assert rolled.size == pytest.approx(straight.size, rel=1e-3)


def test_a_well_framed_face_is_looked_at_once():
    truth = box_from_landmarks(face_at(300, 200, 80))
    predict, looks = looking([(300, 200, 80)]), []

    def counting(crops):
        looks.append(len(crops))
        return predict(crops)

    assert len(find_faces(PHOTO, [truth], counting)) == 1
    assert looks == [1]
    assert len(find_faces(PHOTO, [replace(truth, size=1.3 * truth.size)], counting)) == 1
    assert looks == [1, 1, 1]


def network_of(monkeypatch, faces):
    """The faces in place of the detector's and the regressor's weights; sizes of the batches."""
    batches = []

    def predict(crops):
        batches.append(len(crops))
        return looking(faces)(crops)

    def boxes(self, rgb, least, side=0, stop=None):
        return [box_from_landmarks(face_at(*face)) for face in faces]

    monkeypatch.setattr("ml.photo.detector.load_detector", lambda: type("", (), {"boxes": boxes})())
    network = type("", (), {"predict": staticmethod(predict)})
    monkeypatch.setattr("ml.regressor.regressor.load_regressor", network)
    return batches


def test_all_of_forty_faces_are_found(monkeypatch):
    group = replace(PHOTO, rgb=np.zeros((500, 900, 3), np.uint8))
    faces = [(60 + 100 * (i % 8), 60 + 100 * (i // 8), 50) for i in range(40)]
    batches = network_of(monkeypatch, faces)
    assert len(observe(group, Settings(face="all"))) == 40
    assert max(batches) <= BATCH
    assert len(observe(group, Settings(face="40"))) == 1
    with pytest.raises(NoFaceFound, match="has 40 faces, so there is no face 41"):
        observe(group, Settings(face="41"))
    batches.clear()
    assert len(observe(group, Settings())) == 1
    assert sum(batches) == 12


def test_face_alignment_searches_enhanced_photos_too(monkeypatch):
    network_of(monkeypatch, [(300, 200, 80)])
    foggy = replace(PHOTO, rgb=np.linspace(200, 230, 720000).reshape(400, 600, 3).astype(np.uint8))
    points = np.random.default_rng(0).uniform((260, 160), (340, 240), (68, 2))
    points[[36, 45]] = [[270, 190], [330, 190]]

    class OfContrast:
        """Sees a face where the picture has black and white."""

        def __init__(self, *, allow_download):
            pass

        def detect(self, photo):
            clear = np.ptp(photo.rgb.astype(int)) > 200
            return [detected_face(points.astype(np.float32), 0.9)] if clear else []

    monkeypatch.setattr("ml.photo.face_alignment_source.FaceAlignmentSource", OfContrast)
    settings = Settings(landmarks="face-alignment")
    (found,) = observe(foggy, settings)
    assert (found.enhancement, found.landmark_set) == ("levels", "ibug68")
    clear = replace(PHOTO, rgb=np.linspace(0, 255, 720000).reshape(400, 600, 3).astype(np.uint8))
    assert observe(clear, settings)[0].enhancement == ""
    with pytest.raises(NoFaceFound):
        observe(PHOTO, settings)
