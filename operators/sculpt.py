"""Sculpt and come back: what was sculpted on a head is refitted, saved beside it, or removed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import bpy

from ..ml.errors import explained
from ..ml.pins.refit import absorbed
from ..ml.results.camera import camera_of
from ..ml.results.reconstruction import Reconstruction
from ..ml.results.record import head_of_record, with_sculpt
from ..ml.results.sculpt import sculpt_on, sizes_mm
from .edited_result import record_result, save_edited
from .heads import poll_mesh_edit, stored_head
from .reporting import KNOWN, ReportsErrors
from .scene.follow import move_cameras, reshape_head
from .scene.metadata import (
    active_head,
    camera_object,
    directory_of,
    has_photo,
    photo_records,
    record_head,
    record_of,
    record_views,
)
from .scene.sculpt import store_sculpt, take_sculpt

# On the head: the millimetres that the last refit left, on average and at most.
LEFT = "effigy_refit_left"


class _OnSculpt(ReportsErrors):
    """Mixin for operators on what was sculpted on the active head."""

    @classmethod
    def poll(cls, context):
        return poll_mesh_edit(cls, context)


class EFFIGY_OT_refit(_OnSculpt, bpy.types.Operator):
    """Let the head's coefficients take in what you sculpted on the Basis, as far as people differ so. The mesh stays as it is; what is left stays as a layer"""  # noqa: E501 - the tooltip

    bl_idname = "effigy.refit"
    bl_label = "Refit"
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context):
        obj = active_head(context)
        fitted = stored_head(obj)
        old = take_sculpt(obj, fitted)
        if old.sculpt is None:
            self.report({"INFO"}, f"Nothing was sculpted on {obj.name}")
            return {"FINISHED"}
        after = absorbed(photo_records(obj), old.sculpt)
        bare = replace(head_of_record(after[0]), detail=fitted.detail)
        new = with_sculpt(bare, sculpt_on(bare, old.mesh.vertices, old.sculpt))
        _refit(obj, (old, new), after)
        was, now, most = sizes_mm(
            *(old.mesh.vertices - one.mesh.vertices for one in (fitted, bare))
        )
        obj[LEFT] = [now, most]
        self._save(obj, new)
        self.report(
            {"INFO"},
            f"Refitted {obj.name}: {was:.2f} mm were sculpted on average, {now:.2f} mm are left as "
            f"a layer, {most:.2f} mm at most",
        )
        return {"FINISHED"}

    def _save(self, obj: bpy.types.Object, head: Reconstruction) -> None:
        """Keep the head beside its result, too, where that is still there."""
        if not has_photo(record_of(obj)):
            return
        try:
            record_result(obj, head, save_edited(obj, head, {}))
        except KNOWN as error:
            self.report(
                {"WARNING"}, f"{obj.name} is kept in this .blend file alone. {explained(error)}"
            )


class EFFIGY_OT_save_sculpt(_OnSculpt, bpy.types.Operator):
    """Save the head as it is, with what you sculpted on the Basis, as a result beside its own"""

    bl_idname = "effigy.save_sculpt"
    bl_label = "Save sculpt"
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context):
        obj = active_head(context)
        head = take_sculpt(obj, stored_head(obj))
        folders = save_edited(obj, head, {})
        record_result(obj, head, folders)
        self.report({"INFO"}, f"Saved {obj.name} to {folders[0]}")
        return {"FINISHED"}


class EFFIGY_OT_remove_sculpt(_OnSculpt, bpy.types.Operator):
    """Remove what you sculpted on the Basis: the head is that of its photo and pins again"""

    bl_idname = "effigy.remove_sculpt"
    bl_label = "Remove sculpt"
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context):
        obj = active_head(context)
        fitted = stored_head(obj)
        old = take_sculpt(obj, fitted)
        reshape_head(obj, old, fitted)
        store_sculpt(obj, None)
        obj.pop(LEFT, None)
        said = f"Removed the sculpt of {obj.name}" if old.sculpt else f"{obj.name} has no sculpt"
        self.report({"INFO"}, said)
        return {"FINISHED"}


def _refit(
    obj: bpy.types.Object, heads: tuple[Reconstruction, Reconstruction], records: list[dict]
) -> None:
    """Let ``obj``, which shows the first of ``heads``, be the second, of these ``records``."""
    before, (old, new) = photo_records(obj), heads
    reshape_head(obj, old, new)
    store_sculpt(obj, new.sculpt)
    move_cameras(obj, *([camera_of(record) for record in rows] for rows in (before, records)))
    record_head(obj, new, _directory(obj), camera_object(obj))
    expressions = [record["expression"] for record in records]
    record_views(obj, expressions, [camera_of(record) for record in records])


def _directory(obj: bpy.types.Object) -> Path | None:
    """Where the head's result lies; None where it never had one."""
    return directory_of(obj) if has_photo(record_of(obj)) else None


CLASSES = (EFFIGY_OT_refit, EFFIGY_OT_save_sculpt, EFFIGY_OT_remove_sculpt)
