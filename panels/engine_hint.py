"""Whether there is an engine, why not, the buttons that help, and the progress of a job."""

from __future__ import annotations

import textwrap

import bpy

from ..ml.errors import EngineUnavailable
from ..operators.engine.client import OFF, READY, STARTING
from ..operators.engine.location import EnginePython
from ..operators.runtime import EXTENSION, engine, engine_python
from ..operators.translations import CONTEXT, tr

# Pixels per letter of Blender's font at a scale of 1, and the letters of a line where no region is.
_LETTER, _USUAL_LINE = 7.0, 60
# Rows of the sidebar that the picture of a job takes.
_PICTURE = 9.0

# What is said of the engine, with its icon, by EngineClient.state.
_STATES = {
    OFF: ("The engine starts with the first photo", "INFO"),
    STARTING: ("The engine is starting...", "SORTTIME"),
    READY: ("The engine is ready", "CHECKMARK"),
}


def draw_engine_hint(layout: bpy.types.UILayout) -> EnginePython | None:
    """Draw what is wrong with the engine, with buttons; where there is one, return its Python."""
    found = draw_engine_problem(layout)
    if found is None or bpy.context.window_manager.effigy_engine.failed:
        row = layout.row()
        row.operator("effigy.install_engine", icon="IMPORT")
        button = row.operator(
            "preferences.addon_show", text="Preferences", text_ctxt=CONTEXT, icon="PREFERENCES"
        )
        button.module = EXTENSION
    return found


def draw_engine_problem(layout: bpy.types.UILayout) -> EnginePython | None:
    """Draw why there is no engine; where there is one, return the Python that it runs under.

    Looks at paths only: cheap enough for every redraw.
    """
    state = bpy.context.window_manager.effigy_engine
    if state.failed:
        draw_text(layout, state.outcome, "ERROR", alert=True)
    try:
        return engine_python()
    except EngineUnavailable as problem:
        draw_text(layout, problem.message, "ERROR", alert=True)
        return None


def draw_engine_state(layout: bpy.types.UILayout) -> None:
    """Say whether the engine is ready, where there is one that works."""
    if not bpy.context.window_manager.effigy_engine.failed:
        text, icon = _STATES[engine.state]
        draw_text(layout, text, icon)


def draw_progress(layout: bpy.types.UILayout, job) -> bool:
    """The running job with its Stop button; False when nothing runs."""
    if not job.running:
        return False
    draw_text(layout, job.message)
    row = layout.row(align=True)
    row.progress(factor=job.fraction, text=f"{job.fraction:.0%}")
    row.operator("effigy.stop", text="", icon="X")
    if job.icon:
        layout.template_icon(icon_value=job.icon, scale=_PICTURE)
    return True


def draw_text(
    layout: bpy.types.UILayout, text: str, icon: str = "", *, alert: bool = False
) -> None:
    """A text of any length, in as many lines as the region needs, perhaps after an icon.

    It is translated where there is a translation of the whole.
    """
    column = layout.column(align=True)
    column.alert = alert
    region = bpy.context.region
    scale = bpy.context.preferences.system.ui_scale
    width = max(20, int(region.width / (_LETTER * scale))) if region else _USUAL_LINE
    for number, line in enumerate(textwrap.wrap(tr(text), width)):
        indent = "BLANK1" if icon else "NONE"
        column.label(text=line, icon=icon if icon and number == 0 else indent, translate=False)
