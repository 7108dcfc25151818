"""Name the bones of a head's rig as another program does."""

from __future__ import annotations

import bpy

from .heads import poll_head, poll_object_mode
from .reporting import ReportsErrors
from .scene.bone_names import EFFIGY, SCHEMES, set_scheme
from .scene.metadata import active_head, rig_of
from .translations import CONTEXT

# In the operators that make a rig, or change its names.
NAMES = {
    "name": "Bone names",
    "description": "What neck, head, jaw and eyes are called. Vertex groups, constraints, drivers "
    "and actions follow",
    "items": [(kind, scheme.label, scheme.help) for kind, scheme in SCHEMES.items()],
    "default": EFFIGY,
    "translation_context": CONTEXT,
}


class EFFIGY_OT_bone_names(ReportsErrors, bpy.types.Operator):
    """Name the bones of the rig as Effigy, Rigify or Mixamo does; poses and keyframes stay"""

    bl_idname = "effigy.bone_names"
    bl_label = "Bone names"
    bl_options = {"REGISTER", "UNDO"}

    names: bpy.props.EnumProperty(**NAMES)

    @classmethod
    def poll(cls, context):
        return poll_rig(cls, context)

    def run(self, context):
        name_bones(self, rig_of(active_head(context)), self.names)
        return {"FINISHED"}


def poll_rig(operator: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    """Whether the active head has a rig of this file; sets the poll message."""
    if not (poll_head(operator, context) and poll_object_mode(operator, context)):
        return False
    rig = rig_of(active_head(context))
    if rig is None:
        operator.poll_message_set("Add the rig first")
        return False
    if not (rig.data.is_editable and rig.library is None):
        operator.poll_message_set("The rig is in another file: do this there, or make it local")
        return False
    return True


def name_bones(operator: ReportsErrors, rig: bpy.types.Object, names: str) -> None:
    """Give the bones of ``rig`` these names, and report what does not follow. Raises HeadError."""
    left = set_scheme(rig, names)
    if left:
        operator.report(
            {"WARNING"},
            f"{', '.join(left)} may belong to another armature and keep the names of bones: "
            f"assign them to {rig.name} and choose the names again",
        )


CLASSES = (EFFIGY_OT_bone_names,)
