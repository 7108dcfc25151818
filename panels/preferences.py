"""The extension's preferences: which Python the engine runs under."""

from __future__ import annotations

import bpy

from ..operators.runtime import EXTENSION
from ..operators.settings import EnginePreferences
from .engine_hint import draw_engine_hint


class EFFIGY_AP_preferences(EnginePreferences, bpy.types.AddonPreferences):
    bl_idname = EXTENSION

    def draw(self, context):
        column = self.layout.column()
        column.prop(self, "engine_python")
        found = draw_engine_hint(column)
        if found is not None:
            column.label(text=f"Uses {found.executable} ({found.source})", icon="CHECKMARK")
        row = column.row()
        row.operator("effigy.check_engine", icon="CHECKMARK")
        row.operator("effigy.install_engine", icon="IMPORT")
        if not bpy.app.online_access:
            column.label(text="Installing needs Allow Online Access (System, Network)", icon="INFO")
        column.label(text="Reconstruction itself never uses the network.", icon="LOCKED")


CLASSES = (EFFIGY_AP_preferences,)
