"""One line that says why there is no engine, and the buttons that help."""

from __future__ import annotations

import bpy

from ..ml.errors import EngineUnavailable
from ..operators.engine.location import EnginePython
from ..operators.runtime import EXTENSION, engine_python


def draw_engine_hint(layout: bpy.types.UILayout) -> EnginePython | None:
    """Draw why there is no engine; where there is one, return the Python that it runs under.

    Looks at paths only: cheap enough for every redraw.
    """
    try:
        return engine_python()
    except EngineUnavailable as problem:
        column = layout.column()
        column.alert = True
        column.label(text=problem.message, icon="ERROR")
        row = layout.row()
        row.operator("effigy.install_engine", icon="IMPORT")
        button = row.operator("preferences.addon_show", text="Preferences", icon="PREFERENCES")
        button.module = EXTENSION
        return None
