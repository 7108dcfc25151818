"""A real head's surfaces share one sheet; surfaces that lie on one another do not."""

import numpy as np


def test_a_head_needs_one_sheet(bpy, module):
    layout = module("operators.scene.one_layout")
    bpy.ops.effigy.add_head(person="AVERAGE")
    mesh = bpy.context.object.data
    laid = layout.lay_out(mesh, len(mesh.materials), 1024)
    assert len(laid.owners) == 1
    assert set(np.unique(laid.owners[0])) == {-1, *range(len(mesh.materials))}


def test_what_lies_on_others_gets_a_sheet_of_its_own(built_head, module):
    layout = module("operators.scene.one_layout")
    mesh = built_head.data
    assert len(layout.lay_out(mesh, len(mesh.materials), 256).owners) > 1
