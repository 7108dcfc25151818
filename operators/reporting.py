"""Where Effigy's errors reach Blender: caught here, once, and reported with their remedy."""

from __future__ import annotations

from collections.abc import Callable

import bpy

from ..ml.errors import Cancelled, HeadError, explained
from .translations import CONTEXT

# What is reported in words. The system's own errors name a file, and mostly a remedy is known.
KNOWN = (HeadError, OSError, MemoryError)


class ReportsErrors:
    """Mixin for operators: implement :meth:`run`, or guard another entry with :meth:`guarded`.

    A :class:`HeadError`, and what the system refuses, becomes a report and ``{'CANCELLED'}``. Any
    other exception is a fault in Effigy and goes on to Blender, which shows the traceback.
    """

    bl_translation_context = CONTEXT

    def execute(self, context: bpy.types.Context) -> set[str]:
        return self.guarded(lambda: self.run(context))

    def run(self, context: bpy.types.Context) -> set[str]:
        """What the operator does. Raises HeadError."""
        raise NotImplementedError

    def guarded(self, action: Callable[[], set[str]]) -> set[str]:
        try:
            return action()
        except Cancelled as stopped:
            self.report({"WARNING"}, str(stopped))
        except KNOWN as error:
            self.report({"ERROR"}, str(explained(error)))
        return {"CANCELLED"}


def call_operator(operator: Callable[..., set[str]], *how: object, **properties: object) -> None:
    """Run another operator; what it reports as an error is raised as HeadError."""
    try:
        operator(*how, **properties)
    except RuntimeError as error:  # how Blender passes an operator's error report on
        if "Traceback (most recent call last)" in str(error):
            raise  # not a report but a fault in the operator
        raise HeadError(str(error).strip().removeprefix("Error: ")) from error
