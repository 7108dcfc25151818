"""Bring a new head into view: 25 cm are hard to find in Blender's default view."""

from __future__ import annotations

import math

import bpy
from mathutils import Quaternion

from ..runtime import own_preferences
from ..scene.metadata import is_head

# Looking along +Y, as Numpad 1 does.
_FRONT = Quaternion((1.0, 0.0, 0.0), math.pi / 2)
_WITHOUT_TEXTURE = ("WIREFRAME", "SOLID")


def show_new_heads(context: bpy.types.Context, built: int) -> None:
    """Frame the selected head in the 3D View of ``context``.

    built: how many heads are new. Where no other is in the scene, the view also goes to the front,
    and to Material Preview if the preferences allow it: later the person has chosen a view.
    """
    if bpy.app.background or context.area is None or context.area.type != "VIEW_3D":
        return
    if sum(map(is_head, context.scene.objects)) == built:
        look_from_front(context.space_data)
    region = next(region for region in context.area.regions if region.type == "WINDOW")
    with context.temp_override(region=region):
        if bpy.ops.view3d.view_selected.poll():
            bpy.ops.view3d.view_selected()


def look_from_front(space: bpy.types.SpaceView3D) -> None:
    """Turn the 3D View to the front, and show textures if the preferences allow it."""
    space.region_3d.view_rotation = _FRONT
    own = own_preferences()
    if own is not None and own.show_material and space.shading.type in _WITHOUT_TEXTURE:
        space.shading.type = "MATERIAL"
