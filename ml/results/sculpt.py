"""What was sculpted on a head, in the arrays of a ``reconstruction.npz``. Needs NumPy only."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..head.sculpt import Sculpt

BASE = "base"
_PREFIX = "sculpt_"


def sculpt_arrays(sculpt: Sculpt | None) -> dict[str, np.ndarray]:
    """The arrays of a sculpt; none where there is none. :func:`sculpt_of` reads them back."""
    if sculpt is None:
        return {}
    return {_PREFIX + name: values for name, values in by_level(sculpt).items()}


def sculpt_of(arrays: Mapping[str, np.ndarray]) -> Sculpt | None:
    """The sculpt in the arrays of a result; None where there is none."""
    found = {
        name.removeprefix(_PREFIX): np.asarray(values, np.float32)
        for name, values in arrays.items()
        if name.startswith(_PREFIX)
    }
    return of_levels(found)


def by_level(sculpt: Sculpt) -> dict[str, np.ndarray]:
    """The displacements of the base mesh, and what other levels have beside their blend."""
    return {BASE: sculpt.base, **sculpt.others}


def of_levels(found: Mapping[str, np.ndarray]) -> Sculpt | None:
    """The way back of :func:`by_level`; None where the base mesh's are not among them."""
    if BASE not in found:
        return None
    others = {name: values for name, values in found.items() if name != BASE}
    return Sculpt(found[BASE], others)
