"""How the keys of the gaze turn the eyes."""

from __future__ import annotations

import numpy as np

from ..head.arkit import EXPRESSION_NAMES
from .performance import Array

# Radians that the keys turn an eye by at 1, about x and y of head space.
_LOOKS = {"Up": (0, -0.38), "Down": (0, 0.42), "In": (1, -0.5), "Out": (1, 0.5)}


def gaze_of(values: Array) -> Array:
    """(F, 2, 3) the angles of the left and the right eye where the keys, (F, 52), turn them."""
    eyes = np.zeros((len(values), 2, 3))
    for number, side in enumerate(("Left", "Right")):
        for way, (axis, angle) in _LOOKS.items():
            # Outward is to the left for the left eye, and to the right for the other.
            towards = -1 if axis == 1 and side == "Right" else 1
            key = values[:, EXPRESSION_NAMES.index(f"eyeLook{way}{side}")]
            eyes[:, number, axis] += towards * angle * key
    return eyes


def add_keys_of_gaze(values: Array, eyes: Array) -> None:
    """Let the keys of the gaze in (F, 52) ``values`` say how the eyes turn, (F, 2, 3) angles.

    Where they have values of their own those stay.
    """
    for number, side in enumerate(("Left", "Right")):
        columns = {way: EXPRESSION_NAMES.index(f"eyeLook{way}{side}") for way in _LOOKS}
        if values[:, list(columns.values())].any():
            continue
        for way, (axis, angle) in _LOOKS.items():
            towards = -1 if axis == 1 and side == "Right" else 1
            key = towards * eyes[:, number, axis] / angle
            values[:, columns[way]] = np.clip(key, 0, 1)
