"""What was sculpted on a head: found from its vertices, and its arrays in files. NumPy only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..data import FloatArray
from ..errors import HeadError
from ..head.sculpt import Sculpt, captured
from ..head.storage import load_head_model
from ..head.transfer import between_levels

if TYPE_CHECKING:
    from .reconstruction import Reconstruction

BASE = "base"
_PREFIX = "sculpt_"
# Beyond these, a transform was applied: a factor, degrees, metres. What can be seen, mm.
_SCALED, _TURNED, _MOVED = 1.6, 30.0, 0.05
# Metres below which a vertex is where a transform puts it: rounding of a head metres away.
_SAME = 1e-5
_VISIBLE_MM = 0.01


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


def sculpt_on(
    head: Reconstruction, vertices: FloatArray, before: Sculpt | None = None
) -> Sculpt | None:
    """What was sculpted on a head, whose vertices at rest are now (N, 3); None: nothing.

    head: without a sculpt. before: the sculpt as it was known last.

    Raises
    ------
    HeadError: the head was moved, turned, scaled or mirrored as a whole.
    """
    _check_stands(head, vertices)
    displaced = vertices - head.mesh.vertices
    return captured(load_head_model(), head.provenance.level, displaced, before)


def sizes_mm(before: FloatArray, after: FloatArray) -> tuple[float, float, float]:
    """Means of what (N, 3) displaced before and after, where it did before; most after; in mm."""
    was, now = (1000 * np.linalg.norm(moved, axis=1) for moved in (before, after))
    there = was > _VISIBLE_MM
    if not there.any():
        return 0.0, 0.0, float(now.max(initial=0))
    return float(was[there].mean()), float(now[there].mean()), float(now.max())


def is_affine(before: FloatArray, after: FloatArray) -> bool:
    """Whether one affine transform moves all of (N, 3) ``before`` to ``after``."""
    return bool(np.abs(_affine(before, after)[2]).max() < _SAME)


def _affine(before: FloatArray, after: FloatArray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(3, 3) about the mean of ``before``, (3,) way of the mean, and (N, 3) what these leave."""
    old, new = (np.asarray(each, np.float64) for each in (before, after))
    way = new.mean(0) - old.mean(0)
    old, new = old - old.mean(0), new - new.mean(0)
    linear = np.linalg.lstsq(old, new, rcond=None)[0].T
    return linear, way, new - old @ linear.T


def _check_stands(head: Reconstruction, vertices: FloatArray) -> None:
    """Raise HeadError where no hand but a transform moved the vertices."""
    linear, way, _ = _affine(head.mesh.vertices, vertices)
    sizes, u, vt = (np.linalg.svd(linear)[part] for part in (1, 0, 2))
    cosine = (np.trace(u @ vt) - 1) / 2
    what = {
        "mirrored": np.linalg.det(linear) < 0,
        "scaled": not (sizes.min() > 1 / _SCALED and sizes.max() < _SCALED),
        "turned": cosine < np.cos(np.radians(_TURNED)),
        "moved": np.abs(way).max() > _MOVED,
    }
    for name, is_so in what.items():
        if is_so:
            raise HeadError(
                f"The head's vertices were {name} as a whole, which is no sculpt",
                "Undo that and transform the object instead, without applying it",
            )


def at_other_level(levels: tuple[str, str], values: FloatArray) -> FloatArray:
    """(N, C) values of the vertices of the first of ``levels`` -> those of the second's."""
    return between_levels(load_head_model(), *levels, values)
