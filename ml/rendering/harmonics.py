"""Real spherical harmonics for arrays; shading.py has the same for tensors."""

from __future__ import annotations

import numpy as np

from ..data import FloatArray


def harmonics_of(normals: FloatArray) -> FloatArray:
    """(N, 9) real spherical harmonics up to degree 2 of (N, 3) unit normals.

    Ramamoorthi and Hanrahan, "An Efficient Representation for Irradiance Environment Maps" (2001).
    """
    x, y, z = normals.T
    return np.stack(
        [
            0.282095 * np.ones_like(x),
            0.488603 * y,
            0.488603 * z,
            0.488603 * x,
            1.092548 * x * y,
            1.092548 * y * z,
            0.315392 * (3 * z**2 - 1),
            1.092548 * x * z,
            0.546274 * (x**2 - y**2),
        ],
        -1,
    ).astype(np.float32)
