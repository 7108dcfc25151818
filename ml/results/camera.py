"""Cameras and arrays of numbers as the plain Python values of json. Needs numpy only."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..data import Camera


def camera_as_json(camera: Camera) -> dict[str, Any]:
    """A camera as plain Python values; :func:`camera_of` reads it back."""
    return {
        "intrinsics": plain(camera.intrinsics),
        "rotation": plain(camera.rotation),
        "translation": plain(camera.translation),
    }


def camera_of(about: dict[str, Any]) -> Camera:
    """The camera in the contents of a ``reconstruction.json``; its size is the photo's."""
    photo, camera = about["photo"], about["camera"]
    return Camera(
        np.array(camera["intrinsics"], np.float32),
        np.array(camera["rotation"], np.float32),
        np.array(camera["translation"], np.float32),
        photo["width"],
        photo["height"],
    )


def plain(values: np.ndarray) -> Any:
    """An array as nested lists of numbers."""
    # Six decimals are micrometres and micro-pixels; float64's repr would be three times as long.
    return np.round(np.asarray(values, np.float64), 6).tolist()
