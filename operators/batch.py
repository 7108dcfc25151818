"""Reconstruct every photo of a folder, one head after another or all into one."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..ml.errors import UsageError
from ..ml.results.plan import collect_photos, plan
from .folders import portable
from .jobs.asking import AskingOperator
from .jobs.attention import Attention
from .jobs.building import Builder
from .jobs.reconstruction import Order, conclude_several, make_job
from .runtime import RELATIVE, engine_python, path_of, results_folder
from .translations import CONTEXT


class EFFIGY_OT_batch(AskingOperator, bpy.types.Operator):
    """Reconstruct all photos of a folder. A photo that fails is noted in report.json and the others go on; ESC stops and keeps the finished heads"""  # noqa: E501 - the tooltip

    bl_idname = "effigy.batch"
    bl_label = "Reconstruct folder"
    # No UNDO: the heads are a step of their own, and all lie in one collection.
    bl_options = {"REGISTER"}

    directory: bpy.props.StringProperty(subtype="DIR_PATH", options={"SKIP_SAVE"} | RELATIVE)
    recursive: bpy.props.BoolProperty(
        name="Include subfolders",
        description="Also reconstruct photos in folders below",
        options={"SKIP_SAVE"},
        translation_context=CONTEXT,
    )
    same_person: bpy.props.BoolProperty(
        name="Same person",
        description="All photos of the folder show one person: one head, with a camera and an "
        "expression for each photo",
        options={"SKIP_SAVE"},
        translation_context=CONTEXT,
    )
    output: bpy.props.StringProperty(
        name="Results",
        description="Folder for results and report.json; empty: as in the sidebar",
        subtype="DIR_PATH",
        options={"SKIP_SAVE"} | RELATIVE,
        translation_context=CONTEXT,
    )
    filter_folder: bpy.props.BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    _builder: Builder | None = None

    def invoke(self, context, event):
        return self.guarded(lambda: self._invoke(context))

    def start(self, context):
        folder, photos = self._photos()
        name = folder.name or "Photos"
        out = path_of(self.output) if self.output else results_folder(context) / name
        settings = context.scene.effigy.chosen()
        order = Order(plan(photos, out), settings, out, self.same_person)
        attention, several = Attention(context, single=self.same_person), not self.same_person
        self._builder = Builder(context, attention, collection=name, several=several)
        return make_job(order, self._builder if self.build_heads else None)

    def conclude(self, context, job):
        return conclude_several(self, job, self._builder.remark())

    def answers(self):
        names = ("directory", "recursive", "same_person", "output")
        return {name: getattr(self, name) for name in names}

    def _invoke(self, context):
        settings = context.scene.effigy
        if not self.directory:
            engine_python()  # without one, the person learns it before choosing
            return self.browse(context)
        folder, photos = self._photos()
        settings.photo_folder = portable(folder, bpy.data.filepath)
        return self.confirm_or_run(context, len(photos), settings.chosen())

    def _photos(self) -> tuple[Path, list[Path]]:
        if not self.directory:
            raise UsageError("No folder was chosen", "Choose a folder of photos")
        folder = path_of(self.directory)
        return folder, collect_photos([folder], recursive=self.recursive)


CLASSES = (EFFIGY_OT_batch,)
