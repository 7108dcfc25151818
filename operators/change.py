"""Change a head's mesh after the fact; its photo is not reconstructed again."""

from __future__ import annotations

import bpy

from ..ml.geometry.mesh_names import level_and_bust, mesh_name
from ..ml.results.record import at_level
from ..ml.settings import option
from .edited_result import record_result, save_edited
from .heads import poll_mesh_edit, stored_head
from .reporting import KNOWN, ReportsErrors
from .scene.metadata import (
    active_head,
    camera_object,
    directory_of,
    has_photo,
    record_head,
    record_of,
)
from .scene.relevel import change_level
from .scene.sculpt import take_sculpt
from .translations import CONTEXT

_LEVEL, _BUST = option("level"), option("bust")


class EFFIGY_OT_change_level(ReportsErrors, bpy.types.Operator):
    """Give the head a finer or coarser mesh. Its sculpt, keys, animation, materials and place stay; the photo is not reconstructed again"""  # noqa: E501 - the tooltip

    bl_idname = "effigy.change_level"
    bl_label = "Change mesh"
    bl_options = {"REGISTER", "UNDO"}

    level: bpy.props.EnumProperty(
        name=_LEVEL.label,
        description=_LEVEL.help,
        items=[(each.value, each.label, each.help) for each in _LEVEL.choices],
        default="base",
        translation_context=CONTEXT,
    )
    bust: bpy.props.BoolProperty(
        name=_BUST.label,
        description=_BUST.help,
        default=True,
        options={"SKIP_SAVE"},
        translation_context=CONTEXT,
    )

    @classmethod
    def poll(cls, context):
        return poll_mesh_edit(cls, context)

    def run(self, context):
        obj = active_head(context)
        fitted = stored_head(obj)
        # Scripts that give a level alone leave the bust as it is.
        given = self.properties.is_property_set("bust")
        bust = self.bust if given else level_and_bust(fitted.provenance.level)[1]
        mesh = mesh_name(self.level, bust=bust)
        if fitted.provenance.level == mesh:
            self.report({"INFO"}, f"{obj.name} has this mesh already")
            return {"FINISHED"}
        old = take_sculpt(obj, fitted)
        new = at_level(old, mesh)
        lost = change_level(obj, old, new)
        directory = directory_of(obj) if has_photo(record_of(obj)) else None
        record_head(obj, new, directory, camera_object(obj))
        done = f"{obj.name} has {len(obj.data.polygons):,} faces now"
        kept = self._saved(obj, new) if directory is not None else ""
        if lost or kept:
            without = f", without {', '.join(lost)}" if lost else ""
            self.report({"WARNING"}, f"{done}{without}{kept}")
        else:
            self.report({"INFO"}, done)
        return {"FINISHED"}

    def _saved(self, obj, head) -> str:
        """Keep the head beside its result, too; empty, or why that cannot be."""
        try:
            level, bust = level_and_bust(head.provenance.level)
            record_result(obj, head, save_edited(obj, head, {"level": level, "bust": bust}))
        except KNOWN as error:
            return f". It is kept in this .blend file alone: {error}"
        return ""


CLASSES = (EFFIGY_OT_change_level,)
