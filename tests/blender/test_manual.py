"""F1 over what Effigy shows opens its page, at the website or in the copy that ships."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support.layout import Layout

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def manual(module):
    return module("operators.manual")


@pytest.fixture
def shipped(manual, tmp_path, monkeypatch):
    """The folder of an extension that has its manual."""
    (tmp_path / "manual").mkdir()
    (tmp_path / "manual/index.html").write_text("")
    monkeypatch.setattr(manual, "ROOT", tmp_path)
    return tmp_path


def looked_up(name):
    """The page that Blender opens when F1 is pressed over this; None where it knows none."""
    from bl_operators.wm import WM_OT_doc_view_manual

    return WM_OT_doc_view_manual._lookup_rna_url(name, verbose=False)


@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("bpy.ops.effigy.reconstruct", "manual/first_head.html"),
        ("bpy.ops.effigy.build", "manual/first_head.html#open-it-again"),
        ("bpy.ops.effigy.export", "manual/export.html"),
        ("bpy.ops.effigy.install_engine", "manual/install.html#the-engine"),
        ("bpy.types.EFFIGY_PG_settings.level", "manual/first_head.html#settings"),
        ("bpy.types.EFFIGY_AP_preferences.engine_python", "manual/install.html#preferences"),
        ("bpy.ops.effigy.edit_pins", "manual/pins.html"),
        ("bpy.ops.effigy.export_performance", "manual/performance.html"),
    ],
)
def test_f1_opens_the_page_of_what_it_is_pressed_over(bpy, shipped, name, page):
    assert looked_up(name) == f"{shipped.as_uri()}/manual/{page}"


def test_every_operator_and_setting_has_a_page(bpy, shipped):
    names = [f"bpy.ops.effigy.{name}" for name in dir(bpy.ops.effigy) if not name.startswith("_")]
    assert [name for name in names if looked_up(name) is None] == []
    # Blender's own are left alone.
    assert looked_up("bpy.ops.mesh.primitive_cube_add") is None or "blender" in looked_up(
        "bpy.ops.mesh.primitive_cube_add"
    )


def test_every_page_and_heading_exists(manual):
    for _, page in manual.PAGES:
        name, _, anchor = page.partition("#")
        path = ROOT / "docs" / name.replace(".html", ".md")
        headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        slugs = {re.sub(r"[^\w\s-]", "", each).lower().replace(" ", "-") for each in headings}
        assert not anchor or anchor in slugs, page


def test_a_website_comes_before_the_copy(shipped, manual, monkeypatch):
    monkeypatch.setattr(manual, "website", lambda: "https://example.org/effigy")
    assert manual.manual_url() == "https://example.org/effigy/index.html"
    assert looked_up("bpy.ops.effigy.rig") == (
        "https://example.org/effigy/manual/animation.html#the-rig"
    )


def test_without_either_there_is_no_link_and_f1_says_so(bpy, manual, module, tmp_path, monkeypatch):
    monkeypatch.setattr(manual, "ROOT", tmp_path)
    monkeypatch.setattr(manual, "website", lambda: "")
    assert manual.manual_url() == ""
    assert looked_up("bpy.ops.effigy.rig") is None
    layout = Layout()
    module("panels.sidebar").EFFIGY_PT_photo.draw_header_preset(
        SimpleNamespace(layout=layout), bpy.context
    )
    assert layout.drawn == []


def test_the_tab_and_the_preferences_have_a_button(bpy, shipped, module):
    layout = Layout()
    module("panels.sidebar").EFFIGY_PT_photo.draw_header_preset(
        SimpleNamespace(layout=layout), bpy.context
    )
    module("panels.links").draw_links(layout)
    found = [(how["text"], button.url) for name, how, button in layout.drawn]
    page = f"{shipped.as_uri()}/manual/index.html"
    assert found == [("", page), ("Manual", page)]


def test_disabling_forgets_the_manual(bpy, shipped):
    import addon_utils

    addon_utils.disable("bl_ext.user_default.effigy")
    try:
        assert looked_up("bpy.ops.effigy.rig") is None
    finally:
        addon_utils.enable("bl_ext.user_default.effigy")
    assert looked_up("bpy.ops.effigy.rig") is not None
