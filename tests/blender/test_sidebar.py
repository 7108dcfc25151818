"""The sidebar and the file browsers: no text is cut off, and buttons pass on what they should."""

from types import SimpleNamespace

import pytest

from tests.support.layout import Layout


@pytest.mark.parametrize("photo", ["a.jpg", "portrait of my grandmother in the garden, 1968.jpg"])
def test_a_long_message_of_a_job_takes_several_lines(module, photo):
    message = f"12/250 {photo}: Reading the face's detail"
    job = SimpleNamespace(running=True, message=message, fraction=0.5, icon=0)
    layout = Layout()
    assert module("panels.engine_hint").draw_progress(layout, job)
    labels = [(text, icon) for kind, text, icon in layout.drawn if kind == "label"]
    assert " ".join(text for text, _ in labels) == message
    assert all(len(text) <= 60 for text, _ in labels)
    assert {icon for _, icon in labels} == {"NONE"}


def test_every_path_of_an_operator_may_be_relative_to_the_file(bpy):
    """Buttons pass paths of the settings on; from 4.5 on Blender warns at each redraw else."""
    names = [name for name in dir(bpy.ops.effigy) if not name.startswith("_")]
    paths = [
        (name, one.identifier, one.is_path_supports_blend_relative)
        for name in names
        for one in getattr(bpy.ops.effigy, name).get_rna_type().properties
        if one.type == "STRING" and one.subtype in ("FILE_PATH", "DIR_PATH")
    ]
    assert ("reconstruct", "filepath", True) in paths
    assert [found for found in paths if not found[2]] == []


@pytest.mark.parametrize("failed", [False, True])
def test_a_failed_check_stands_beside_the_buttons_that_help(bpy, module, fake_engine, failed):
    state, layout = bpy.context.window_manager.effigy_engine, Layout()
    state.tell("This Python lacks torch. Press Install engine in Blender", failed=failed)
    assert module("panels.engine_hint").draw_engine_hint(layout) is not None
    state.tell("", failed=False)
    buttons = [name for name, *_ in layout.drawn if name != "label"]
    assert buttons == ["effigy.install_engine", "preferences.addon_show"] * failed


def test_another_python_is_not_blamed_for_the_last(bpy, module, fake_engine):
    state, own = bpy.context.window_manager.effigy_engine, module("operators.runtime")
    state.tell("This Python lacks torch", failed=True)
    own.own_preferences().engine_python = str(fake_engine())
    own.own_preferences().property_unset("engine_python")
    assert not state.failed
    assert not state.outcome


@pytest.mark.parametrize(
    "name", ["reconstruct", "batch", "build", "export", "import_performance", "export_performance"]
)
def test_the_button_of_the_file_browser_has_room_for_the_operators_name(bpy, name):
    label = getattr(bpy.ops.effigy, name).get_rna_type().name
    assert len(label) <= len("Open reconstruction")  # which just fits


def test_names_of_options_have_room_in_the_file_browser(bpy, module, monkeypatch):
    asking, seen = module("operators.jobs.asking"), []
    monkeypatch.setattr(asking, "draw_options", lambda layout, settings: seen.append(layout))
    operator = SimpleNamespace(layout=Layout(), question="", same_person=False, build_heads=True)
    asking.AskingOperator.draw(operator, bpy.context)
    assert [layout.use_property_split for layout in seen] == [True]
