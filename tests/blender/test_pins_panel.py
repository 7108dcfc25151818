"""Pins without the 3D View: buttons of the panel, and the file browser."""

from types import SimpleNamespace

from tests.support.layout import draw
from tests.support.patched import Patched


def buttons(bpy, module):
    drawn = draw(module("panels.sidebar").EFFIGY_PT_head, bpy.context)
    pins = [(name, vars(button)) for name, _, button in drawn if "pins" in str(name)]
    return [(name.removeprefix("effigy."), values) for name, values in pins]


def test_the_panel_saves_and_applies_the_pins_that_a_head_has(bpy, pinnable, source, module):
    always = [("edit_pins", {}), ("apply_pins", {"choose": True})]
    assert buttons(bpy, module) == always
    bpy.ops.effigy.apply_pins(filepath=str(source.file), project=False)
    assert buttons(bpy, module) == [*always, ("save_pins", {}), ("apply_pins", {})]


def test_pins_are_chosen_in_the_file_browser(bpy, source, module, monkeypatch):
    """Whose answer ends in execute, which cannot show progress: it begins anew."""
    apply, asking = module("operators.pins.apply"), module("operators.jobs.asking")
    opened, begun = [], []
    manager = SimpleNamespace(fileselect_add=opened.append)
    monkeypatch.setattr(asking, "call_operator", lambda *how, **what: begun.append((how[1:], what)))
    monkeypatch.setattr(asking, "bpy", Patched(bpy, app=Patched(bpy.app, background=False)))

    class Operator(apply.BrowsingOperator):
        bl_idname, choose, project = "effigy.apply_pins", True, False
        asked, filepath = False, ""
        invoke, answers = apply.EFFIGY_OT_apply_pins.invoke, apply.EFFIGY_OT_apply_pins.answers

    operator = Operator()
    assert operator.invoke(SimpleNamespace(window_manager=manager), None) == {"RUNNING_MODAL"}
    assert opened == [operator]
    operator.filepath = str(source.file)
    assert operator.execute(bpy.context) == {"FINISHED"}
    assert begun == [(("INVOKE_DEFAULT",), {"filepath": str(source.file), "project": False})]
