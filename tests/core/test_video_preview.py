"""The picture of the frame in hand: small, with dots on the face, written now and then."""

from types import SimpleNamespace

import numpy as np

from ml.data import Camera, HeadCoefficients
from ml.head.model import LinearShape
from ml.video import preview as previews
from ml.video.footage import Frame
from ml.video.preview import SIDE, Preview, picture_of
from ml.video.track import Place, Sighting

NOTHING = np.zeros(0, np.float32)
CAMERA = Camera(
    np.array([[500, 0, 320], [0, 500, 180], [0, 0, 1]], np.float32),
    np.eye(3, dtype=np.float32),
    np.array([0, 0, 1], np.float32),
    640,
    360,
)
# One point 0.1 m to the right and one far outside the picture.
SHAPE = LinearShape(
    np.array([[0.1, 0, 0]] * 3 + [[1e6, 0, 0]], np.float32),
    np.zeros((0, 4, 3), np.float32),
    np.zeros((0, 4, 3), np.float32),
)


def result(level: int, *, seen: bool = True):
    frame = Frame(0, 0.0, np.full((360, 640, 3), level, np.uint8))
    fit = SimpleNamespace(camera=CAMERA, coefficients=HeadCoefficients(NOTHING, NOTHING))
    return Sighting(frame, None, Place()), SimpleNamespace(fit=fit) if seen else None


def test_dots_are_on_the_face_in_a_small_picture(tmp_path):
    path = tmp_path / "now.npy"
    Preview(path, SHAPE).show(result(50))
    picture = np.load(path)
    assert picture.shape == (144, SIDE, 4)
    marked = np.argwhere(picture[..., 1] > 150)
    np.testing.assert_allclose(marked.mean(0), np.array([180, 370]) * SIDE / 640, atol=0.6)
    assert (picture[..., 3] == 255).all()


def test_a_frame_without_the_face_is_shown_without_dots(tmp_path):
    path = tmp_path / "now.npy"
    Preview(path, SHAPE).show(result(50, seen=False))
    assert (np.load(path)[..., :3] == 50).all()


def test_small_frames_stay_as_they_are_and_thin_ones_are_seen():
    assert picture_of(np.zeros((30, 40, 3), np.uint8), None).shape == (30, 40, 4)
    assert picture_of(np.zeros((2, 4000, 3), np.uint8), None).shape == (1, SIDE, 4)


def test_it_is_written_about_once_a_second(tmp_path, monkeypatch):
    path, now = tmp_path / "now.npy", [100.0]
    path.write_bytes(b"of an earlier run")
    monkeypatch.setattr(previews.time, "monotonic", lambda: now[0])
    preview = Preview(path, SHAPE)
    assert not path.exists()
    for passed, level in ((0.0, 10), (0.4, 20), (1.1, 30)):
        now[0] = 100.0 + passed
        preview.show(result(level, seen=False))
        assert np.load(path)[0, 0, 0] == (30 if passed > 1 else 10)


def test_where_it_cannot_be_written_the_work_goes_on(tmp_path):
    Preview(tmp_path / "gone" / "now.npy", SHAPE).show(result(50))
    assert not list(tmp_path.iterdir())
