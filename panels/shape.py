"""The shape sliders of a head, in the sidebar."""

from __future__ import annotations

from typing import Any

import bpy

from ..ml.errors import HeadError
from ..ml.shape_sliders.sliders import GROUPS
from ..operators.scene.metadata import active_head
from ..operators.shape.head import check_can_shape, shape_on
from ..operators.translations import CONTEXT
from .bases import HeadPanel
from .engine_hint import draw_text


class EFFIGY_PT_shape(HeadPanel, bpy.types.Panel):
    bl_label = "Shape"

    def draw(self, context):
        layout, obj = self.layout, active_head(context)
        try:
            shaped = shape_on(obj)
            check_can_shape(obj)
        except HeadError as error:
            draw_text(layout, str(error), "ERROR")
            return
        row = layout.row(align=True)
        row.operator("effigy.random_shape", icon="COMMUNITY")
        row.operator("effigy.mix_heads", icon="MOD_MESHDEFORM")
        layout.operator("effigy.reset_shape", icon="LOOP_BACK").slider = ""
        column = layout.column(align=True)
        column.prop(obj.effigy_shape, "likeness", slider=True)
        if shaped.other is not None:
            column.prop(obj.effigy_shape, "mix", slider=True)
        for number, (title, sliders) in enumerate(GROUPS.items()):
            header, body = layout.panel(f"EFFIGY_PT_shape_{number}", default_closed=number > 0)
            header.label(text=title, text_ctxt=CONTEXT)
            if body is not None:
                column = body.column(align=True)
                for slider in sliders:
                    moved = bool(shaped.sliders.get(slider.name))
                    _draw_slider(column, obj.effigy_shape, slider.name, moved)


def _draw_slider(column: bpy.types.UILayout, shape: Any, name: str, moved: bool) -> None:
    row = column.row(align=True)
    row.prop(shape, name, slider=True)
    if moved:
        row.operator("effigy.reset_shape", text="", icon="LOOP_BACK").slider = name


CLASSES = (EFFIGY_PT_shape,)
