"""Presets of the settings and of the export: those that ship, and the person's own."""

from pathlib import Path

import pytest

from ml.settings import OPTIONS

MENU = "EFFIGY_PT_setting_presets"


@pytest.fixture(autouse=True)
def name_of_the_panel(module):
    """Blender calls the panel of presets after the last one that was chosen."""
    panel = getattr(module("panels.sidebar"), MENU)
    name = panel.bl_label
    yield
    panel.bl_label = name


def shipped(bpy, subdirectory):
    return sorted(
        path
        for folder in bpy.utils.preset_paths(subdirectory)
        for path in Path(folder).glob("*.py")
        if "effigy" in folder
    )


@pytest.fixture
def settings(bpy):
    return bpy.context.scene.effigy


def test_shipped_settings_are_valid_and_leave_the_photo_alone(bpy, settings):
    found = shipped(bpy, "effigy/settings")
    assert [path.stem for path in found] == ["Close-up", "Crowd"]
    for path, level in zip(found, ("high", "low"), strict=True):
        settings.photo, settings.face = "//a.jpg", "ALL"
        bpy.ops.script.execute_preset(filepath=str(path), menu_idname=MENU)
        assert settings.chosen().level == level
        assert (settings.photo, settings.face) == ("//a.jpg", "ALL")


def test_shipped_export_presets_set_only_options_that_there_are(bpy, monkeypatch):
    (path,) = shipped(bpy, "operator/effigy.export")
    options = bpy.ops.effigy.export.get_rna_type().properties
    assigned = [
        line.split(" = ") for line in path.read_text().splitlines() if line.startswith("op.")
    ]
    assert assigned
    for name, value in assigned:
        prop = options[name.removeprefix("op.")]
        assert (prop.type, value) == ("BOOLEAN", "True")


def test_what_an_export_preset_keeps_is_how_not_where(bpy):
    """Blender keeps in a preset what is neither hidden nor skipped."""
    kind = bpy.ops.effigy.export.get_rna_type()
    kept = {
        prop.identifier
        for prop in kind.properties
        if not (prop.is_hidden or prop.is_skip_save or prop.identifier == "rna_type")
    }
    assert kept == {
        "neutral",
        "animation",
        "one_material",
        "bake",
        "root_bone",
        "hair_as",
        "profile",
        "levels",
    }


def test_a_preset_of_ones_own_is_kept_and_removed(bpy, settings):
    settings.level, settings.texture_size = "high", "512"
    assert bpy.ops.effigy.setting_preset(name="Mine") == {"FINISHED"}
    path = Path(bpy.utils.preset_find("Mine", "effigy/settings"))
    settings.level, settings.texture_size = "low", "2048"
    bpy.ops.script.execute_preset(filepath=str(path), menu_idname=MENU)
    assert (settings.level, settings.texture_size) == ("high", "512")
    text = path.read_text()
    assert {item.name for item in OPTIONS if f"settings.{item.name} = " in text} == {
        "landmarks",
        "texture_size",
        "level",
        "detail",
        "clip",
        "renderer",
        "likeness",
        "hair",
        "bust",
    }
    bpy.ops.effigy.setting_preset(name="Mine", remove_name=True)
    assert not path.exists()


def test_disabling_forgets_where_presets_lie(bpy):
    import addon_utils

    addon_utils.disable("bl_ext.user_default.effigy")
    try:
        assert shipped(bpy, "effigy/settings") == []
    finally:
        addon_utils.enable("bl_ext.user_default.effigy")
    assert shipped(bpy, "effigy/settings")
