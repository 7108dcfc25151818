"""The status bar while a job runs: how far it is, and which key ends it."""

from __future__ import annotations

import bpy

from ..translations import CONTEXT, tr


def draw_status(header: bpy.types.Header, context: bpy.types.Context, *, busy: bool) -> None:
    """Draw Blender's status bar with the running job in it.

    busy: whether another tool runs, whose keys are shown then: ESC would be for that one.
    """
    layout, job = header.layout, context.window_manager.effigy_job
    if busy:
        layout.template_input_status()
    else:
        layout.label(text="Stop", text_ctxt=CONTEXT, icon="EVENT_ESC")
    layout.label(text=f"Effigy {job.fraction:.0%}: {tr(job.message)}", translate=False)
    layout.separator_spacer()
    layout.template_reports_banner()
    layout.template_running_jobs()
    layout.separator_spacer()
    layout.template_status_info()


def clear_status() -> None:
    """Give the status bar of every workspace back to Blender."""
    for workspace in bpy.data.workspaces:
        workspace.status_text_set(None)
