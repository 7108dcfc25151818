"""The shape sliders of a head in the scene: where they are stored, and how the head follows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import bpy
import numpy as np

from ...ml.data import FloatArray
from ...ml.errors import HeadError
from ...ml.results.detail import detail_of
from ...ml.results.provenance import check_same_model, provenance_of
from ...ml.results.reconstruction import Reconstruction
from ...ml.results.record import head_of_record
from ...ml.results.shaped import NAME, Shaped
from ...ml.shape_sliders.shape import shape_of, with_shape
from ..scene.detail import stored_offsets
from ..scene.follow import reshape_head
from ..scene.metadata import RECORD, record_of, record_shape

# Of a record, what neither moves a vertex nor is needed to make a head.
_ELSEWHERE = {"directory", "quality", "quality_reason", "detail_strength"}


def set_shape(obj: bpy.types.Object, shaped: Shaped) -> None:
    """Let ``obj`` follow shape sliders: its mesh, all its keys, its bones and its record.

    Raises
    ------
    HeadError: see :func:`check_can_shape`; or its mesh has other vertices.
    """
    check_can_shape(obj)
    before = record_of(obj)
    after = with_shape(before, shaped)
    reshape_head(obj, *(_with_detail(obj, record) for record in (before, after)))
    record_shape(obj, after)


def shape_on(obj: bpy.types.Object) -> Shaped:
    """Where the sliders of ``obj`` stand. Raises HeadError: its record is damaged."""
    stored = obj[RECORD]
    about = {"identity": stored["identity"].to_list()}
    if NAME in stored:
        about[NAME] = stored[NAME].to_dict()
    return shape_of(about)


def identity_on(obj: bpy.types.Object) -> FloatArray:
    """(I,) of ``obj`` as it is, with its sliders."""
    return np.array(obj[RECORD]["identity"].to_list(), np.float32)


def check_can_shape(obj: bpy.types.Object) -> None:
    """Raise HeadError where nothing may move the mesh of ``obj`` now, or another model made it."""
    if obj.library is not None or obj.data.library is not None:
        raise HeadError(
            f"The mesh of {obj.name} is in another file",
            "Make it local (Object, Relations), or change it in that file",
        )
    if any(one.data == obj.data and one != obj for one in bpy.data.objects):
        raise HeadError(
            f"{obj.name} shares its mesh with another object",
            "Make it single user (Object, Relations)",
        )
    check_same_model(provenance_of(record_of(obj)))
    if bpy.context.mode != "OBJECT":
        raise HeadError(
            f"{obj.name} follows sliders in Object Mode only", "Go to Object Mode first"
        )


def _with_detail(obj: bpy.types.Object, record: Mapping[str, Any]) -> Reconstruction:
    wanted = {name: value for name, value in record.items() if name not in _ELSEWHERE}
    head = _made(json.dumps(wanted, sort_keys=True))
    offsets = stored_offsets(obj, len(head.mesh.vertices))
    return replace(head, detail=detail_of(record.get("detail", "off"), offsets))


# While a slider is dragged, each head is the one before the next.
@lru_cache(maxsize=2)
def _made(text: str) -> Reconstruction:
    return head_of_record(json.loads(text))
