"""The hair of a head, in the sidebar."""

from __future__ import annotations

import bpy

from ..operators.scene.hair import hair_of
from ..operators.scene.hair_values import (
    BEARD_LENGTH,
    HAIR_LENGTH,
    HAIR_LIGHTNESS,
    HAIR_TINT,
    SHOW,
)
from ..operators.scene.metadata import HAIR, active_head, has_photo, record_of
from ..operators.translations import CONTEXT
from .bases import HeadPanel


class EFFIGY_PT_hair(HeadPanel, bpy.types.Panel):
    bl_label = "Hair"

    @classmethod
    def poll(cls, context):
        obj = active_head(context)
        return obj is not None and (has_photo(record_of(obj)) or bool(hair_of(obj)))

    def draw_header(self, context):
        obj = active_head(context)
        if hair_of(obj):
            self.layout.prop(obj, f'["{SHOW}"]', text="")

    def draw(self, context):
        layout, obj = self.layout, active_head(context)
        parts = {each[HAIR] for each in hair_of(obj)}
        if parts:
            layout.use_property_split, layout.use_property_decorate = True, False
            column = layout.column()
            column.active = bool(obj[SHOW])
            length, beard = f'["{HAIR_LENGTH}"]', f'["{BEARD_LENGTH}"]'
            if "hair" in parts:
                column.prop(obj, length, text="Length", text_ctxt=CONTEXT, slider=True)
            if "beard" in parts:
                column.prop(obj, beard, text="Beard length", text_ctxt=CONTEXT, slider=True)
            column.prop(obj, f'["{HAIR_TINT}"]', text="Tint", text_ctxt=CONTEXT)
            lightness = f'["{HAIR_LIGHTNESS}"]'
            column.prop(obj, lightness, text="Lightness", text_ctxt=CONTEXT, slider=True)
        layout.operator("effigy.restore_hair", icon="CURVES")


CLASSES = (EFFIGY_PT_hair,)
