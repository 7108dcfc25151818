"""One material of baked maps for a head that is exported."""

from __future__ import annotations

import bpy

from .bake import bake_maps
from .one_layout import move_uv
from .packing import packed
from .texture_material import SHOWN, texture_material, use_material


def use_baked_material(obj: bpy.types.Object, size: int, packing: str) -> list[bpy.types.ID]:
    """Give ``obj``, a copy in the scene, one material of baked maps in place of its own.

    Returns what was made, which the caller removes. Raises HeadError.
    """
    maps, layout = bake_maps(obj, size)
    images = packed(obj.name, maps, packing, SHOWN)
    made = texture_material(obj.name, images)
    move_uv(obj.data, layout)
    use_material(obj, made[0])
    return [*made, *images.values()]
