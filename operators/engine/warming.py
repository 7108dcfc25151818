"""Starts the engine ahead of the first photo, so that a person does not wait for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import bpy

from ...ml.errors import EngineUnavailable, HeadError
from ..runtime import engine, engine_python, own_preferences
from .background import redraw

# Seconds: the panel is drawn before the process is started.
_DELAY = 0.5
# The Pythons that were warmed up, by path: one that fails is not started at every redraw.
_tried: set[str] = set()


def warm_up_once() -> None:
    """Have the engine warmed up soon, unless it was before. For panels: only sets a timer."""
    if not bpy.app.background and _wanted() and _new_python():
        _schedule(warm_up)


def warm_up_again() -> None:
    """Have the engine warmed up soon, once more: it was stopped."""
    _tried.clear()
    if not bpy.app.background and _wanted():
        _schedule(warm_up)


def warm_up() -> None:
    """Start the engine and let it load its weights; for ``bpy.app.timers``. Does not wait.

    Nothing happens where there is no engine, or while it works for somebody.
    """
    python = _new_python()
    if not python or not _wanted() or bpy.context.window_manager.effigy_job.running:
        return
    _tried.add(python)
    begin(engine_python().executable)


def begin(python: Path) -> None:
    """Start the engine under ``python`` now, and show in the panel when it is ready."""
    engine.warm_up(python)
    if not bpy.app.background:
        _schedule(watch)


def watch() -> float | None:
    """Look whether the engine is warm, and say what is wrong with it; for ``bpy.app.timers``."""
    manager = bpy.context.window_manager
    if manager.effigy_job.running:
        return None  # the job's own request hears what the engine says
    try:
        over = engine.warmed_up()
    except HeadError as error:
        manager.effigy_engine.tell(str(error), failed=True)
        over = True
    if over:
        redraw()
    return None if over else _DELAY


def close() -> None:
    """Drop the timers and forget what was tried."""
    _tried.clear()
    for timer in (warm_up, watch):
        if bpy.app.timers.is_registered(timer):
            bpy.app.timers.unregister(timer)


def _schedule(timer: Callable[[], float | None]) -> None:
    if not bpy.app.timers.is_registered(timer):
        bpy.app.timers.register(timer, first_interval=_DELAY, persistent=True)


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
