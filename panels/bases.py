"""What panels of the sidebar have in common."""

from __future__ import annotations

from ..operators.scene.metadata import active_head
from ..operators.translations import CONTEXT


class SidebarPanel:
    """Mixin: a panel in the tab *Effigy*."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Effigy"
    bl_translation_context = CONTEXT


class HeadPanel(SidebarPanel):
    """Mixin: a closed panel below *Head*, shown for a head."""

    bl_parent_id = "EFFIGY_PT_head"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context):
        return active_head(context) is not None
