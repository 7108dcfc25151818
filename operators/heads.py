"""What operators on a built head share: how to find it, and what it was built from."""

from __future__ import annotations

import bpy

from ..ml.errors import HeadError
from ..ml.results.provenance import check_same_model
from ..ml.results.reconstruction import Reconstruction, load_reconstruction
from .reporting import ReportsErrors
from .scene.metadata import active_head, directory_of, record_of


def poll_head(operator: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    """Whether the active object is a head made by Effigy, or its rig; sets the poll message."""
    if active_head(context) is not None:
        return True
    operator.poll_message_set("Select a head made by Effigy")
    return False


def poll_object_mode(operator: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    """Whether Blender is in Object Mode; sets the poll message."""
    if context.mode == "OBJECT":
        return True
    operator.poll_message_set("Go to Object Mode first")
    return False


class PhotoOperator(ReportsErrors):
    """Mixin for operators on one photo of the selected head."""

    photo: bpy.props.IntProperty(
        name="Photo",
        description="Which photo of the person; 0: the one that the head was built from",
        min=0,
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context):
        return poll_head(cls, context)


def stored_head(obj: bpy.types.Object) -> Reconstruction:
    """The reconstruction that a head was built from.

    Raises
    ------
    HeadError: it is gone, another one lies in its place, or another head model made it.
    """
    directory, photo = directory_of(obj), record_of(obj)["photo"]
    head = load_reconstruction(directory)
    if head.provenance.photo_sha256 != photo["sha256"]:
        raise HeadError(
            f"{directory} now holds the head of another photo", f"Reconstruct {photo['name']} again"
        )
    check_same_model(head.provenance)
    return head


def make_active(context: bpy.types.Context, obj: bpy.types.Object) -> None:
    """Select ``obj`` alone and make it active."""
    if context.mode != "OBJECT" or obj.name not in context.view_layer.objects:
        return  # the person is editing another object: do not take it away
    for other in context.selected_objects:
        other.select_set(False)
    obj.select_set(True)
    context.view_layer.objects.active = obj
