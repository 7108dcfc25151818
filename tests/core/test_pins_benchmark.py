"""The benchmark of pins, on heads whose answer is known."""

from types import SimpleNamespace

import numpy as np
import pytest

from ml.data import Camera, FitResult, HeadCoefficients
from ml.errors import NoFaceFound
from ml.evaluation.synthetic.people import RenderedView
from ml.evaluation.synthetic.pins import COUNTS, layer_on, measure, report, summarise
from ml.fitting.camera import FACING, make_intrinsics
from ml.head.layer import Layer
from ml.head.storage import load_head_model

SIDE = 400


@pytest.fixture
def views(monkeypatch) -> list[RenderedView]:
    """Two people whose fits are off in a few modes, and one whose face is not found."""
    model, random = load_head_model(), np.random.default_rng(7)
    rest = np.zeros(len(model.expression_names), np.float32)
    place = np.array([0, 0, 1.2], np.float32)
    camera = Camera(make_intrinsics(1800, SIDE, SIDE), FACING, place, SIDE, SIDE)
    seen, fits = [], []
    for person in range(3):
        identity = random.normal(0, 0.5, model.identity_count).astype(np.float32)
        off = np.zeros_like(identity)
        off[:8] = random.normal(0, 1, 8)
        fits.append(FitResult(HeadCoefficients(identity + off, rest), camera, 0.0))
        points = camera.project(model.points("dense").at(HeadCoefficients(identity, rest)))
        neutral, rgb = model.shape.neutral(identity), np.full((SIDE, SIDE, 3), person, np.uint8)
        seen.append(RenderedView(rgb, person, "ict", neutral, rest, FACING, 0.0, points))

    def find(photo, settings):
        if photo.rgb[0, 0, 0] == 2:
            raise NoFaceFound("No face")
        return [int(photo.rgb[0, 0, 0])]

    monkeypatch.setattr("ml.pipeline.find.observe", find)
    monkeypatch.setattr(
        "ml.pipeline.fit.fit_observation", lambda photo, number: SimpleNamespace(fit=fits[number])
    )
    return seen


def test_pins_at_the_truth_lower_all_errors(views, reference):
    first, second, third = measure(views, reference)
    assert third is None
    for row in (first, second):
        assert len(row.shown) == len(row.face) == len(row.shape) == len(COUNTS)
        assert row.missed < 0.01
        assert row.shown[-1] < row.shown[1] < row.shown[0]
        assert row.face[-1] < 0.6 * row.face[0]
    summary = summarise([first, second, third])
    assert (summary["views"], summary["not_found"]) == (3, 1)
    assert summary["0 pins"]["shown_lower"] == 0
    assert summary["10 pins"]["face_lower"] > 0.4
    assert summary["10 pins"]["shape_lower"] > 0
    text = report(summary)
    assert "3 views, 1 faces not found" in text
    assert " 10 pins" in text
    assert "1 views, 1 faces not found" in report(summarise([None]))


def test_a_layer_on_the_same_mesh_is_the_layer():
    model = load_head_model()
    points = model.landmark_sets["dense"].take(np.array([4, 152], np.int32))
    layer = Layer(points, np.array([[0.001, 0, 0], [0, -0.002, 0.001]], np.float32))
    skin = np.unique(model.quads[model.part_faces("skin")])
    np.testing.assert_allclose(layer_on(model, layer)[skin], layer.on(model)[skin], atol=1e-7)
