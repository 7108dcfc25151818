"""Entries in Blender's own menus: so F3 finds them, too."""

from __future__ import annotations

import bpy


def _draw_import(self, context):
    layout = self.layout
    layout.operator_context = "INVOKE_DEFAULT"
    layout.operator("effigy.reconstruct", text="Reconstruct photo (Effigy)")
    layout.operator("effigy.build", text="Open reconstruction (Effigy)")


def _draw_add(self, context):
    layout = self.layout
    layout.operator_context = "INVOKE_DEFAULT"
    layout.separator()
    layout.operator("effigy.reconstruct", text="Reconstruct photo (Effigy)", icon="USER")
    layout.operator("effigy.build", text="Open reconstruction (Effigy)", icon="USER")


_ENTRIES = (("TOPBAR_MT_file_import", _draw_import), ("VIEW3D_MT_mesh_add", _draw_add))


def attach() -> None:
    for menu, draw in _ENTRIES:
        getattr(bpy.types, menu).append(draw)


def detach() -> None:
    for menu, draw in _ENTRIES:
        getattr(bpy.types, menu).remove(draw)
