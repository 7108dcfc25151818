"""Presets: some that come with Effigy, and the person's own."""

from __future__ import annotations

import bpy
from bl_operators.presets import AddPresetBase

from .runtime import ROOT
from .settings import SCENE_OPTIONS
from .translations import CONTEXT

# Blender looks in there for effigy/settings and operator/effigy.export, as in its own presets.
SHIPPED = ROOT / "operators" / "presets"
SUBDIRECTORY = "effigy/settings"
MENU = "EFFIGY_PT_setting_presets"
# What a preset does not hold: which face it is and what its person agreed to belong to a photo.
_OF_A_PHOTO = ("face", "skip_existing", "consent")


class EFFIGY_OT_setting_preset(AddPresetBase, bpy.types.Operator):
    """Keep the settings as a preset, or remove a preset"""

    bl_idname = "effigy.setting_preset"
    bl_label = "Add settings preset"
    bl_translation_context = CONTEXT
    preset_menu = MENU
    preset_subdir = SUBDIRECTORY
    preset_defines = ["settings = bpy.context.scene.effigy"]
    preset_values = [
        f"settings.{item.name}" for item in SCENE_OPTIONS if item.name not in _OF_A_PHOTO
    ]


CLASSES = (EFFIGY_OT_setting_preset,)


def attach() -> None:
    # From 4.3 on; in 4.2 there are the person's own presets only.
    if hasattr(bpy.utils, "register_preset_path"):
        bpy.utils.register_preset_path(str(SHIPPED.parent))


def detach() -> None:
    if hasattr(bpy.utils, "unregister_preset_path"):
        bpy.utils.unregister_preset_path(str(SHIPPED.parent))
