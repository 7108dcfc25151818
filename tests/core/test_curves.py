"""Learning curves drawn from a training's log."""

import json

import cv2
import numpy as np
import pytest

from ml.training.curves import HEIGHT, LINE, MARGIN, WIDTH, draw_curves, save_curves

LOG = [{"step": n, "minutes": n / 2, "loss": 5.0 - n, "error": 2.0 + n % 2} for n in range(5)]


def blue(picture):
    return (picture == LINE).all(-1)


def test_a_falling_loss_is_drawn_falling():
    panel = draw_curves(LOG, columns=2)[:, :WIDTH]
    rows = [np.flatnonzero(blue(panel)[:, column]).mean() for column in (MARGIN + 8, WIDTH - 18)]
    assert rows[1] > rows[0] + HEIGHT / 2


def test_each_figure_has_a_panel_and_short_rows_are_filled():
    picture = draw_curves([{**line, "third": 1.0} for line in LOG], columns=2)
    assert picture.shape == (2 * HEIGHT, 2 * WIDTH, 3)
    assert blue(picture[HEIGHT:, :WIDTH]).any()
    assert (picture[HEIGHT:, WIDTH:] == 255).all()


def test_a_log_without_figures_is_refused():
    with pytest.raises(ValueError, match="no figures"):
        draw_curves([{"step": 1, "minutes": 2.0}])


def test_lines_that_lack_a_figure_are_skipped(tmp_path):
    log = tmp_path / "log.jsonl"
    first = {"step": 0, "minutes": 0.0, "error": 9.0}
    log.write_text("\n".join(json.dumps(line) for line in [first, *LOG[1:]]))
    save_curves(log, tmp_path / "curves.png")
    assert cv2.imread(str(tmp_path / "curves.png")).shape == (HEIGHT, 3 * WIDTH, 3)
