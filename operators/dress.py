"""Change texture and relief of a head after the fact: the engine makes these alone."""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import bpy

from ..ml.errors import HeadError
from ..ml.results.reconstruction import load_reconstruction, read_about
from ..ml.results.record import with_sculpt
from ..ml.settings import Option, option
from .edited_result import record_result, save_edited
from .heads import poll_mesh_edit, stored_head
from .jobs.operator import JobOperator
from .pins.job import PinsJob, same_pins
from .reporting import ReportsErrors, call_operator
from .runtime import RELATIVE, engine, engine_python, path_of
from .scene.dress import dress_head
from .scene.images import ALBEDO, image_in_file
from .scene.metadata import active_head, is_head, photo_records, record_of
from .scene.sculpt import take_sculpt
from .translations import CONTEXT

_SAME = "SAME"


def _choice(item: Option) -> object:
    items = [(_SAME, "As it is", "Leave it")]
    return bpy.props.EnumProperty(
        name=item.label,
        description=item.help,
        items=[*items, *((each.value, each.label, each.help) for each in item.choices)],
        options={"SKIP_SAVE"},
        translation_context=CONTEXT,
    )


class DressJob(PinsJob):
    """The engine makes parts of a result that was copied; a job that fails or stops removes it."""

    kind = "dress"

    def step(self) -> bool:
        try:
            if not self._data["parts"]:
                self._on_done(Path(self._data["folders"][0]))
                return True
            return super().step()
        except BaseException:
            self._remove()
            raise

    def cancel(self) -> None:
        super().cancel()
        self._remove()

    def _remove(self) -> None:
        first, *others = map(Path, self._data["folders"])
        # Several lie in a new folder of their own.
        shutil.rmtree(first.parent if others else first, ignore_errors=True)


class EFFIGY_OT_change_texture(JobOperator, bpy.types.Operator):
    """Make the head's texture and relief again, larger or of another kind. Its shape, your edits and animation stay; needs the engine and the head's result"""  # noqa: E501 - the tooltip

    bl_idname = "effigy.change_texture"
    bl_label = "Change texture"
    bl_options = {"REGISTER"}

    texture_size: _choice(option("texture_size"))
    detail: _choice(option("detail"))
    _head = ""
    _asked = False

    @classmethod
    def poll(cls, context):
        return poll_mesh_edit(cls, context)

    def invoke(self, context, event):
        self._asked = True
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context):
        return self.run_modal(context) if self._asked else super().execute(context)

    def start(self, context):
        obj = active_head(context)
        self._head = obj.name
        head = take_sculpt(obj, stored_head(obj))
        wanted, parts = self._wanted(obj)
        python = engine_python().executable if parts else ""
        if wanted.get("detail") == "off":
            head = replace(head, detail=None)
        folders = [str(folder) for folder in save_edited(obj, head, wanted)]
        return DressJob(
            {"folders": folders, "parts": parts}, partial(engine.submit, python), self._renew
        )

    def conclude(self, context, job):
        self.report({"INFO"}, f"{self._head} has its new texture and relief")
        return {"FINISHED"}

    def _wanted(self, obj: bpy.types.Object) -> tuple[dict[str, Any], list[str]]:
        """The settings that change, and what the engine has to make for them."""
        albedo, parts, wanted = image_in_file(obj.data, ALBEDO), list[str](), dict[str, Any]()
        size = albedo.size[0] if albedo is not None else 0
        if self.texture_size not in (_SAME, str(size)):
            wanted["texture_size"] = int(self.texture_size)
            parts += ["texture"] if wanted["texture_size"] else []
        if self.detail not in (_SAME, record_of(obj).get("detail", "off")):
            wanted["detail"] = self.detail
            parts += ["relief"] if self.detail != "off" else []
        if not wanted:
            raise HeadError(f"{obj.name} has this texture and relief already", "Choose others")
        return wanted, parts

    def _renew(self, folder: Path) -> None:
        renew = bpy.ops.effigy.renew_texture
        call_operator(renew, "EXEC_DEFAULT", True, head=self._head, directory=str(folder))


class EFFIGY_OT_renew_texture(ReportsErrors, bpy.types.Operator):
    """Give a head the texture and relief that were made for it"""

    bl_idname = "effigy.renew_texture"
    bl_label = "New texture and relief"
    bl_options = {"INTERNAL", "UNDO"}

    head: bpy.props.StringProperty(options={"HIDDEN", "SKIP_SAVE"})
    directory: bpy.props.StringProperty(
        subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"} | RELATIVE
    )

    def run(self, context):
        obj, folder = bpy.data.objects.get(self.head), path_of(self.directory)
        if not is_head(obj):
            raise HeadError(f"The head {self.head} is gone", "Undo what removed it")
        made, about, record = load_reconstruction(folder), read_about(folder), record_of(obj)
        known = all(about[name] == record[name] for name in ("identity", "level"))
        if not known or not same_pins(about, record):
            raise HeadError(
                f"{obj.name} was changed meanwhile, so the texture in {folder} does not fit it",
                "Press Change texture again",
            )
        # What was sculpted while the engine worked is kept, too.
        old = take_sculpt(obj, stored_head(obj))
        new = with_sculpt(made, old.sculpt)
        dress_head(obj, old, new, folder)
        further = [Path(each["directory"]).name for each in photo_records(obj)[1:]]
        record_result(obj, new, [folder, *(folder.parent / name for name in further)])
        return {"FINISHED"}


CLASSES = (EFFIGY_OT_change_texture, EFFIGY_OT_renew_texture)
