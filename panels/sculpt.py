"""The sub-panel on what was sculpted on a head."""

from __future__ import annotations

import bpy

from ..ml.geometry.mesh_names import level_and_bust
from ..ml.settings import option
from ..operators.scene.metadata import active_head, record_of
from ..operators.sculpt import LEFT
from ..operators.translations import CONTEXT, tr
from .bases import HeadPanel


class EFFIGY_PT_sculpt(HeadPanel, bpy.types.Panel):
    bl_label = "Sculpt"

    def draw(self, context):
        layout, obj = self.layout, active_head(context)
        left = obj.get(LEFT)
        if left is not None:
            text = tr("Left: {mean:.2f} mm on average, {most:.2f} mm at most")
            layout.label(text=text.format(mean=left[0], most=left[1]), translate=False)
        layout.operator("effigy.refit", icon="MOD_SHRINKWRAP")
        layout.operator("effigy.save_sculpt", icon="FILE_TICK")
        layout.operator("effigy.remove_sculpt", icon="X")
        row = layout.row(align=True)
        level, bust = level_and_bust(record_of(obj)["level"])
        for each in option("level").choices:
            text, now = each.label, level == each.value
            button = row.operator("effigy.change_level", text=text, text_ctxt=CONTEXT, depress=now)
            button.level, button.bust = each.value, bust
        text = option("bust").label
        button = layout.operator("effigy.change_level", text=text, text_ctxt=CONTEXT, depress=bust)
        button.level, button.bust = level, not bust
        layout.operator("effigy.change_texture", icon="TEXTURE")


CLASSES = (EFFIGY_PT_sculpt,)
