"""Reconstruct every photo of a folder, one head after another or all into one."""

from __future__ import annotations

import bpy

from ..ml.batch import collect_photos, plan
from ..ml.errors import UsageError
from .jobs.attention import Attention
from .jobs.operator import JobOperator
from .jobs.reconstruction import Order, build_finished, conclude_several, make_job
from .runtime import path_of, results_folder


class EFFIGY_OT_batch(JobOperator, bpy.types.Operator):
    """Reconstruct all photos of a folder. A photo that fails is noted in report.json and the others go on; ESC stops and keeps the finished heads"""  # noqa: E501 - the tooltip

    bl_idname = "effigy.batch"
    bl_label = "Reconstruct folder"
    # No UNDO: every head is built as its own undo step, and all lie in one collection.
    bl_options = {"REGISTER"}

    directory: bpy.props.StringProperty(subtype="DIR_PATH", options={"SKIP_SAVE"})
    recursive: bpy.props.BoolProperty(name="Include subfolders", options={"SKIP_SAVE"})
    same_person: bpy.props.BoolProperty(
        name="Same person",
        description="All photos of the folder show one person: one head, with a camera and an "
        "expression for each photo",
        options={"SKIP_SAVE"},
    )
    output: bpy.props.StringProperty(
        name="Results",
        description="Folder for results and report.json; empty: as in the sidebar",
        subtype="DIR_PATH",
        options={"SKIP_SAVE"},
    )

    def invoke(self, context, event):
        return self.run_modal(context)

    def start(self, context):
        if not self.directory:
            raise UsageError("No folder was chosen", "Choose a folder of photos")
        folder = path_of(self.directory)
        photos = collect_photos([folder], recursive=self.recursive)
        name = folder.name or "Photos"
        out = path_of(self.output) if self.output else results_folder(context) / name
        settings = context.scene.effigy.chosen()
        order = Order(plan(photos, out), settings, out, self.same_person)
        attention = Attention(context, single=self.same_person)
        return make_job(order, lambda folder: build_finished(context, folder, name, attention))

    def conclude(self, context, job):
        return conclude_several(self, job)


CLASSES = (EFFIGY_OT_batch,)
