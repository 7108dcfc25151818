"""The tab "Effigy" in the 3D View's sidebar."""

from __future__ import annotations

from typing import Any

import bpy
from bl_ui.utils import PresetPanel

from ..ml.geometry.mesh_names import level_and_bust
from ..ml.head.arkit import REGIONS, mirrored_name
from ..ml.results.pinned import NAME as PINNED
from ..operators.drawing import draw_options
from ..operators.engine.warming import warm_up_once
from ..operators.export_formats import WRITERS
from ..operators.scene.detail import detail_key
from ..operators.scene.expression import expression_slot
from ..operators.scene.metadata import (
    active_head,
    doubts_about_photos,
    has_photo,
    photo_names,
    record_of,
)
from ..operators.setting_presets import SUBDIRECTORY
from ..operators.translations import CONTEXT, tr
from .bases import SidebarPanel
from .engine_hint import draw_engine_hint, draw_engine_state, draw_progress, draw_text
from .links import draw_links
from .rig import draw_rig

# The owner of each expression's value, and the path there, by the expression's name.
_Slots = dict[str, tuple[bpy.types.bpy_struct, str]]


class EFFIGY_PT_photo(SidebarPanel, bpy.types.Panel):
    bl_label = "From photo"

    def draw_header_preset(self, context):
        draw_links(self.layout, labels=False)

    def draw(self, context):
        layout, settings = self.layout, context.scene.effigy
        if draw_progress(layout, context.window_manager.effigy_job):
            return
        found = draw_engine_hint(layout)
        warm_up_once()
        if found is not None:
            draw_engine_state(layout)
        column = layout.column()
        column.enabled = found is not None
        column.prop(settings, "photo", text="")
        row = column.row()
        row.scale_y = 1.4
        button = row.operator("effigy.reconstruct", text="Reconstruct", icon="USER")
        button.filepath = settings.photo
        layout.operator("effigy.build", icon="FILE_FOLDER")
        row = layout.row()
        row.enabled = found is not None
        row.operator("effigy.animate", icon="FILE_MOVIE")


class EFFIGY_PT_settings(SidebarPanel, bpy.types.Panel):
    bl_label = "Settings"
    bl_parent_id = "EFFIGY_PT_photo"
    bl_options = {"DEFAULT_CLOSED"}

    def draw_header_preset(self, context):
        EFFIGY_PT_setting_presets.draw_panel_header(self.layout)

    def draw(self, context):
        layout, settings = self.layout, context.scene.effigy
        layout.use_property_split, layout.use_property_decorate = True, False
        draw_options(layout, settings)
        layout.prop(settings, "match_render")
        layout.prop(settings, "output")


class EFFIGY_PT_setting_presets(PresetPanel, bpy.types.Panel):
    """Ways of working: a choice of settings under one name."""

    bl_label = "Effigy settings"
    preset_subdir = SUBDIRECTORY
    preset_operator = "script.execute_preset"
    preset_add_operator = "effigy.setting_preset"


class EFFIGY_PT_folder(SidebarPanel, bpy.types.Panel):
    bl_label = "Several photos"
    bl_parent_id = "EFFIGY_PT_photo"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout, settings = self.layout, context.scene.effigy
        layout.prop(settings, "same_person")
        button = layout.operator("effigy.reconstruct", text="Choose photos", icon="FILE_IMAGE")
        button.same_person, button.build_heads = settings.same_person, settings.build_heads
        layout.prop(settings, "photo_folder", text="")
        layout.prop(settings, "recursive")
        row = layout.row()
        row.enabled = not settings.same_person  # whose photos are fitted together
        row.prop(settings, "skip_existing")
        layout.prop(settings, "build_heads")
        button = layout.operator("effigy.batch", icon="FILE_FOLDER")
        button.directory, button.recursive = settings.photo_folder, settings.recursive
        button.same_person, button.build_heads = settings.same_person, settings.build_heads


class EFFIGY_PT_head(SidebarPanel, bpy.types.Panel):
    bl_label = "Head"

    @classmethod
    def poll(cls, context):
        return active_head(context) is not None

    def draw(self, context):
        layout, obj = self.layout, active_head(context)
        record = record_of(obj)
        column = layout.column(align=True)
        for text, icon in _about(obj, record):
            column.label(text=text, icon=icon, translate=False)
        _draw_trust(column, record)
        key = detail_key(obj)
        if key is not None:
            layout.prop(key, "value", text="Detail", text_ctxt=CONTEXT, slider=True)
        layout.operator("effigy.photo_view", icon="CAMERA_DATA")
        _draw_pins(layout.column(align=True), record)
        layout.operator("effigy.rebuild", icon="FILE_REFRESH")
        draw_rig(layout, obj)
        row = layout.row(align=True)
        for kind in WRITERS:
            row.operator("effigy.export", text=kind, icon="EXPORT").format = kind
        layout.operator("effigy.mark_asset", icon="ASSET_MANAGER")
        layout.operator("effigy.note_consent", icon="TEXT")


class EFFIGY_PT_photos(SidebarPanel, bpy.types.Panel):
    """The photos of a person who was reconstructed from several."""

    bl_label = "Photos"
    bl_parent_id = "EFFIGY_PT_head"

    @classmethod
    def poll(cls, context):
        obj = active_head(context)
        return obj is not None and len(photo_names(obj)) > 1

    def draw(self, context):
        column = self.layout.column(align=True)
        for number, name in enumerate(photo_names(active_head(context))):
            row = column.row(align=True)
            row.label(text=name, icon="IMAGE_DATA", translate=False)
            row.operator("effigy.photo_view", text="", icon="CAMERA_DATA").photo = number
            button = row.operator("effigy.expression", text="", icon="SHAPEKEY_DATA")
            button.which, button.photo = "PHOTO", number
        for text in doubts_about_photos(active_head(context)):
            draw_text(self.layout, text, "ERROR")


class EFFIGY_PT_expression(SidebarPanel, bpy.types.Panel):
    bl_label = "Expression"

    @classmethod
    def poll(cls, context):
        obj = active_head(context)
        return obj is not None and obj.data.shape_keys is not None

    def draw(self, context):
        layout = self.layout
        obj = active_head(context)
        row = layout.row(align=True)
        row.operator("effigy.expression", text="Neutral").which = "NEUTRAL"
        if has_photo(record_of(obj)):
            row.operator("effigy.expression", text="As in the photo").which = "PHOTO"
        keys = obj.data.shape_keys.key_blocks
        slots = {key.name: expression_slot(obj, key) for key in keys}
        for number, (region, names) in enumerate(REGIONS.items()):
            header, body = layout.panel(f"EFFIGY_PT_region_{number}", default_closed=number > 0)
            header.label(text=region, text_ctxt=CONTEXT)
            if body is not None:
                _draw_region(body.column(align=True), slots, names)


def _about(obj: bpy.types.Object, record: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """What a head was made of, in lines of text with their icons."""
    model = tr("Model {id} {version}, {licence}").format(**record["model"])
    level, faces = tr(level_and_bust(record["level"])[0].capitalize()), len(obj.data.polygons)
    mesh = tr("Mesh {level}, {faces:,} faces").format(level=level, faces=faces)
    photo = record["photo"]["name"] or tr("No photo")
    return (photo, "IMAGE_DATA"), (model, "MESH_DATA"), (mesh, "MESH_GRID")


def _draw_trust(layout: bpy.types.UILayout, record: dict[str, Any]) -> None:
    """How far the head can be trusted, and why if it is little; heads of earlier files lack it."""
    if "quality" not in record:
        return
    text = tr("Quality {quality:.2f}, confidence {confidence:.2f}").format(**record)
    layout.label(text=text, icon="CHECKMARK", translate=False)
    if record["quality_reason"]:
        draw_text(layout, record["quality_reason"], "ERROR")


def _draw_pins(column: bpy.types.UILayout, record: dict[str, Any]) -> None:
    """Edit pins or take them from a file; what there is to do with those that the head has."""
    row = column.row(align=True)
    row.operator("effigy.edit_pins", icon="PINNED")
    row.operator("effigy.apply_pins", text="", icon="FILE_FOLDER").choose = True
    if record.get(PINNED):
        row = column.row(align=True)
        row.operator("effigy.save_pins", icon="FILE_TICK")
        row.operator("effigy.apply_pins", icon="TEXTURE")


def _draw_region(column: bpy.types.UILayout, slots: _Slots, names: tuple[str, ...]) -> None:
    """One slider per expression; right and left share a row, as they face the viewer."""
    if any(mirrored_name(name) != name for name in names):
        sides = _halves(column, "")
        for side in ("Right", "Left"):
            sides.label(text=side, text_ctxt=CONTEXT)
    for name in names:
        twin = mirrored_name(name)
        if twin == name or twin not in slots or name not in slots:
            if name in slots:
                column.prop(*slots[name], text=_words(name), text_ctxt=CONTEXT, slider=True)
        elif name.endswith("Right"):
            row = _halves(column, _words(name.removesuffix("Right")))
            row.prop(*slots[name], text="", slider=True)
            row.prop(*slots[twin], text="", slider=True)


def _halves(column: bpy.types.UILayout, title: str) -> bpy.types.UILayout:
    """A titled row for the right and the left side of the face."""
    split = column.split(factor=0.4, align=True)
    split.label(text=title, text_ctxt=CONTEXT)
    return split.row(align=True)


def _words(name: str) -> str:
    """``mouthSmileLeft`` -> ``Mouth smile left``."""
    spaced = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)
    return spaced.capitalize()


CLASSES = (
    EFFIGY_PT_photo,
    EFFIGY_PT_settings,
    EFFIGY_PT_setting_presets,
    EFFIGY_PT_folder,
    EFFIGY_PT_head,
    EFFIGY_PT_photos,
    EFFIGY_PT_expression,
)
