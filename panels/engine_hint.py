"""One line that says what is wrong with the engine, and the button that puts it right."""

from __future__ import annotations

import bpy

from ..ml.errors import EngineUnavailable
from ..operators.engine.location import EnginePython
from ..operators.runtime import engine_python


def draw_engine_hint(layout: bpy.types.UILayout) -> EnginePython | None:
    """Draw the problem if there is one; else return the Python that the engine will run under.

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
        row.operator(
            "preferences.addon_show", text="Preferences", icon="PREFERENCES"
        ).module = __package__.rpartition(".")[0]
        return None
