"""Reconstruct one photo: the engine computes, then the head is built."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..ml.batch import Task
from ..ml.errors import UsageError
from .edge import call
from .job import ReconstructionJob
from .job_operator import JobOperator
from .photos import DROPPED, FILTER_GLOB, photo_file, unused_directory
from .surroundings import engine, engine_python, user_folder


class EFFIGY_OT_reconstruct(JobOperator, bpy.types.Operator):
    """Turn a portrait photo into a textured head with expressions"""

    bl_idname = "effigy.reconstruct"
    bl_label = "Reconstruct from image"
    bl_options = {"REGISTER"}

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    output: bpy.props.StringProperty(
        name="Results",
        description="Folder for the reconstruction's files; empty: as in the sidebar",
        subtype="DIR_PATH",
        options={"SKIP_SAVE"},
    )
    preview: bpy.props.BoolProperty(
        name="Preview", description="Also write preview.png", options={"SKIP_SAVE"}
    )
    filter_glob: bpy.props.StringProperty(default=FILTER_GLOB, options={"HIDDEN"})
    browsed: bpy.props.BoolProperty(options={"HIDDEN", "SKIP_SAVE"})

    def invoke(self, context, event):
        return self.guarded(lambda: self._invoke(context))

    def execute(self, context):
        if self.browsed and not bpy.app.background:
            # The file browser calls execute, which cannot become modal: begin anew.
            return self.guarded(self._begin_anew)
        return super().execute(context)

    def start(self, context):
        photo = photo_file(bpy.path.abspath(self.filepath))
        context.scene.effigy.photo = str(photo)
        request = {"settings": context.scene.effigy.as_request(), "preview": self.preview}
        return ReconstructionJob(
            lambda data: engine.submit(engine_python().executable, "reconstruct", data),
            [Task(photo, self._directory(context, photo))],
            request,
            lambda directory: build(context, directory, ""),
        )

    def conclude(self, context, job):
        if job.error is not None:
            raise job.error
        row = job.rows[0]
        made = "1 head" if len(row.heads) == 1 else f"{len(row.heads)} heads"
        self.report({"INFO"}, f"{Path(row.photo).name}: {made} in {row.seconds:.1f} s")
        _frame_selected(context)
        return {"FINISHED"}

    def _invoke(self, context):
        # Starts now, so that it is ready when a photo has been chosen; and if there is no
        # engine, that is said before someone looks for a photo.
        engine.start(engine_python().executable)
        if self.filepath:
            return self.run_modal(context)
        self.browsed = True
        self.filepath = context.scene.effigy.photo
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def _begin_anew(self):
        call(bpy.ops.effigy.reconstruct, "INVOKE_DEFAULT", filepath=self.filepath)
        return {"FINISHED"}

    def _directory(self, context, photo: Path) -> Path:
        if self.output:
            return Path(bpy.path.abspath(self.output)).absolute()
        return unused_directory(results_folder(context) / photo.stem)


class EFFIGY_FH_photo(bpy.types.FileHandler):
    """Drop a photo on the 3D View or its sidebar"""

    bl_idname = "EFFIGY_FH_photo"
    bl_label = "Effigy head"
    bl_import_operator = "effigy.reconstruct"
    bl_file_extensions = DROPPED

    @classmethod
    def poll_drop(cls, context):
        return context.area is not None and context.area.type == "VIEW_3D"


class EFFIGY_OT_stop(bpy.types.Operator):
    """Stop the running reconstruction or installation; what is finished is kept"""

    bl_idname = "effigy.stop"
    bl_label = "Stop"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context):
        return context.window_manager.effigy_job.running

    def execute(self, context):
        context.window_manager.effigy_job.cancel_asked = True
        return {"FINISHED"}


def _frame_selected(context: bpy.types.Context) -> None:
    """Bring the new head into view: 25 cm are hard to find in Blender's default view."""
    if bpy.app.background or context.area is None or context.area.type != "VIEW_3D":
        return
    region = next(region for region in context.area.regions if region.type == "WINDOW")
    with context.temp_override(region=region):
        if bpy.ops.view3d.view_selected.poll():
            bpy.ops.view3d.view_selected()


def results_folder(context: bpy.types.Context) -> Path:
    """Where results go that no operator argument says otherwise of."""
    chosen = context.scene.effigy.output
    if not chosen:
        return user_folder("heads")
    if chosen.startswith("//") and not bpy.data.filepath:
        raise UsageError(
            f"The results folder {chosen} is relative to a file that was never saved",
            "Save the file first, or choose another folder",
        )
    return Path(bpy.path.abspath(chosen)).absolute()


def build(context: bpy.types.Context, directory: Path, collection: str) -> None:
    """Build a finished head as its own undo step. Raises HeadError."""
    call(
        bpy.ops.effigy.build,
        "EXEC_DEFAULT",
        True,
        directory=str(directory),
        collection=collection,
        match_render=context.scene.effigy.match_render,
    )


CLASSES = (EFFIGY_OT_reconstruct, EFFIGY_OT_stop, EFFIGY_FH_photo)
