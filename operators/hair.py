"""Give a head the hair of its photo: again, or where it has none yet."""

from __future__ import annotations

import bpy

from ..ml.errors import HeadError
from .heads import locate, poll_mesh_edit
from .reporting import ReportsErrors
from .scene.hair import renew_hair, strands_in
from .scene.metadata import active_head, has_photo, record_of


class EFFIGY_OT_restore_hair(ReportsErrors, bpy.types.Operator):
    """Make the hair curves again as the photo gave them. What was combed, cut or added by hand is lost; length and colour stay as they are set"""  # noqa: E501 - the tooltip

    bl_idname = "effigy.restore_hair"
    bl_label = "Restore hair"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context):
        return poll_mesh_edit(cls, context)

    def run(self, context):
        obj = active_head(context)
        if not has_photo(record_of(obj)):
            raise HeadError(f"{obj.name} was made without a photo", "Add hair curves by hand")
        folder = locate(obj)
        strands = strands_in(folder)
        if strands is None:
            raise HeadError(
                f"There is no hair in {folder}", "Reconstruct the photo again with Hair on"
            )
        renew_hair(obj, strands)
        self.report({"INFO"}, f"{obj.name} has the hair of its photo")
        return {"FINISHED"}


CLASSES = (EFFIGY_OT_restore_hair,)
