"""The options of a reconstruction, as the sidebar and the file browser show them."""

from __future__ import annotations

import bpy

from ..ml.settings import CONSISTENT
from .runtime import own_preferences


def draw_options(layout: bpy.types.UILayout, settings: bpy.types.PropertyGroup) -> None:
    """Draw what decides how one photo is reconstructed: ``settings`` are the scene's."""
    layout.prop(settings, "face")
    if settings.face == "NUMBER":
        layout.prop(settings, "face_number")
    layout.prop(settings, "landmarks")
    if settings.landmarks == "face-alignment":
        _draw_consent(layout)
    layout.prop(settings, "likeness")
    layout.prop(settings, "renderer")
    layout.prop(settings, "texture_size")
    layout.prop(settings, "level")
    layout.prop(settings, "hair")
    layout.prop(settings, "detail")
    own = own_preferences()
    if settings.detail == CONSISTENT:
        layout.prop(settings, "clip")
        if settings.clip == "openai" and own is not None:
            layout.prop(own, "clip_folder")
    layout.prop(settings, "consent")
    if own is not None:
        layout.prop(own, "device")


def _draw_consent(layout: bpy.types.UILayout) -> None:
    """The preference that lets face-alignment download, where Blender may go online at all."""
    own, column = own_preferences(), layout.column()
    column.enabled = bpy.app.online_access
    if own is not None:
        column.prop(own, "allow_download")
