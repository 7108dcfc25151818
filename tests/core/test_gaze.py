"""Eyeballs of the reference head turn with the keys of the gaze, so that its pictures show it."""

from types import SimpleNamespace

import numpy as np
import pytest

from ml.head.arkit import EXPRESSION_NAMES
from ml.training.head.gaze import gaze, sphere
from ml.training.head.statistics.reference import expressions
from ml.training.head.statistics.sources import IctFaceKit
from ml.training.head.topology import parts_eye

RADIUS = 0.012
# Of the tests' eyeballs.
CENTRES = {"left": (0.032, 0.01, 0.05), "right": (-0.032, 0.01, 0.05)}
# Names of ICT's expressions, of which only jawOpen may open the mouth.
ICT_NAMES = tuple(
    {
        name.replace("Left", "_L").replace("Right", "_R") if name[-4:] in ("Left", "ight") else name
        for name in EXPRESSION_NAMES
        if name not in ("tongueOut", "mouthLeft", "mouthRight", "jawLeft", "jawRight")
    }
    | {"mouthLeft", "mouthRight", "jawLeft", "jawRight"}
)


def ball_at(centre: tuple[float, float, float]) -> np.ndarray:
    """(N, 3) a sphere whose last vertex is the pupil."""
    places = np.random.default_rng(0).normal(size=(200, 3))
    places /= np.linalg.norm(places, axis=1, keepdims=True)
    return (np.vstack([places, [0, 0, 1]]) * RADIUS + centre).astype(np.float32)


@pytest.fixture(scope="module")
def ict() -> IctFaceKit:
    mean = np.concatenate([ball_at(centre) for centre in CENTRES.values()])
    quads = np.arange(len(mean), dtype=np.int32)[:, None].repeat(4, 1)
    moves = np.zeros((len(ICT_NAMES), len(mean), 3), np.float32)
    nothing = np.zeros((0, 2), np.float32)
    return IctFaceKit(
        mean, moves[:1], moves, ICT_NAMES, quads, nothing, quads,
        np.arange(len(mean)) // (len(mean) // 2), ("Eyeball left", "Eyeball right"),
        np.array([]), quads[:, 0],
    )  # fmt: skip


def test_a_sphere_is_found_from_its_points():
    centre, radius = sphere(ball_at(CENTRES["left"]).astype(np.float64))
    assert radius == pytest.approx(RADIUS, rel=1e-4)
    np.testing.assert_allclose(centre, CENTRES["left"], atol=1e-6)


@pytest.mark.parametrize(
    ("key", "side", "axis", "sign", "degrees"),
    [
        ("eyeLookOutLeft", "left", 0, 1, 30),
        ("eyeLookInLeft", "left", 0, -1, 30),
        ("eyeLookOutRight", "right", 0, -1, 30),
        ("eyeLookInRight", "right", 0, 1, 30),
        ("eyeLookUpLeft", "left", 1, 1, 22),
        ("eyeLookDownRight", "right", 1, -1, 25),
    ],
)
def test_the_pupil_goes_where_the_eye_looks(key, side, axis, sign, degrees):
    pupil = gaze(ball_at(CENTRES[side]), side)[key][-1]
    assert pupil[axis] == pytest.approx(sign * RADIUS * np.sin(np.radians(degrees)), rel=1e-3)


def test_the_reference_turns_each_eye_with_its_own_keys(ict):
    found = expressions(ict)
    half = len(ict.mean) // 2
    for side, other in (("Left", slice(half, None)), ("Right", slice(None, half))):
        for name in ("Up", "Down", "In", "Out"):
            moved = found[EXPRESSION_NAMES.index(f"eyeLook{name}{side}")]
            assert np.linalg.norm(moved, axis=1).max() > 0.3 * RADIUS
            assert not moved[other].any()


def test_the_iris_gets_most_of_an_eyes_texture(monkeypatch):
    ball = ball_at(CENTRES["left"])
    monkeypatch.setattr(parts_eye, "vertices_of", lambda *_: np.arange(len(ball)))
    part = parts_eye.eyeball(SimpleNamespace(shape=SimpleNamespace(mean=ball)), "left")
    iris = np.unique(part.quads[part.labels == part.label_names.index("iris_left")])
    out = np.linalg.norm(part.uv - 0.5, axis=1)
    assert out.max() == pytest.approx(0.48, abs=1e-3)
    assert 0.38 < out[iris].max() / out.max() < 0.55
    depth = part.mean[:, 2]  # ever farther out, towards the back
    order = np.argsort(-depth)
    assert (np.diff(out[order])[np.diff(depth[order]) < -1e-5] > -1e-3).all()
