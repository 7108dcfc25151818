"""A head of one's own topology, in the sidebar: its marks and what is made of it."""

from __future__ import annotations

import bpy

from ..ml.wrap.marks import MARKS
from ..operators.translations import CONTEXT
from ..operators.wrapping.marks import can_be_wrapped, has_mark
from .bases import SidebarPanel


class EFFIGY_PT_wrapping(SidebarPanel, bpy.types.Panel):
    bl_label = "Own topology"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context):
        return can_be_wrapped(context.object)

    def draw(self, context):
        layout, obj = self.layout, context.object
        column = layout.column(align=True)
        for name, (label, _) in MARKS.items():
            icon = "CHECKBOX_HLT" if has_mark(obj, name) else "CHECKBOX_DEHLT"
            button = column.operator("effigy.mark_point", text=label, text_ctxt=CONTEXT, icon=icon)
            button.point = name
        layout.operator("effigy.clear_marks", icon="X")
        row = layout.row(align=True)
        row.operator("effigy.wrap", icon="MOD_SHRINKWRAP").keep_shape = False
        row.operator("effigy.wrap", text="Expressions only").keep_shape = True


CLASSES = (EFFIGY_PT_wrapping,)
