"""Give a head an armature, or take it away."""

from __future__ import annotations

import bpy

from ..ml.results.provenance import current_model
from .bone_names import NAMES, name_bones
from .heads import make_active, poll_mesh_edit, stored_head
from .reporting import ReportsErrors
from .scene.metadata import active_head, record_of, rig_of
from .scene.performance import leave
from .scene.rig import add_rig, remove_rig
from .scene.rig_data import rig_data, stored_rig_data
from .scene.strips import resting_strips
from .translations import CONTEXT


class EFFIGY_OT_rig(ReportsErrors, bpy.types.Operator):
    """Bones for neck, head, jaw and eyes, with all expressions as properties of the armature"""

    bl_idname = "effigy.rig"
    bl_label = "Rig"
    bl_options = {"REGISTER", "UNDO"}

    add: bpy.props.BoolProperty(
        name="Rig",
        description="Add the rig; off: remove it",
        default=True,
        translation_context=CONTEXT,
    )
    names: bpy.props.EnumProperty(**NAMES)

    @classmethod
    def description(cls, context, properties):
        if properties.add:
            return cls.__doc__
        return "Remove the armature; the head keeps its place and expression, keyed or not"

    @classmethod
    def poll(cls, context):
        return poll_mesh_edit(cls, context)

    def run(self, context):
        obj = active_head(context)
        if self.add == (rig_of(obj) is not None):
            self.report({"INFO"}, f"{obj.name} has {'a' if self.add else 'no'} rig already")
        elif self.add:
            self._add(context, obj)
        else:
            kept = remove_rig(obj)
            make_active(context, obj)
            if kept:
                self.report({"INFO"}, f"The keyframes of the bones are kept as {kept}")
        return {"FINISHED"}

    def _add(self, context: bpy.types.Context, obj: bpy.types.Object) -> None:
        # In the file itself; heads of earlier files need the files of their reconstruction.
        model = record_of(obj)["model"]
        data = stored_rig_data(obj)
        if data is None or (model["id"], model["version"]) != current_model():
            data = rig_data(stored_head(obj).mesh, obj.name)
        # The rig stands where the head does, so that must not be turned by a recording meanwhile.
        left = leave(obj)
        rig = add_rig(obj, data)
        # Active, as Blender makes a new armature: moving it moves the head.
        make_active(context, rig)
        name_bones(self, rig, self.names)
        if left:
            self.report(
                {"WARNING"},
                f"{left} turned {obj.name} itself: import it again to turn the bone of the head",
            )
        if resting_strips(obj.data.shape_keys):
            self.report(
                {"WARNING"},
                f"Transitions and meta strips of {obj.name}'s shape keys in the NLA rest while the "
                "rig drives them",
            )


CLASSES = (EFFIGY_OT_rig,)
