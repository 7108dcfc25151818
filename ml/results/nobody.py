"""Heads of nobody: the average person, and people drawn at random from the head model.

They are results without a photo: their record names none. NumPy only, so that Blender's own Python
can make them.
"""

from __future__ import annotations

import numpy as np

from ..data import Camera, FloatArray
from ..head.storage import load_head_model
from ..version import effigy_version
from .camera import camera_as_json, plain
from .reconstruction import Reconstruction
from .record import head_of_record

# Standard deviations of one mode: beyond that a mode shows people whom nobody has met.
_FARTHEST = 2.5
# A portrait of 1024 x 1024 pixels with a lens of 85 mm; the head fills seven tenths of its height.
_SIDE, _LENS, _SENSOR, _SHARE = 1024, 85.0, 36.0, 0.7


def average_head(level: str = "base") -> Reconstruction:
    """The head model's mean, at rest. ``level``: of the mesh, see ml.geometry.mesh_names.

    Raises
    ------
    UsageError: there is no such level.
    """
    return _head_of(np.zeros(load_head_model().identity_count, np.float32), level)


def random_head(seed: int, variation: float = 1.0, level: str = "base") -> Reconstruction:
    """A person drawn from the head model, at rest; the same seed gives the same person.

    variation: the standard deviation of every mode: 1 as people differ, 0 the average.

    Raises
    ------
    UsageError: there is no such level.
    """
    return _head_of(random_identity(seed, variation), level)


def random_identity(seed: int, variation: float = 1.0) -> FloatArray:
    """(I,) of the person of :func:`random_head`."""
    drawn = np.random.default_rng(seed).normal(size=load_head_model().identity_count)
    return np.asarray(variation * np.clip(drawn, -_FARTHEST, _FARTHEST), np.float32)


def _head_of(identity: FloatArray, level: str) -> Reconstruction:
    model = load_head_model()
    return head_of_record(
        {
            "model": {"id": model.model_id, "version": model.version, "licence": model.licence},
            "effigy_version": effigy_version(),
            "level": level,
            "photo": {"name": "", "width": _SIDE, "height": _SIDE, "sha256": ""},
            "identity": plain(identity),
            "expression": dict.fromkeys(model.expression_names, 0.0),
            "camera": camera_as_json(_portrait_camera(model.shape.mean)),
            "confidence": 1.0,
        }
    )


def _portrait_camera(vertices: FloatArray) -> Camera:
    """A camera straight before the face, with the head in the middle."""
    low, high = vertices.min(0), vertices.max(0)
    focal, middle = _LENS / _SENSOR * _SIDE, _SIDE / 2
    distance = focal * (high[1] - low[1]) / (_SHARE * _SIDE)
    return Camera(
        np.array([[focal, 0, middle], [0, focal, middle], [0, 0, 1]], np.float32),
        np.diag([1.0, -1.0, -1.0]).astype(np.float32),
        np.array([0.0, (low[1] + high[1]) / 2, distance + high[2]], np.float32),
        _SIDE,
        _SIDE,
    )
