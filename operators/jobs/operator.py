"""Runs a job behind an operator: modal in a window, in a plain loop everywhere else."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

import bpy

from ...ml.errors import Cancelled, HeadError
from ..reporting import ReportsErrors
from .preview import Preview
from .status import clear_status, draw_status

_TICK = 0.1
_OURS = "EFFIGY_OT_"
# Blender's own jobs that read a scene meanwhile: changing it would end Blender.
_READERS = ("RENDER", "OBJECT_BAKE")


class Job(Protocol):
    """Long work in short steps. ``fraction`` 0..1 and ``message`` say how far it is.

    A job may have ``preview``, the path of a picture for :class:`.preview.Preview`.
    """

    fraction: float
    message: str

    def step(self) -> bool:
        """Do what can be done at once; True when all is done. Raises HeadError."""

    def cancel(self) -> None:
        """Stop now. What is finished is kept."""


class ModalRun:
    """One job beside a window: a timer, progress in the status bar, and one way out."""

    def __init__(self, context: bpy.types.Context, job: Job) -> None:
        self.job = job
        self._manager = context.window_manager
        # Some add-ons have operators that run all day: what ran before is not waited for.
        self._all_day = _tools_of_others(self._manager)
        if hasattr(job, "waits_for"):
            job.waits_for = self._waits_for
        picture = getattr(job, "preview", None)
        self._preview = None if picture is None else Preview(picture)
        self._timer = self._manager.event_timer_add(_TICK, window=context.window)
        self._manager.effigy_job.begin()
        self._manager.progress_begin(0.0, 1.0)
        self._show()

    def tick(self, event: bpy.types.Event) -> bool:
        """Take one event; True when the job is done. Raises HeadError, or Cancelled on ESC."""
        over = True  # unless this tick gets through: no timer or cursor may stay after an error
        try:
            over = self._advance(event)
        finally:
            if over:
                self.finish()
        return over

    def finish(self) -> None:
        """Remove the timer and all signs of progress. The only exit, whatever happened."""
        self._manager.event_timer_remove(self._timer)
        self._manager.progress_end()
        self._manager.effigy_job.end()
        if self._preview is not None:
            self._preview.close()
        clear_status()
        _redraw(self._manager)

    def _advance(self, event: bpy.types.Event) -> bool:
        if self._is_escape(event) or self._manager.effigy_job.cancel_asked:
            self.job.cancel()
            raise Cancelled("Stopped", "What was finished before is kept")
        if event.type != "TIMER":
            return False
        done = self.job.step()
        self._show()
        return done

    def _is_escape(self, event: bpy.types.Event) -> bool:
        """Whether the person presses ESC and means this job: not to leave another tool.

        That tool takes the press, but lets the release through.
        """
        return event.type == "ESC" and event.value == "PRESS" and not self._tools()

    def _tools(self) -> set[str]:
        return _tools_of_others(self._manager) - self._all_day

    def _waits_for(self) -> str:
        """What has to end before the scene may be changed, in whichever window; empty: nothing."""
        if any(_mode(window) != "OBJECT" for window in self._manager.windows):
            return "Object Mode"
        if any(bpy.app.is_job_running(job) for job in _READERS):
            return "the end of the render"
        return "the end of the running tool" if self._tools() else ""

    def _show(self) -> None:
        job = self.job
        icon = self._preview.icon() if self._preview is not None else 0
        self._manager.effigy_job.show(job.fraction, job.message, icon)
        self._manager.progress_update(job.fraction)
        if not self._tools():  # setting it anew would wipe out the keys that a tool shows there
            for window in self._manager.windows:  # perhaps another workspace's by now
                window.workspace.status_text_set(self._status_drawing())
        _redraw(self._manager)

    def _status_drawing(self) -> Callable[[bpy.types.Header, bpy.types.Context], None]:
        # A function: Blender finds no methods here.
        def draw(header: bpy.types.Header, context: bpy.types.Context) -> None:
            draw_status(header, context, busy=bool(self._tools()))

        return draw


class JobOperator(ReportsErrors):
    """Mixin for operators whose work is a job: implement :meth:`start` and :meth:`conclude`."""

    _modal: ModalRun | None = None

    def start(self, context: bpy.types.Context) -> Job:
        """Check the operator's properties and make the job. Raises HeadError."""
        raise NotImplementedError

    def conclude(self, context: bpy.types.Context, job: Job) -> set[str]:
        """Report the result of a job that ran to its end. Raises HeadError."""
        raise NotImplementedError

    def run(self, context: bpy.types.Context) -> set[str]:
        """Do the whole job at once: for scripts, the command line and tests."""
        job = self.start(context)
        while not job.step():
            time.sleep(0.02)
        return self.conclude(context, job)

    def run_modal(self, context: bpy.types.Context) -> set[str]:
        """Do the job beside the window; without a window (``blender -b``) at once."""
        if bpy.app.background:  # Blender skips modal operators there without a word
            return self.execute(context)
        return self.guarded(lambda: self._begin(context))

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return self.guarded(lambda: self._tick(context, event))

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender ends the operator: a file is opened, the window closed."""
        if self._modal is not None:
            self._modal.job.cancel()
            self._modal.finish()

    def _begin(self, context: bpy.types.Context) -> set[str]:
        if context.window_manager.effigy_job.running:
            raise HeadError("Effigy is already at work", "Wait for it to finish, or press ESC")
        self._modal = ModalRun(context, self.start(context))
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def _tick(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if not self._modal.tick(event):
            return {"PASS_THROUGH"}
        return self.conclude(context, self._modal.job)


def _mode(window: bpy.types.Window) -> str:
    active = window.view_layer.objects.active
    return active.mode if active is not None else "OBJECT"


def _tools_of_others(manager: bpy.types.WindowManager) -> set[str]:
    """The modal operators, by name, that run in any window beside Effigy's own."""
    running = (tool.bl_idname for window in manager.windows for tool in window.modal_operators)
    return {name for name in running if not name.startswith(_OURS)}


def _redraw(manager: bpy.types.WindowManager) -> None:
    for window in manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                area.tag_redraw()
