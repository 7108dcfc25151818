"""Curves of speech: neighbours overlap, contacts are reached at a frame, and nothing jumps."""

import numpy as np
import pytest

from ml.errors import UsageError
from ml.speech.animate import expression_curves, viseme_curves
from ml.speech.curves import influences, split_diphthongs, thinned
from ml.speech.read import Cue
from ml.speech.sets import SETS
from ml.speech.sounds import SOUNDS

RATES = [12, 24, 24000 / 1001, 25, 60]


def spoken(seed, count=60):
    """Random sounds, 20 to 250 ms each, with pauses."""
    rng = np.random.default_rng(seed)
    cues, time = [], 0.0
    for sound in rng.choice(list(SOUNDS), count):
        end = time + rng.uniform(0.02, 0.25)
        cues.append(Cue(time, end, str(sound)))
        time = end + (0.3 if rng.random() < 0.1 else 0.0)
    return cues


def column(found, sound):
    return found.values[:, found.sounds.index(sound)]


def dense(curve, frames):
    return np.interp(frames, *curve)


@pytest.mark.parametrize("rate", RATES)
def test_contacts_are_complete_at_a_frame_of_their_own(rate):
    for seed in range(5):
        cues = [cue for cue in spoken(seed) if rate > 20 or cue.end - cue.start > 0.1]
        found = influences(cues, rate)
        for cue in cues:
            if not SOUNDS[cue.sound].closes:
                continue
            near = np.abs(found.frames / rate - (cue.start + cue.end) / 2)
            near = near <= (cue.end - cue.start) / 2 + 1.5 / rate
            assert column(found, cue.sound)[near].max() == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("rate", RATES)
def test_influences_are_shares(rate):
    found = influences(spoken(1), rate)
    np.testing.assert_allclose(found.values.sum(1), 1, atol=1e-9)
    assert found.values.min() >= 0
    assert found.values[[0, -1], found.sounds.index("silence")] == pytest.approx(1)


def test_neighbours_overlap_and_a_long_sound_is_reached():
    found = influences([Cue(0, 0.4, "aa"), Cue(0.4, 0.8, "uw")], 100)
    one, other = column(found, "aa"), column(found, "uw")
    both = found.frames[(one > 0.02) & (other > 0.02)]
    assert both.min() < 38 < 42 < both.max()
    assert one[found.frames == 20] == pytest.approx(1)
    assert other[found.frames == 65] == pytest.approx(1)


def test_a_weak_sound_takes_after_its_vowel():
    """The lips of "tu" are rounded before the vowel begins; those of "pu" close all the same."""
    weak = influences([Cue(0, 0.08, "t"), Cue(0.08, 0.3, "uw")], 100)
    firm = influences([Cue(0, 0.08, "p"), Cue(0.08, 0.3, "uw")], 100)
    assert column(weak, "uw")[weak.frames == 6] > 0.25
    assert column(firm, "uw")[firm.frames == 4] == pytest.approx(0)


@pytest.mark.parametrize("seed", range(4))
def test_nothing_jumps(seed):
    """At 1000 frames per second no share changes faster than a contact is made in 20 ms."""
    cues = [cue for cue in spoken(seed) if cue.end - cue.start > 0.05]
    found = influences(cues, 1000)
    assert np.abs(np.diff(found.values, axis=0)).max() < 1 / 20


def test_sounds_shorter_than_a_frame_keep_their_contacts_apart():
    cues = [Cue(0.1, 0.11, "p"), Cue(0.11, 0.12, "f"), Cue(0.12, 0.3, "aa")]
    found = influences(cues, 24)
    lips, teeth = column(found, "p"), column(found, "f")
    assert found.frames[lips.argmax()] + 1 == found.frames[teeth.argmax()]
    assert lips.max() == teeth.max() == pytest.approx(1)


def test_lips_stay_shut_over_two_sounds_that_need_them():
    found = influences([Cue(0, 0.2, "aa"), Cue(0.2, 0.3, "p"), Cue(0.3, 0.4, "p")], 100)
    shut = column(found, "p")[(found.frames >= 22) & (found.frames <= 38)]
    assert shut.min() == pytest.approx(1)


def test_what_is_at_rest_has_no_keyframes_within():
    frames, values = thinned(np.arange(8), np.array([0, 0, 0, 0.5, 1, 1, 1, 0.0]))
    assert frames.tolist() == [0, 2, 3, 4, 6, 7]
    assert values.tolist() == [0, 0, 0.5, 1, 1, 0]


def test_diphthongs_are_two_sounds_but_for_the_set_that_has_them():
    cues = [Cue(0, 0.4, "ay")]
    assert [cue.sound for cue in split_diphthongs(cues)] == ["aa", "iy"]
    assert viseme_curves(cues, 25, "MICROSOFT")["viseme_11"][1].max() > 0.99
    oculus = viseme_curves(cues, 25, "OCULUS")
    assert min(oculus[name][1].max() for name in ("viseme_aa", "viseme_I")) > 0.9


@pytest.mark.parametrize("which", SETS)
def test_every_viseme_of_a_set_has_a_curve_within_its_bounds(which):
    curves = viseme_curves(spoken(2), 30, which)
    assert list(curves) == list(SETS[which].shapes)
    values = np.concatenate([values for _, values in curves.values()])
    assert values.min() >= 0
    assert values.max() <= 1 + 1e-9


def test_expressions_take_the_persons_own_shape_in_a_contact():
    shapes = dict(SETS["MICROSOFT"].shapes)
    shapes["viseme_21"] = {**shapes["viseme_21"], "jawOpen": 0.031}
    cues = [Cue(0, 0.2, "aa"), Cue(0.2, 0.3, "p"), Cue(0.3, 0.5, "aa")]
    curves = expression_curves(cues, 24, shapes)
    used = {name for shape in shapes.values() for name in shape}
    assert set(curves) == used | {"mouthClose", "mouthShrugLower", "mouthShrugUpper"}
    found = {name: float(dense(curve, 6)) for name, curve in curves.items()}
    wanted = shapes["viseme_21"]
    assert {name: value for name, value in found.items() if value} == pytest.approx(wanted)


def test_frame_rates_of_absurd_height_are_refused():
    with pytest.raises(UsageError, match="frame rate"):
        influences([Cue(0, 3600, "aa")], 30_000)
