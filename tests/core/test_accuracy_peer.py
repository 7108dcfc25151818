"""MediaPipe on the same benchmarks, with a stand-in for it."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.errors import EngineUnavailable
from ml.evaluation.photos.labels import LabelledPhoto
from ml.evaluation.report import peer, renders
from ml.head.storage import load_head_model
from tests.support.accuracy_rows import CAMERA, SIDE, crowd


def test_twins_are_each_others():
    other = peer.twins()
    assert (other[other] == np.arange(468)).all()
    assert other[33] == 263


def photo_of(tmp_path):
    """A grey photo, and a label whose face lies where the mean head's would."""
    Image.new("RGB", (SIDE, SIDE), (90, 120, 90)).save(tmp_path / "a.jpg")
    return LabelledPhoto(
        tmp_path / "a.jpg", CAMERA.project(load_head_model().points("mediapipe478").mean)
    )


def test_a_peer_that_sees_the_same_face_in_every_crop_repeats_itself(tmp_path):
    photo = photo_of(tmp_path)
    box = peer.box_from_landmarks(photo.landmarks)
    places = [("plain", peer.PLAIN), *peer.CROPS.items()]

    def look(seen, off=0.0):
        found = []
        for number, (name, place) in enumerate(places[: len(seen)]):
            to_photo = peer._map(box, place, mirrored=name == "mirrored")
            label = photo.landmarks + np.float32(off if number == 1 else 0)
            if name == "mirrored":  # it names what it sees by the picture's sides
                order = np.arange(478)
                order[:468] = peer.twins()
                label = label[order]
            back = np.linalg.inv(to_photo[:, :2])
            found.append(((label - to_photo[:, 2]) @ back.T).astype(np.float32))
        return found

    errors = peer.repeat_errors([photo], look)
    assert set(errors) == {"labels", *peer.CROPS}
    assert all(some[0] < 0.01 for some in errors.values())
    wrong = peer.repeat_errors([photo], lambda seen: look(seen, off=3.0))
    first = next(iter(peer.CROPS))
    assert wrong[first][0] > 3
    assert wrong["labels"][0] < 0.01
    assert peer.repeat_errors([photo], lambda seen: [None] * len(seen))["labels"] == []
    assert "| mirrored, against the plain crop | 0.00 | 1 |" in peer.repeat_table({"wild": errors})


def test_rendered_people_are_measured_where_both_found_them():
    fitted = renders.of_stage(crowd(2), "fitted")

    def look(seen):
        return [fitted[0].view.points[:478], *[None] * (len(seen) - 1)]

    text = peer.rendered_table(fitted, look)
    assert "| to 30 degrees | 1 of 2 | 2.50 | 0.00 |" in text
    assert "| 30 to 60 degrees | 0 of 2 | - | - |" in text


def stand_in(tmp_path, monkeypatch, text):
    script = tmp_path / "stand_in.py"
    script.write_text(text, encoding="utf-8")
    monkeypatch.setattr(peer, "SCRIPT", script)
    return peer.face_mesh_of(Path(sys.executable))


def test_the_peer_runs_in_another_interpreter(tmp_path, monkeypatch):
    look = stand_in(
        tmp_path,
        monkeypatch,
        """
import sys, numpy as np
from pathlib import Path
from PIL import Image
paths = sorted(Path(sys.argv[1]).glob("*.png"))
points = np.stack([np.full((478, 2), np.asarray(Image.open(p))[0, 0, 0]) for p in paths])
print(*[p.name for p in paths], sep="\\n")
np.savez(sys.argv[2], points=points.astype(np.float32), found=points[:, 0, 0] > 10)
""",
    )
    seen = [np.full((8, 8, 3), (red, 0, 0), np.uint8) for red in (50, 0)]
    first, second = look(seen)
    assert (first == 50).all()
    assert second is None


def test_an_interpreter_without_mediapipe_has_a_remedy(tmp_path, monkeypatch):
    look = stand_in(tmp_path, monkeypatch, "raise ModuleNotFoundError('no mediapipe here')")
    with pytest.raises(EngineUnavailable, match="no mediapipe here"):
        look([np.zeros((8, 8, 3), np.uint8)])
    with pytest.raises(EngineUnavailable, match="pip install mediapipe"):
        peer.face_mesh_of(tmp_path / "absent")([])
    text = peer.attempted(lambda: peer.rendered_table(crowd(1)[2:3], look))
    assert text.startswith("Not measured: MediaPipe could not be run")
