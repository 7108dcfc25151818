"""The formats that heads are exported to: how Blender's own exporters write them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ..ml.errors import HeadError
from .reporting import call_operator


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

    def write(
        self,
        path: Path,
        frames: tuple[int, int] | None = None,
        more: Mapping[str, object] | None = None,
    ) -> None:
        """Write the selected objects. Raises HeadError.

        frames: first and last of the animation; None: without. more: options besides, or others.
        """
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
        wanted = self.options | {self.animation: frames is not None or self.timed, **(more or {})}
        options = {key: value for key, value in wanted.items() if key in known}
        scene = bpy.context.scene
        if frames is None and self.timed:
            frames = scene.frame_current, scene.frame_current
        with _played(scene, *frames) if frames is not None else nullcontext():
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
            "export_def_bones": True,
            "export_anim_single_armature": False,  # else every action of the file, of all heads
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
            "use_armature_deform_only": True,
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
            "only_deform_bones": True,
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


@contextmanager
def _played(scene: bpy.types.Scene, first: int, last: int) -> Iterator[None]:
    """Let the scene play these frames within the block: exporters write its range."""
    before = scene.frame_start, scene.frame_end
    _play(scene, first, last)
    try:
        yield
    finally:
        _play(scene, *before)


def _play(scene: bpy.types.Scene, first: int, last: int) -> None:
    # Blender keeps the start before the end, whichever is set.
    scene.frame_start, scene.frame_end = first, last
    scene.frame_start = first
