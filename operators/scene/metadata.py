"""What a head object knows about itself, as custom properties under one name.

The record holds all that makes the head: coefficients, model, camera, photo. It travels with the
object through copies, appending and saving, and tells where the reconstruction's files lie.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ...ml.data import Camera
from ...ml.errors import HeadError
from ...ml.results.person import PhotoView
from ...ml.results.reconstruction import Reconstruction

RECORD = "effigy"
CAMERA = "effigy_camera"
RIG = "effigy_rig"
# Further photos of the same person, beside the one that the head was built from: number 1 and on.
OTHERS = "effigy_photos"


def is_head(obj: bpy.types.Object | None) -> bool:
    """Whether Effigy made this object."""
    return obj is not None and obj.type == "MESH" and RECORD in obj


def rig_of(obj: bpy.types.Object) -> bpy.types.Object | None:
    """The armature that Effigy gave to this head; None where it has none.

    Known by the modifier, not by a property: Blender keeps what a property points to alive
    when the person deletes it.
    """
    for modifier in obj.modifiers:
        if modifier.type == "ARMATURE" and modifier.object is not None and RIG in modifier.object:
            return modifier.object
    return None


def active_head(context: bpy.types.Context) -> bpy.types.Object | None:
    """The head that the person works on: the active object, or the head of the active rig."""
    obj = context.object
    if obj is not None and RIG in obj:
        return next((child for child in obj.children if is_head(child)), None)
    return obj if is_head(obj) else None


def record_head(
    obj: bpy.types.Object,
    head: Reconstruction,
    directory: Path,
    camera: bpy.types.Object | None,
) -> None:
    """Write the head's identity and origin on ``obj``; ``camera`` is None if it was deleted."""
    origin = head.provenance
    obj[RECORD] = {
        "effigy_version": origin.effigy_version,
        "model_id": origin.model_id,
        "model_version": origin.model_version,
        "model_licence": origin.model_licence,
        "level": origin.level,
        "detail": head.detail.mode if head.detail else "off",
        "photo_name": origin.photo_name,
        "photo_sha256": origin.photo_sha256,
        "photo_size": [origin.width, origin.height],
        "identity": [float(value) for value in head.coefficients.identity],
        "expression": {
            name: float(value)
            for name, value in zip(
                head.mesh.shape_key_names, head.coefficients.expression, strict=True
            )
        },
        "camera": _plain(head.camera),
        "confidence": float(head.confidence),
        "directory": str(directory),
    }
    if camera is not None:
        obj[CAMERA] = camera


def record_others(
    obj: bpy.types.Object, others: Sequence[PhotoView], cameras: Sequence[bpy.types.Object]
) -> None:
    """Write on ``obj`` how further photos see the person; their cameras are in the same order."""
    if not others:
        return
    obj[OTHERS] = [
        {
            "photo_name": sight.name,
            "photo_size": [sight.camera.width, sight.camera.height],
            "expression": dict(sight.expression),
            "camera": _plain(sight.camera),
            "directory": str(sight.directory),
        }
        for sight in others
    ]
    for number, camera in enumerate(cameras, start=1):
        obj[_camera_key(number)] = camera


def record_of(obj: bpy.types.Object) -> dict[str, Any]:
    """The head's record as plain Python values."""
    return obj[RECORD].to_dict()


def photo_names(obj: bpy.types.Object) -> list[str]:
    """File names of the photos of the head, the one that it was built from first."""
    return [obj[RECORD]["photo_name"], *(other["photo_name"] for other in obj.get(OTHERS, ()))]


def photo_expression(obj: bpy.types.Object, number: int = 0) -> Mapping[str, float]:
    """Shape-key values of a photo's expression, by name. Raises HeadError: no such photo."""
    return _photo(obj, number)["expression"]


def directory_of(obj: bpy.types.Object) -> Path:
    """Where the reconstruction's files were when the head was built."""
    return Path(obj[RECORD]["directory"])


def photo_camera(obj: bpy.types.Object, number: int = 0) -> Camera:
    """The camera of a photo, as the reconstruction found it. Raises HeadError: no such photo."""
    record = _photo(obj, number)
    camera = record["camera"]
    return Camera(
        np.array(camera["intrinsics"], np.float32).reshape(3, 3),
        np.array(camera["rotation"], np.float32).reshape(3, 3),
        np.array(camera["translation"], np.float32),
        *record["photo_size"],
    )


def camera_of(obj: bpy.types.Object, number: int = 0) -> bpy.types.Object | None:
    """The camera of a photo, unless it was deleted."""
    camera = obj.get(_camera_key(number))
    # Deleted in the viewport it lives on, kept by this very property, but in no collection.
    return camera if camera is not None and camera.users_collection else None


def _photo(obj: bpy.types.Object, number: int) -> dict[str, Any]:
    """What is recorded of a photo as plain Python values; 0 is the one the head was built from."""
    records = [obj[RECORD], *obj.get(OTHERS, ())]
    if number >= len(records):
        raise HeadError(
            f"{obj.name} has no photo {number}", f"Choose one from 0 to {len(records) - 1}"
        )
    return records[number].to_dict()


def _camera_key(number: int) -> str:
    return f"{CAMERA}_{number}" if number else CAMERA


def _plain(camera: Camera) -> dict[str, list[float]]:
    return {
        "intrinsics": camera.intrinsics.ravel().tolist(),
        "rotation": camera.rotation.ravel().tolist(),
        "translation": camera.translation.tolist(),
    }
