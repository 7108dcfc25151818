"""Write what a head's materials show as maps, for programs without Blender's nodes."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..ml.errors import HeadError
from .heads import poll_head, poll_object_mode
from .reporting import ReportsErrors
from .runtime import RELATIVE, path_of
from .scene.bake import SIZES, bake_maps
from .scene.metadata import active_head
from .scene.packing import packed
from .translations import CONTEXT

SIZE_ITEMS = [(str(size), str(size), f"{size} by {size} texels") for size in SIZES]
_PACKING_ITEMS = [
    ("ORM", "ORM", "Occlusion, roughness and metal in one: glTF, Godot and most engines"),
    ("SEPARATE", "Separate", "One map for each property: renderers"),
    ("UNITY", "Unity", "Unity's mask map: metal, occlusion, smoothness"),
    ("UNREAL", "Unreal", "ORM, and normals as DirectX has them"),
]


class EFFIGY_OT_bake(ReportsErrors, bpy.types.Operator):
    """Write colour, normals, roughness, occlusion and masks of the selected head as images: what its materials make of the photo, in one layout"""  # noqa: E501 - the tooltip

    bl_idname = "effigy.bake"
    bl_label = "Bake maps"
    bl_options = {"REGISTER", "PRESET"}

    directory: bpy.props.StringProperty(
        name="Folder",
        description="Where the images go",
        subtype="DIR_PATH",
        options={"SKIP_SAVE"} | RELATIVE,
        translation_context=CONTEXT,
    )
    size: bpy.props.EnumProperty(
        name="Size",
        description="Width and height of each map",
        items=SIZE_ITEMS,
        default="2048",
        translation_context=CONTEXT,
    )
    packing: bpy.props.EnumProperty(
        name="Packing",
        description="Which maps there are, and what their channels hold",
        items=_PACKING_ITEMS,
        translation_context=CONTEXT,
    )
    filter_folder: bpy.props.BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def poll(cls, context):
        return poll_head(cls, context) and poll_object_mode(cls, context)

    def invoke(self, context, event):
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def run(self, context):
        folder, obj = path_of(self.directory), active_head(context)
        if not self.directory or not folder.is_dir():
            raise HeadError(f"There is no folder {folder}", "Make it, or choose another")
        maps, _ = bake_maps(obj, int(self.size))
        images = packed(obj.name, maps, self.packing)
        try:
            for kind, image in images.items():
                _write(image, folder / f"{bpy.path.clean_name(obj.name)}_{kind}.png")
        finally:
            bpy.data.batch_remove(images.values())
        self.report({"INFO"}, f"Wrote {len(images)} maps of {obj.name} into {folder}")
        return {"FINISHED"}


def _write(image: bpy.types.Image, path: Path) -> None:
    image.file_format = "PNG"
    try:
        image.save(filepath=str(path))
    except RuntimeError as error:
        raise HeadError(f"{path} cannot be written", "Choose another folder") from error


CLASSES = (EFFIGY_OT_bake,)
