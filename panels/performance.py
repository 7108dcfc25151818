"""Recordings of faces, in the sidebar: onto the head, and from it."""

from __future__ import annotations

import bpy

from ..operators.live.live import live_receiver
from ..operators.scene.metadata import active_head
from ..operators.translations import CONTEXT, tr


class EFFIGY_PT_performance(bpy.types.Panel):
    bl_label = "Performance"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Effigy"
    bl_translation_context = CONTEXT
    bl_parent_id = "EFFIGY_PT_head"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context):
        obj = active_head(context)
        return obj is not None and obj.data.shape_keys is not None

    def draw(self, context):
        column = self.layout.column(align=True)
        column.operator("effigy.import_performance", icon="IMPORT")
        column.operator("effigy.export_performance", icon="EXPORT")
        receiver = live_receiver()
        if receiver is None:
            column.operator("effigy.live", icon="REC")
            return
        column.operator("effigy.live_stop", icon="SNAP_FACE")
        text = tr("{count} frames came").format(count=receiver.received)
        column.label(text=text, translate=False)


CLASSES = (EFFIGY_PT_performance,)
