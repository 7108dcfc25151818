"""Wrap a head of one's own onto an Effigy head: the engine does it, a copy takes the result."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ...ml.data import HeadMesh
from ...ml.errors import HeadError
from ...ml.results.detail import DISPLACEMENT_NAME
from ...ml.results.files import arrays_of, write_arrays
from ...ml.results.record import with_sculpt
from ...ml.settings import option
from ...ml.wrap.files import GOAL, OWN, read_wrapped
from ...ml.wrap.marks import FEWEST, MARKS
from ..heads import poll_object_mode, stored_head
from ..jobs.operator import JobOperator
from ..pins.job import PinsJob
from ..reporting import ReportsErrors, call_operator
from ..runtime import RELATIVE, engine, engine_python, path_of
from ..scene.images import ALBEDO, image_in_file
from ..scene.metadata import directory_of, is_head
from ..scene.sculpt import captured_sculpt
from ..scene.wrapped import add_wrapped, own_mesh
from ..translations import CONTEXT, tr
from .marks import can_be_wrapped, marks_of

_NONE = "0"
_SIZES = [(_NONE, "None", "Keep its materials")]
_SIZES += [(one.value, one.label, one.help) for one in option("texture_size").choices[1:]]


class WrapJob(PinsJob):
    """The engine wraps what is in a folder, which goes when the job is over.

    about: what the engine says of the result; after the job.
    """

    kind = "wrap"
    about: Mapping[str, Any] = {}

    def step(self) -> bool:
        try:
            done = super().step()
        except BaseException:
            self._remove()
            raise
        if done:
            self.about = self._request.result
            self._remove()
        return done

    def cancel(self) -> None:
        super().cancel()
        self._remove()

    def _remove(self) -> None:
        shutil.rmtree(self._data["folder"], ignore_errors=True)


class EFFIGY_OT_wrap(JobOperator, bpy.types.Operator):
    """Give a copy of the active mesh, a head of your own, the shape of an Effigy head with its 52 expressions and its texture; mark five or more points on it first. Needs the engine"""  # noqa: E501 - the tooltip

    bl_idname = "effigy.wrap"
    bl_label = "Wrap"
    bl_options = {"REGISTER"}

    head: bpy.props.StringProperty(
        name="Head",
        description="The Effigy head; empty: the selected one, or the only one there is",
        options={"SKIP_SAVE"},
        translation_context=CONTEXT,
    )
    keep_shape: bpy.props.BoolProperty(
        name="Keep its shape",
        description="Only take over expressions and texture: the mesh stays as you made it",
        translation_context=CONTEXT,
    )
    texture: bpy.props.EnumProperty(
        name="Texture",
        description="Size of the head's texture and relief in the layout of your mesh",
        items=_SIZES,
        default="1024",
        translation_context=CONTEXT,
    )

    @classmethod
    def poll(cls, context):
        if not can_be_wrapped(context.object):
            cls.poll_message_set("Select the mesh of a head of your own")
            return False
        return poll_object_mode(cls, context)

    def invoke(self, context, event):
        return self.run_modal(context)

    def start(self, context):
        obj = context.object
        goal, marks = self._goal(context), marks_of(obj)
        if len(marks) < FEWEST:
            raise HeadError(
                f"{obj.name} has {len(marks)} marked points; wrapping needs {FEWEST} or more",
                "Go to Edit Mode, select a vertex, and press the point's name in the tab",
            )
        python = engine_python().executable
        folder = Path(tempfile.mkdtemp(prefix="effigy-wrap-"))
        try:
            size = int(self.texture)
            _write_goal(goal, folder, textured=size > 0)
            _write_own(obj, marks, folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        data = {"folder": str(folder), "keep_shape": self.keep_shape, "texture": size}
        data["relief"] = str(directory_of(goal) / DISPLACEMENT_NAME)
        add = partial(_add, obj.name, goal.name)
        return WrapJob(data, partial(engine.submit, python), add)

    def conclude(self, context, job):
        text = tr("Wrapped: half of it within {median_mm:.2f} mm, 95 % within {large_mm:.2f} mm")
        self.report({"INFO"}, text.format(**job.about))
        return {"FINISHED"}

    def _goal(self, context: bpy.types.Context) -> bpy.types.Object:
        if self.head:
            named = bpy.data.objects.get(self.head)
            if not is_head(named):
                raise HeadError(f"There is no Effigy head {self.head!r}", "Choose another")
            return named
        chosen = [one for one in context.selected_objects if is_head(one)]
        heads = chosen or [one for one in context.scene.objects if is_head(one)]
        if len(heads) != 1:
            raise HeadError(
                f"There are {len(heads)} Effigy heads to wrap it onto",
                "Select one of them, too" if heads else "Reconstruct a photo first",
            )
        return heads[0]


class EFFIGY_OT_wrapped(ReportsErrors, bpy.types.Operator):
    """Add a copy of a head of one's own with what the engine made of it"""

    bl_idname = "effigy.wrapped"
    bl_label = "Wrapped head"
    bl_options = {"INTERNAL", "UNDO"}

    own: bpy.props.StringProperty(options={"HIDDEN", "SKIP_SAVE"})
    head: bpy.props.StringProperty(options={"HIDDEN", "SKIP_SAVE"})
    directory: bpy.props.StringProperty(
        subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"} | RELATIVE
    )

    def run(self, context):
        obj, folder = bpy.data.objects.get(self.own), path_of(self.directory)
        if not can_be_wrapped(obj):
            raise HeadError(f"The mesh {self.own} is gone", "Undo what removed it")
        arrays = read_wrapped(folder)
        if len(arrays["vertices"]) != len(obj.data.vertices):
            raise HeadError(f"{obj.name} was changed meanwhile", "Press Wrap again")
        new = add_wrapped(obj, f"{obj.name} {self.head}", arrays, folder)
        for other in context.selected_objects:
            other.select_set(False)
        context.view_layer.objects.active = new
        new.select_set(True)
        return {"FINISHED"}


def _add(own: str, head: str, folder: Path) -> None:
    call_operator(
        bpy.ops.effigy.wrapped, "EXEC_DEFAULT", True, own=own, head=head, directory=str(folder)
    )


def _write_goal(obj: bpy.types.Object, folder: Path, *, textured: bool) -> None:
    """The head as it is now, with what was sculpted on it, and its texture."""
    fitted = stored_head(obj)
    mesh: HeadMesh = with_sculpt(fitted, captured_sculpt(obj, fitted)).mesh
    arrays = arrays_of(mesh, None)
    image = image_in_file(obj.data, ALBEDO) if textured else None
    if image is not None:
        width, height = image.size
        pixels = np.empty(width * height * image.channels, np.float32)
        image.pixels.foreach_get(pixels)
        rows = pixels.reshape(height, width, -1)[::-1, :, :3]
        arrays["albedo"] = np.round(255 * np.clip(rows, 0, 1)).astype(np.uint8)
    write_arrays(folder / GOAL, arrays)


def _write_own(obj: bpy.types.Object, marks: Mapping[str, int], folder: Path) -> None:
    own = own_mesh(obj)
    names = [name for name in MARKS if name in marks]
    numbers = {"mark_names": np.array(names), "mark_vertices": np.array([marks[n] for n in names])}
    write_arrays(folder / OWN, {**vars(own), **numbers})


CLASSES = (EFFIGY_OT_wrap, EFFIGY_OT_wrapped)
