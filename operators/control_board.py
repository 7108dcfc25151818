"""A board of controls beside a rigged head, for hands and for the pose library."""

from __future__ import annotations

import bpy

from .bone_names import poll_rig
from .heads import make_active
from .reporting import ReportsErrors
from .scene.board import has_board, sliders_to_board
from .scene.board_rig import add_board, remove_board
from .scene.metadata import active_head, rig_of
from .translations import CONTEXT


class EFFIGY_OT_control_board(ReportsErrors, bpy.types.Operator):
    """Bones beside the head that slide: jaw, mouth, lids, brows and all other expressions. Poses of the pose library keep them. They add to the sliders"""  # noqa: E501 - the tooltip

    bl_idname = "effigy.control_board"
    bl_label = "Control board"
    bl_options = {"REGISTER", "UNDO"}

    add: bpy.props.BoolProperty(
        name="Control board",
        description="Add the control board; off: remove it",
        default=True,
        translation_context=CONTEXT,
    )

    @classmethod
    def description(cls, context, properties):
        if properties.add:
            return cls.__doc__
        return "Remove the control board; the sliders take over what it does now"

    @classmethod
    def poll(cls, context):
        return poll_rig(cls, context)

    def run(self, context):
        rig = rig_of(active_head(context))
        if self.add == has_board(rig):
            self.report(
                {"INFO"}, f"{rig.name} has {'a' if self.add else 'no'} control board already"
            )
        elif self.add:
            add_board(rig)
            make_active(context, rig)
        else:
            remove_board(rig)
        return {"FINISHED"}


class EFFIGY_OT_sliders_to_board(ReportsErrors, bpy.types.Operator):
    """Move the expression from the sliders to the control board, so that a pose of the pose library keeps it. The face stays as it is"""  # noqa: E501 - the tooltip

    bl_idname = "effigy.sliders_to_board"
    bl_label = "Expression to board"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context):
        obj = active_head(context)
        if obj is not None and has_board(rig_of(obj)):
            return True
        cls.poll_message_set("Add the control board first")
        return False

    def run(self, context):
        sliders_to_board(rig_of(active_head(context)))
        return {"FINISHED"}


CLASSES = (EFFIGY_OT_control_board, EFFIGY_OT_sliders_to_board)
