"""Reconstruct every photo of a folder, one head after another or all into one."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..ml.batch import collect_photos
from ..ml.errors import UsageError
from ..ml.results.report import write_report
from .jobs.operator import JobOperator
from .jobs.order import Order, conclude_several, several_job
from .paths import results_folder


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

    _output = Path()

    def invoke(self, context, event):
        return self.run_modal(context)

    def start(self, context):
        if not self.directory:
            raise UsageError("No folder was chosen", "Choose a folder of photos")
        folder = Path(bpy.path.abspath(self.directory)).absolute()
        photos = collect_photos([folder], recursive=self.recursive)
        chosen = bpy.path.abspath(self.output)
        name = folder.name or "Photos"
        self._output = Path(chosen).absolute() if chosen else results_folder(context) / name
        return several_job(context, Order(photos, self._output, self.same_person, name))

    def keep(self, job):
        write_report(job.rows, self._output)

    def conclude(self, context, job):
        return conclude_several(self, job, self._output)


CLASSES = (EFFIGY_OT_batch,)
