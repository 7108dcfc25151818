"""What is stored on a head object, as custom properties.

The record is ``reconstruction.json`` without what only the photo's pixels need, plus ``directory``,
where the reconstruction's files lie: all that makes the head, with its model and its photo. It
travels with the object through copies, appending and saving.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ...ml.data import Camera
from ...ml.errors import HeadError
from ...ml.results.camera import camera_as_json, camera_of
from ...ml.results.origin import statement_of
from ...ml.results.person import PhotoView
from ...ml.results.pinned import NAME as PINNED
from ...ml.results.reconstruction import FORMAT, Reconstruction
from ...ml.results.shaped import NAME as SHAPED
from ..folders import located, portable

RECORD = "effigy"
CAMERA = "effigy_camera"
RIG = "effigy_rig"
# On the objects of a head's hair: which part of it.
HAIR = "effigy_hair"
# Further photos of the same person, beside the one that the head was built from: number 1 and on.
OTHERS = "effigy_photos"
# What may be wrong with photos of the same person, in words.
DOUBTS = "effigy_doubts"
# What reconstruction.json holds besides: of the photo's pixels, and of the run and its files.
_NOT_STORED = ("status", "face_box", "landmarks_68", "landmarks_478", "timings_ms")
_NOT_STORED += ("settings", "face", "images")
# Blender's properties hold no lists of lists: these lie there row after row.
_MATRICES = ("intrinsics", "rotation")


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
    """The head that the person works on: the active object, or that of the active rig or hair."""
    obj = context.object
    if obj is not None and HAIR in obj:
        obj = obj.parent
    if obj is not None and RIG in obj:
        return next((child for child in obj.children if is_head(child)), None)
    return obj if is_head(obj) else None


def record_head(
    obj: bpy.types.Object,
    head: Reconstruction,
    directory: Path | None,
    camera: bpy.types.Object | None,
) -> None:
    """Write the record of ``head`` on ``obj``.

    directory: of its files; None where it never had any. camera: None if it was deleted.
    """
    stored = {name: value for name, value in head.to_json().items() if name not in _NOT_STORED}
    stored["photo"].pop("path", None)  # of this computer; the .blend file may go to another
    if note := consent_of(obj):  # a head that is built anew keeps what was noted on it
        stored["provenance"]["consent"] = note
    place = _text(directory) if directory is not None else ""
    obj[RECORD] = _to_property(stored | {"directory": place})
    if camera is not None:
        obj[CAMERA] = camera


def record_others(
    obj: bpy.types.Object, others: Sequence[PhotoView], cameras: Sequence[bpy.types.Object]
) -> None:
    """Write on ``obj`` how further photos see the person; their cameras are in the same order."""
    if not others:
        return
    obj[OTHERS] = [
        _to_property(
            {
                "photo": {
                    "name": view.name,
                    "width": view.camera.width,
                    "height": view.camera.height,
                },
                "expression": dict(view.expression),
                "camera": camera_as_json(view.camera),
                "directory": _text(view.directory),
            }
        )
        for view in others
    ]
    for number, camera in enumerate(cameras, start=1):
        obj[_camera_key(number)] = camera


def record_views(
    obj: bpy.types.Object, expressions: Sequence[Mapping[str, float]], cameras: Sequence[Camera]
) -> None:
    """Write on ``obj`` other expressions and cameras of all its photos, the head's own first."""
    changed = []
    for number, (expression, camera) in enumerate(zip(expressions, cameras, strict=True)):
        record = record_of(obj, number)
        record["directory"] = _records(obj)[number]["directory"]
        seen = {"expression": dict(expression), "camera": camera_as_json(camera)}
        changed.append(_to_property(record | seen))
    obj[RECORD] = changed[0]
    if len(changed) > 1:
        obj[OTHERS] = changed[1:]


def record_shape(obj: bpy.types.Object, record: Mapping[str, Any]) -> None:
    """Write on ``obj`` the identity of a record, and where its shape sliders stand."""
    stored = obj[RECORD]
    stored["identity"] = record["identity"]
    stored.pop(SHAPED, None)
    if SHAPED in record:
        stored[SHAPED] = record[SHAPED]


def consent_of(obj: bpy.types.Object) -> str:
    """What was noted on the head about consent; empty where nothing was."""
    return str(obj.get(RECORD, {}).get("provenance", {}).get("consent", ""))


def record_consent(obj: bpy.types.Object, note: str) -> None:
    """Note on the head what the person in the photo agreed to."""
    stored = record_of(obj)
    said = statement_of(stored) | {"consent": note}
    # Heads of earlier files have the names of their time: only this entry is added.
    obj[RECORD]["provenance"] = said


def record_doubts(obj: bpy.types.Object, doubts: Sequence[str]) -> None:
    """Write on ``obj`` which of its photos may show somebody else, one sentence each."""
    if doubts:
        obj[DOUBTS] = list(doubts)


def doubts_about_photos(obj: bpy.types.Object) -> list[str]:
    """The sentences of :func:`record_doubts`."""
    return [str(text) for text in obj.get(DOUBTS, ())]


def record_of(obj: bpy.types.Object, photo: int = 0) -> dict[str, Any]:
    """What is recorded of a photo, in the schema of ``reconstruction.json``.

    Photo 0 is the one that the head was built from. Of others of the same person there is no more
    than photo, expression, camera and directory.

    Raises
    ------
    HeadError: there is no such photo.
    """
    records = _records(obj)
    if photo >= len(records):
        raise HeadError(
            f"{obj.name} has no photo {photo}", f"Choose one from 0 to {len(records) - 1}"
        )
    return _from_property(records[photo], _blend_of(obj))


def has_photo(record: dict[str, Any]) -> bool:
    """Whether the head of a record was made from a photo: average and random heads were not."""
    return bool(record["photo"]["name"])


def photo_names(obj: bpy.types.Object) -> list[str]:
    """File names of the photos of the head, the one that it was built from first."""
    return [_from_property(record, "")["photo"]["name"] for record in _records(obj)]


def directory_of(obj: bpy.types.Object) -> Path:
    """Where the reconstruction's files were when the head was built."""
    return located(stored_directory(obj), _blend_of(obj))


def stored_directory(obj: bpy.types.Object) -> str:
    """:func:`directory_of` as it is stored: it may be relative to the file of the head."""
    return obj[RECORD]["directory"]


def _blend_of(obj: bpy.types.Object) -> str:
    """The .blend file that paths on ``obj`` are relative to; empty if it was never saved."""
    override = obj.override_library
    library = override.reference.library if override is not None else obj.library
    return bpy.path.abspath(library.filepath) if library is not None else bpy.data.filepath


def photo_records(obj: bpy.types.Object) -> list[dict[str, Any]]:
    """What is recorded of every photo, see :func:`record_of`."""
    return [record_of(obj, number) for number in range(len(_records(obj)))]


def photo_camera(obj: bpy.types.Object, photo: int = 0) -> Camera:
    """The camera of a photo, as the reconstruction found it. Raises HeadError: no such photo."""
    return camera_of(record_of(obj, photo))


def camera_object(obj: bpy.types.Object, photo: int = 0) -> bpy.types.Object | None:
    """The camera object of a photo; None where it was deleted."""
    camera = obj.get(_camera_key(photo))
    # Deleted in the viewport it lives on, kept by this very property, but in no collection.
    return camera if camera is not None and camera.users_collection else None


def set_camera_object(obj: bpy.types.Object, photo: int, camera: bpy.types.Object) -> None:
    """Record the camera object of a photo."""
    obj[_camera_key(photo)] = camera


def shares_camera(obj: bpy.types.Object, photo: int) -> bool:
    """Whether another head has the same camera object: one of the two is a copy."""
    key = _camera_key(photo)
    return any(
        other != obj and is_head(other) and other.get(key) == obj[key] for other in bpy.data.objects
    )


def move_records(obj: bpy.types.Object, move: Callable[[str], str]) -> None:
    """Change the paths in the record of ``obj``, as they are stored, by ``move``."""
    if is_head(obj):
        for record in _records(obj):
            record["directory"] = move(record["directory"])


def _text(directory: Path) -> str:
    return portable(directory.absolute(), bpy.data.filepath)


def _records(obj: bpy.types.Object) -> list[Any]:
    return [obj[RECORD], *obj.get(OTHERS, ())]


def _camera_key(number: int) -> str:
    return f"{CAMERA}_{number}" if number else CAMERA


def _to_property(record: dict[str, Any]) -> dict[str, Any]:
    """The record as Blender can hold it; :func:`_from_property` reads it back."""
    camera = record["camera"]
    flat = {name: np.ravel(camera[name]).tolist() for name in _MATRICES}
    text = {PINNED: json.dumps(record[PINNED])} if record.get(PINNED) else {}
    return record | text | {"camera": camera | flat}


def _from_property(stored: Any, blend: str) -> dict[str, Any]:
    record = _upgraded(stored.to_dict())
    record["directory"] = str(located(record["directory"], blend))
    camera = record["camera"]
    full = {name: np.reshape(camera[name], (3, 3)).tolist() for name in _MATRICES}
    pinned = {PINNED: json.loads(record[PINNED])} if PINNED in record else {}
    return record | pinned | {"camera": camera | full}


def _upgraded(record: dict[str, Any]) -> dict[str, Any]:
    """The record in today's schema; earlier files have flat names (model_id, photo_size, ...)."""
    if "photo" in record:
        return record
    new: dict[str, Any] = {}
    for name, value in record.items():
        group, _, field = name.partition("_")
        if group in ("photo", "model"):
            new.setdefault(group, {})[field] = value
        else:
            new[name] = value
    new["photo"]["width"], new["photo"]["height"] = new["photo"].pop("size")
    if "model" in new:  # the first heads came in one mesh and without detail
        new = {"format": FORMAT, "level": "base", "detail": "off"} | new
    return new
