"""Note what the person in the photo of a head agreed to."""

from __future__ import annotations

import bpy

from ..ml.settings import LONGEST_NOTE, option
from .heads import poll_head
from .reporting import ReportsErrors
from .scene.metadata import active_head, consent_of, record_consent
from .translations import CONTEXT

_OPTION = option("consent")


class EFFIGY_OT_note_consent(ReportsErrors, bpy.types.Operator):
    """Note what the person in the photo agreed to. Every file that is exported says so, too"""

    bl_idname = "effigy.note_consent"
    bl_label = "Note consent"
    bl_options = {"REGISTER", "UNDO"}

    note: bpy.props.StringProperty(
        name=_OPTION.label,
        description=_OPTION.help,
        maxlen=LONGEST_NOTE,
        options={"SKIP_SAVE"},
        translation_context=CONTEXT,
    )

    @classmethod
    def poll(cls, context):
        return poll_head(cls, context)

    def invoke(self, context, event):
        self.note = self.note or consent_of(active_head(context))
        return context.window_manager.invoke_props_dialog(self, width=460)

    def run(self, context):
        record_consent(active_head(context), self.note)
        return {"FINISHED"}


CLASSES = (EFFIGY_OT_note_consent,)
