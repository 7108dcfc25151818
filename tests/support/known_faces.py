"""Faces as a network would find them, of heads whose answer is known. Needs no weights."""

from __future__ import annotations

import numpy as np

from ml.data import Camera, FaceBox, FoundFace, HeadCoefficients, Landmarks, RegressorOutput
from ml.fitting.camera import FACING, make_intrinsics
from ml.geometry.rotations import rotation_from_vector
from ml.head.storage import load_head_model

# Of the photos, in pixels.
SIDE = 256


def found_face(
    identity: np.ndarray, expression: np.ndarray, turn: float, rng: np.random.Generator
) -> FoundFace:
    """What a network would say that knows the pose roughly and nothing of the shape."""
    model = load_head_model()
    rotation = FACING @ rotation_from_vector(np.array([0, turn, 0]))
    camera = Camera(
        make_intrinsics(1000, SIDE, SIDE),
        rotation.astype(np.float32),
        np.array([0, 0, 1.2], np.float32),
        SIDE,
        SIDE,
    )
    points = camera.project(model.points("dense").at(HeadCoefficients(identity, expression)))
    points = points + rng.normal(0, 0.6, points.shape)
    output = RegressorOutput(
        HeadCoefficients(np.zeros_like(identity), np.full(len(expression), 0.3, np.float32)),
        rotation.astype(np.float32),
        Landmarks(points.astype(np.float32), np.full(len(points), 0.6, np.float32)),
        0.9,
        np.ones(len(identity), np.float32),
    )
    return FoundFace(FaceBox((SIDE / 2, SIDE / 2), 150.0), output)
