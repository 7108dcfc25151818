"""Facial performances: from a recording onto a head, and from a head to a file."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..ml.errors import HeadError, UsageError
from ..ml.performance.columns import Layout
from ..ml.performance.performance import MOST_FRAMES
from ..ml.performance.read import Units, read_performance
from ..ml.performance.write import write_performance
from .heads import poll_head
from .reporting import ReportsErrors
from .runtime import RELATIVE, path_of
from .scene.metadata import active_head
from .scene.performance import Wanted, put_on
from .scene.recording import frames_of, performance_of
from .translations import CONTEXT

_SUFFIX = ".csv"
_SCALES = {"AUTO": None, "ONE": 1.0, "HUNDRED": 100.0}
_ANGLES = {"AUTO": None, "RADIANS": False, "DEGREES": True}


class EFFIGY_OT_import_performance(ReportsErrors, bpy.types.Operator):
    """Put a recording of Live Link Face, iFacialMocap or Rokoko Studio on the selected head, as a new action at the scene's frame rate"""  # noqa: E501 - the tooltip

    bl_idname = "effigy.import_performance"
    bl_label = "Import performance"
    bl_options = {"REGISTER", "UNDO"}

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"} | RELATIVE)
    filter_glob: bpy.props.StringProperty(default="*.csv;*.txt", options={"HIDDEN", "SKIP_SAVE"})
    first_frame: bpy.props.IntProperty(
        name="First frame",
        description="Frame of the scene that the recording begins at",
        default=1,
        translation_context=CONTEXT,
    )
    head_rotation: bpy.props.BoolProperty(
        name="Head rotation",
        description="Also turn the head: its bone, or the object where there is no rig",
        default=True,
        translation_context=CONTEXT,
    )
    gaze: bpy.props.EnumProperty(
        name="Gaze",
        description="What turns the eyes",
        items=(
            ("KEYS", "Expressions", "The expressions of the gaze: the lids follow the eyes"),
            ("BONES", "Bones", "The bones of the eyes, by the recorded angles; needs the rig"),
        ),
        translation_context=CONTEXT,
    )
    rate: bpy.props.FloatProperty(
        name="Recorded rate",
        description="Frames per second of the recording; 0: as the file says",
        min=0.0,
        max=1000.0,
        translation_context=CONTEXT,
    )
    scale: bpy.props.EnumProperty(
        name="Values",
        description="How the file writes expressions",
        items=(
            ("AUTO", "As its program", "0 to 100 where a value is above 2 or the program says so"),
            ("ONE", "0 to 1", "An expression at its full strength is 1"),
            ("HUNDRED", "0 to 100", "An expression at its full strength is 100"),
        ),
        translation_context=CONTEXT,
    )
    angles: bpy.props.EnumProperty(
        name="Angles",
        description="How the file writes rotations",
        items=(
            ("AUTO", "As its program", "In degrees where one would be more than a whole turn"),
            ("RADIANS", "Radians", "As Live Link Face"),
            ("DEGREES", "Degrees", "As iFacialMocap"),
        ),
        translation_context=CONTEXT,
    )

    @classmethod
    def poll(cls, context):
        return poll_head(cls, context)

    def invoke(self, context, event):
        if self.filepath:  # dropped
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def run(self, context):
        if not self.filepath:
            raise UsageError("No recording was chosen", "Choose a CSV file of a face")
        path, obj = path_of(self.filepath), active_head(context)
        units = Units(_SCALES[self.scale], self.rate or None, _ANGLES[self.angles])
        performance = read_performance(path, units)
        bones = self.gaze == "BONES"
        wanted = Wanted(path.stem, self.first_frame, self.head_rotation, bones)
        count, left_out = put_on(context.scene, obj, performance, wanted)
        done = f"{path.name}: {count} frames from {performance.rate:.4g} per second on {obj.name}"
        if performance.lost:
            done += f", with {performance.lost} rows without a face bridged"
        if left_out:
            done += f", without {', '.join(left_out)}"
        self.report({"WARNING" if left_out else "INFO"}, done)
        return {"FINISHED"}


class EFFIGY_OT_export_performance(ReportsErrors, bpy.types.Operator):
    """Write how the selected head moves, expressions and rotations, as a recording"""

    bl_idname = "effigy.export_performance"
    bl_label = "Export performance"
    bl_options = {"REGISTER"}

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"} | RELATIVE)
    filter_glob: bpy.props.StringProperty(default="*.csv", options={"HIDDEN", "SKIP_SAVE"})
    check_existing: bpy.props.BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    layout: bpy.props.EnumProperty(
        name="Format",
        description="Whose names, units and signs the file has",
        items=(
            (Layout.LIVE_LINK.name, "Live Link Face", "Timecodes, values 0 to 1, radians"),
            (
                Layout.IFACIALMOCAP.name,
                "iFacialMocap",
                "Names such as eyeBlink_L, 0 to 100, degrees",
            ),
            (Layout.ROKOKO.name, "Rokoko Studio", "ARKit's own names, 0 to 100, degrees"),
        ),
        translation_context=CONTEXT,
    )
    scene_range: bpy.props.BoolProperty(
        name="Scene's range",
        description="Write the frames that the scene plays; off: those of the head's actions",
        translation_context=CONTEXT,
    )

    @classmethod
    def poll(cls, context):
        return poll_head(cls, context)

    def invoke(self, context, event):
        if not self.filepath:
            folder = Path(bpy.data.filepath).parent if bpy.data.filepath else Path.home()
            self.filepath = str(folder / (active_head(context).name + _SUFFIX))
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def run(self, context):
        if not self.filepath:
            raise UsageError("No file was chosen", "Name the CSV file to write")
        path, obj, scene = path_of(self.filepath), active_head(context), context.scene
        if path.suffix.lower() != _SUFFIX:
            path = path.with_name(path.name + _SUFFIX)
        if not path.parent.is_dir():
            raise HeadError(f"There is no folder {path.parent}", "Make it, or choose another")
        if not obj.visible_get():  # Blender does not evaluate it then
            raise HeadError(f"{obj.name} is hidden", "Show it before exporting")
        played = scene.frame_start, scene.frame_end
        first, last = played if self.scene_range else frames_of(scene, obj)
        if last - first >= MOST_FRAMES:
            raise HeadError(f"{last - first + 1:,} frames are too many", "Use the scene's range")
        manager = context.window_manager
        manager.progress_begin(0, last - first + 1)
        try:
            frames = range(first, last + 1)
            performance = performance_of(context, obj, frames, manager.progress_update)
        finally:
            manager.progress_end()
        write_performance(performance, path, Layout[self.layout])
        self.report({"INFO"}, f"Wrote {last - first + 1} frames to {path}")
        return {"FINISHED"}


class EFFIGY_FH_performance(bpy.types.FileHandler):
    """Drop the table of a recording on the 3D View or its sidebar"""

    bl_idname = "EFFIGY_FH_performance"
    bl_label = "Effigy: performance"
    bl_import_operator = "effigy.import_performance"
    bl_file_extensions = _SUFFIX

    @classmethod
    def poll_drop(cls, context):
        is_view = context.area is not None and context.area.type == "VIEW_3D"
        return is_view and active_head(context) is not None


CLASSES = (EFFIGY_OT_import_performance, EFFIGY_OT_export_performance, EFFIGY_FH_performance)
