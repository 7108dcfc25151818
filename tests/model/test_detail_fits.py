"""Fits of training pictures for the detail network: which are waiting, kept and come back."""

import numpy as np
import pytest

from ml.detail.band import GRID
from ml.head.storage import load_head_model
from ml.training.data.stored import CHUNK, RENDER
from ml.training.detail.fits import (
    FITTED,
    UNFITTED,
    laid_of,
    open_fits,
    start_over_if_changed,
    waiting,
)

MODEL = load_head_model()
ROWS = CHUNK + 10


@pytest.fixture
def fits(tmp_path):
    (tmp_path / "done").mkdir()
    return open_fits(tmp_path, ROWS, MODEL)


def test_only_finished_renders_without_a_fit_wait(tmp_path, fits):
    kind = np.full(ROWS, RENDER, np.uint8)
    kind[3] = RENDER + 1
    fits["fitted"][[5, 6]] = FITTED, UNFITTED
    (tmp_path / "done" / "0").touch()
    rows = waiting(tmp_path, kind, fits["fitted"])
    assert set(range(CHUNK)) - set(rows.tolist()) == {3, 5, 6}
    assert rows.max() == CHUNK - 1


def test_fits_are_kept_for_the_same_walk_and_forgotten_for_another(tmp_path, fits):
    start_over_if_changed(tmp_path, fits, {"surface": "one"})
    fits["fitted"][4] = FITTED
    again = open_fits(tmp_path, ROWS, MODEL)
    start_over_if_changed(tmp_path, again, {"surface": "one"})
    assert again["fitted"][4] == FITTED
    start_over_if_changed(tmp_path, again, {"surface": "two"})
    assert not again["fitted"].any()


def test_what_was_laid_out_comes_back_in_its_units(fits):
    fits["laid_colours"][2] = 200
    fits["laid_seen"][2] = 255
    laid = laid_of(fits, 2)
    assert laid.colours.shape == (GRID, GRID, 3)
    assert (laid.colours == 200).all()
    assert (laid.seen == 1).all()
    assert laid.coarse.dtype == np.float32
