"""People whose cameras and landmarks tests know, for the surface refinement."""

from dataclasses import replace

import numpy as np
import torch

from ml.data import Camera, HeadCoefficients
from ml.fitting.camera import FACING, make_intrinsics
from ml.geometry.rotations import rotation_from_vector
from ml.regressor.surface_refinement import PICTURE
from ml.training.config import read_config
from ml.training.surface import train
from ml.training.surface.batches import Labels

WIDTHS = (16, 16, 16, 16)
CONFIG = replace(
    read_config(train.CONFIG, train.SurfaceConfig), network=train.Sizes(WIDTHS, 16, 8), kept_out=3
)


def camera_of(turn=(0, 0, 0), size=400, focal=1500.0):
    rotation = rotation_from_vector(np.array(turn, float)).astype(np.float32) @ FACING
    away = np.array([0.01, -0.02, 0.9], np.float32)
    return Camera(make_intrinsics(focal, size, size), rotation, away, size, size)


def true_labels(model, count=6, seed=0, size=PICTURE):
    """People whose landmarks were projected by known cameras."""
    rng = np.random.default_rng(seed)
    dense = model.points("dense")
    identity = rng.normal(0, 1, (count, model.identity_count)).astype(np.float32)
    expression = rng.uniform(0, 0.3, (count, 52)).astype(np.float32)
    cameras = [camera_of(rng.normal(0, 0.2, 3), size, 900.0) for _ in range(count)]
    points = np.stack(
        [
            camera.project(dense.at(HeadCoefficients(*pair)))
            for camera, pair in zip(cameras, zip(identity, expression, strict=True), strict=True)
        ]
    )
    rotation = np.stack([camera.rotation for camera in cameras])
    ones = torch.ones(count, points.shape[1])
    return Labels(
        torch.rand(count, 3, size, size),
        *map(torch.from_numpy, (points,)),
        ones,
        ones,
        *map(torch.from_numpy, (identity, expression, rotation)),
        torch.zeros(count, points.shape[1], 6),
        torch.zeros(count),
        torch.ones(count),
    )
