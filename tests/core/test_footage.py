"""Frames of videos and sequences of images: times, rates, rotation, timecode, broken files."""

import re

import numpy as np
import pytest

from ml.errors import ImageUnreadable, UsageError, VideoUnreadable
from ml.performance.timecode import timecode
from ml.video.footage import IMAGE_RATE, open_footage
from ml.video.request import answer
from ml.video.timecodes import start_of
from tests.support.clips import (
    grey,
    movie_with_timecode,
    turned_quarter,
    write_images,
    write_video,
)


def test_a_video_gives_each_frame_at_its_time(tmp_path):
    path = write_video(tmp_path / "clip.mp4", map(grey, range(0, 240, 20)), 30000 / 1001)
    footage = open_footage(path)
    assert (footage.width, footage.height, footage.count) == (64, 48, 12)
    assert footage.rate == pytest.approx(30000 / 1001, abs=1e-6)
    frames = list(footage.frames())
    assert [frame.number for frame in frames] == list(range(12))
    np.testing.assert_allclose(
        [frame.time for frame in frames], np.arange(12) / footage.rate, atol=2e-3
    )
    assert [round(float(frame.rgb.mean()), -1) for frame in frames] == list(range(0, 240, 20))


def test_frames_are_the_same_from_any_of_them_on(tmp_path):
    path = write_video(tmp_path / "clip.mp4", map(grey, range(0, 240, 20)))
    whole = list(open_footage(path).frames())
    part = list(open_footage(path).frames(4, 3))
    assert [frame.number for frame in part] == [4, 7, 10]
    for frame in part:
        assert frame.time == whole[frame.number].time
        np.testing.assert_array_equal(frame.rgb, whole[frame.number].rgb)


def test_a_rate_that_is_given_replaces_the_videos_times(tmp_path):
    path = write_video(tmp_path / "clip.mp4", map(grey, range(0, 100, 20)))
    frames = list(open_footage(path, 50.0).frames())
    np.testing.assert_allclose([frame.time for frame in frames], np.arange(5) / 50)


def test_rotation_in_the_metadata_is_honoured(tmp_path):
    frame = grey(20)
    frame[:24] = 220  # above, which is to the right after a turn clockwise
    path = turned_quarter(write_video(tmp_path / "clip.mp4", [frame] * 3))
    footage = open_footage(path)
    assert (footage.width, footage.height) == (48, 64)
    shown = next(footage.frames()).rgb
    assert shown[:, 30:].mean() > 200
    assert shown[:, :18].mean() < 40


def test_images_follow_their_numbers_and_gaps_take_time(tmp_path):
    folder = write_images(tmp_path / "shot", map(grey, (10, 20, 30)), (9, 10, 12))
    footage = open_footage(folder)
    assert (footage.rate, footage.count) == (IMAGE_RATE, 3)
    frames = list(footage.frames())
    np.testing.assert_allclose([frame.time for frame in frames], np.array([0, 1, 3]) / IMAGE_RATE)
    assert [int(frame.rgb.mean()) for frame in frames] == [10, 20, 30]


def test_files_that_other_systems_leave_beside_images_are_no_images(tmp_path):
    folder = write_images(tmp_path / "shot", map(grey, (10, 20)), (9, 10))
    for name in ("._shot_0009.png", ".DS_Store", "Thumbs.db"):
        (folder / name).write_bytes(b"\0\5\x16\7")
    assert [int(frame.rgb.mean()) for frame in open_footage(folder).frames()] == [10, 20]


def test_an_image_of_another_size_is_named(tmp_path):
    folder = write_images(tmp_path / "shot", [grey(1), grey(2, (32, 32))], (1, 2))
    with pytest.raises(VideoUnreadable, match=r"shot_0002\.png has 32 x 32 pixels"):
        list(open_footage(folder).frames())


def test_a_damaged_image_of_a_sequence_is_named(tmp_path):
    folder = write_images(tmp_path / "shot", map(grey, (1, 2)), (1, 2))
    (folder / "shot_0002.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    with pytest.raises(ImageUnreadable, match=r"shot_0002\.png"):
        list(open_footage(folder).frames())


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "does not exist"), (b"", "is empty"), (b"no video " * 99, "is not a video")],
)
def test_what_is_no_video_is_named_with_a_remedy(tmp_path, content, says):
    path = tmp_path / "clip.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(VideoUnreadable) as caught:
        open_footage(path)
    assert f"{path} {says}" in caught.value.message
    assert caught.value.hint


def test_a_folder_without_images_is_named(tmp_path):
    with pytest.raises(VideoUnreadable, match="holds no images"):
        open_footage(tmp_path)


def test_a_cut_off_video_is_named_or_ends_early(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (24, 48, 64, 3), np.uint8)
    path = write_video(tmp_path / "clip.avi", noise)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    # Its index stands at the end: what is left of such a file is read without it.
    assert 0 < len(list(open_footage(path).frames())) < 24
    path.write_bytes(whole[:300])
    with pytest.raises(VideoUnreadable, match=re.escape(str(path))):
        open_footage(path)


def test_the_fingerprint_is_of_the_content(tmp_path):
    path = write_video(tmp_path / "clip.mp4", map(grey, (0, 50)))
    first = open_footage(path).digest
    assert open_footage(path).digest == first
    write_video(path, map(grey, (0, 200)))
    assert open_footage(path).digest != first


@pytest.mark.parametrize(("drops", "code"), [(False, "00:59:56:12"), (True, "01:00:00;00")])
def test_the_timecode_track_tells_where_a_movie_begins(tmp_path, drops, code):
    path = movie_with_timecode(tmp_path / "a.mov", 107892, 30000, 1001, drops=drops)
    start, dropped = start_of(path, 24.0)
    assert start == pytest.approx(107892 * 1001 / 30000)
    assert timecode(start, 30000 / 1001, drops=dropped) == f"{code}.000"
    assert start_of(write_video(tmp_path / "b.mp4", [grey(9)]), 25.0) is None
    (tmp_path / "c.mov").write_bytes(path.read_bytes()[:40])
    assert start_of(tmp_path / "c.mov", 25.0) is None


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"out": "/x", "video": 3}, "is no path"),
        ({"video": "/x/a.mp4", "out": "/x", "rate": "fast"}, "its rate is fast"),
        ({"video": "/x/a.mp4", "out": "/x", "rate": -1}, "its rate is -1"),
        ({"video": "/x/a.mp4", "out": "/x", "settings": {"face": 2}}, "face is"),
    ],
)
def test_a_request_that_says_something_else_is_refused(data, says):
    with pytest.raises(UsageError, match=says):
        answer(data, lambda fraction, message: None)
