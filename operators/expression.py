"""Set all expression keys of a head at once."""

from __future__ import annotations

import bpy

from .heads import PhotoOperator
from .scene.board import rest_board
from .scene.detail import DETAIL
from .scene.expression import BASIS, set_expression
from .scene.metadata import active_head, record_of, rig_of
from .translations import CONTEXT


class EFFIGY_OT_expression(PhotoOperator, bpy.types.Operator):
    """Set all expression sliders of the selected head"""

    bl_idname = "effigy.expression"
    bl_label = "Set expression"
    bl_options = {"REGISTER", "UNDO"}

    which: bpy.props.EnumProperty(
        name="Expression",
        description="What the sliders are set to",
        items=(
            ("NEUTRAL", "Neutral", "All sliders to zero: the person at rest"),
            ("PHOTO", "As in the photo", "The expression that the photo shows"),
        ),
        translation_context=CONTEXT,
    )

    @classmethod
    def description(cls, context, properties):
        return properties.bl_rna.properties["which"].enum_items[properties.which].description

    def run(self, context):
        obj = active_head(context)
        wanted = record_of(obj, self.photo)["expression"] if self.which == "PHOTO" else {}
        for key in obj.data.shape_keys.key_blocks:
            # Keys that the person added are not ours to set from a photo, only to rest.
            if key.name not in (BASIS, DETAIL) and (key.name in wanted or self.which == "NEUTRAL"):
                set_expression(obj, key, wanted.get(key.name, 0.0))
        rest_board(rig_of(obj))
        return {"FINISHED"}


CLASSES = (EFFIGY_OT_expression,)
