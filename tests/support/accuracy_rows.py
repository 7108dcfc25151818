"""Measurements that tests of the accuracy page invent."""

from dataclasses import replace

import numpy as np

from ml.data import Camera, HeadCoefficients
from ml.evaluation.photos import landmarks
from ml.evaluation.regions import REGIONS
from ml.evaluation.synthetic.heads import STAGES, StageRow
from ml.evaluation.synthetic.people import RenderedView
from ml.evaluation.synthetic.shape import ShapeError
from ml.head.storage import load_head_model

SIDE = 96
CAMERA = Camera(
    np.array([[300, 0, SIDE / 2], [0, 300, SIDE / 2], [0, 0, 1]], np.float32),
    np.diag([1, -1, -1]).astype(np.float32), np.array([0, 0, 1], np.float32), SIDE, SIDE,
)  # fmt: skip


def photo_row(name, error=2.0, yaw=5.0, **changes):
    regions = dict.fromkeys(REGIONS, error)
    row = landmarks.LandmarkRow(
        name,
        True,
        1,
        True,
        True,
        error,
        error,
        4.0,
        0.9,
        yaw=yaw,
        regions=regions,
        baseline_regions=dict.fromkeys(REGIONS, 4.0),
    )
    return replace(row, **changes)


def lost(name):
    return landmarks.LandmarkRow(name, True, 0, yaw=70.0, problem="nobody")


def rendered(person, yaw, error, *, tone=40.0, age="", borrowed=False):
    """The four stages of one view; the head is nearly the mean one."""
    rgb = np.full((SIDE, SIDE, 3), (200, 30, 30), np.uint8)
    shown = np.zeros((SIDE, SIDE), bool)
    shown[20:70, 30:60] = True
    model = load_head_model()
    points = CAMERA.project(model.points("dense").mean)
    view = RenderedView(
        rgb,
        person,
        "ict",
        np.zeros((3, 3)),
        np.zeros(52),
        np.eye(3),
        yaw,
        points,
        age,
        tone,
        borrowed,
        shown=shown,
    )
    identity = np.zeros(model.identity_count, np.float32)
    identity[0] = person + 0.01 * yaw
    found = HeadCoefficients(identity, np.zeros(52, np.float32))
    for number, stage in enumerate(STAGES):
        amount = error * (1.25, 1.2, 1.1, 1.0)[number]
        names = ("realy_nose", "realy_mouth", "realy_forehead", "realy_cheek")
        shape = ShapeError(
            dict.fromkeys(names, amount), dict.fromkeys(names, 2.0), amount, 2.0, 0.5
        )
        yield StageRow(view, stage, shape, 3.0 * amount, 0.1, 0.2, 4.0, 2.5, found, CAMERA)


def crowd(count=4, **changes):
    return [
        row
        for person in range(count)
        for yaw in (-10, 50)
        for row in rendered(person, yaw, 0.5 + 0.1 * person, **changes)
    ]
