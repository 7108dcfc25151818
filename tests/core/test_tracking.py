"""One face through all frames: no detector where it is followed, another shot, lost and found."""

import threading

import numpy as np
import pytest

from ml.data import FaceBox
from ml.fitting.agreement import THRESHOLD
from ml.video.background import ahead
from ml.video.footage import Frame
from ml.video.rows import place_of, rows_of
from ml.video.track import AGAIN, NEARBY, Finders, Place, Tracker
from tests.support.seen_faces import looking


def sure(photo, face) -> float:
    return -5.0


def frame(number: int, level: int = 100) -> Frame:
    return Frame(number, number / 25, np.full((400, 600, 3), level, np.uint8))


class Stage:
    """Faces by frame: (x, y, size) each; counts how often the detector is asked."""

    def __init__(self, faces: list[list[tuple[float, float, float]]]) -> None:
        self.faces, self.asked, self.number = faces, 0, -1

    def frames(self, levels: list[int] | None = None, first: int = 0):
        for number in range(first, len(self.faces)):
            self.number = number
            yield frame(number, levels[number] if levels else 100)

    def predict(self, crops):
        return looking(self.faces[self.number] or [(-900, -900, 80)])(crops)

    def propose(self, photo):
        self.asked += 1
        return [FaceBox((x, y), 1.3 * size) for x, y, size in self.faces[self.number]]

    @property
    def finders(self) -> Finders:
        return Finders(self.predict, self.propose)


def centres(sightings) -> list[float | None]:
    return [None if item.face is None else round(item.face.box.center[0]) for item in sightings]


def test_a_face_that_moves_is_followed_without_the_detector():
    stage = Stage([[(100 + 12 * number, 200, 80)] for number in range(30)])
    found = list(Tracker(stage.finders, sure).follow(stage.frames()))
    assert centres(found) == [100 + 12 * number for number in range(30)]
    assert stage.asked == 1


def test_a_lost_face_is_searched_for_and_found_again():
    faces = [[(200, 200, 80)]] * 3 + [[]] * 4 + [[(240, 200, 80)]] * 3
    stage = Stage(faces)
    found = list(Tracker(stage.finders, sure).follow(stage.frames()))
    assert centres(found) == [200] * 3 + [None] * 4 + [240] * 3
    assert stage.asked == 6


def test_somebody_far_away_is_not_taken_for_a_face_that_was_just_lost():
    stage = Stage([[(100, 200, 80)]] * 2 + [[(500, 200, 80)]] * (NEARBY + 3))
    found = centres(Tracker(stage.finders, sure).follow(stage.frames()))
    assert found[2:NEARBY] == [None] * (NEARBY - 2)
    assert found[-1] == 500


def test_the_nearest_is_the_one_who_was_just_lost():
    stage = Stage([[(200, 200, 80)]] * 2 + [[]] + [[(280, 200, 80), (210, 200, 80)]] * 2)
    found = Tracker(stage.finders, lambda photo, face: -face.box.center[0]).follow(stage.frames())
    assert centres(found) == [200, 200, None, 210, 210]


def test_of_several_faces_the_likeliest_is_the_persons():
    stage = Stage([[(150, 200, 80), (450, 200, 80)]] * 3)
    found = Tracker(stage.finders, lambda photo, face: -face.box.center[0]).follow(stage.frames())
    assert centres(found) == [450] * 3


def test_a_stranger_is_not_followed_and_looked_at_again_now_and_then():
    stage, asked = Stage([[(200, 200, 80)]] * (2 * AGAIN + 5)), []

    def doubt(photo, face) -> float:
        asked.append(stage.number)
        return [THRESHOLD + 1, THRESHOLD - 1, -1.0][len(asked) - 1]

    found = centres(Tracker(stage.finders, doubt).follow(stage.frames()))
    # The second time it is no longer as clear, but nor is it the person.
    assert asked == [0, AGAIN + 1, 2 * AGAIN + 2]
    assert found == [None] * (2 * AGAIN + 2) + [200] * 3


def test_after_a_cut_nobody_is_a_stranger_yet():
    stage = Stage([[(150, 200, 80)]] * 4 + [[(450, 200, 90)]] * 4)
    doubts = iter([THRESHOLD + 1, THRESHOLD - 1])
    tracker = Tracker(stage.finders, lambda photo, face: next(doubts))
    found = tracker.follow(stage.frames([60] * 4 + [200] * 4))
    assert centres(found) == [None] * 4 + [450] * 4


def test_a_cut_begins_a_shot_and_asks_the_detector():
    stage = Stage([[(150, 200, 80)]] * 4 + [[(450, 200, 90)]] * 4)
    levels = [60] * 4 + [200] * 4
    found = list(Tracker(stage.finders, sure).follow(stage.frames(levels)))
    assert [item.shot for item in found] == [0] * 4 + [1] * 4
    assert centres(found) == [150] * 4 + [450] * 4
    assert stage.asked == 2


def test_a_tracker_goes_on_where_another_stood():
    stage = Stage([[(300, 200, 80)]] * 6)
    frames = stage.frames([100, 100, 100, 220, 220, 220])
    tracker = Tracker(stage.finders, sure)
    for _ in range(3):
        before = next(frames)
    tracker.begin(Place(4, FaceBox((300.0, 200.0), 116.0)), before)
    found = list(tracker.follow(frames))
    assert [item.shot for item in found] == [5, 5, 5]
    same = Stage([[(300, 200, 80)]] * 2)
    frames = same.frames()
    tracker = Tracker(same.finders, sure)
    tracker.begin(Place(4, FaceBox((300.0, 200.0), 116.0)), next(frames))
    assert [item.shot for item in tracker.follow(frames)] == [4]
    assert same.asked == 0


@pytest.mark.parametrize("stop", [1, 5, 8, 11, 13, 17, 20])
@pytest.mark.parametrize("doubt", [-5.0, THRESHOLD + 1])
def test_a_run_that_was_stopped_finds_what_it_would_have_found(stop, doubt):
    # It gets faster, is lost for a while, and the light flickers by more than some cuts do.
    faces = [[(100.0 + number**1.8, 200.0, 80.0 + number)] for number in range(22)]
    faces[9:14] = [[]] * 5
    levels = [60 + (20 if number < 6 else 30) * (number % 2) for number in range(17)] + [220] * 5
    # Whoever comes after the cut may be somebody else.
    whole, rest = Stage(faces), Stage(faces)

    def judge(photo, face) -> float:
        return doubt if max(whole.number, rest.number) > 16 else -5.0

    found = list(Tracker(whole.finders, judge).follow(whole.frames(levels)))
    whole.number = -1
    assert [item.shot for item in found] == [0] * 17 + [1] * 5
    tracker = Tracker(rest.finders, judge)
    before = frame(stop - 1, levels[stop - 1])
    tracker.begin(place_of(rows_of([(item, None) for item in found[:stop]])), before)
    again = list(tracker.follow(rest.frames(levels, stop)))
    assert [item.place for item in again] == [item.place for item in found[stop:]]


def test_work_ahead_keeps_order_passes_errors_on_and_ends():
    made = []

    def items(broken: bool):
        for number in range(100):
            if broken and number == 3:
                raise ValueError("three")
            made.append(number)
            yield number

    with ahead(items(False), 4) as found:
        assert list(found) == list(range(100))
    threads = threading.active_count()
    made.clear()
    with ahead(items(False), 4) as found:
        assert next(found) == 0
    assert threading.active_count() == threads
    assert len(made) < 10
    with pytest.raises(ValueError, match="three"), ahead(items(True), 4) as found:
        list(found)
