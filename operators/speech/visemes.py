"""Give a head the shape keys of a set of visemes, or take them away."""

from __future__ import annotations

import bpy

from ...ml.speech.sets import SETS
from ..heads import poll_mesh_edit
from ..reporting import ReportsErrors
from ..scene.metadata import active_head
from ..translations import CONTEXT
from .keys import add_set, remove_set, sets_on

SET_ITEMS = (
    ("OCULUS", "Oculus", "The 15 of Oculus Lipsync: viseme_sil, viseme_PP, ... viseme_U"),
    ("MICROSOFT", "Microsoft", "The 22 of Microsoft's speech services: viseme_0 to viseme_21"),
    ("VRM", "VRM", "The five of VRM: aa, ih, ou, ee, oh"),
)


class EFFIGY_OT_add_visemes(ReportsErrors, bpy.types.Operator):
    """Add a set of visemes as shape keys, made of the head's own expressions so that its lips meet"""  # noqa: E501 - the tooltip

    bl_idname = "effigy.add_visemes"
    bl_label = "Visemes"
    bl_options = {"REGISTER", "UNDO"}

    which: bpy.props.EnumProperty(
        name="Set",
        description="Whose names and shapes",
        items=SET_ITEMS,
        translation_context=CONTEXT,
    )
    add: bpy.props.BoolProperty(
        name="Add",
        description="Add the set, or make its shapes anew; off: remove it",
        default=True,
        options={"SKIP_SAVE"},
        translation_context=CONTEXT,
    )

    @classmethod
    def description(cls, context, properties):
        if properties.add:
            return cls.__doc__
        return "Remove this set of visemes; keyframes stay in their actions"

    @classmethod
    def poll(cls, context):
        return poll_mesh_edit(cls, context)

    def run(self, context):
        obj, label = active_head(context), SETS[self.which].label
        if self.add:
            count = add_set(obj, self.which)
            self.report({"INFO"}, f"{obj.name} has the {count} visemes of {label}")
        elif self.which in sets_on(obj):
            remove_set(obj, self.which)
            self.report({"INFO"}, f"Removed the visemes of {label} from {obj.name}")
        else:
            self.report({"INFO"}, f"{obj.name} has no visemes of {label}")
        return {"FINISHED"}


CLASSES = (EFFIGY_OT_add_visemes,)
