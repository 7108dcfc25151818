"""Entries in Blender's own menus: so F3 finds them, too."""

from __future__ import annotations

import bpy


def _draw_import(self, context):
    layout = self.layout
    layout.operator_context = "INVOKE_DEFAULT"
    layout.operator("effigy.reconstruct", text="Effigy: photo (.jpg, .png, ...)")
    layout.operator("effigy.build", text="Effigy: reconstruction (.json)")
    layout.operator("effigy.import_performance", text="Effigy: performance (.csv)")
    text = "Effigy: lip sync (.json, .tsv, .xml, .TextGrid)"
    layout.operator("effigy.import_speech", text=text)


def _draw_export(self, context):
    layout = self.layout
    layout.operator_context = "INVOKE_DEFAULT"
    layout.operator("effigy.export_performance", text="Effigy: performance (.csv)")


def _draw_add(self, context):
    layout = self.layout
    layout.operator_context = "INVOKE_DEFAULT"
    layout.separator()
    for person, text in (("AVERAGE", "Effigy head"), ("RANDOM", "Effigy random head")):
        layout.operator("effigy.add_head", text=text, icon="USER").person = person
    layout.operator("effigy.reconstruct", text="Effigy head from photo", icon="FILE_IMAGE")


_ENTRIES = (
    ("TOPBAR_MT_file_import", _draw_import),
    ("TOPBAR_MT_file_export", _draw_export),
    ("VIEW3D_MT_mesh_add", _draw_add),
)


def attach() -> None:
    for menu, draw in _ENTRIES:
        getattr(bpy.types, menu).append(draw)


def detach() -> None:
    for menu, draw in _ENTRIES:
        getattr(bpy.types, menu).remove(draw)
