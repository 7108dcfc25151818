"""A result whose head Effigy Head made: its coefficients are those of its mesh."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ml.data import Camera, Detail, HeadCoefficients
from ml.fitting.camera import FACING, make_intrinsics
from ml.head.mesh import person_mesh, person_of
from ml.head.storage import load_head_model
from ml.results.reconstruction import Reconstruction, save_reconstruction
from tests.support.synthetic_head import HEIGHT, WIDTH, synthetic_reconstruction


def model_camera() -> Camera:
    """From the front; the face is about 300 pixels wide."""
    lens = make_intrinsics(1500, WIDTH, HEIGHT)
    place = np.array([0, 0, 0.9], np.float32)
    return Camera(lens, FACING.astype(np.float32), place, WIDTH, HEIGHT)


def model_head(coefficients: HeadCoefficients | None = None, **fields) -> Reconstruction:
    """A complete result at the base level; ``fields``: what is to be otherwise."""
    model, random = load_head_model(), np.random.default_rng(5)
    if coefficients is None:
        identity = random.normal(0, 0.6, model.identity_count).astype(np.float32)
        expression = np.zeros(len(model.expression_names), np.float32)
        expression[model.expression_names.index("jawOpen")] = 0.25
        coefficients = HeadCoefficients(identity, expression)
    mesh = person_mesh(model, person_of(model, coefficients))
    offsets = random.normal(0, 1e-4, mesh.vertices.shape).astype(np.float32)
    known = vars(synthetic_reconstruction()) | {
        "coefficients": coefficients,
        "mesh": mesh,
        "camera": model_camera(),
        "detail": Detail("relief", offsets, np.full((8, 8, 3), 128, np.uint8)),
        "state": None,
    }
    return Reconstruction(**(known | fields))


def write_model_head(directory: Path) -> Reconstruction:
    """:func:`model_head`, saved in ``directory``."""
    head = model_head()
    save_reconstruction(head, directory)
    return head
