"""A video of a person, from its file to the animation, with the shipped weights."""

import json

import cv2
import numpy as np
import pytest
from skimage import data

from ml.cli import main
from ml.errors import Cancelled, NoFaceFound, UsageError
from ml.head.arkit import EXPRESSION_NAMES
from ml.performance.animation import BRIDGED, LOST, SEEN, load_animation
from ml.performance.read import read_performance
from ml.results.folder import is_complete
from ml.settings import Settings
from ml.video import animate as animating
from ml.video.animate import PARTS_NAME, animate
from tests.support.clips import grey, write_video

PLAIN = Settings(texture_size=0, detail="off")
SIDE, RATE = 256, 25.0


def shown(shift: float, *, other: bool = False) -> np.ndarray:
    """The astronaut, shifted to the right by pixels; ``other``: larger, on another wall."""
    rgb = data.astronaut()[:300, 60:400]
    scale = 1.1 if other else 0.85
    to = np.array([[scale, 0, shift - 20], [0, scale, -30]])
    wall = (230, 60, 40) if other else (30, 60, 90)
    picture = cv2.warpAffine(
        rgb, to, (SIDE, SIDE), borderMode=cv2.BORDER_CONSTANT, borderValue=wall
    )
    return 255 - (255 - picture) // 3 if other else picture


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A face that drifts, is gone for four frames, and is seen in another shot after a cut."""
    drifting = [shown(2.0 * number) for number in range(14)]
    drifting[6:10] = [grey(40, (SIDE, SIDE))] * 4
    frames = [*drifting, *[shown(0.0, other=True)] * 5]
    return write_video(tmp_path_factory.mktemp("clips") / "clip.mp4", frames, RATE)


@pytest.fixture(scope="module")
def animated(clip, tmp_path_factory):
    return animate(clip, tmp_path_factory.mktemp("out") / "clip", PLAIN)


def test_a_clip_gives_a_head_and_an_animation(animated):
    assert is_complete(animated.folder)
    names = {path.name for path in animated.folder.iterdir()}
    assert {"animation.npz", "animation.csv", "best_frame.png"} <= names
    assert PARTS_NAME not in names
    about = json.loads((animated.folder / "reconstruction.json").read_text())
    assert about["photo"]["name"] == "best_frame.png"
    found = load_animation(animated.folder / "animation.npz")
    np.testing.assert_allclose(found.times, np.arange(19) / RATE, atol=2e-3)
    assert found.rate == RATE
    smile = found.expression[:, EXPRESSION_NAMES.index("mouthSmileLeft")]
    assert (smile[found.status == SEEN] > 0.15).all()


def test_the_lost_face_is_bridged_and_the_cut_found(animated):
    found = animated.animation
    assert (found.status[6:10] != SEEN).all()
    assert LOST not in found.status[:14] or BRIDGED not in found.status[:14]
    assert found.status[[0, 5, 10, 13, 18]].tolist() == [SEEN] * 5
    assert len(set(found.shot[14:])) == 1
    assert found.shot[14] != found.shot[13]
    # In the picture, the head drifts by two pixels a frame, also where it was not seen.
    middle = found.translation @ found.intrinsics.T
    across = middle[:14, 0] / middle[:14, 2]
    assert np.polyfit(np.arange(14), across, 1)[0] == pytest.approx(2.0, abs=0.4)


def test_somebody_else_in_another_shot_is_not_taken_for_the_person(tmp_path):
    wide = np.ascontiguousarray(cv2.resize(shown(0.0, other=True), (360, SIDE))[:, 20 : 20 + SIDE])
    path = write_video(
        tmp_path / "a.mp4", [*[shown(0.0)] * 8, *[wide] * 4, *[shown(0.0)] * 3], RATE
    )
    found = animate(path, tmp_path / "out", PLAIN).animation
    assert found.status.tolist() == [SEEN] * 8 + [LOST] * 4 + [SEEN] * 3


def test_the_table_holds_the_frames_with_a_face(animated):
    table = read_performance(animated.folder / "animation.csv")
    known = animated.animation.status != LOST
    np.testing.assert_allclose(table.values, animated.animation.expression[known], atol=1e-6)


def test_a_run_that_was_stopped_is_gone_on_with(clip, animated, tmp_path, monkeypatch):
    folder = tmp_path / "clip"

    def stop(fraction, message):
        if "frame 8" in message:
            raise Cancelled("Stopped")

    with pytest.raises(Cancelled):
        animate(clip, folder, PLAIN, stop)
    assert is_complete(folder)
    assert not (folder / "animation.npz").exists()
    assert list((folder / PARTS_NAME).glob("frames-*.npz"))
    monkeypatch.setattr(animating, "find_person", None)
    said = []
    again = animate(clip, folder, PLAIN, lambda fraction, message: said.append(message))
    assert "frame 16" in " ".join(said)
    assert "frame 8 " not in " ".join(said)
    np.testing.assert_array_equal(again.animation.status, animated.animation.status)
    np.testing.assert_array_equal(again.animation.shot, animated.animation.shot)
    np.testing.assert_allclose(again.animation.expression, animated.animation.expression, atol=0.05)
    assert not (folder / PARTS_NAME).exists()


def test_a_clip_without_a_face_is_named(tmp_path):
    path = write_video(tmp_path / "wall.mp4", [grey(90)] * 3)
    with pytest.raises(NoFaceFound, match=r"No face was found in .*wall\.mp4"):
        animate(path, tmp_path / "out", PLAIN)


def test_all_faces_at_once_cannot_be_animated(clip, tmp_path):
    with pytest.raises(UsageError, match="one face"):
        animate(clip, tmp_path / "out", Settings(face="all"))


def test_the_command_line_names_a_broken_video(tmp_path, capsys):
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"nothing " * 50)
    assert main([str(path), "--out", str(tmp_path / "out"), "--animation"]) == 1
    said = capsys.readouterr().err
    assert f"{path} is not a video that can be read. Convert it" in said
    assert main([str(path), "--out", str(tmp_path), "--animation", "--rate", "0"]) == 2
