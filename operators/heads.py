"""What operators on a built head share: how to find it, and what it was built from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy

from ..ml.errors import HeadError
from ..ml.results.detail import detail_of
from ..ml.results.files import JSON_NAME, NPZ_NAME
from ..ml.results.pinned import NAME as PINNED
from ..ml.results.provenance import check_same_model
from ..ml.results.reconstruction import Reconstruction, load_reconstruction, read_about
from ..ml.results.record import head_of_record, with_sculpt
from ..ml.results.shaped import unshaped_identity
from ..ml.shape_sliders.shape import reshaped
from .folders import located, portable
from .opened import other_files
from .reporting import ReportsErrors
from .runtime import heads_beside, results_folders
from .scene.detail import stored_offsets
from .scene.metadata import (
    active_head,
    directory_of,
    is_head,
    move_records,
    record_of,
    stored_directory,
)
from .translations import CONTEXT

# What tells the head of a photo from that of a run with other settings, or of another face.
_HEAD = ("level", "detail", "identity")


def poll_head(operator: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    """Whether the active object is a head made by Effigy, or its rig; sets the poll message."""
    if active_head(context) is not None:
        return True
    instance = context.object.instance_collection if context.object is not None else None
    if instance is not None and any(is_head(obj) for obj in instance.all_objects):
        operator.poll_message_set(
            "This is an instance of a head: make it real, or local if it is linked (Object, Apply)"
        )
    else:
        operator.poll_message_set("Select a head made by Effigy")
    return False


def poll_own_mesh(operator: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    """Whether the head's mesh lies in this file and is its alone; sets the poll message."""
    obj = active_head(context)
    if obj is None:
        return poll_head(operator, context)
    if obj.library is not None or obj.data.library is not None:
        operator.poll_message_set(
            f"The mesh of {obj.name} is in another file: make it local (Object, Relations), or "
            "do this in that file"
        )
        return False
    twin = next((one for one in bpy.data.objects if one.data == obj.data and one != obj), None)
    if twin is not None:
        operator.poll_message_set(
            f"{obj.name} shares its mesh with {twin.name}: make it single user (Object, Relations)"
        )
    return twin is None


def poll_object_mode(operator: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    """Whether Blender is in Object Mode; sets the poll message."""
    if context.mode == "OBJECT":
        return True
    operator.poll_message_set("Go to Object Mode first")
    return False


def poll_mesh_edit(operator: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    """Whether the mesh of the active head can be changed here and now; sets the poll message."""
    return poll_own_mesh(operator, context) and poll_object_mode(operator, context)


class PhotoOperator(ReportsErrors):
    """Mixin for operators on one photo of the selected head."""

    photo: bpy.props.IntProperty(
        name="Photo",
        description="Which photo of the person; 0: the one that the head was built from",
        min=0,
        options={"SKIP_SAVE"},
        translation_context=CONTEXT,
    )

    @classmethod
    def poll(cls, context):
        return poll_head(cls, context)


def stored_head(obj: bpy.types.Object) -> Reconstruction:
    """The reconstruction that a head was built from: its files, or its record where they are gone.

    What was sculpted on it is left out: see operators/scene/sculpt.py.
    A head of the record alone has no ``state``.

    Raises
    ------
    HeadError: its files are damaged, its record is incomplete, or another head model made it.
    """
    directory, record = locate(obj), record_of(obj)
    # Another person's folder that may not be looked into counts as none, as it would elsewhere.
    if all(os.path.isfile(directory / name) for name in (JSON_NAME, NPZ_NAME)):
        head, about = load_reconstruction(directory), read_about(directory)
        # Pins, a refit or a level that was not written: the files are of the head before.
        known = _pins_in(about) == _pins_in(record)
        known = known and all(
            _fact(about, name) == _fact(record, name)
            for name in _HEAD
            if name in about and name in record
        )
        if known and head.provenance.photo_sha256 == record["photo"]["sha256"]:
            check_same_model(head.provenance)
            return reshaped(with_sculpt(head, None), record)
    head = head_of_record(record)
    offsets = stored_offsets(obj, len(head.mesh.vertices))
    return replace(head, detail=detail_of(record.get("detail", "off"), offsets))


def _pins_in(record: Mapping[str, Any]) -> object:
    """The pins that a record's head follows; None: none."""
    pinned = record.get(PINNED)
    return pinned["pins"] if pinned else None


def locate(obj: bpy.types.Object) -> Path:
    """Where the files of a head lie: as recorded, or where the .blend file was moved with them.

    A path that is relative to another file, out of which the head was appended or pasted, is
    followed from there. What lies where it is recorded may have been made anew; elsewhere only
    these very files are taken: any file that was open before may have the like beside it. Where
    they are gone, it is where they were.
    """
    recorded, blend = directory_of(obj), bpy.data.filepath
    record, stored = record_of(obj), stored_directory(obj)
    if _is_of(recorded, record):
        return recorded
    from_others = [located(stored, path) for path in other_files()]
    folders = [heads_beside(blend), *results_folders()] if blend else results_folders()
    # A head lies in the folder of its photo, or in there one deeper: folder of photos, photo.
    tails = (Path(recorded.name), Path(recorded.parent.name, recorded.name))
    places = (*from_others, *(folder / tail for folder in folders for tail in tails))
    return next((place for place in places if _is_of(place, record, _HEAD)), recorded)


def settle(obj: bpy.types.Object) -> None:
    """Record where the files of a head were found, if that is not where its record says."""
    found = locate(obj)
    if found != directory_of(obj):
        move_records(obj, lambda text: _settled(text, obj, found))


def _settled(text: str, obj: bpy.types.Object, found: Path) -> str:
    # The folders of further photos lie beside that of the first.
    moved = found.parent / Path(text).name
    return portable(found if text == stored_directory(obj) else moved, bpy.data.filepath)


def _is_of(directory: Path, record: dict[str, Any], wanted: tuple[str, ...] = ()) -> bool:
    """Whether a result is of the recorded photo, and all that is ``wanted`` the same."""
    try:
        about = read_about(directory)
        if about["photo"]["sha256"] != record["photo"]["sha256"]:
            return False
        return all(_fact(about, name) == _fact(record, name) for name in wanted if name in record)
    except (HeadError, OSError, ValueError, LookupError, TypeError, AttributeError):
        return False


def _fact(about: Mapping[str, Any], name: str) -> object:
    """An entry of a record; sliders and pins may be on the object alone, so it is without them."""
    if name != "identity":
        return about[name]
    estimate = (about.get(PINNED) or {}).get("estimate") or {}
    return estimate.get("identity") or unshaped_identity(about)


def make_active(context: bpy.types.Context, obj: bpy.types.Object) -> None:
    """Select ``obj`` alone and make it active; in a local view, also bring it there."""
    if context.mode != "OBJECT" or obj.name not in context.view_layer.objects:
        return  # the person is editing another object: do not take it away
    for other in context.selected_objects:
        other.select_set(False)
    space = context.space_data
    if space is not None and space.type == "VIEW_3D" and space.local_view is not None:
        obj.local_view_set(space, True)
    obj.select_set(True)
    context.view_layer.objects.active = obj
