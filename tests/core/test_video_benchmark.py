"""The benchmark of videos measures what it says."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from ml.evaluation.synthetic.clip import ACT, RATE, REST, acted_curves
from ml.evaluation.synthetic.video import Truth, correlation, figures_of, lag
from ml.head.arkit import EXPRESSION_NAMES
from tests.core.test_video_curves import animation


def test_acted_curves_rest_act_and_blink():
    curves = acted_curves(150, np.random.default_rng(1))
    assert curves.values.shape == (150, len(EXPRESSION_NAMES))
    assert curves.values[curves.still].max() < 1e-6
    assert curves.still.sum() == pytest.approx((REST - 0.1) * RATE, abs=1)
    assert (curves.values.max(0) > 0.5).sum() >= 5
    blink = curves.values[:, EXPRESSION_NAMES.index("eyeBlinkLeft")]
    assert blink.max() > 0.95
    assert np.abs(np.diff(curves.turns[int(REST * RATE) :], axis=0)).max() > 0
    assert ACT * RATE < 150


def test_lag_and_correlation_tell_late_curves_from_right_ones():
    true = gaussian_filter1d(np.random.default_rng(0).normal(size=(120, 4)), 2, axis=0)
    assert correlation(true, 3 * true + 1) == pytest.approx(1)
    assert correlation(true, 0 * true) == 0
    assert lag(true, true) == 0
    assert lag(true, np.roll(true, 2, axis=0)) == 2
    assert lag(true, np.roll(true, -1, axis=0)) == -1


def test_figures_of_what_was_found_exactly_and_of_what_was_not():
    made = animation(40)
    known = acted_curves(40, np.random.default_rng(0))
    exact = Truth(
        type(known)(made.expression, known.turns, known.places, np.arange(40) < 5), made.rotation
    )
    figures = figures_of(exact, made)
    assert figures["error of all keys"] == 0
    assert figures["their correlation"] == pytest.approx(1)
    assert figures["pose, mean degrees"] == pytest.approx(0, abs=0.05)
    turned = np.roll(made.rotation, 10, axis=0)
    assert figures_of(Truth(exact.curves, turned), made)["pose, mean degrees"] > 3
