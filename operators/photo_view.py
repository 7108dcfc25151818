"""Look at a head through the camera that took its photo."""

from __future__ import annotations

import bpy

from ..ml.errors import HeadError
from .heads import PhotoOperator, poll_head
from .scene.camera import fit_lens, follow_head
from .scene.collection import set_render_size
from .scene.metadata import (
    active_head,
    camera_object,
    has_photo,
    photo_camera,
    record_of,
    set_camera_object,
    shares_camera,
)
from .scene.place import scale_of
from .translations import CONTEXT


class EFFIGY_OT_photo_view(PhotoOperator, bpy.types.Operator):
    """Look through the camera of the photo, the head over the face"""

    bl_idname = "effigy.photo_view"
    bl_label = "View with photo"
    bl_options = {"REGISTER", "UNDO"}

    match_render: bpy.props.BoolProperty(
        name="Match render size",
        description="Set the scene's render size to the photo's",
        translation_context=CONTEXT,
    )

    @classmethod
    def poll(cls, context):
        if not poll_head(cls, context):
            return False
        known = has_photo(record_of(active_head(context)))
        if not known:
            cls.poll_message_set("This head was not made from a photo")
        return known

    def run(self, context):
        obj = active_head(context)
        photographed, camera = photo_camera(obj, self.photo), _own_camera(obj, self.photo)
        if camera is None:
            raise HeadError(
                f"The photo's camera of {obj.name} was deleted",
                "Open the reconstruction again: File, Import",
            )
        if self.match_render:
            set_render_size(context.scene, photographed.width, photographed.height)
        # The frame may have changed since the head was built.
        render = context.scene.render
        fit_lens(
            camera.data,
            photographed,
            (render.resolution_x, render.resolution_y),
            scale_of(context.scene),
        )
        context.scene.camera = camera
        if context.space_data is not None and context.space_data.type == "VIEW_3D":
            context.space_data.region_3d.view_perspective = "CAMERA"
        return {"FINISHED"}


def _own_camera(obj: bpy.types.Object, photo: int) -> bpy.types.Object | None:
    """The camera of a photo, as a child of its head; None where it was deleted.

    A copy of a head shares the camera of the original: it gets its own. The cameras of earlier
    versions stood by themselves.
    """
    camera = camera_object(obj, photo)
    if camera is None or camera.parent == obj:
        return camera
    if camera.parent is not None or shares_camera(obj, photo):
        collection = camera.users_collection[0]
        camera = camera.copy()
        camera.data = camera.data.copy()
        collection.objects.link(camera)
        set_camera_object(obj, photo, camera)
    follow_head(camera, obj, photo_camera(obj, photo))
    return camera


CLASSES = (EFFIGY_OT_photo_view,)
