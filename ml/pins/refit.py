"""A head takes into its coefficients what was sculpted on it, as far as people differ so.

Works on records, as :mod:`ml.pins.shipped`: the pins of the head still hold afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..head.refit import refitted
from ..head.sculpt import Sculpt
from ..head.storage import load_head_model
from ..results.camera import plain
from ..results.pinned import NAME
from ..results.provenance import check_same_model, provenance_of
from ..shape_sliders.shape import on_another, shape_of
from .heads import Record
from .shipped import followed, stored_pins


def absorbed(records: Sequence[Record], sculpt: Sculpt) -> list[dict[str, Any]]:
    """The records of a head whose identity takes what it can of ``sculpt``.

    records: of its photos, the head's own first; its shape sliders stay where they are. What is
    left of the sculpt is the difference to the head of the records that are returned.

    Raises
    ------
    UsageError: another head model made it. HeadError: the records are damaged.
    """
    check_same_model(provenance_of(dict(records[0])))
    first = dict(records[0])
    before = np.array(first["identity"], np.float32)
    after = refitted(load_head_model(), before, sculpt.base)
    if not first.get(NAME):
        person = shape_of(first).identity + (after - before)
        return [on_another(first, person), *map(dict, records[1:])]
    # The photos said otherwise by as much, and the pins are followed from there.
    pinned = dict(first[NAME])
    pinned["estimate"] = _moved(pinned["estimate"], after - before)
    first[NAME] = pinned
    moved = [first, *map(dict, records[1:])]
    return followed(moved, stored_pins(moved))


def _moved(estimate: Mapping[str, Any], change: np.ndarray) -> dict[str, Any]:
    """What the photos said, with another identity."""
    return dict(estimate) | {"identity": plain(np.array(estimate["identity"]) + change)}
