"""Where vertices, or the points of a shape key, are."""

from __future__ import annotations

import bpy
import numpy as np

from ...ml.data import FloatArray


def places_of(items: bpy.types.bpy_prop_collection) -> FloatArray:
    """(N, 3) of a mesh's vertices or a key's points, in the space of their object."""
    flat = np.empty(3 * len(items), np.float32)
    items.foreach_get("co", flat)
    return flat.reshape(-1, 3)
