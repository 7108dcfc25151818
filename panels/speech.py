"""Visemes and lip sync of a head, in the sidebar."""

from __future__ import annotations

import bpy

from ..ml.speech.sets import SETS
from ..operators.scene.metadata import active_head
from ..operators.speech.keys import sets_on
from ..operators.translations import CONTEXT
from .bases import HeadPanel


class EFFIGY_PT_speech(HeadPanel, bpy.types.Panel):
    bl_label = "Speech"

    def draw(self, context):
        layout, there = self.layout, sets_on(active_head(context))
        column = layout.column(align=True)
        column.label(text="Visemes", text_ctxt=CONTEXT)
        row = column.row(align=True)
        for which, about in SETS.items():
            icon = "REMOVE" if which in there else "ADD"
            button = row.operator("effigy.add_visemes", text=about.label, icon=icon)
            button.which, button.add = which, which not in there
        layout.operator("effigy.import_speech", icon="SPEAKER")


CLASSES = (EFFIGY_PT_speech,)
