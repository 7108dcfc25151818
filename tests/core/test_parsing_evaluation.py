"""What the parsing benchmark measures and writes."""

import numpy as np
import pytest

from ml.evaluation.parsing import page
from ml.evaluation.parsing.measure import Measured, measure
from ml.evaluation.parsing.overlays import COLOURS, STRENGTH, coloured, sheet_of
from ml.parsing.classes import CLASSES, Parse


class Oracle:
    """Takes the red of a picture for the number of its class, but never sees hats."""

    def parse(self, crop):
        found = np.where(crop.rgb[..., 0] == CLASSES.index("hat"), 0, crop.rgb[..., 0])
        probability = (np.arange(len(CLASSES))[:, None, None] == found) * np.uint8(255)
        return Parse(probability, crop.to_photo)


def test_figures_are_those_of_the_masks(monkeypatch):
    monkeypatch.setattr("ml.evaluation.parsing.measure.times", lambda *_: (6.0, 12.0))
    labels = np.zeros((8, 8), np.uint8)
    labels[:2] = CLASSES.index("hat")
    labels[4:] = CLASSES.index("skin")
    image = np.repeat(labels[..., None], 3, 2)
    found = measure([(image, labels)], Oracle())
    assert found.overlap == {
        "background": pytest.approx(0.5), "skin": pytest.approx(1), "hat": pytest.approx(0),
    }  # fmt: skip
    assert found.right == pytest.approx(0.75)
    assert "0.50 of the regressor" in found.report()


def test_the_page_says_what_was_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "read_card", lambda _: type("Card", (), {"size": 1_500_000}))
    measured = Measured(7, {"background": 0.9, "skin": 0.5}, 0.875, 6.0, 12.0)
    text = page.write_page(vars(measured), tmp_path).read_text()
    for said in ("1.5 MB", "On 7 rendered", "87.5%", "| skin | #ffc8a0 | 0.50 |", "0.70", "0.50"):
        assert said in text


def test_every_class_has_a_colour_of_its_own():
    assert set(COLOURS) == set(CLASSES)
    assert len(set(COLOURS.values())) == len(CLASSES)
    rgb = np.full((1, len(CLASSES), 3), 100, np.uint8)
    mixed = coloured(rgb, np.arange(len(CLASSES), dtype=np.uint8)[None])
    np.testing.assert_allclose(
        mixed[0], 100 * (1 - STRENGTH) + STRENGTH * np.array(list(COLOURS.values())), atol=0.51
    )


def test_a_sheets_last_row_is_filled_up():
    tiles = [np.full((2, 3, 3), value, np.uint8) for value in (1, 2, 3)]
    sheet = sheet_of(tiles, 2)
    assert sheet.shape == (4, 6, 3)
    assert [int(sheet[y, x, 0]) for y, x in ((0, 0), (0, 5), (3, 0), (3, 5))] == [1, 2, 3, 0]
