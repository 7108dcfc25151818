"""The extension's preferences: which Python the engine runs under."""

from __future__ import annotations

import bpy

from ..operators.drawing import draw_extras
from ..operators.runtime import EXTENSION, may_download
from ..operators.settings import EnginePreferences, ResultsPreferences
from ..operators.translations import tr
from .engine_hint import draw_engine_problem, draw_progress, draw_text
from .links import draw_links


class EFFIGY_AP_preferences(EnginePreferences, ResultsPreferences, bpy.types.AddonPreferences):
    bl_idname = EXTENSION

    def draw(self, context):
        draw_preferences(self.layout, self)


def draw_preferences(layout: bpy.types.UILayout, own: EnginePreferences) -> None:
    """Draw the preferences ``own``, the state of the engine and what can be done about it."""
    column, manager = layout.column(), bpy.context.window_manager
    column.prop(own, "engine_python")
    column.prop(own, "device")
    column.prop(own, "keep_engine_ready")
    column.prop(own, "show_material")
    column.prop(own, "results_folder")
    found = draw_engine_problem(column)
    if found is not None:
        used = tr("Uses {python} ({source})")
        text = used.format(python=found.executable, source=found.source)
        draw_text(column, text, "CHECKMARK")
    if not draw_progress(column, manager.effigy_job):
        row = column.row()
        row.operator("effigy.check_engine", icon="CHECKMARK")
        row.operator("effigy.install_engine", icon="IMPORT")
        row.operator("effigy.install_engine_from_folder", icon="FILE_FOLDER")
    if manager.effigy_engine.outcome and not manager.effigy_engine.failed:
        draw_text(column, manager.effigy_engine.outcome, "INFO")
    if not bpy.app.online_access:
        draw_text(column, "Installing needs Allow Online Access (System, Network)", "INFO")
    column.prop(own, "proxy")
    draw_extras(column, "open_clip")
    column.prop(own, "clip_folder")
    column.prop(own, "allow_download")
    if not may_download():
        draw_text(column, "Reconstruction itself never uses the network.", "LOCKED")
    draw_links(column)


CLASSES = (EFFIGY_AP_preferences,)
