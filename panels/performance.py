"""Recordings of faces, in the sidebar: onto the head, and from it."""

from __future__ import annotations

import bpy

from ..operators.live.live import live_receiver
from ..operators.scene.metadata import active_head
from ..operators.translations import tr
from .bases import HeadPanel


class EFFIGY_PT_performance(HeadPanel, bpy.types.Panel):
    bl_label = "Performance"

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
