"""The texture benchmark counts brightness, and shows every view in grey and in coloured light."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ml.data import Photo
from ml.evaluation.synthetic.lights import AS_DRAWN, LIGHTS, pictures_of
from ml.evaluation.synthetic.texture import TextureReference, TextureRow, report, summarise

SKIN = np.tile(np.array([[0.3, 0.14, 0.09]], np.float32), (50, 1))


def errors_of(found: np.ndarray) -> dict[str, float]:
    truth = SimpleNamespace(albedo=SKIN, visible=np.arange(50) < 30)
    return TextureReference.errors(SimpleNamespace(area=np.ones(50)), found, truth)


def test_brightness_counts_unless_the_column_says_otherwise():
    assert errors_of(SKIN) == pytest.approx(dict.fromkeys(errors_of(SKIN), 0.0), abs=1e-3)
    darker = errors_of(0.5 * SKIN)
    assert min(darker["visible"], darker["hidden"]) > 8
    assert max(darker["visible_equal"], darker["hidden_equal"]) < 0.01
    assert errors_of(SKIN[:, ::-1])["visible_equal"] > 8


def test_pictures_are_grey_and_coloured_copies_of_the_film():
    rgb = np.full((4, 4, 3), [150, 110, 90], np.uint8)
    drawn = SimpleNamespace(drawing=SimpleNamespace(image=rgb + 1))
    view = SimpleNamespace(photo=Photo(rgb, Path("view.png"), ""), rendering=drawn)
    pictures = pictures_of(view)
    assert list(pictures) == [AS_DRAWN, "film", *LIGHTS]
    assert np.array_equal(pictures[AS_DRAWN].rgb, rgb + 1)
    assert np.ptp(pictures["grey"].rgb, axis=2).max() == 0
    warm, cold = (pictures[f"{name} light"].rgb[0, 0].astype(int) for name in ("orange", "blue"))
    assert warm[0] > 150 > cold[0]
    assert warm[2] < 90 < cold[2]


def test_every_picture_has_its_row():
    figures = errors_of(0.5 * SKIN)
    rows = [TextureRow("Effigy", "true", name, figures) for name in (AS_DRAWN, *LIGHTS)]
    table = report(summarise(rows))
    assert all(f"true geometry, {name}" in table for name in (AS_DRAWN, *LIGHTS))
    assert f"{figures['visible']:.2f}" in table
