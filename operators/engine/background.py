"""Runs one job of the engine by Blender's own timer: it belongs to no window.

Closing the window in which it was started, Preferences for example, does not end it.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable

import bpy

from ...ml.errors import Cancelled, HeadError, explained
from ..jobs.operator import Job
from ..reporting import KNOWN

_TICK = 0.1
_SHOWN_IN = {"VIEW_3D", "PREFERENCES"}
# The running one, if any: like the engine's process it outlives operators, windows and files.
_running: list[BackgroundRun] = []


class BackgroundRun:
    """A job, its progress in ``WindowManager.effigy_job`` and its end in ``effigy_engine``."""

    def __init__(self, job: Job, outcome: Callable[[Job], str]) -> None:
        self._job, self._outcome = job, outcome
        # Blender knows a timer by this very object; a method is a new one at each mention.
        self.timer = self.tick
        manager = bpy.context.window_manager
        manager.effigy_job.begin()
        manager.effigy_engine.tell("", failed=False)
        self._show()

    def tick(self) -> float | None:
        """One step; seconds until the next one, None at the end. For ``bpy.app.timers``."""
        over = True  # unless this step gets through: nothing may look busy after an error
        try:
            over = self._advance()
        except Cancelled as stopped:
            self._tell(str(stopped), failed=False)
        except KNOWN as error:
            self._tell(str(explained(error)), failed=True)
        finally:
            if over:
                self._finish()
        return None if over else _TICK

    def stop(self) -> None:
        """End the job now, for example because Blender ends."""
        if self in _running:
            _running.remove(self)
            self._job.cancel()

    def _advance(self) -> bool:
        state = bpy.context.window_manager.effigy_job
        if state.cancel_asked:
            self._job.cancel()
            raise Cancelled("Stopped", "What was there before is unchanged")
        state.running = True  # another file may have been opened meanwhile
        done = self._job.step()
        self._show()
        if done:
            self._tell(self._outcome(self._job), failed=False)
        return done

    def _finish(self) -> None:
        if self in _running:
            _running.remove(self)
        bpy.context.window_manager.effigy_job.end()
        redraw()

    def _show(self) -> None:
        state = bpy.context.window_manager.effigy_job
        state.show(self._job.fraction, self._job.message)
        redraw()

    def _tell(self, text: str, *, failed: bool) -> None:
        bpy.context.window_manager.effigy_engine.tell(text, failed=failed)


def begin(make_job: Callable[[], Job], outcome: Callable[[Job], str]) -> BackgroundRun:
    """Start a job unless one runs already. Raises HeadError.

    Parameters
    ----------
    make_job: called only if nothing runs. outcome: what to say of the job at its end.
    """
    if bpy.context.window_manager.effigy_job.running:
        raise HeadError("Effigy is already at work", "Wait for it to finish, or press Stop")
    run = BackgroundRun(make_job(), outcome)
    _running.append(run)
    bpy.app.timers.register(run.timer, first_interval=_TICK, persistent=True)
    return run


def stop() -> None:
    """End the running job, if any: Blender ends, or the extension is switched off."""
    for run in list(_running):
        run.stop()
        if bpy.app.timers.is_registered(run.timer):
            bpy.app.timers.unregister(run.timer)


def open_background() -> None:
    """See to it that no installation outlives Blender, however Blender ends."""
    atexit.register(stop)


def close_background() -> None:
    """Undo :func:`open_background`."""
    stop()
    atexit.unregister(stop)


def redraw() -> None:
    """Have all windows draw what is said of the engine anew."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in _SHOWN_IN:
                area.tag_redraw()
