"""The settings in the scene and in the preferences, and the state of the running job."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import (
    BoolProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from ..ml.settings import LONGEST_NOTE, OF_THE_COMPUTER, OPTIONS, Option, Settings, option
from .runtime import RELATIVE, clip_folder, may_download
from .translations import CONTEXT

# Saved with a scene. The others are not: a file that somebody sent must not consent to a download,
# nor name files that are loaded.
SCENE_OPTIONS = tuple(item for item in OPTIONS if item.name not in OF_THE_COMPUTER)


def _default(name: str) -> Any:
    return getattr(Settings(), name)


def _identifier(item: Option, value: str) -> str:
    # Upper case for the face only: so saved scenes and scripts know it. All other enumerations
    # have the values of the command line.
    return value.upper() if item.name == "face" else value


def _property(item: Option) -> object:
    """The Blender property of an option: an enumeration of its choices, a number or a tick box."""
    if item.limits is not None:
        return IntProperty(
            name=item.label,
            description=item.help,
            default=_default(item.name),
            min=item.limits[0],
            max=item.limits[1],
            subtype="PERCENTAGE",
            translation_context=CONTEXT,
        )
    if item.name == "consent":
        return StringProperty(
            name=item.label,
            description=item.help,
            maxlen=LONGEST_NOTE,
            translation_context=CONTEXT,
        )
    if not item.choices:
        return BoolProperty(
            name=item.label,
            description=item.help,
            default=_default(item.name),
            translation_context=CONTEXT,
        )
    return EnumProperty(
        name=item.label,
        description=item.help,
        items=[(_identifier(item, each.value), each.label, each.help) for each in item.choices],
        default=_identifier(item, str(_default(item.name))),
        translation_context=CONTEXT,
    )


# In the scene and in the operators that build heads.
BUILD_HEADS = {
    "name": "Build heads in the scene",
    "description": "Off: several photos only give results in their folder, which Open "
    "reconstruction builds one by one",
    "default": True,
    "translation_context": CONTEXT,
}


class _Options:
    """A Blender property for every option of a scene, under the option's name."""

    __annotations__ = {item.name: _property(item) for item in SCENE_OPTIONS}


class EFFIGY_PG_settings(_Options, bpy.types.PropertyGroup):
    """How photos are reconstructed; saved with the scene."""

    photo: StringProperty(
        name="Photo",
        description="A portrait photo: the face large and sharp",
        subtype="FILE_PATH",
        options=RELATIVE,
        translation_context=CONTEXT,
    )
    photo_folder: StringProperty(
        name="Folder",
        description="A folder of portrait photos",
        subtype="DIR_PATH",
        options=RELATIVE,
        translation_context=CONTEXT,
    )
    recursive: BoolProperty(
        name="Include subfolders",
        description="Also reconstruct photos in folders below",
        translation_context=CONTEXT,
    )
    same_person: BoolProperty(
        name="Same person",
        description="Several photos show one person: one head, with a camera and an expression "
        "for each photo",
        translation_context=CONTEXT,
    )
    build_heads: BoolProperty(**BUILD_HEADS)
    output: StringProperty(
        name="Results",
        description="Where reconstructions are kept; empty: beside the .blend file, or in the "
        "folder of the preferences where it was never saved",
        subtype="DIR_PATH",
        options=RELATIVE,
        translation_context=CONTEXT,
    )
    face_number: IntProperty(
        name="Number",
        description="1 is the most prominent face",
        default=1,
        min=1,
        soft_max=10,
        translation_context=CONTEXT,
    )
    match_render: BoolProperty(
        name="Match render size",
        description="Set the scene's render size to the photo's, so that both overlay exactly",
        translation_context=CONTEXT,
    )

    def chosen(self) -> Settings:
        """The options as they are set here; those of the computer, in the preferences."""
        values = {item.name: getattr(self, item.name) for item in SCENE_OPTIONS}
        values |= {"allow_download": may_download(), "clip_folder": clip_folder()}
        values["face"] = str(self.face_number) if self.face == "NUMBER" else self.face.lower()
        # Enumerations are strings in Blender, the texture's size too.
        return Settings(**{name: type(_default(name))(value) for name, value in values.items()})


class EFFIGY_PG_job(bpy.types.PropertyGroup):
    """What the panel shows of the running job. Lives with the window, never in a file."""

    running: BoolProperty()
    cancel_asked: BoolProperty()
    fraction: FloatProperty(min=0.0, max=1.0)
    message: StringProperty()
    icon: IntProperty()

    def begin(self) -> None:
        self.running, self.cancel_asked = True, False
        self.show(0.0, "")

    def show(self, fraction: float, message: str, icon: int = 0) -> None:
        """icon: number of a picture of the work; 0: there is none."""
        self.fraction, self.message, self.icon = fraction, message, icon

    def end(self) -> None:
        self.running = self.cancel_asked = False
        self.icon = 0


class EFFIGY_PG_engine(bpy.types.PropertyGroup):
    """What the last check or installation of the engine came to. Lives with the window."""

    outcome: StringProperty()
    failed: BoolProperty()

    def tell(self, text: str, *, failed: bool) -> None:
        self.outcome, self.failed = text, failed


def _forget_outcome(own: bpy.types.AddonPreferences, context: bpy.types.Context) -> None:
    """What became of another Python says nothing of the one that is chosen now."""
    context.window_manager.effigy_engine.tell("", failed=False)


class EnginePreferences:
    """Mixin: what the extension's preferences hold. The class that draws them inherits it."""

    engine_python: StringProperty(
        name="Engine Python",
        description=(
            "A Python with PyTorch for the engine; empty: the environment variable "
            "EFFIGY_PYTHON, what Install engine made, or Blender's own Python"
        ),
        subtype="FILE_PATH",
        update=_forget_outcome,
        translation_context=CONTEXT,
    )
    keep_engine_ready: BoolProperty(
        name="Keep engine ready",
        description="Start the engine in the background when the Effigy tab is opened: the first "
        "head comes sooner, and about 600 MB of memory are in use until Blender ends",
        default=True,
        translation_context=CONTEXT,
    )
    show_material: BoolProperty(
        name="Material Preview for the first head",
        description="Show the first head of a scene with its texture; off: the 3D View keeps its "
        "shading",
        default=True,
        translation_context=CONTEXT,
    )
    proxy: StringProperty(
        name="Proxy",
        description="For Install engine, such as http://proxy:3128; empty: pip's own settings and "
        "the environment's",
        translation_context=CONTEXT,
    )
    device: _property(option("device"))
    allow_download: BoolProperty(
        name=option("allow_download").label,
        description=option("allow_download").help + ". Needs Blender's Allow Online Access, too",
        translation_context=CONTEXT,
    )
    clip_folder: StringProperty(
        name=option("clip_folder").label,
        description=option("clip_folder").help,
        subtype="DIR_PATH",
        translation_context=CONTEXT,
    )


class ResultsPreferences:
    """Mixin: where the preferences keep results of files that were never saved."""

    results_folder: StringProperty(
        name="Results",
        description="Folder for reconstructions while the .blend file was never saved; empty: "
        "Effigy in your documents",
        subtype="DIR_PATH",
        translation_context=CONTEXT,
    )


CLASSES = (EFFIGY_PG_settings, EFFIGY_PG_job, EFFIGY_PG_engine)


def attach() -> None:
    bpy.types.Scene.effigy = PointerProperty(type=EFFIGY_PG_settings)
    bpy.types.WindowManager.effigy_job = PointerProperty(type=EFFIGY_PG_job)
    bpy.types.WindowManager.effigy_engine = PointerProperty(type=EFFIGY_PG_engine)


def detach() -> None:
    # The values outlive the property: a job cut off by disabling must not look busy for ever.
    for manager in bpy.data.window_managers:
        manager.effigy_job.end()
    del bpy.types.WindowManager.effigy_engine
    del bpy.types.WindowManager.effigy_job
    del bpy.types.Scene.effigy
