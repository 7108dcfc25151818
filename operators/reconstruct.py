"""Reconstruct one photo or several: the engine computes, then the heads are built."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..ml.results.plan import Task, folder_stem, plan
from ..ml.results.report import warnings_about
from ..ml.settings import Settings
from .engine.warming import begin
from .folders import portable
from .jobs.asking import AskingOperator
from .jobs.attention import Attention
from .jobs.building import Builder
from .jobs.reconstruction import Order, conclude_several, make_job
from .jobs.showing import show_new_heads
from .photo_files import DROPPED, FILTER_GLOB, photo_file, unused_directory
from .runtime import RELATIVE, engine_python, path_of, results_folder
from .translations import CONTEXT


class EFFIGY_OT_reconstruct(AskingOperator, bpy.types.Operator):
    """Turn a portrait photo into a textured head with expressions; several photos into several heads, or into one head if they show the same person"""  # noqa: E501 - the tooltip

    bl_idname = "effigy.reconstruct"
    bl_label = "Reconstruct photo"
    bl_options = {"REGISTER"}

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"} | RELATIVE)
    directory: bpy.props.StringProperty(
        subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"} | RELATIVE
    )
    files: bpy.props.CollectionProperty(
        type=bpy.types.OperatorFileListElement, options={"HIDDEN", "SKIP_SAVE"}
    )
    same_person: bpy.props.BoolProperty(
        name="Same person",
        description="All chosen photos show one person: one head, with a camera and an "
        "expression for each photo",
        options={"SKIP_SAVE"},
        translation_context=CONTEXT,
    )
    output: bpy.props.StringProperty(
        name="Results",
        description="Folder for the reconstruction's files; empty: as in the sidebar",
        subtype="DIR_PATH",
        options={"SKIP_SAVE"} | RELATIVE,
        translation_context=CONTEXT,
    )
    preview: bpy.props.BoolProperty(
        name="Preview",
        description="Also save a picture of each head, preview.png beside its results: the photo, "
        "the head over it, and the head in clay from the front and the side",
        options={"SKIP_SAVE"},
        translation_context=CONTEXT,
    )
    filter_glob: bpy.props.StringProperty(default=FILTER_GLOB, options={"HIDDEN", "SKIP_SAVE"})
    filter_folder: bpy.props.BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    _attention: Attention | None = None
    _builder: Builder | None = None

    def invoke(self, context, event):
        return self.guarded(lambda: self._invoke(context))

    def draw(self, context):
        super().draw(context)
        if not self.question:
            self.layout.prop(self, "preview")

    def start(self, context):
        photos, settings = self._photos(), context.scene.effigy.chosen()
        if len(photos) > 1:
            name = f"{folder_stem(photos[0])}_and_{len(photos) - 1}_more"
            out = self._directory(
                context, name, again=settings.skip_existing and not self.same_person
            )
            order = Order(plan(photos, out), settings, out, self.same_person, self.preview)
        else:
            context.scene.effigy.photo = portable(photos[0], bpy.data.filepath)
            task = self._task(context, photos[0], settings)
            order = Order([task], settings, preview=self.preview)
        single = len(photos) == 1 or self.same_person
        self._attention = Attention(context, single=single)
        several = not single or settings.skip_existing
        self._builder = Builder(context, self._attention, several=several)
        wanted = self.build_heads or len(photos) == 1
        return make_job(order, self._builder if wanted else None)

    def conclude(self, context, job):
        several = len(job.rows) > 1
        remark = self._builder.remark()
        done = conclude_several(self, job, remark) if several else self._conclude_one(job, remark)
        if self._builder.built and self._attention.may_frame(context):
            show_new_heads(context, self._builder.built)
        return done

    def _conclude_one(self, job, remark):
        if job.error is not None:
            raise job.error
        row = job.rows[0]
        if row.status == "skipped":
            self.report({"INFO"}, f"{Path(row.photo).name} was finished before{remark}")
            return {"FINISHED"}
        made = "1 head" if len(row.heads) == 1 else f"{len(row.heads)} heads"
        message = f"{Path(row.photo).name}: {made} in {row.seconds:.1f} s"
        if warnings := warnings_about(row):
            self.report({"WARNING"}, f"{message}. {warnings}")
        else:
            self.report({"INFO"}, message)
        return {"FINISHED"}

    def _invoke(self, context):
        python = engine_python().executable  # without one, the person learns it before choosing
        settings = context.scene.effigy
        for name in ("same_person", "build_heads"):
            if not self.properties.is_property_set(name):
                setattr(self, name, getattr(settings, name))
        if self.filepath or self.files:
            return self.confirm_or_run(context, len(self._photos()), settings.chosen())
        begin(python)  # it is ready when a photo has been chosen
        self.filepath = _browsable(settings.photo)
        return self.browse(context)

    def answers(self):
        names = ("filepath", "directory", "same_person", "output", "preview")
        files = [{"name": item.name} for item in self.files]
        return {name: getattr(self, name) for name in names} | {"files": files}

    def _photos(self) -> list[Path]:
        names = [item.name for item in self.files if item.name]
        if len(names) < 2 and self.filepath:
            return [photo_file(str(path_of(self.filepath)))]
        folder = path_of(self.directory)
        return [photo_file(str(folder / name)) for name in names] or [photo_file("")]

    def _task(self, context, photo: Path, settings: Settings) -> Task:
        if settings.skip_existing and not self.output:
            return plan([photo], results_folder(context))[0]
        return Task(photo, self._directory(context, folder_stem(photo)))

    def _directory(self, context, name: str, *, again: bool = False) -> Path:
        """The folder for results; ``again``: the one of an earlier time, if there is one."""
        if self.output:
            return path_of(self.output)
        wanted = results_folder(context) / name
        return wanted if again else unused_directory(wanted)


class EFFIGY_FH_photo(bpy.types.FileHandler):
    """Drop a photo on the 3D View or its sidebar"""

    bl_idname = "EFFIGY_FH_photo"
    bl_label = "Effigy: head from photo"
    bl_import_operator = "effigy.reconstruct"
    bl_file_extensions = DROPPED

    @classmethod
    def poll_drop(cls, context):
        return context.area is not None and context.area.type == "VIEW_3D"


class EFFIGY_OT_stop(bpy.types.Operator):
    """Stop the running reconstruction or installation; what is finished is kept"""

    bl_idname = "effigy.stop"
    bl_label = "Stop"
    bl_translation_context = CONTEXT
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context):
        return context.window_manager.effigy_job.running

    def execute(self, context):
        context.window_manager.effigy_job.cancel_asked = True
        return {"FINISHED"}


def _browsable(text: str) -> str:
    """The file browser knows no ``~``."""
    return str(path_of(text)) if text else ""


CLASSES = (EFFIGY_OT_reconstruct, EFFIGY_OT_stop, EFFIGY_FH_photo)
