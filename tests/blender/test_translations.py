"""Every text of the panel and the operators has a translation, and disabling takes all back."""

import ast
import json
import string
from pathlib import Path
from types import SimpleNamespace

import pytest

from ml.head.arkit import REGIONS
from ml.shape_sliders.sliders import GROUPS
from tests.support.layout import Layout, draw
from tests.support.patched import Patched

ROOT = Path(__file__).resolve().parents[2]
NAME = "bl_ext.user_default.effigy"
FILES = sorted((ROOT / "operators/translations").glob("*.json"))
# Names and numbers are the same everywhere.
NAMES = {
    "Effigy",
    "face-alignment",
    "pytorch3d",
    "CLIP",
    "GLB",
    "FBX",
    "USD",
    "Rigify",
    "Mixamo",
    "Oculus",
    "Microsoft",
    "VRM",
    "512",
    "1024",
    "2048",
    "4096",
    "ORM",
    "Unity",
    "Unreal",
    "Unreal Engine",
    "Godot",
    "three.js",
    "VRM 1.0",
    "VRChat",
    "Apple ARKit",
}


@pytest.fixture
def texts(bpy, module):
    """All texts that a person may see in menus, panels, buttons and dialogs, in English."""
    found = set(_names(bpy, module)) | set(_of_expressions(module)) | set(_in_code())
    found |= set(_of_menus(bpy, module)) | set(GROUPS)
    found |= {text for text, _ in module("panels.engine_hint")._STATES.values()}
    surfaces = module("operators.scene.surface_groups")
    found |= {each.name for group in (surfaces.SKIN, surfaces.TEETH) for each in group.sliders}
    return {text for text in found if text} - NAMES


def _names(bpy, module):
    """Labels of classes, properties and choices that are not hidden."""
    for cls in (*module("operators").CLASSES, *module("panels").CLASSES):
        yield getattr(cls, "bl_label", "")
    kinds = [
        getattr(bpy.ops.effigy, name).get_rna_type()
        for name in dir(bpy.ops.effigy)
        if not name.startswith("_") and name != "setting_preset"  # Blender's own dialog
    ]
    settings, preferences = module("operators.settings"), module("panels.preferences")
    kinds += [settings.EFFIGY_PG_settings.bl_rna, preferences.EFFIGY_AP_preferences.bl_rna]
    kinds.append(module("operators.shape.properties").EFFIGY_PG_shape.bl_rna)
    for kind in kinds:
        for prop in kind.properties:
            if prop.translation_context == "Effigy" and not prop.is_hidden:
                yield prop.name
                yield from (item.name for item in getattr(prop, "enum_items", ()))


def _of_menus(bpy, module):
    for _, entry in module("panels.menus")._ENTRIES:
        layout = Layout()
        entry(SimpleNamespace(layout=layout), bpy.context)
        yield from (how["text"] for _, how, _ in layout.drawn)


def _of_expressions(module):
    words = module("panels.sidebar")._words
    for region, names in REGIONS.items():
        yield region
        yield from (words(name.removesuffix("Right").removesuffix("Left")) for name in names)


def _in_code():
    """Literals that the code gives to buttons and labels, or translates itself."""
    for path in [*(ROOT / "panels").rglob("*.py"), *(ROOT / "operators").rglob("*.py")]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        constants = {
            target.id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            for given in _texts_of(call):
                given = constants.get(given.id, given) if isinstance(given, ast.Name) else given
                if isinstance(given, ast.Constant) and isinstance(given.value, str):
                    yield given.value


def _texts_of(call):
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name == "tr":
        yield call.args[0]
    elif name == "draw_text":
        yield call.args[1]
    yield from (keyword.value for keyword in call.keywords if keyword.arg == "text")


def fields(text):
    return sorted(part[1:3] for part in string.Formatter().parse(text) if part[1] is not None)


def test_the_five_languages_are_there():
    assert [path.stem for path in FILES] == ["de", "es", "fr", "ja", "zh_HANS"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_text_has_a_translation_with_the_same_places_for_names(texts, path):
    table = json.loads(path.read_text(encoding="utf-8"))
    assert {"Reconstruct photo", "Face", "Engine Python", "Mouth smile", "No photo"} <= texts
    assert {"Jaw width", "Ears and neck", "Mix heads"} <= texts
    assert {"Effigy random head", "The engine is ready", "Choose photos"} <= texts
    assert sorted(texts - table.keys()) == []
    assert [text for text, translated in table.items() if not translated.strip()] == []
    assert [text for text in table if fields(text) != fields(table[text])] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_all_languages_have_the_same_texts(path):
    tables = [json.loads(each.read_text(encoding="utf-8")).keys() for each in (path, FILES[0])]
    assert tables[0] == tables[1]


def test_what_the_panel_composes_is_drawn_in_the_language(bpy, module, built_head, monkeypatch):
    translations, german = module("operators.translations"), json.loads(FILES[0].read_text("utf-8"))
    app = Patched(bpy.app, translations=Patched(bpy.app.translations, pgettext_iface=_get(german)))
    monkeypatch.setattr(translations, "bpy", Patched(bpy, app=app))
    drawn = draw(module("panels.sidebar").EFFIGY_PT_head, bpy.context)
    labels = [text for kind, text, _ in drawn if kind == "label"]
    assert labels[1].startswith("Modell effigy-head")
    assert labels[2] == f"Mesh Basis, {len(built_head.data.polygons):,} Flächen"


def _get(table):
    def get(text, context):
        assert context == "Effigy"
        return table.get(text, text)

    return get


def test_every_property_with_a_name_is_in_that_context(bpy):
    """Paths and filters of the file browser have none, and Blender's dialogs their own."""
    outside = {
        f"{name}.{prop.identifier}"
        for name in dir(bpy.ops.effigy)
        if not name.startswith("_") and name != "setting_preset"
        for prop in getattr(bpy.ops.effigy, name).get_rna_type().properties
        if not prop.is_hidden and prop.translation_context != "Effigy"
    }
    assert {found for found in outside if not found.endswith((".rna_type", ".filepath"))} == {
        "batch.directory"
    }


def test_classes_are_in_the_context_of_the_tables(bpy, module):
    """Blender's own words for a mesh's face or a driver's expression are other ones."""
    kinds = (bpy.types.Operator, bpy.types.Panel)
    foreign = [
        cls.__name__
        for cls in (*module("operators").CLASSES, *module("panels").CLASSES)
        if issubclass(cls, kinds) and cls.bl_rna.translation_context != "Effigy"
    ]
    assert foreign == ["EFFIGY_PT_setting_presets"]  # Blender draws its name itself


def test_disabling_takes_the_translations_back(bpy, module, monkeypatch):
    import addon_utils

    given, translations = [], module("operators.translations")

    def noting(what):
        real = getattr(bpy.app.translations, what)
        return lambda name, *tables: given.append((what, name)) or real(name, *tables)

    noted = Patched(
        bpy.app.translations, **{what: noting(what) for what in ("register", "unregister")}
    )
    app = Patched(bpy.app, translations=noted)
    monkeypatch.setattr(translations, "bpy", Patched(bpy, app=app))
    addon_utils.disable(NAME)
    addon_utils.enable(NAME)
    name = f"{NAME}.operators.translations"
    assert given == [("unregister", name), ("register", name)]
