"""A head from what is recorded of it: numbers only, without the files of its result.

The same coefficients and model version give the same vertices, so the mesh need not be kept. NumPy
only, so that Blender's own Python can do it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..data import Detail, HeadCoefficients, HeadMesh
from ..errors import HeadError
from ..head.levels import level_of
from ..head.mesh import Person, person_mesh, person_of
from ..head.model import HeadModel
from ..head.sculpt import Sculpt, sculpted_mesh, sculpted_person
from ..head.storage import load_head_model
from ..head.transfer import between_levels
from .camera import plain
from .files import arrays_of
from .mesh import mesh_of
from .pinned import pinned_of
from .provenance import check_same_model, provenance_of
from .reconstruction import Reconstruction, assemble, coefficients_of


def head_of_record(record: dict[str, Any]) -> Reconstruction:
    """The head of which ``reconstruction.json`` held ``record``, made anew by the head model.

    ``record`` may lack what only the photo's pixels need. Images and detail are not in it.

    Raises
    ------
    HeadError: another head model or version made it, or the record lacks something.
    """
    try:
        check_same_model(provenance_of(record))
        return _made_anew(record)
    except (KeyError, ValueError, TypeError) as error:
        name = record.get("photo", {}).get("name", "a photo")
        raise HeadError(
            f"What is recorded of the head of {name} is incomplete ({error!r:.200})",
            "Reconstruct the photo again",
        ) from error


def _made_anew(record: dict[str, Any]) -> Reconstruction:
    model = load_head_model()
    coefficients = coefficients_of(record, model.expression_names)
    _check(coefficients, model.identity_count)
    pinned = pinned_of(record)
    if pinned and pinned.layer.points.corners.max(initial=0) >= model.vertex_count:
        raise ValueError("a pin is on no vertex of the head")
    person = person_of(model, coefficients, pinned.layer if pinned else None)
    unknown = {"landmarks_68": [], "landmarks_478": [], "face_box": (np.nan,) * 4, "timings_ms": {}}
    mesh = _as_in_files(person_mesh(model, person, record.get("level", "base")))
    return _seen_as(assemble(record | unknown, mesh, None), model, person)


def with_sculpt(head: Reconstruction, sculpt: Sculpt | None) -> Reconstruction:
    """``head`` with another sculpt in the place of its own; None: with none.

    Raises
    ------
    HeadError: the sculpt is of a mesh with other vertices. UsageError: there is no such level.
    """
    if sculpt is None and head.sculpt is None:
        return head
    return at_level(replace(head, sculpt=sculpt), head.provenance.level)


def at_level(head: Reconstruction, level: str) -> Reconstruction:
    """``head``, with its sculpt, made anew at a level of the mesh; its detail goes along.

    The maps of the detail are left out: they stay as they are.

    Raises
    ------
    HeadError: the sculpt is of a mesh with other vertices. UsageError: there is no such level.
    """
    model, before = load_head_model(), head.provenance.level
    person = person_of(model, head.coefficients, head.pinned.layer if head.pinned else None)
    if head.sculpt is None:
        mesh = person_mesh(model, person, level)
    else:
        _check_sculpt(head.sculpt, model)
        person = sculpted_person(model, person, head.sculpt)
        mesh = sculpted_mesh(model, person, head.sculpt, level)
    detail = head.detail
    if detail is not None and level != before:
        detail = Detail(detail.mode, between_levels(model, before, level, detail.offsets))
    made = replace(
        head,
        provenance=replace(head.provenance, level=level),
        mesh=_as_in_files(mesh),
        detail=detail,
    )
    return _seen_as(made, model, person)


def _as_in_files(mesh: HeadMesh) -> HeadMesh:
    """Files round the masks: without that, bones would pull a little differently."""
    return mesh_of(arrays_of(mesh, None))


def _seen_as(head: Reconstruction, model: HeadModel, person: Person) -> Reconstruction:
    """``head`` with the landmarks of a person in its photo, rounded as in files."""
    ibug, mediapipe = (
        np.array(plain(head.camera.project(model.landmark_sets[name].on(person.expressed))))
        for name in ("ibug68", "mediapipe478")
    )
    return replace(
        head,
        landmarks_68_px=ibug.astype(np.float32),
        landmarks_478_px=mediapipe.astype(np.float32),
    )


def _check_sculpt(sculpt: Sculpt, model: HeadModel) -> None:
    wanted = {"base": model.vertex_count}
    for level in sculpt.others:
        other = level_of(model, level)
        wanted[level] = len(other.points) if other is not None else model.vertex_count
    for level, values in {"base": sculpt.base, **sculpt.others}.items():
        if len(values) != wanted[level]:
            raise HeadError(
                f"What was sculpted on the head is of a mesh with {len(values):,} vertices, and "
                f"the level {level} has {wanted[level]:,}",
                "Remove the sculpt, or reconstruct the photo again",
            )


def _check(coefficients: HeadCoefficients, identities: int) -> None:
    """Raise ValueError where the numbers are not those of a person."""
    if coefficients.identity.shape != (identities,):
        raise ValueError(f"identity has {coefficients.identity.size} of {identities} numbers")
    if not np.isfinite([*coefficients.identity, *coefficients.expression]).all():
        raise ValueError("a coefficient is no finite number")
