"""What a result says of a head that follows pins (ml.pins). NumPy only.

``reconstruction.json`` then has one more entry, ``"pinned"``: the pins as in ``pins.json``, what
the photos said without them, and the layer that holds them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..head.layer import Layer
from ..head.model import SurfacePoints
from .camera import plain

NAME = "pinned"
_MOST = 10_000


@dataclass(frozen=True)
class Pinned:
    """Why a head is not as its photos alone say.

    Attributes
    ----------
    pins: the contents of ``pins.json``. estimate: {"identity", "photos": [{"expression",
    "camera"}]}, of the head before it had pins. layer: of the head.
    """

    pins: Mapping[str, Any]
    estimate: Mapping[str, Any]
    layer: Layer

    def to_json(self) -> dict[str, Any]:
        """Plain Python values; :func:`pinned_of` reads them back."""
        points = self.layer.points
        layer = {
            "corners": np.asarray(points.corners).tolist(),
            "weights": plain(points.weights),
            "shifts": plain(self.layer.shifts),
        }
        return {"pins": dict(self.pins), "estimate": dict(self.estimate), "layer": layer}


def pinned_of(about: Mapping[str, Any]) -> Pinned | None:
    """What the contents of a ``reconstruction.json`` say of pins; None where there are none.

    Pins and estimate are checked by whoever needs them: see ml.pins.

    Raises
    ------
    ValueError, KeyError, TypeError: it is damaged.
    """
    stored = about.get(NAME)
    if stored is None:
        return None
    pins, estimate, layer = (stored[name] for name in ("pins", "estimate", "layer"))
    if not all(isinstance(part, dict) for part in (pins, estimate, layer)):
        raise ValueError(f"{NAME!r} is damaged")
    shifts = np.array(layer["shifts"], np.float32).reshape(-1, 3)
    corners = np.array(layer["corners"], np.int64)
    weights = np.array(layer["weights"], np.float32)
    wanted = (len(shifts), 3)
    if corners.shape != wanted or weights.shape != wanted or len(shifts) > _MOST:
        raise ValueError(f"the layer of {NAME!r} has shapes that do not fit")
    if not np.isfinite(shifts).all() or not np.isfinite(weights).all() or (corners < 0).any():
        raise ValueError(f"the layer of {NAME!r} has values that do not fit")
    points = SurfacePoints(corners.astype(np.int32), weights)
    return Pinned(pins, estimate, Layer(points, shifts))
