"""The middle band on a mesh: what differs there counts, what differs elsewhere does not."""

import numpy as np
import pytest

from ml.evaluation.synthetic.midband import band_error, make_midband

STEPS, SIDE = 120, 0.12


@pytest.fixture(scope="module")
def plane():
    """(V, 3) places of a flat square of 12 cm, 1 mm between vertices, and its triangles."""
    line = np.linspace(0, SIDE, STEPS + 1)
    x, y = np.meshgrid(line, line)
    index = np.arange((STEPS + 1) ** 2).reshape(STEPS + 1, -1)
    a, b, c, d = (
        p.ravel()
        for p in (
            index[:-1, :-1],
            index[:-1, 1:],
            index[1:, 1:],
            index[1:, :-1],
        )
    )
    places = np.stack([x.ravel(), y.ravel(), np.zeros(x.size)], -1).astype(np.float32)
    return places, np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])


@pytest.fixture(scope="module")
def band(plane):
    return make_midband(*plane)


@pytest.fixture(scope="module")
def where(plane):
    """The middle of the square: its rim has no neighbours to compare with."""
    return (np.abs(plane[0][:, :2] - SIDE / 2) < SIDE / 4).all(1)


def waved(places, length, height):
    moved = places.copy()
    moved[:, 2] += height * np.sin(2 * np.pi * places[:, 0] / length)
    return moved


@pytest.mark.parametrize(
    ("length", "least", "most"),
    [(0.2, 0, 0.1), (0.04, 0.4, 0.6), (0.016, 0.8, 1), (0.0025, 0, 0.45)],
)
def test_band_passes_features_of_two_to_twenty_millimetres(band, plane, where, length, least, most):
    places, _ = plane
    _, found = band.split(waved(places, length, 0.001))
    wanted = (waved(places, length, 0.001) - places)[band.vertices]
    some = where[band.vertices]
    share = np.sqrt((found[some] ** 2).sum() / (wanted[some] ** 2).sum())
    assert least <= share <= most


def test_a_smooth_head_misses_just_the_folds(band, plane, where):
    places, _ = plane
    true = waved(places, 0.016, 0.0005)
    smooth = band_error(band, true, None, where)
    slope = 2 * np.pi * 0.0005 / 0.016
    assert smooth.normal == pytest.approx(np.degrees(slope) * 2 / np.pi, rel=0.15)
    assert smooth.depth == pytest.approx(0.5 * 2 / np.pi, rel=0.15)
    same = band_error(band, true, true, where)
    assert same.normal < 0.1
    assert same.depth < 1e-3


def test_what_is_wider_than_the_band_does_not_count(band, plane, where):
    places, _ = plane
    true = waved(places, 0.016, 0.0005)
    bent = waved(true, 0.3, 0.004)
    assert band_error(band, true, bent, where).normal < 0.3


def test_half_of_the_folds_is_half_of_the_error(band, plane, where):
    places, _ = plane
    true, half = waved(places, 0.016, 0.0005), waved(places, 0.016, 0.00025)
    share = band_error(band, true, half, where).depth / band_error(band, true, None, where).depth
    assert share == pytest.approx(0.5, abs=0.05)
