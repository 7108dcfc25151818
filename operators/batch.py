"""Reconstruct every photo of a folder, one head after another."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..ml.batch import collect_photos, plan
from ..ml.errors import UsageError
from ..ml.report import summary, write_report
from .job import ReconstructionJob
from .job_operator import JobOperator
from .reconstruct import build, results_folder
from .surroundings import engine, engine_python


class EFFIGY_OT_batch(JobOperator, bpy.types.Operator):
    """Reconstruct all photos of a folder. A photo that fails is noted in report.json and the others go on; ESC stops and keeps the finished heads"""  # noqa: E501 - the tooltip

    bl_idname = "effigy.batch"
    bl_label = "Reconstruct folder"
    # No UNDO: every head is built as its own undo step, and all lie in one collection.
    bl_options = {"REGISTER"}

    directory: bpy.props.StringProperty(subtype="DIR_PATH", options={"SKIP_SAVE"})
    recursive: bpy.props.BoolProperty(name="Include subfolders", options={"SKIP_SAVE"})
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
        executable = engine_python().executable
        job = ReconstructionJob(
            lambda data: engine.submit(executable, "reconstruct", data),
            plan(photos, self._output),
            {"settings": context.scene.effigy.as_request()},
            lambda directory: build(context, directory, name),
            # After every photo, so that the record is there even if Blender is closed.
            lambda row: write_report(job.rows, self._output),
        )
        return job

    def keep(self, job):
        write_report(job.rows, self._output)

    def conclude(self, context, job):
        path = write_report(job.rows, self._output)
        failed = any(row.status != "ok" for row in job.rows)
        told = f"{summary(job.rows)} ({path})"
        # A warning, not an error: scripts go on, and the report says which photos failed.
        self.report({"WARNING"} if failed else {"INFO"}, told)
        return {"FINISHED"}


CLASSES = (EFFIGY_OT_batch,)
