"""Jobs that ask first: which photos, in Blender's file browser, and whether so many heads."""

from __future__ import annotations

from typing import Any

import bpy

from ...ml.settings import Settings
from ..drawing import draw_options
from ..reporting import call_operator
from ..settings import BUILD_HEADS
from ..translations import tr
from .building import megabytes
from .operator import JobOperator

_MUCH = "Heads of {photos} photos take about {gigabytes:.1f} GB of memory in this scene."
_WITHOUT_HEADS = (
    "Without heads in the scene, all results are in their folder, for Open reconstruction."
)
# Megabytes in a scene for which nobody has to be asked.
_LITTLE = 1000.0
_THUMBNAILS = bpy.types.FileSelectParams.bl_rna.properties["display_type"].enum_items["THUMBNAIL"]


class BrowsingOperator(JobOperator):
    """Mixin for job operators that ask for files: implement :meth:`answers`, and set those."""

    asked: bpy.props.BoolProperty(options={"HIDDEN", "SKIP_SAVE"})

    def execute(self, context):
        if self.asked and not bpy.app.background:
            # Browser and dialog call execute, which cannot become modal: begin anew.
            return self.guarded(lambda: self.begin_anew(**self.answers()))
        return super().execute(context)

    def answers(self) -> dict[str, Any]:
        """The properties with which the operator begins anew once the person has answered."""
        raise NotImplementedError

    def browse(self, context) -> set[str]:
        """Ask in the file browser."""
        self.asked = True
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def begin_anew(self, **properties: Any) -> set[str]:
        """Invoke the operator again, with these properties."""
        module, name = type(self).bl_idname.split(".")
        call_operator(getattr(getattr(bpy.ops, module), name), "INVOKE_DEFAULT", **properties)
        return {"FINISHED"}


class AskingOperator(BrowsingOperator):
    """Mixin for operators on photos: the files, how heads are made, and whether so many."""

    build_heads: bpy.props.BoolProperty(**BUILD_HEADS, options={"SKIP_SAVE"})
    question: bpy.props.StringProperty(options={"HIDDEN", "SKIP_SAVE"})
    confirmed: bpy.props.BoolProperty(options={"HIDDEN", "SKIP_SAVE"})
    # The file browser takes the number of its own mode.
    display_type: bpy.props.EnumProperty(
        items=[("THUMBNAIL", "Thumbnails", "", _THUMBNAILS.value)],
        options={"HIDDEN", "SKIP_SAVE"},
    )

    def draw(self, context):
        column = self.layout.column()
        if self.question:
            for line in self.question.splitlines():
                column.label(text=line, translate=False)
            column.prop(self, "build_heads")
            return
        column.prop(self, "same_person")
        column.prop(self, "build_heads")
        options = column.column()  # its longest name is cut off otherwise
        options.use_property_split, options.use_property_decorate = True, False
        draw_options(options, context.scene.effigy)

    def begin_anew(self, **properties: Any) -> set[str]:
        about = {"build_heads": self.build_heads, "confirmed": bool(self.question)}
        return super().begin_anew(**about, **properties)

    def confirm_or_run(self, context, photos: int, settings: Settings) -> set[str]:
        """Begin; where the heads of so many photos would take much memory, ask first."""
        needed = megabytes(settings, photos)
        alone = photos == 1 or self.same_person
        if alone or self.confirmed or not self.build_heads or needed < _LITTLE:
            return self.run_modal(context)
        if bpy.app.background:  # nobody is there
            return self.run_modal(context)
        self.asked = True
        self.question = "\n".join(
            (
                tr(_MUCH).format(photos=photos, gigabytes=needed / 1000),
                tr(_WITHOUT_HEADS),
            )
        )
        return context.window_manager.invoke_props_dialog(self, width=520)
