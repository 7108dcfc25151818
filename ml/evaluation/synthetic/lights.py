"""The pictures of one rendered view: as drawn, with film, and in grey and coloured light."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...data import Photo
from ...geometry.colour import LUMINANCE, linear_of, srgb_of
from .people import RenderedView

AS_DRAWN = "as drawn"
# What is done to the linear light of every picture with film.
LIGHTS = {
    "grey": np.tile(LUMINANCE, (3, 1)),
    "orange light": np.diag([1.5, 0.9, 0.45]),
    "blue light": np.diag([0.6, 0.9, 1.5]),
}


def pictures_of(view: RenderedView) -> dict[str, Photo]:
    """The view's picture as drawn, with film, and that in each of LIGHTS."""
    assert view.rendering is not None
    linear = linear_of(view.photo.rgb.astype(np.float32))
    lit = {
        name: np.round(srgb_of(linear @ change.T.astype(np.float32))).astype(np.uint8)
        for name, change in LIGHTS.items()
    }
    shown = {AS_DRAWN: view.rendering.drawing.image, "film": view.photo.rgb, **lit}
    return {name: replace(view.photo, rgb=rgb) for name, rgb in shown.items()}
