"""Starts the engine ahead of the first photo, so that a person does not wait for it."""

from __future__ import annotations

import bpy

from ...ml.errors import EngineUnavailable
from ..runtime import engine, engine_python, own_preferences

# Seconds: the panel is drawn before the process is started.
_DELAY = 0.5
# The Pythons that were warmed up, by path: one that fails is not started at every redraw.
_tried: set[str] = set()


def warm_up_once() -> None:
    """Have the engine warmed up soon, unless it was before. For panels: only sets a timer."""
    if not bpy.app.background and _wanted() and _new_python():
        _schedule()


def warm_up_again() -> None:
    """Have the engine warmed up soon, once more: it was stopped."""
    _tried.clear()
    if not bpy.app.background and _wanted():
        _schedule()


def warm_up() -> None:
    """Start the engine and let it load its weights; for ``bpy.app.timers``. Does not wait.

    Nothing happens where there is no engine, or while it works for somebody.
    """
    python = _new_python()
    if not python or not _wanted() or bpy.context.window_manager.effigy_job.running:
        return
    _tried.add(python)
    engine.warm_up(engine_python().executable)


def close() -> None:
    """Drop the timer and forget what was tried."""
    _tried.clear()
    if bpy.app.timers.is_registered(warm_up):
        bpy.app.timers.unregister(warm_up)


def _schedule() -> None:
    if not bpy.app.timers.is_registered(warm_up):
        bpy.app.timers.register(warm_up, first_interval=_DELAY, persistent=True)


def _wanted() -> bool:
    own = own_preferences()
    return own is not None and own.keep_engine_ready


def _new_python() -> str:
    """Path of the engine's Python; empty where there is none, or it was tried."""
    try:
        found = str(engine_python().executable)
    except EngineUnavailable:
        return ""
    return "" if found in _tried else found
