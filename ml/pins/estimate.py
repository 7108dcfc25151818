"""What the photos say of a person before anything is pinned: pins move a head away from this.

A head with pins follows from the estimate and the pins alone, whatever was tried in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..data import Camera, FloatArray, HeadCoefficients
from ..results.camera import plain


@dataclass(frozen=True)
class View:
    """How one photo sees the person: (E,) activations 0..1, and the photo's camera."""

    expression: FloatArray
    camera: Camera


@dataclass(frozen=True)
class Estimate:
    """A person in one or several photos: (I,) identity, and a view for each photo."""

    identity: FloatArray
    views: tuple[View, ...]

    @classmethod
    def of(cls, heads: Sequence[tuple[HeadCoefficients, Camera]]) -> Estimate:
        """The estimate of heads that share an identity, rounded as ``reconstruction.json`` is.

        So the engine, which has just fitted them, and Blender, which reads them, start alike.
        """
        views = tuple(View(rounded(head.expression), rounded_camera(at)) for head, at in heads)
        return cls(rounded(heads[0][0].identity), views)

    def coefficients(self, photo: int) -> HeadCoefficients:
        """The person's coefficients with the expression of a photo."""
        return HeadCoefficients(self.identity, self.views[photo].expression)


def rounded(values: FloatArray) -> FloatArray:
    """``values`` as they are read back from a result."""
    return np.asarray(plain(values), np.float32)


def rounded_camera(camera: Camera) -> Camera:
    """``camera`` as it is read back from a result."""
    return Camera(
        rounded(camera.intrinsics),
        rounded(camera.rotation),
        rounded(camera.translation),
        camera.width,
        camera.height,
    )
