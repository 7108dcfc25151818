"""Export one head, with its texture and its shape keys, to an interchange format."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import bpy
from bpy_extras.io_utils import axis_conversion
from mathutils import Matrix

from ..ml.errors import HeadError
from ..ml.results.origin import now, statement_of
from .bake import SIZE_ITEMS
from .export_formats import WRITERS, Writer
from .export_profiles import PROFILES, Profile
from .heads import poll_head, poll_object_mode
from .profile_file import adapt_to_profile, add_profile_levels, write_profile
from .reporting import ReportsErrors
from .runtime import RELATIVE
from .scene.baked_material import use_baked_material
from .scene.export_copy import (
    ExportCopy,
    add_root_bone,
    export_copy,
    leave_helpers_out,
    portable_bones,
    put_to_rest,
)
from .scene.export_transforms import bake_transforms
from .scene.hair_cards import add_cards
from .scene.metadata import active_head, record_of, rig_of
from .scene.one_material import use_one_material
from .scene.place import scale_of
from .scene.plain_materials import use_plain_materials
from .scene.recording import frames_of
from .scene.stamp import stamped
from .scene.texture_material import use_material
from .translations import CONTEXT

_Y_UP: Matrix = axis_conversion(to_forward="-Z", to_up="Y").to_4x4()


class EFFIGY_OT_export(ReportsErrors, bpy.types.Operator):
    """Write the selected head to a file, with texture and expressions"""

    bl_idname = "effigy.export"
    bl_label = "Export head"
    bl_options = {"REGISTER", "PRESET"}

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"} | RELATIVE)
    format: bpy.props.EnumProperty(
        name="Format",
        description="What the file is for",
        items=[(kind, kind, writer.help) for kind, writer in WRITERS.items()],
        options={"SKIP_SAVE"},  # the button names it
        translation_context=CONTEXT,
    )
    neutral: bpy.props.BoolProperty(
        name="Neutral",
        description="Write the person at rest: all expressions at zero, as game engines expect",
        translation_context=CONTEXT,
    )
    animation: bpy.props.BoolProperty(
        name="Animation",
        description="Also write the keyframes of expressions and bones",
        translation_context=CONTEXT,
    )
    one_material: bpy.props.BoolProperty(
        name="One material",
        description="Write one material for the whole head, with all its surfaces in one texture: "
        "one draw call",
        translation_context=CONTEXT,
    )
    bake: bpy.props.EnumProperty(
        name="Bake maps",
        description="Write one material with maps of colour, normals and roughness that show all "
        "that the head's materials do. Cycles bakes them, which takes a while",
        items=[("OFF", "Off", "The images as they are"), *SIZE_ITEMS],
        translation_context=CONTEXT,
    )
    root_bone: bpy.props.BoolProperty(
        name="Root bone",
        description="Write the bones of the rig under one root bone, their names without dots, "
        "as game engines expect",
        translation_context=CONTEXT,
    )
    hair_as: bpy.props.EnumProperty(
        name="Hair",
        description="How the file has the hair: no format has hair curves",
        items=[
            ("CARDS", "Cards", "Ribbons with a texture of strands, at most 12,000 triangles"),
            ("NONE", "None", "No hair"),
        ],
        translation_context=CONTEXT,
    )
    profile: bpy.props.EnumProperty(
        name="Profile",
        description="Write what one program wants: its format, names of bones and expressions, and "
        "maps, one material, the person at rest, and a JSON file that says what is in it",
        items=[
            ("NONE", "None", "As the other options say"),
            *((kind, profile.label, profile.help) for kind, profile in PROFILES.items()),
        ],
        translation_context=CONTEXT,
    )
    levels: bpy.props.BoolProperty(
        name="Levels of detail",
        description="With a profile: write the meshes High, Base and Low into one file",
        translation_context=CONTEXT,
    )
    check_existing: bpy.props.BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def poll(cls, context):
        return poll_head(cls, context) and poll_object_mode(cls, context)

    @property
    def _profile(self) -> Profile | None:
        return PROFILES.get(self.profile)

    def invoke(self, context, event):
        if not self.filepath:
            folder = Path(bpy.data.filepath).parent if bpy.data.filepath else Path.home()
            self.filepath = str(folder / (active_head(context).name + WRITERS[self.format].suffix))
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def run(self, context):
        profile = self._profile
        writer = WRITERS[profile.format if profile else self.format]
        path = _named(Path(bpy.path.abspath(self.filepath)), writer, profile)
        if not path.parent.is_dir():
            raise HeadError(f"There is no folder {path.parent}", "Make it, or choose another")
        obj = active_head(context)
        if not obj.visible_get():
            raise HeadError(f"{obj.name} is hidden", "Show it before exporting")
        if self.root_bone and rig_of(obj) is None:
            raise HeadError(f"{obj.name} has no bones", "Add the rig first, or leave Root bone out")
        with ExitStack() as cleanup:
            copy = cleanup.enter_context(export_copy(context.scene, obj, rig_of(obj)))
            self._adapt(context.scene, copy, cleanup, writer)
            cleanup.enter_context(_only_selected(context.view_layer, *copy.written))
            statement = statement_of(record_of(obj)) | {"exported": now()}
            frames = _frames(context.scene, obj) if self.animation else None
            with stamped(path, statement):
                if profile is None:
                    writer.write(path, frames)
                else:
                    write_profile(path, profile, copy, frames)
        self.report({"INFO"}, f"Wrote {path}")
        return {"FINISHED"}

    def _adapt(
        self, scene: bpy.types.Scene, copy: ExportCopy, cleanup: ExitStack, writer: Writer
    ) -> None:
        """Change ``copy`` as the options and the format want it."""
        profile = self._profile
        leave_helpers_out(copy)
        if self.neutral or profile is not None:
            put_to_rest(copy, keep_animation=self.animation)
        if self.hair_as == "CARDS":
            add_cards(scene, copy, cleanup, cut=writer.cuts)
        if profile is not None and self.levels:
            add_profile_levels(copy, profile, cleanup)
        if self.root_bone and profile is None:
            add_root_bone(copy.rig)
            cleanup.enter_context(portable_bones(copy.rig))
        self._set_materials(copy, cleanup, profile.packing if profile else writer.packing)
        if profile is not None:
            adapt_to_profile(copy, profile, cleanup)
        if writer.y_up or scale_of(scene) != 1:  # no format knows the scene's unit
            axes = _Y_UP if writer.y_up else Matrix()
            bake_transforms(scene, copy, axes, cleanup)

    def _set_materials(self, copy: ExportCopy, cleanup: ExitStack, packing: str) -> None:
        made = []
        if self.bake != "OFF":
            made = use_baked_material(copy.head, int(self.bake), packing)
        elif self.one_material or self._profile is not None:
            made = use_one_material(copy.head)
        else:
            use_plain_materials(copy.head, cleanup)
        cleanup.callback(bpy.data.batch_remove, made)
        for mesh in copy.meshes[1:] if made else ():
            use_material(mesh, made[0])


def _frames(scene: bpy.types.Scene, obj: bpy.types.Object) -> tuple[int, int]:
    """The frames that a file's animation has: those of the head's actions and strips.

    What the head hangs on moves it, too, as long as the scene plays.
    """
    first, last = frames_of(scene, obj)
    outer = rig_of(obj) or obj
    if outer.parent is None and not outer.constraints:
        return first, last
    return min(first, scene.frame_start), max(last, scene.frame_end)


def _named(path: Path, writer: Writer, profile: Profile | None) -> Path:
    """``path`` with the suffix of its format or profile."""
    if profile is None or not profile.suffix:
        return writer.named(path)
    return path if path.suffix.lower() == profile.suffix else Path(f"{path}{profile.suffix}")


@contextmanager
def _only_selected(layer: bpy.types.ViewLayer, *objects: bpy.types.Object | None) -> Iterator[None]:
    """Select only these objects within the block: exporters write the selection."""
    before = {other.name for other in layer.objects.selected}
    _select(layer, {obj.name for obj in objects if obj is not None})
    try:
        yield
    finally:
        _select(layer, before)


def _select(layer: bpy.types.ViewLayer, names: set[str]) -> None:
    for obj in layer.objects:
        obj.select_set(obj.name in names)


CLASSES = (EFFIGY_OT_export,)
