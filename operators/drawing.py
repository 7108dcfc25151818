"""The options of a reconstruction, as the sidebar and the file browser show them."""

from __future__ import annotations

import bpy

from ..ml.settings import CONSISTENT
from .engine.location import lacks
from .runtime import engine_folder, own_preferences
from .translations import CONTEXT


def draw_options(layout: bpy.types.UILayout, settings: bpy.types.PropertyGroup) -> None:
    """Draw what decides how one photo is reconstructed: ``settings`` are the scene's."""
    layout.prop(settings, "face")
    if settings.face == "NUMBER":
        layout.prop(settings, "face_number")
    layout.prop(settings, "landmarks")
    if settings.landmarks == "face-alignment":
        draw_extras(layout, "face_alignment")
        _draw_consent(layout)
    layout.prop(settings, "likeness")
    layout.prop(settings, "renderer")
    layout.prop(settings, "texture_size")
    layout.prop(settings, "level")
    layout.prop(settings, "bust")
    layout.prop(settings, "hair")
    layout.prop(settings, "detail")
    own = own_preferences()
    if settings.detail == CONSISTENT:
        draw_extras(layout, "open_clip")
        layout.prop(settings, "clip")
        if settings.clip == "openai" and own is not None:
            layout.prop(own, "clip_folder")
    layout.prop(settings, "consent")
    if own is not None:
        layout.prop(own, "device")


def draw_extras(layout: bpy.types.UILayout, package: str) -> None:
    """The button that installs the Extras, where the engine was installed without ``package``."""
    if lacks(engine_folder(), package):
        button = layout.operator(
            "effigy.install_engine", text="Install Extras", text_ctxt=CONTEXT, icon="IMPORT"
        )
        button.extras = True


def _draw_consent(layout: bpy.types.UILayout) -> None:
    """The preference that lets face-alignment download, where Blender may go online at all."""
    own, column = own_preferences(), layout.column()
    column.enabled = bpy.app.online_access
    if own is not None:
        column.prop(own, "allow_download")
