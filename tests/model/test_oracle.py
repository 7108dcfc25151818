"""The benchmark that gives the fit true depths and normals."""

from types import SimpleNamespace

import numpy as np
import pytest

from ml.data import Camera, HeadCoefficients, Landmarks
from ml.evaluation.synthetic import oracle
from ml.evaluation.synthetic.oracle import (
    KNOWLEDGE,
    Knowledge,
    Oracle,
    OracleRow,
    TrueSurface,
    report,
    summarise,
)
from ml.evaluation.synthetic.shape import ShapeError
from ml.fitting.camera import FACING, make_intrinsics
from ml.head.storage import load_head_model
from ml.photo.crop import FACE_POINTS
from ml.regressor.surface_refinement import SurfaceEstimate

CAMERA = Camera(make_intrinsics(900, 400, 300), FACING, np.array([0, 0, 1], np.float32), 400, 300)


@pytest.fixture
def surface():
    return TrueSurface.of(load_head_model().shape.mean, CAMERA)


def test_the_surface_of_a_view_lies_where_its_head_lies(surface):
    model = load_head_model()
    places = CAMERA.to_camera_space(model.points("dense").mean)
    np.testing.assert_allclose(surface.places, places, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(surface.normals, axis=1), 1, atol=1e-5)
    tip, ears = places[:, 2].argmin(), np.abs(places[:, 0]) > 0.065
    assert surface.seen[tip]
    assert surface.normals[tip, 2] < -0.8
    assert surface.seen[:FACE_POINTS].mean() > 0.85
    assert surface.seen[ears].mean() < 0.5


def test_the_oracle_says_what_is_known_with_its_noise(surface, monkeypatch):
    head = HeadCoefficients(np.zeros(160, np.float32), np.zeros(52, np.float32))
    points = np.zeros((len(surface.places), 2), np.float32)
    said = SurfaceEstimate(Landmarks(points, points[:, 0]), head, head.identity)
    shipped = SimpleNamespace(predict=lambda crops, fits, mirrored: [said])
    monkeypatch.setattr(oracle, "load_surface_refinement", lambda: shipped)
    deep = Oracle(surface, Knowledge("", depth=0.002), 1).predict([None], [(head, CAMERA)])[0]
    assert deep.normal is None
    assert deep.landmarks is said.landmarks
    off = (deep.depth - surface.places[:, 2])[surface.seen]
    assert 1000 * off.std() == pytest.approx(2, rel=0.15)
    np.testing.assert_array_equal(np.isfinite(deep.depth_sigma), surface.seen)
    bent = Oracle(surface, Knowledge("", normal=0.1), 1).predict([None], [(head, CAMERA)])[0]
    assert bent.depth is None
    off = (bent.normal - surface.normals[:, :2])[surface.seen]
    assert off.std() == pytest.approx(0.1, rel=0.1)


def test_knowledge_is_summarised_by_pose():
    def row(name, yaw, mm):
        regions = {"nose": mm}
        return OracleRow(name, yaw, ShapeError(regions, {"nose": 2.0}, mm, 2.0, 1 - mm / 2))

    plain, deep = KNOWLEDGE[0].name, KNOWLEDGE[1].name
    summary = summarise(
        [row(plain, 5, 1.6), row(plain, -20, 1.4), row(deep, 5, 1), row(deep, 45, 1)]
    )
    assert summary[f"{plain}, to 30 degrees"]["ratio"] == pytest.approx(0.75)
    assert summary[f"{deep}, 30 to 60 degrees"]["views"] == 1
    assert f"{plain}, 30 to 60 degrees" not in summary
    assert "0.75" in report(summary)
