"""The sliders of a head's skin and teeth, in the sidebar: inputs of their node groups."""

from __future__ import annotations

import bpy

from ..operators.scene.metadata import active_head
from ..operators.scene.surface_groups import SKIN, TEETH, Group, group_node
from ..operators.translations import CONTEXT
from .bases import HeadPanel


class EFFIGY_PT_surface(HeadPanel, bpy.types.Panel):
    bl_label = "Skin and teeth"

    def draw(self, context):
        obj = active_head(context)
        for group in (SKIN, TEETH):
            node = _node(obj, group)
            if node is not None:
                column = self.layout.column(align=True)
                column.enabled = node.id_data.library is None
                for slider in group.sliders:
                    if slider.name in node.inputs:
                        socket = node.inputs[slider.name]
                        column.prop(
                            socket,
                            "default_value",
                            text=slider.name,
                            text_ctxt=CONTEXT,
                            slider=True,
                        )
        self.layout.operator("effigy.bake", icon="RENDER_STILL")


def _node(obj: bpy.types.Object, group: Group) -> bpy.types.Node | None:
    nodes = (group_node(slot.material, group) for slot in obj.material_slots)
    return next((node for node in nodes if node is not None), None)


CLASSES = (EFFIGY_PT_surface,)
