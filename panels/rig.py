"""A head's rig, in the panel of the head."""

from __future__ import annotations

import bpy

from ..operators.scene.board import has_board
from ..operators.scene.board_rig import COLLECTION
from ..operators.scene.bone_names import SCHEMES, scheme_of
from ..operators.scene.gaze import LIDS, TARGET, TRACK
from ..operators.scene.metadata import rig_of
from ..operators.translations import CONTEXT, tr


def draw_rig(layout: bpy.types.UILayout, obj: bpy.types.Object) -> None:
    """Add or remove the rig of a head; what there is to choose where it has one."""
    rig = rig_of(obj)
    text = "Remove rig" if rig is not None else "Add rig"
    toggle = layout.operator("effigy.rig", text=text, icon="ARMATURE_DATA")
    toggle.add = rig is None
    if rig is None:
        return
    target = rig.pose.bones.get(TARGET)
    if target is not None:  # older rigs lack it
        row = layout.row(align=True)
        row.prop(target, f'["{TRACK}"]', text="Eye target", text_ctxt=CONTEXT, slider=True)
        row.prop(target, f'["{LIDS}"]', text="Lids follow", text_ctxt=CONTEXT, slider=True)
    names = tr("Bone names: {scheme}").format(scheme=SCHEMES[scheme_of(rig)].label)
    _draw_board(layout.column(align=True), rig)
    layout.operator_menu_enum("effigy.bone_names", "names", text=names, translate=False)


def _draw_board(column: bpy.types.UILayout, rig: bpy.types.Object) -> None:
    """Add or remove the control board; show it, and move the expression there."""
    there = has_board(rig)
    text = "Remove control board" if there else "Add control board"
    row = column.row(align=True)
    row.operator("effigy.control_board", text=text, icon="POSE_HLT").add = not there
    shown = rig.data.collections.get(COLLECTION) if there else None
    if shown is not None:
        row.prop(shown, "is_visible", text="", icon="HIDE_OFF" if shown.is_visible else "HIDE_ON")
    if there:
        column.operator("effigy.sliders_to_board", icon="SHAPEKEY_DATA")
