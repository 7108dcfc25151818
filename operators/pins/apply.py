"""Move a head to its pins, without a window too, and project its texture and relief again."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import bpy

from ...ml.errors import HeadError
from ...ml.pins.shipped import (
    chosen_pins,
    pins_as_text,
    pins_in_json,
    pins_of_text,
    save_pins,
    stored_pins,
)
from ...ml.results.person import read_person
from ...ml.results.reconstruction import read_about
from ..heads import poll_head, poll_mesh_edit
from ..jobs.asking import BrowsingOperator
from ..photo_files import unused_directory
from ..reporting import ReportsErrors, call_operator
from ..runtime import RELATIVE, engine, engine_python, path_of
from ..scene.metadata import active_head, is_head, photo_records, record_of
from ..translations import CONTEXT
from .head import renew_head, result_folders, set_pins
from .job import PinsJob, same_pins

_CHOOSE = "Choose a pins.json: the head moves to its pins. Animation and your edits stay"


class EFFIGY_OT_apply_pins(BrowsingOperator, bpy.types.Operator):
    """Move the head to the pins in a file, or to its own, and project its texture and relief again. Animation and your edits stay"""  # noqa: E501 - the tooltip

    bl_idname = "effigy.apply_pins"
    bl_label = "Apply pins"
    bl_options = {"REGISTER"}

    filepath: bpy.props.StringProperty(
        name="Pins",
        description="pins.json; empty: the pins that the head has",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"} | RELATIVE,
    )
    project: bpy.props.BoolProperty(
        name="Texture and relief",
        description="Also project texture and relief again; needs the engine and the head's result",
        default=True,
        options={"SKIP_SAVE"},
        translation_context=CONTEXT,
    )
    choose: bpy.props.BoolProperty(options={"HIDDEN", "SKIP_SAVE"})
    filter_glob: bpy.props.StringProperty(default="*.json", options={"HIDDEN", "SKIP_SAVE"})
    _head = ""

    @classmethod
    def description(cls, context, properties):
        return _CHOOSE if properties.choose else cls.__doc__

    @classmethod
    def poll(cls, context):
        return poll_mesh_edit(cls, context)

    def invoke(self, context, event):
        if self.choose:
            return self.browse(context)
        if self.project:
            return self.run_modal(context)
        return self.execute(context)

    def answers(self):
        return {"filepath": self.filepath, "project": self.project}

    def run(self, context):
        if self.project:
            return super().run(context)
        self._move(context)
        self.report({"INFO"}, f"{self._head} follows its pins")
        return {"FINISHED"}

    def start(self, context):
        self._move(context)
        obj = active_head(context)
        folders = result_folders(obj)
        for folder in folders:
            read_about(folder)  # says what is missing before the engine is started
        data = {
            "folders": [str(folder) for folder in folders],
            "pins": pins_in_json(stored_pins(photo_records(obj))),
            "out": str(_new_folder(folders)),
        }
        return PinsJob(data, partial(engine.submit, engine_python().executable), self._renew)

    def conclude(self, context, job):
        done = f"{self._head} follows its pins, with its texture and relief"
        if job.copies:
            files = ", ".join(str(file) for file in job.copies)
            done += f" from {files}: the photo itself was not found, and may show more"
        self.report({"INFO"}, done)
        return {"FINISHED"}

    def _move(self, context) -> None:
        obj = active_head(context)
        self._head = obj.name
        if self.filepath:
            pins = chosen_pins(path_of(self.filepath), photo_records(obj))
            move = bpy.ops.effigy.set_pins
            call_operator(move, "EXEC_DEFAULT", True, head=obj.name, pins=pins_as_text(pins))

    def _renew(self, folder: Path) -> None:
        renew = bpy.ops.effigy.renew_pinned
        call_operator(renew, "EXEC_DEFAULT", True, head=self._head, directory=str(folder))


class _OnHead(ReportsErrors):
    """Mixin: works on the head of a name, which need not be active."""

    head: bpy.props.StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def _object(self) -> bpy.types.Object:
        obj = bpy.data.objects.get(self.head)
        if not is_head(obj):
            raise HeadError(f"The head {self.head} is gone", "Undo what removed it")
        return obj


class EFFIGY_OT_set_pins(_OnHead, bpy.types.Operator):
    """Move the head to pins"""

    bl_idname = "effigy.set_pins"
    bl_label = "Move to pins"
    bl_options = {"INTERNAL", "UNDO"}

    pins: bpy.props.StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def run(self, context):
        set_pins(self._object(), pins_of_text(self.pins))
        return {"FINISHED"}


class EFFIGY_OT_renew_pinned(_OnHead, bpy.types.Operator):
    """Give a head that was moved to its pins the texture and relief that belong to it"""

    bl_idname = "effigy.renew_pinned"
    bl_label = "Texture and relief after pins"
    bl_options = {"INTERNAL", "UNDO"}

    directory: bpy.props.StringProperty(
        subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"} | RELATIVE
    )

    def run(self, context):
        obj = self._object()
        folder, head, others = read_person(path_of(self.directory))
        if not same_pins(read_about(folder), record_of(obj)):
            raise HeadError(
                f"{obj.name} has other pins by now, so the texture in {folder} does not fit it",
                "Press Apply pins",
            )
        renew_head(obj, head, folder, others)
        return {"FINISHED"}


class EFFIGY_OT_save_pins(ReportsErrors, bpy.types.Operator):
    """Save the head's pins as pins.json, for the command line or for another file"""

    bl_idname = "effigy.save_pins"
    bl_label = "Save pins"
    bl_options = {"REGISTER"}

    filepath: bpy.props.StringProperty(
        subtype="FILE_PATH", default="pins.json", options={"SKIP_SAVE"} | RELATIVE
    )
    check_existing: bpy.props.BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    filter_glob: bpy.props.StringProperty(default="*.json", options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def poll(cls, context):
        return poll_head(cls, context)

    def invoke(self, context, event):
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def run(self, context):
        pins = stored_pins(photo_records(active_head(context)))
        if not pins.count:
            raise HeadError(f"{active_head(context).name} has no pins", "Press Edit pins first")
        path = path_of(self.filepath).with_suffix(".json")
        save_pins(pins, path)
        self.report({"INFO"}, f"Saved {pins.count} pins to {path}")
        return {"FINISHED"}


def _new_folder(folders: list[Path]) -> Path:
    """A new folder beside the result that was there: undoing goes back to that one."""
    first = folders[0] if len(folders) == 1 else folders[0].parent
    stem = first.name.split(" pinned")[0]
    return unused_directory(first.with_name(f"{stem} pinned"))


CLASSES = (EFFIGY_OT_apply_pins, EFFIGY_OT_set_pins, EFFIGY_OT_renew_pinned, EFFIGY_OT_save_pins)
