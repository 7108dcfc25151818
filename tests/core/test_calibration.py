"""Calibration of confidences with known answers."""

import numpy as np
import pytest

from ml.evaluation.photos.calibration import calibration


def test_what_happens_as_often_as_was_said_is_calibrated():
    rng = np.random.default_rng(0)
    said = rng.uniform(0, 1, 40000)
    true = (rng.random(40000) < said).astype(float)
    figures = calibration(said, true)
    assert figures["expected calibration error"] < 0.01
    # The variance of a coin is what remains: the mean of p (1 - p).
    assert figures["Brier score"] == pytest.approx(1 / 6, abs=0.005)


def test_overconfidence_is_found():
    figures = calibration(np.full(1000, 0.95), np.repeat([1.0, 0.0], [700, 300]))
    assert figures["expected calibration error"] == pytest.approx(0.25)
    assert figures["0.90 to 0.98 (1000 crops), true"] == pytest.approx(0.7)


def test_certainty_counts_in_the_last_bin():
    figures = calibration(np.ones(4), np.ones(4))
    assert figures["expected calibration error"] == 0
    assert figures["0.98 to 1.00 (4 crops), said"] == 1
