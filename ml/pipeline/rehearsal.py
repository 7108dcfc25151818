"""Run the pipeline once on a plain picture, so that the first photo is as fast as the next."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..data import Camera, HeadCoefficients, Photo
from ..head.mesh import person_mesh, person_of
from ..head.storage import load_head_model
from ..settings import Settings
from .single import warm_up

# Pixels along a side of the picture: how many makes no difference to what has to be loaded. The
# texture has its usual size, because the layout of that size is kept.
_PICTURE, _TEXTURE = 160, Settings().texture_size
_SKIN = (190, 150, 130)
# Metres from the camera to the head.
_DISTANCE = 0.8


def rehearse() -> None:
    """Load all weights, and load or compile all code that a texture takes.

    Raises
    ------
    WeightsMissing, ModelUnreadable.
    """
    from ..appearance.texture import make_albedo

    warm_up()
    model = load_head_model()
    counts = model.identity_count, len(model.expression_names)
    person = person_of(model, HeadCoefficients(*(np.zeros(n, np.float32) for n in counts)))
    person_mesh(model, person)
    # The same colour everywhere would leave nothing to estimate the light from.
    shade = np.linspace(0.7, 1.0, _PICTURE)[None, :, None]
    rgb = np.broadcast_to(shade * np.array(_SKIN), (_PICTURE, _PICTURE, 3)).astype(np.uint8)
    make_albedo(Photo(rgb, Path("nobody"), ""), _camera(), person.expressed, model, _TEXTURE)


def _camera() -> Camera:
    """A camera in front of the face."""
    focal, middle = 2.0 * _PICTURE, _PICTURE / 2
    intrinsics = np.array([[focal, 0, middle], [0, focal, middle], [0, 0, 1]], np.float32)
    place = np.array([0, 0, _DISTANCE], np.float32)
    return Camera(intrinsics, np.diag([1, -1, -1]).astype(np.float32), place, _PICTURE, _PICTURE)
