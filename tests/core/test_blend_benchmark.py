"""What the benchmark of blended textures makes of its rows."""

import pytest

from ml.evaluation.synthetic.blend import FIGURES, BlendRow, report, summarise


def errors(shown: float) -> dict[str, float]:
    return dict.fromkeys(FIGURES, 9.0) | {"visible": shown}


def test_each_way_has_its_own_mean():
    rows = [
        BlendRow("true", (errors(6.0), errors(4.0), errors(8.0)), errors(3.0)),
        BlendRow("true", (errors(2.0), errors(4.0)), errors(5.0)),
        BlendRow("fitted", (errors(7.0), errors(9.0)), errors(6.0)),
    ]
    summary = summarise(rows)
    means = {name: figures["visible"] for name, figures in summary.items()}
    assert means == {
        "each view alone, true geometry": pytest.approx(24 / 5),
        "most frontal view, true geometry": 4.0,
        "best view, true geometry": 3.0,
        "blended, true geometry": 4.0,
        "each view alone, fitted geometry": 8.0,
        "most frontal view, fitted geometry": 7.0,
        "best view, fitted geometry": 7.0,
        "blended, fitted geometry": 6.0,
    }
    assert summary["blended, true geometry"]["people"] == 2
    assert "blended, fitted geometry" in report(summary)
