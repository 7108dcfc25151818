"""What a head object knows about itself, as custom properties under one name.

The record holds all that makes the head: coefficients, model, camera, photo. It travels with the
object through copies, appending and saving, and tells where the reconstruction's files lie.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ...ml.data import Camera
from ...ml.reconstruction import Reconstruction

RECORD = "effigy"
CAMERA = "effigy_camera"
RIG = "effigy_rig"


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
        "camera": {
            "intrinsics": head.camera.intrinsics.ravel().tolist(),
            "rotation": head.camera.rotation.ravel().tolist(),
            "translation": head.camera.translation.tolist(),
        },
        "confidence": float(head.confidence),
        "directory": str(directory),
    }
    if camera is not None:
        obj[CAMERA] = camera


def record_of(obj: bpy.types.Object) -> dict[str, Any]:
    """The head's record as plain Python values."""
    return obj[RECORD].to_dict()


def photo_expression(obj: bpy.types.Object) -> Mapping[str, float]:
    """Shape-key values of the photo's expression, by name."""
    return obj[RECORD]["expression"].to_dict()


def directory_of(obj: bpy.types.Object) -> Path:
    """Where the reconstruction's files were when the head was built."""
    return Path(obj[RECORD]["directory"])


def photo_camera(obj: bpy.types.Object) -> Camera:
    """The camera of the photo, as the reconstruction found it."""
    record = record_of(obj)
    camera = record["camera"]
    return Camera(
        np.array(camera["intrinsics"], np.float32).reshape(3, 3),
        np.array(camera["rotation"], np.float32).reshape(3, 3),
        np.array(camera["translation"], np.float32),
        *record["photo_size"],
    )


def camera_of(obj: bpy.types.Object) -> bpy.types.Object | None:
    """The camera of the photo, unless it was deleted."""
    camera = obj.get(CAMERA)
    # Deleted in the viewport it lives on, kept by this very property, but in no collection.
    return camera if camera is not None and camera.users_collection else None
