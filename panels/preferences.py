"""The extension's preferences: which Python the engine runs under."""

from __future__ import annotations

import bpy

from .. import __package__ as base_package
from .engine_hint import draw_engine_hint


class EFFIGY_AP_preferences(bpy.types.AddonPreferences):
    bl_idname = base_package

    engine_python: bpy.props.StringProperty(
        name="Engine Python",
        description=(
            "A Python with PyTorch for the engine; empty: the environment variable "
            "EFFIGY_PYTHON, what Install engine made, or Blender's own Python"
        ),
        subtype="FILE_PATH",
    )

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
