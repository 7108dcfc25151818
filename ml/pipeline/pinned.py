"""Fits that follow the pins of a person, in the place of those that the photos alone give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..data import Camera, FitResult, Photo
from ..head.storage import load_head_model
from ..pins.estimate import Estimate
from ..pins.heads import follow, pins_for
from ..pins.pins import Pins
from ..results.pinned import Pinned
from .fit import Fitted


def fitted_to_pins(photo: Photo, fitted: Fitted, pins: Pins | None) -> Fitted:
    """One face, following the pins of its photo if there are any.

    Raises
    ------
    HeadError: the pins are of another photo.
    """
    if pins is None:
        return fitted
    record = photo_record(photo.path.name, photo.sha256, fitted.fit.camera)
    fits, pinned = follow_pins([fitted.fit], [record], pins)
    return replace(fitted, fit=fits[0], pinned=pinned)


def follow_pins(
    fits: Sequence[FitResult], photos: Sequence[dict[str, Any]], pins: Pins
) -> tuple[list[FitResult], Pinned | None]:
    """The fits of one person who follows ``pins``, and what their result says of it.

    fits: of each photo, with one identity. photos: see :func:`photo_record`.

    Raises
    ------
    HeadError: the pins are of none of the photos.
    """
    model, pins = load_head_model(), pins_for(pins, photos)
    estimate = Estimate.of([(fit.coefficients, fit.camera) for fit in fits])
    solution, pinned = follow(model, estimate, pins)
    moved = zip(fits, solution.heads, solution.cameras, strict=True)
    return [replace(fit, coefficients=head, camera=camera) for fit, head, camera in moved], pinned


def photo_record(name: str, sha256: str, camera: Camera) -> dict[str, Any]:
    """What ``reconstruction.json`` says of a photo, as far as pins need it."""
    size = {"width": camera.width, "height": camera.height}
    return {"photo": {"name": name, "sha256": sha256, **size}}
