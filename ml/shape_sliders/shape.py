"""A person's identity with sliders: the one formula, and the sliders of a head's record.

    identity = A ((1 - m) l p + m q) + sum_s v_s d_s

p is the person without sliders, q another one, of which m is mixed in, l the likeness, A scales the
antisymmetric modes, d_s is the direction of a slider (ml.training.head.sliders) and v_s its value.
So it does not matter in which order sliders are moved, and each can be taken back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from ..data import FloatArray
from ..errors import HeadError
from ..head.mirror import make_mirror
from ..head.model import HeadModel
from ..head.storage import load_head_model
from ..results.camera import plain
from ..results.provenance import check_same_model, provenance_of
from ..results.reconstruction import Reconstruction
from ..results.record import head_of_record
from ..results.shaped import NAME, Shaped, shaped_of
from .directions import directions
from .sliders import ASYMMETRY, DIRECTED

# What a head's record, in the schema of reconstruction.json, says.
Record = Mapping[str, Any]
# An identity that differs by more from what its sliders give was changed by something else.
_SAME = 1e-4


def identity_of(shaped: Shaped) -> FloatArray:
    """(I,) of the head with its sliders, rounded as ``reconstruction.json`` is."""
    if shaped.changes_nothing:
        return np.asarray(plain(shaped.identity), np.float32)
    person = shaped.likeness / 100 * shaped.identity.astype(np.float64)
    if shaped.other is not None:
        share = shaped.mix / 100
        person = (1 - share) * person + share * shaped.other
    uneven = shaped.sliders.get(ASYMMETRY, 0.0)
    if uneven:
        person = np.where(_odd_modes(load_head_model()), person * (1 + uneven / 100), person)
    values = [shaped.sliders.get(name, 0.0) for name in DIRECTED]
    return np.asarray(plain(person + values @ directions()), np.float32)


@lru_cache(maxsize=1)
def _odd_modes(model: HeadModel) -> np.ndarray:
    """(I,) bool: modes that make the two sides of a head differ."""
    return np.asarray(make_mirror(model).identity < 0)


def shape_of(record: Record) -> Shaped:
    """Where the sliders of a head stand; those of one that was changed otherwise stand at 0.

    Raises
    ------
    HeadError: the record is damaged.
    """
    try:
        identity = np.array(record["identity"], np.float32)
        shaped = shaped_of(record)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        name = record.get("photo", {}).get("name") or "a head"
        raise HeadError(
            f"What is recorded of the shape sliders of {name} is damaged ({error!r:.200})",
            "Reconstruct the photo again",
        ) from error
    if shaped is None or np.abs(identity_of(shaped) - identity).max() > _SAME:
        return Shaped(identity)
    return shaped


def with_shape(record: Record, shaped: Shaped) -> dict[str, Any]:
    """The record of the head with these sliders; nothing but its identity changes.

    Raises
    ------
    UsageError: another head model made it. WeightsMissing: the sliders' directions are not there.
    """
    check_same_model(provenance_of(dict(record)))
    changed = {**record, "identity": plain(identity_of(shaped))}
    changed.pop(NAME, None)
    if shaped.changes_nothing and shaped.other is None:
        return changed
    return changed | {NAME: shaped.to_json()}


def without_shape(record: Record) -> dict[str, Any]:
    """The record of the head as photo and pins say, without sliders. Raises HeadError."""
    unshaped = {**record, "identity": plain(shape_of(record).identity)}
    unshaped.pop(NAME, None)
    return unshaped


def on_another(record: Record, identity: FloatArray) -> dict[str, Any]:
    """The record with the same sliders on another person: who follows pins, for example."""
    return with_shape(record, replace(shape_of(record), identity=identity))


def reshaped(head: Reconstruction, record: Record) -> Reconstruction:
    """``head``, which may have other sliders or none, with those of a record; images are not kept.

    Raises
    ------
    HeadError: the record is damaged, or another head model made it.
    """
    wanted, about = shape_of(record), head.to_json()
    if wanted.changes_nothing and shape_of(about).changes_nothing:
        return head
    shaped = replace(wanted, identity=shape_of(about).identity)
    made = head_of_record(with_shape(about, shaped))
    return replace(made, face_box=head.face_box, detail=head.detail, state=head.state)
