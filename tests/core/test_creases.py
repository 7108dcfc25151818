"""Light in the folds of drawn people."""

import numpy as np
import pytest

from ml.training.data.people import creases
from ml.training.data.people.folds import FoldLines
from ml.training.data.picture.lighting import Lamp, Light, hardness

STEP, SIDE = 0.001, 41


class Plane:
    """A flat square of skin that faces the camera, a vertex each millimetre."""

    def __init__(self):
        line = (np.arange(SIDE) - SIDE // 2) * STEP
        x, y = np.meshgrid(line, line)
        places = np.stack([x.ravel(), y.ravel(), np.zeros(x.size)], -1).astype(np.float32)
        self.shape = type("Shape", (), {"mean": places})


@pytest.fixture
def plane(monkeypatch):
    def lines(stage):
        count = len(stage.shape.mean)
        normals = np.tile(np.float32([0, 0, 1]), (count, 1))
        return FoldLines((), np.zeros((0, count), np.float32), np.ones(count, np.float32), normals)

    monkeypatch.setattr(creases, "fold_lines", lines)
    return Plane()


def trench(plane, depth, wide=0.004):
    """(D, 3) a fold that runs upwards through the middle."""
    x = plane.shape.mean[:, 0]
    height = -depth * np.clip(1 - np.abs(x) / wide, 0, None)
    return np.stack([0 * x, 0 * x, height], -1).astype(np.float32)


def test_folds_are_dark_at_the_bottom_and_ridges_are_not(plane):
    middle = len(plane.shape.mean) // 2
    flat, fold, ridge = (
        creases.openness(plane, trench(plane, depth)) for depth in (0.0, 0.002, -0.002)
    )
    assert np.allclose(flat, 1)
    assert fold[middle] < 0.92
    assert ridge[middle] == pytest.approx(1)
    assert fold.argmin() % SIDE == SIDE // 2


def test_deeper_and_narrower_folds_are_darker(plane):
    middle = len(plane.shape.mean) // 2

    def at(depth, wide):
        return creases.openness(plane, trench(plane, depth, wide))[middle]

    assert at(0.003, 0.004) < at(0.001, 0.004)
    assert at(0.002, 0.003) < at(0.002, 0.008)


def test_what_lies_between_walls_gets_their_share_of_light(plane):
    """Between walls that rise by 1 in all directions, half of a hemisphere is open."""
    places = plane.shape.mean
    away = np.linalg.norm(places[:, :2], axis=1)
    pit = np.stack([0 * away, 0 * away, away], -1).astype(np.float32)
    found = creases.openness(plane, pit)[len(places) // 2]
    assert found == pytest.approx(0.5 + 0.5 * creases._BOUNCED, abs=0.01)


def test_light_is_as_hard_as_its_lamp_is_strong():
    def light(*lamps):
        around = np.zeros((9, 3), np.float32)
        around[0] = 1 / 0.282095
        return Light(around, np.eye(3, dtype=np.float32), lamps, np.float32([0, 0, -1]), 0.3, 0.2)

    def lamp(strength, casts=True):
        return Lamp(np.float32([0, 0, -1]), np.full(3, strength, np.float32), 1.0, casts)

    assert hardness(light()) == 0
    assert hardness(light(lamp(1))) == pytest.approx(0.5)
    assert hardness(light(lamp(9))) == pytest.approx(0.9)
    assert hardness(light(lamp(9, casts=False))) == 0
