"""A video becomes a head that acts: the engine follows the face, head and keyframes are built."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path

import bpy

from ..ml.errors import HeadError, UsageError
from ..ml.file_types import PHOTO_EXTENSIONS
from ..ml.performance.animation import NPZ_NAME, PARTS_NAME, PREVIEW_NAME, load_animation
from ..ml.results.plan import folder_stem
from .jobs.asking import BrowsingOperator
from .photo_files import unused_directory
from .pins.job import PinsJob
from .reporting import ReportsErrors, call_operator
from .runtime import RELATIVE, engine, engine_python, path_of, results_folder
from .scene.metadata import active_head
from .scene.video import Scene, play
from .translations import CONTEXT

VIDEO_EXTENSIONS = (".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".mts", ".mpg", ".mpeg")
_GLOB = ";".join(f"*{suffix}" for suffix in (*VIDEO_EXTENSIONS, *PHOTO_EXTENSIONS))
_CHOOSE = "Choose a video, or an image of a sequence that lies in a folder of its own"
_OPTIONS = ("moves", "first_frame", "rig", "sound")


class _Plays:
    """Mixin: how the animation of a video is put into the scene."""

    moves: bpy.props.EnumProperty(
        name="Moves",
        description="What the turns of the head move",
        items=(
            ("HEAD", "Head", "The head moves before a camera that stands still"),
            ("CAMERA", "Camera", "The camera moves round a head that stands still"),
        ),
        translation_context=CONTEXT,
    )
    first_frame: bpy.props.IntProperty(
        name="First frame",
        description="Frame of the scene that the video begins at",
        default=1,
        translation_context=CONTEXT,
    )
    rig: bpy.props.BoolProperty(
        name="Rig",
        description="Give the head its rig: the keyframes are on its bones and sliders",
        translation_context=CONTEXT,
    )
    sound: bpy.props.BoolProperty(
        name="Sound",
        description="Add the sound of the video to the sequencer",
        translation_context=CONTEXT,
    )

    def placed(self) -> dict[str, object]:
        """How these are set, by name."""
        return {name: getattr(self, name) for name in _OPTIONS}


class AnimateJob(PinsJob):
    """The engine follows the face of a video; then the head is built."""

    kind, made = "animate", "The animation"

    @property
    def preview(self) -> Path:
        """Of the frame in hand, which the engine draws."""
        return Path(self._data["out"]) / PARTS_NAME / PREVIEW_NAME


class EFFIGY_OT_animate(_Plays, BrowsingOperator, bpy.types.Operator):
    """Turn a video of a face, or a sequence of images, into a head that acts. ESC stops; what was followed is kept, and the same video goes on from there"""  # noqa: E501 - the tooltip

    bl_idname = "effigy.animate"
    bl_label = "Animate video"
    bl_options = {"REGISTER"}

    filepath: bpy.props.StringProperty(
        name="Video",
        description=_CHOOSE,
        subtype="FILE_PATH",
        options={"SKIP_SAVE"} | RELATIVE,
        translation_context=CONTEXT,
    )
    rate: bpy.props.FloatProperty(
        name="Recorded rate",
        description="Frames per second of the recording; 0: as the file says",
        min=0.0,
        max=1000.0,
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
    filter_glob: bpy.props.StringProperty(default=_GLOB, options={"HIDDEN", "SKIP_SAVE"})
    filter_folder: bpy.props.BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    _video = Path()

    def invoke(self, context, event):
        return self.guarded(lambda: self._invoke(context))

    def start(self, context):
        self._video = _video_at(self.filepath)
        data = {
            "video": str(self._video),
            "out": str(self._folder(context)),
            "settings": asdict(context.scene.effigy.chosen()),
            "rate": self.rate or None,
        }
        return AnimateJob(data, partial(engine.submit, engine_python().executable), self._build)

    def conclude(self, context, job):
        self.report({"INFO"}, f"{self._video.name} is animated")
        return {"FINISHED"}

    def answers(self):
        return {"filepath": self.filepath, "rate": self.rate, "output": self.output} | (
            self.placed()
        )

    def _invoke(self, context):
        engine_python()  # without one, the person learns it before choosing
        return self.run_modal(context) if self.filepath else self.browse(context)

    def _folder(self, context) -> Path:
        if self.output:
            return path_of(self.output)
        wanted = results_folder(context) / folder_stem(self._video)
        return wanted if (wanted / PARTS_NAME).is_dir() else unused_directory(wanted)

    def _build(self, folder: Path) -> None:
        call_operator(
            bpy.ops.effigy.build_animation,
            "EXEC_DEFAULT",
            True,
            directory=str(folder),
            filepath=str(self._video),
            **self.placed(),
        )


class EFFIGY_OT_build_animation(_Plays, ReportsErrors, bpy.types.Operator):
    """Build the head and the keyframes of a video that was animated before, here or by the command line"""  # noqa: E501 - the tooltip

    bl_idname = "effigy.build_animation"
    bl_label = "Open animation"
    bl_options = {"REGISTER", "UNDO"}

    directory: bpy.props.StringProperty(
        name="Animation",
        description="Folder with animation.npz and the head's reconstruction",
        subtype="DIR_PATH",
        options={"SKIP_SAVE"} | RELATIVE,
        translation_context=CONTEXT,
    )
    filepath: bpy.props.StringProperty(
        name="Video",
        description="Shown behind the camera, and what the sound is of; empty: neither",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"} | RELATIVE,
        translation_context=CONTEXT,
    )

    def invoke(self, context, event):
        if self.directory:
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def run(self, context):
        if not self.directory:
            raise UsageError("No animation was chosen", f"Choose the folder with its {NPZ_NAME}")
        folder = path_of(self.directory)
        animation = load_animation(folder / NPZ_NAME)
        call_operator(
            bpy.ops.effigy.build,
            directory=str(folder),
            match_render=context.scene.effigy.match_render,
        )
        if self.rig:
            call_operator(bpy.ops.effigy.rig, add=True)
        obj = active_head(context)
        if obj is None:
            raise HeadError("The head is not selected", "Go to Object Mode first")
        video = path_of(self.filepath) if self.filepath else None
        wanted = Scene(self.first_frame, self.moves == "HEAD", video, self.sound)
        count, left_out = play(context, obj, animation, wanted)
        done = f"{obj.name} acts for {count} frames"
        if left_out:
            done += f", without {', '.join(left_out)}"
        self.report({"WARNING" if left_out else "INFO"}, done)
        return {"FINISHED"}


class EFFIGY_FH_video(bpy.types.FileHandler):
    """Drop a video on the 3D View or its sidebar"""

    bl_idname = "EFFIGY_FH_video"
    bl_label = "Effigy: animate video"
    bl_import_operator = "effigy.animate"
    bl_file_extensions = ";".join(VIDEO_EXTENSIONS)

    @classmethod
    def poll_drop(cls, context):
        return context.area is not None and context.area.type == "VIEW_3D"


def _video_at(text: str) -> Path:
    """The video, or the folder of a sequence of which an image was chosen. Raises UsageError."""
    path = path_of(text) if text else Path()
    if not text or not path.exists():
        raise UsageError(f"There is no video {text!r}" if text else "No video was chosen", _CHOOSE)
    return path.parent if path.suffix.lower() in PHOTO_EXTENSIONS else path


CLASSES = (EFFIGY_OT_animate, EFFIGY_OT_build_animation, EFFIGY_FH_video)
