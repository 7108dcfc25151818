"""A head from what is recorded of it: numbers only, without the files of its result.

The same coefficients and model version give the same vertices, so the mesh need not be kept. NumPy
only, so that Blender's own Python can do it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..data import HeadCoefficients
from ..errors import HeadError
from ..head.mesh import person_mesh, person_of
from ..head.storage import load_head_model
from .camera import camera_of, plain
from .files import arrays_of
from .mesh import mesh_of
from .pinned import pinned_of
from .provenance import check_same_model
from .reconstruction import Reconstruction, assemble, coefficients_of, provenance_of


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
    camera = camera_of(record)
    landmarks = {
        name: plain(camera.project(model.landmark_sets[points].on(person.expressed)))
        for name, points in (("landmarks_68", "ibug68"), ("landmarks_478", "mediapipe478"))
    }
    about = record | landmarks | {"face_box": (np.nan,) * 4, "timings_ms": {}}
    mesh = person_mesh(model, person, record.get("level", "base"))
    # Files round the masks: bones would pull a little differently.
    return assemble(about, mesh_of(arrays_of(mesh, None)), None)


def _check(coefficients: HeadCoefficients, identities: int) -> None:
    """Raise ValueError where the numbers are not those of a person."""
    if coefficients.identity.shape != (identities,):
        raise ValueError(f"identity has {coefficients.identity.size} of {identities} numbers")
    if not np.isfinite([*coefficients.identity, *coefficients.expression]).all():
        raise ValueError("a coefficient is no finite number")
