"""Export one head, with its texture and its shape keys, to an interchange format."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ..ml.errors import HeadError
from .heads import poll_head, poll_object_mode
from .reporting import ReportsErrors, call_operator
from .scene.detail import DETAIL
from .scene.expression import BASIS, set_expression
from .scene.metadata import active_head, rig_of


@dataclass(frozen=True)
class Writer:
    """How Blender writes one format.

    Attributes
    ----------
    suffix: of its files. help: what the format is for.
    others: further suffixes that its operator knows; each is another kind of file.
    operator: Blender's, as ``module.name``. options: for that operator.
    animation: the name of its option for animation.
    """

    suffix: str
    help: str
    operator: str
    options: dict[str, Any]
    animation: str = ""
    others: tuple[str, ...] = ()

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
        wanted = self.options | {self.animation: animated}
        options = {key: value for key, value in wanted.items() if key in known}
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
            "bake_anim_use_all_actions": False,  # they leave shape keys out; the scene does not
            "bake_anim_use_nla_strips": False,
            "mesh_smooth_type": "FACE",
            "use_mesh_modifiers": False,  # applying them would drop the shape keys
            "path_mode": "COPY",
            "embed_textures": True,
        },
        animation="bake_anim",
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
    ),
}


class EFFIGY_OT_export(ReportsErrors, bpy.types.Operator):
    """Write the selected head to a file, with texture and expressions"""

    bl_idname = "effigy.export"
    bl_label = "Export head"
    bl_options = {"REGISTER"}

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    format: bpy.props.EnumProperty(
        name="Format",
        items=[(kind, kind, writer.help) for kind, writer in WRITERS.items()],
    )
    neutral: bpy.props.BoolProperty(
        name="Neutral",
        description="Write the person at rest: all expressions at zero, as game engines expect",
        options={"SKIP_SAVE"},
    )
    animation: bpy.props.BoolProperty(
        name="Animation",
        description="Also write the keyframes of expressions and bones",
        options={"SKIP_SAVE"},
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
        with _only_selected(context.view_layer, obj, rig_of(obj)), _at_rest(obj, self.neutral):
            writer.write(path, animated=self.animation)
        self.report({"INFO"}, f"Wrote {path}")
        return {"FINISHED"}


@contextmanager
def _only_selected(layer: bpy.types.ViewLayer, *objects: bpy.types.Object | None) -> Iterator[None]:
    """Select only these objects within the block: exporters write the selection."""
    before = {other.name for other in layer.objects.selected}
    _select(layer, {obj.name for obj in objects if obj is not None})
    try:
        yield
    finally:
        _select(layer, before)


@contextmanager
def _at_rest(obj: bpy.types.Object, neutral: bool) -> Iterator[None]:
    """Where ``neutral``, set all expressions to zero within the block."""
    keys = [key for key in obj.data.shape_keys.key_blocks if key.name not in (BASIS, DETAIL)]
    before = [(key, key.value, key.slider_min, key.slider_max) for key in keys if neutral]
    for key, *_ in before:
        set_expression(obj, key, 0.0)
    bpy.context.view_layer.update()  # else drivers still hold what was
    try:
        yield
    finally:
        for key, value, low, high in before:
            set_expression(obj, key, value)
            key.slider_min, key.slider_max = low, high
        bpy.context.view_layer.update()


def _select(layer: bpy.types.ViewLayer, names: set[str]) -> None:
    for obj in layer.objects:
        obj.select_set(obj.name in names)


CLASSES = (EFFIGY_OT_export,)
