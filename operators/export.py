"""Export one head, with its texture and its shape keys, to an interchange format."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
from bpy_extras.io_utils import axis_conversion
from mathutils import Matrix

from ..ml.errors import HeadError
from .bake import SIZE_ITEMS
from .heads import poll_head, poll_object_mode
from .reporting import ReportsErrors, call_operator
from .runtime import RELATIVE
from .scene.baked_material import use_baked_material
from .scene.export_copy import (
    ExportCopy,
    add_root_bone,
    export_copy,
    portable_bones,
    put_to_rest,
)
from .scene.export_transforms import bake_transforms
from .scene.hair_cards import add_cards
from .scene.metadata import active_head, rig_of
from .scene.one_material import use_one_material
from .scene.place import scale_of
from .scene.plain_materials import use_plain_materials
from .translations import CONTEXT

_Y_UP: Matrix = axis_conversion(to_forward="-Z", to_up="Y").to_4x4()


@dataclass(frozen=True)
class Writer:
    """How Blender writes one format.

    Attributes
    ----------
    suffix: of its files. help: what the format is for.
    others: further suffixes that its operator knows; each is another kind of file.
    operator: Blender's, as ``module.name``. options: for that operator.
    animation: the name of its option for animation.
    y_up: whether it turns objects by what the file's axes and Blender's differ.
    timed: whether it writes values of expressions only as animation.
    cuts: whether it says where alpha cuts a surface off, which is better for hair than blending.
    packing: of baked maps that its readers find.
    """

    suffix: str
    help: str
    operator: str
    options: dict[str, Any]
    animation: str = ""
    others: tuple[str, ...] = ()
    y_up: bool = False
    timed: bool = False
    cuts: bool = False
    packing: str = "SEPARATE"

    def named(self, path: Path) -> Path:
        """``path`` with a suffix of this format."""
        if path.suffix.lower() in (self.suffix, *self.others):
            return path
        return path.with_name(path.name + self.suffix)

    def write(self, path: Path, *, animated: bool = False) -> None:
        """Write the selected objects. Raises HeadError."""
        module, name = self.operator.split(".")
        operators = getattr(bpy.ops, module)
        if name not in dir(operators):
            raise HeadError(
                f"This Blender cannot write {self.suffix} files ({self.operator} is missing)",
                "Enable its add-on in the preferences, or use a Blender from blender.org",
            )
        operator = getattr(operators, name)
        # Blenders differ in what their exporters can do.
        known = operator.get_rna_type().properties
        wanted = self.options | {self.animation: animated or self.timed}
        options = {key: value for key, value in wanted.items() if key in known}
        still = self.timed and not animated
        with _one_frame(bpy.context.scene) if still else nullcontext():
            call_operator(operator, filepath=str(path), **options)


# All formats there are. The operator, the command line and the sidebar read this table.
WRITERS = {
    "GLB": Writer(
        ".glb",
        "glTF, one binary file: web, game engines, most programs",
        "export_scene.gltf",
        {
            "export_format": "GLB",
            "use_selection": True,
            "export_morph": True,
        },
        animation="export_animations",
        cuts=True,
        packing="ORM",
    ),
    "FBX": Writer(
        ".fbx",
        "Unity, Unreal, Maya and others",
        "export_scene.fbx",
        {
            "use_selection": True,
            "object_types": {"MESH", "ARMATURE"},
            "add_leaf_bones": False,
            "apply_scale_options": "FBX_SCALE_ALL",  # else engines see a scale of 100
            "apply_unit_scale": False,  # what is written is in metres already
            "bake_anim_use_all_actions": False,  # they leave shape keys out; the scene does not
            "bake_anim_use_nla_strips": False,
            "mesh_smooth_type": "FACE",
            "use_mesh_modifiers": False,  # applying them would drop the shape keys
            "path_mode": "COPY",
            "embed_textures": True,
        },
        animation="bake_anim",
        y_up=True,
    ),
    "USD": Writer(
        ".usdc",
        "Film pipelines; textures in a folder beside it",
        "wm.usd_export",
        {
            "selected_objects_only": True,
            "export_shapekeys": True,
            "export_materials": True,
            "convert_world_material": False,
            "export_custom_properties": False,  # the record names folders
            "overwrite_textures": True,
        },
        animation="export_animation",
        others=(".usd", ".usda", ".usdz"),
        timed=True,
    ),
}


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
    hair: bpy.props.EnumProperty(
        name="Hair",
        description="How the file has the hair: no format has hair curves",
        items=[
            ("CARDS", "Cards", "Ribbons with a texture of strands, at most 12,000 triangles"),
            ("NONE", "None", "No hair"),
        ],
        translation_context=CONTEXT,
    )
    check_existing: bpy.props.BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def poll(cls, context):
        return poll_head(cls, context) and poll_object_mode(cls, context)

    def invoke(self, context, event):
        if not self.filepath:
            folder = Path(bpy.data.filepath).parent if bpy.data.filepath else Path.home()
            self.filepath = str(folder / (active_head(context).name + WRITERS[self.format].suffix))
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def run(self, context):
        writer = WRITERS[self.format]
        path = writer.named(Path(bpy.path.abspath(self.filepath)))
        if not path.parent.is_dir():
            raise HeadError(f"There is no folder {path.parent}", "Make it, or choose another")
        obj = active_head(context)
        if not obj.visible_get():
            raise HeadError(f"{obj.name} is hidden", "Show it before exporting")
        if self.root_bone and rig_of(obj) is None:
            raise HeadError(f"{obj.name} has no bones", "Add the rig first, or leave Root bone out")
        with ExitStack() as cleanup:
            copy = cleanup.enter_context(export_copy(context.scene, obj, rig_of(obj)))
            self._adapt(context.scene, copy, cleanup)
            cleanup.enter_context(_only_selected(context.view_layer, *copy.written))
            writer.write(path, animated=self.animation)
        self.report({"INFO"}, f"Wrote {path}")
        return {"FINISHED"}

    def _adapt(self, scene: bpy.types.Scene, copy: ExportCopy, cleanup: ExitStack) -> None:
        """Change ``copy`` as the options and the format want it."""
        if self.neutral:
            put_to_rest(copy, keep_animation=self.animation)
        if self.hair == "CARDS":
            add_cards(scene, copy, cleanup, cut=WRITERS[self.format].cuts)
        if self.root_bone:
            add_root_bone(copy.rig)
            cleanup.enter_context(portable_bones(copy.rig))
        if self.bake != "OFF":
            packing = WRITERS[self.format].packing
            made = use_baked_material(copy.head, int(self.bake), packing)
            cleanup.callback(bpy.data.batch_remove, made)
        elif self.one_material:
            cleanup.callback(bpy.data.batch_remove, use_one_material(copy.head))
        else:
            use_plain_materials(copy.head, cleanup)
        y_up = WRITERS[self.format].y_up
        if y_up or scale_of(scene) != 1:  # no format knows the scene's unit
            axes = _Y_UP if y_up else Matrix()
            bake_transforms(scene, copy, axes, cleanup)


@contextmanager
def _one_frame(scene: bpy.types.Scene) -> Iterator[None]:
    """Let the scene's range be the present frame alone within the block."""
    start, end = scene.frame_start, scene.frame_end
    scene.frame_start = scene.frame_end = scene.frame_current
    try:
        yield
    finally:
        # Blender keeps the start before the end, whichever is set.
        scene.frame_start, scene.frame_end = start, end
        scene.frame_start = start


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
