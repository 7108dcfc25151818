"""The files that a request to wrap has in its folder, and what is in them. NumPy only.

``goal.npz`` holds an Effigy head's mesh, as a result does, perhaps with its ``albedo`` (S, S, 3);
``own.npz`` the head that is wrapped: ``vertices`` (V, 3), ``triangles`` (F, 3), ``uv`` (T, 2) and
``uv_triangles`` (F, 3), ``mark_names`` (N,) and ``mark_vertices`` (N,). ``wrapped.npz`` is the
answer: ``vertices`` (V, 3) and ``keys`` (E, V, 3) in its own units and axes, ``skin`` (V,) bool,
and ``metres`` per own unit. The images are beside; ``height.png`` spans HEIGHT_RANGE_M.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..assets.archive import read_arrays
from ..data import REACH_M
from ..errors import HeadError

GOAL, OWN, RESULT = "goal.npz", "own.npz", "wrapped.npz"
ALBEDO, HEIGHT = "albedo.png", "height.png"
HEIGHT_RANGE_M = 2 * REACH_M


def read_wrapped(folder: Path) -> dict[str, np.ndarray]:
    """The arrays of the answer in ``folder``. HeadError: they are not there, or damaged."""
    return read_request(folder / RESULT, ("vertices", "keys", "skin", "metres"))


def read_request(path: Path, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Those arrays of ``names`` that a file of a request has. HeadError: it cannot be read."""
    try:
        return read_arrays(path, names)
    except (OSError, ValueError) as error:
        raise HeadError(f"{path} could not be read ({error})", "Wrap again") from error
