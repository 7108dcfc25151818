"""Smoothing without lag, bridged gaps, shots; cuts; parts on disk; the file of an animation."""

from dataclasses import fields, replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from ml.errors import PerformanceUnreadable
from ml.fitting.coherence import controls_of
from ml.head.arkit import EXPRESSION_NAMES
from ml.performance.animation import (
    BRIDGED,
    LOST,
    SEEN,
    Animation,
    load_animation,
    save_animation,
)
from ml.performance.columns import Layout
from ml.performance.read import Units, read_performance
from ml.performance.write import write_performance
from ml.video.acquaintance import Acquaintance
from ml.video.curves import curves_of
from ml.video.cuts import Cuts
from ml.video.parts import Parts, Rows
from ml.video.smooth import Smoothing, smoothed

RATE, BLINK = 30.0, EXPRESSION_NAMES.index("eyeBlinkLeft")
CONTROLS = controls_of(len(EXPRESSION_NAMES))


def rows(count: int, rng: np.random.Generator, noise: float = 0.0) -> Rows:
    """Frames of a face that turns evenly, blinks once in the middle and is otherwise at rest."""
    times = np.arange(count) / RATE
    values = np.zeros((count, len(EXPRESSION_NAMES)), np.float32)
    values[count // 2 - 1 : count // 2 + 2, BLINK] = [0.6, 1, 0.6]
    controls = values @ CONTROLS.weights / CONTROLS.stiffness
    controls = controls + rng.normal(0, noise, controls.shape)
    turn = np.stack([0 * times, times, 0 * times], 1) * 0.5 + rng.normal(0, noise, (count, 3))
    return Rows(
        times,
        np.zeros(count, np.int32),
        np.ones(count, bool),
        controls.astype(np.float32),
        np.full((count, controls.shape[1] + 6), 0.01, np.float32),
        Rotation.from_rotvec(turn).as_matrix().astype(np.float32),
        np.tile([0.01, 0, 0.9], (count, 1)).astype(np.float32),
        np.tile([50.0, 50, 40, 0], (count, 1)),
    )


def blind(found: Rows, first: int, end: int) -> Rows:
    """The same without the face in some frames."""
    seen = found.seen.copy()
    seen[first:end] = False
    controls, translation = found.controls.copy(), found.translation.copy()
    controls[first:end], translation[first:end] = 0.7, 0.0
    return replace(found, seen=seen, controls=controls, translation=translation)


def test_noise_goes_and_a_blink_stays_where_it_was():
    rng = np.random.default_rng(3)
    curves = curves_of(rows(120, rng, noise=0.02))
    blink = curves.expression[:, BLINK]
    assert blink.argmax() == 60
    assert blink[60] > 0.85
    assert blink[57] < 0.15
    assert blink[63] < 0.15
    still = np.abs(np.diff(curves.expression[:50], axis=0)).mean()
    assert still < 0.2 * np.abs(np.diff(rows(120, rng, 0.02).controls[:50], axis=0)).mean()
    turn = Rotation.from_matrix(curves.rotation).as_rotvec()[:, 1]
    np.testing.assert_allclose(turn, np.arange(120) / RATE * 0.5, atol=0.02)


def test_a_moving_channel_has_no_lag():
    times = np.arange(200) / RATE
    true = np.sin(2 * np.pi * 2.5 * times)[:, None]
    seen = np.ones(200, bool)
    noisy = true + np.random.default_rng(0).normal(0, 0.05, true.shape)
    found = smoothed(times, noisy, np.ones_like(true), seen, Smoothing())[:, 0]
    lags = range(-3, 4)
    agree = [np.corrcoef(np.roll(found, -lag)[5:-5], true[5:-5, 0])[0, 1] for lag in lags]
    assert list(lags)[int(np.argmax(agree))] == 0
    assert np.abs(found - true[:, 0]).mean() < 0.05


def test_frames_that_the_fit_is_unsure_of_count_less():
    rng = np.random.default_rng(1)
    times, values = np.arange(60) / RATE, rng.normal(0, 0.02, (60, 1))
    values[30] = 0.5
    unsure = np.ones((60, 1))
    unsure[30] = 10
    seen = np.ones(60, bool)
    sure = smoothed(times, values, np.ones((60, 1)), seen, Smoothing())[30, 0]
    assert smoothed(times, values, unsure, seen, Smoothing())[30, 0] < 0.7 * sure


def test_uneven_times_keep_an_even_movement():
    times = np.cumsum(np.random.default_rng(2).uniform(0.01, 0.06, 80))
    values = (0.3 * times)[:, None]
    found = smoothed(times, values, np.ones((80, 1)), np.ones(80, bool), Smoothing())
    np.testing.assert_allclose(found, values, atol=1e-6)


def test_a_short_gap_is_bridged_and_a_long_one_marked():
    found = blind(blind(rows(150, np.random.default_rng(0)), 20, 30), 90, 120)
    curves = curves_of(found)
    assert set(curves.status[20:30]) == {BRIDGED}
    assert set(curves.status[90:120]) == {LOST}
    assert (curves.status == SEEN).sum() == 110
    turn = Rotation.from_matrix(curves.rotation).as_rotvec()[:, 1]
    np.testing.assert_allclose(turn, found.times * 0.5, atol=0.01)
    np.testing.assert_allclose(curves.translation, found.translation[:1].repeat(150, 0), atol=1e-3)
    # What stood in the frames without a face is not to be found anywhere.
    assert curves.expression[88:122].max() < 0.05


def test_nothing_is_smoothed_across_a_cut():
    found = rows(100, np.random.default_rng(0))
    translation = found.translation.copy()
    translation[50:, 2] = 2.5
    shot = (np.arange(100) >= 50).astype(np.int32)
    away = curves_of(replace(found, translation=translation, shot=shot)).translation[:, 2]
    np.testing.assert_allclose(away[:50], 0.9, atol=1e-3)
    np.testing.assert_allclose(away[50:], 2.5, atol=1e-3)


def test_a_shot_without_the_face_is_lost_and_stays_finite():
    found = blind(rows(90, np.random.default_rng(0)), 0, 30)
    shot = (np.arange(90) >= 30).astype(np.int32)
    curves = curves_of(replace(found, shot=shot))
    assert set(curves.status[:30]) == {LOST}
    np.testing.assert_allclose(curves.rotation[:30], curves.rotation[30:31].repeat(30, 0))
    assert np.isfinite(curves.translation).all()


def test_cuts_are_told_from_movement():
    rng = np.random.default_rng(0)
    one, other = (
        rng.integers(0, 255, (6, 8, 3), np.uint8).repeat(40, 0).repeat(40, 1) for _ in "ab"
    )
    moving = [np.roll(one, 3 * number, 1) for number in range(10)]
    cuts = Cuts()
    found = [cuts.begins_here(frame) for frame in [*moving, other, other, one]]
    assert found == [False] * 10 + [True, False, True]


def test_parts_are_taken_up_again_and_those_of_another_clip_are_not(tmp_path):
    rng, key = np.random.default_rng(0), {"video": "a"}
    parts = Parts(tmp_path, key)
    first, second = rows(10, rng), rows(7, rng)
    parts.add(first)
    parts.add(second)
    known = Acquaintance(rng.random((3, 5), np.float32), rng.random(3, np.float32))
    parts.keep_cast(np.arange(5, dtype=np.float32), 800.0, known)
    again = Parts(tmp_path, key)
    assert again.count == 17
    np.testing.assert_array_equal(again.rows().rotation[10:], second.rotation)
    identity, focal, found = again.cast()
    np.testing.assert_array_equal(identity, np.arange(5))
    assert focal == 800
    np.testing.assert_array_equal(found.identities, known.identities)
    np.testing.assert_array_equal(found.vagueness, known.vagueness)
    next(tmp_path.glob("frames-00000010.npz")).write_bytes(b"cut off")
    assert Parts(tmp_path, key).count == 10
    other = Parts(tmp_path, {"video": "b"})
    assert other.count == 0
    assert other.cast() is None


def animation(count: int = 12) -> Animation:
    found = curves_of(rows(count, np.random.default_rng(0)))
    status = found.status.copy()
    status[4:6] = LOST
    return Animation(
        np.arange(count) / 25.0,
        found.expression.astype(np.float32),
        np.diag([1.0, -1, -1]) @ found.rotation,
        found.translation,
        np.diag([900.0, 900, 1]),
        np.array([640, 480]),
        status,
        np.zeros(count, np.int32),
        found.deviation,
        25.0,
        3600.0,
        "clip.mp4",
    )


def test_an_animation_comes_back_from_its_file(tmp_path):
    made = animation()
    save_animation(made, tmp_path / "animation.npz")
    back = load_animation(tmp_path / "animation.npz")
    for item in fields(Animation):
        np.testing.assert_array_equal(getattr(back, item.name), getattr(made, item.name))
    assert [path.name for path in tmp_path.iterdir()] == ["animation.npz"]
    assert made.spans(LOST) == [(4, 5)]
    assert made.camera(0).width == 640


def test_a_damaged_animation_is_named(tmp_path):
    path = tmp_path / "animation.npz"
    save_animation(replace(animation(), shot=np.zeros(3)), path)
    with pytest.raises(PerformanceUnreadable, match=r"animation\.npz is damaged"):
        load_animation(path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(PerformanceUnreadable, match=r"animation\.npz is no animation"):
        load_animation(path)


def test_the_table_of_an_animation_has_its_timecode_and_its_turn(tmp_path):
    made = animation()
    write_performance(made.performance(), tmp_path / "a.csv", Layout.LIVE_LINK)
    back = read_performance(tmp_path / "a.csv", Units(rate=25.0))
    assert back.start == pytest.approx(3600)
    known = made.status != LOST
    np.testing.assert_allclose(back.times, made.times[known], atol=1e-3)
    np.testing.assert_allclose(back.values, made.expression[known], atol=1e-6)
    np.testing.assert_allclose(back.head[:, 1], made.times[known] * 25 / 30 * 0.5, atol=2e-3)
