"""The one list of options, as Blender's settings, the sidebar and the command offer it."""

import json
from dataclasses import asdict, replace
from types import SimpleNamespace

import pytest

from ml.settings import OF_THE_COMPUTER, OPTIONS, Settings, option
from tests.support.layout import draw
from tests.support.patched import Patched


@pytest.fixture
def settings(bpy):
    return bpy.context.scene.effigy


def test_untouched_settings_are_the_defaults(settings):
    assert asdict(settings.chosen()) == asdict(Settings())


SCENE_OPTIONS = [item for item in OPTIONS if item.name not in OF_THE_COMPUTER]


@pytest.fixture
def consent(bpy, module, monkeypatch):
    """Sets Blender's permission to go online and the extension's own."""
    runtime = module("operators.runtime")
    own = runtime.own_preferences()

    def choose(online, allowed):
        app = SimpleNamespace(online_access=online, background=True)
        monkeypatch.setattr(runtime, "bpy", Patched(bpy, app=app))
        own.allow_download = allowed

    yield choose
    own.allow_download = False


@pytest.mark.parametrize(
    ("online", "allowed"), [(False, False), (False, True), (True, False), (True, True)]
)
def test_a_download_needs_blenders_permission_and_the_preference(
    settings, consent, online, allowed
):
    consent(online, allowed)
    assert settings.chosen().allow_download is (online and allowed)


def test_a_received_file_cannot_consent(bpy, settings, consent, tmp_path):
    settings.landmarks = "face-alignment"
    bpy.context.scene["effigy"]["allow_download"] = True
    path = str(tmp_path / "received.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    consent(True, False)
    assert not hasattr(bpy.context.scene.effigy, "allow_download")
    assert bpy.context.scene.effigy.chosen().allow_download is False


def test_the_command_downloads_only_where_blender_may_go_online(
    bpy, fake_engine, photos, module, tmp_path, capsys
):
    photo, command = photos("ok.jpg") / "ok.jpg", module("operators.command_line")
    words = ["reconstruct", str(photo), "--out", str(tmp_path / "out"), "--allow-download"]
    assert not bpy.app.online_access
    assert command.run(words) == command.WRONG_USAGE
    assert "Allow Online Access" in capsys.readouterr().err


def test_the_folder_of_clip_is_a_preference(bpy, settings, module, tmp_path):
    """A received file names no files to be loaded."""
    own = module("operators.runtime").own_preferences()
    bpy.context.scene["effigy"]["clip_folder"] = "elsewhere"
    assert settings.chosen().clip_folder == ""
    own.clip_folder = str(tmp_path)
    try:
        assert settings.chosen().clip_folder == str(tmp_path)
    finally:
        own.clip_folder = ""


@pytest.mark.parametrize("item", SCENE_OPTIONS, ids=lambda item: item.name)
def test_every_option_is_a_property_with_its_choices(settings, item):
    rna = settings.bl_rna.properties[item.name]
    assert (rna.name, rna.description) == (item.label, item.help)
    if item.limits is not None:
        assert (rna.hard_min, rna.hard_max, rna.subtype) == (*item.limits, "PERCENTAGE")
        setattr(settings, item.name, item.limits[1])
        assert getattr(settings.chosen(), item.name) == item.limits[1]
        return
    if not item.choices:
        value = True if rna.type == "BOOLEAN" else "text"
        setattr(settings, item.name, value)
        assert getattr(settings.chosen(), item.name) == value
        return
    found = [(each.identifier.lower(), each.name, each.description) for each in rna.enum_items]
    assert found == [(each.value, each.label, each.help) for each in item.choices]
    for each, value in zip(rna.enum_items, item.values, strict=True):
        setattr(settings, item.name, each.identifier)
        wanted = "1" if value == "number" else value
        assert str(getattr(settings.chosen(), item.name)) == wanted


def test_faces_keep_the_names_that_scripts_know(settings):
    items = settings.bl_rna.properties["face"].enum_items
    assert [item.identifier for item in items] == ["PROMINENT", "ALL", "NUMBER"]
    settings.face, settings.face_number = "NUMBER", 3
    assert settings.chosen().face == "3"


def test_the_sidebar_shows_every_option(bpy, settings, module):
    settings.landmarks = "face-alignment"  # or there is nothing to download
    settings.detail, settings.clip = "consistent", "openai"  # or there are no weights to be found
    sidebar = module("panels.sidebar")
    panels = sidebar.EFFIGY_PT_settings, sidebar.EFFIGY_PT_folder
    drawn = [entry for panel in panels for entry in draw(panel, bpy.context)]
    assert {item.name for item in OPTIONS} <= {
        path for _, path, _ in drawn if isinstance(path, str)
    }


@pytest.mark.parametrize("flag", ["--out", "--output"])
def test_the_command_takes_every_option(fake_engine, photos, module, tmp_path, consent, flag):
    consent(True, False)
    folder = str(tmp_path / "clips")
    wanted = Settings("2", "face-alignment", True, 512, "low", "consistent", "openai", folder)
    wanted = replace(wanted, renderer="pytorch3d", likeness=80, skip_existing=True)
    words = "--face 2 --landmarks face-alignment --allow-download --texture-size 512 --level low"
    words += " --detail consistent --clip openai --renderer pytorch3d --skip-existing --likeness 80"
    photo, out = photos("ok.jpg") / "ok.jpg", tmp_path / "out"
    command = module("operators.command_line")
    words = [*words.split(), "--clip-folder", folder]
    assert command.run(["reconstruct", str(photo), flag, str(out), *words]) == command.OK
    assert json.loads((out / "ok/request.json").read_text())["settings"] == asdict(wanted)


@pytest.mark.parametrize("name", ["level", "detail", "clip", "renderer", "face"])
def test_the_command_refuses_what_no_option_has(bpy, module, photos, tmp_path, capsys, name):
    photo, command = photos("ok.jpg") / "ok.jpg", module("operators.command_line")
    words = ["reconstruct", str(photo), "--out", str(tmp_path / "out"), f"--{name}", "nose"]
    assert command.run(words) == command.WRONG_USAGE
    assert "'nose'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_command_has_a_flag_for_every_format(bpy, module):
    command, export = module("operators.command_line"), module("operators.export")
    flags = {"--blend", *(f"--{kind.lower()}" for kind in export.WRITERS)}
    words = ["reconstruct", "me.jpg", "--out", "out", *flags]
    parsed = vars(command.make_parser().parse_args(words))
    assert all(parsed[flag[2:]] for flag in flags)
    items = bpy.ops.effigy.export.get_rna_type().properties["format"].enum_items
    assert [(each.identifier, each.description) for each in items] == [
        (kind, writer.help) for kind, writer in export.WRITERS.items()
    ]


def test_the_command_passes_the_options_of_exports_on(fake_engine, photos, module, tmp_path):
    photo, out = photos("ok.jpg") / "ok.jpg", tmp_path / "out"
    command = module("operators.command_line")
    words = ["--glb", "--neutral", "--one-material", "--root-bone"]
    assert command.run(["reconstruct", str(photo), "--out", str(out), *words]) == command.OK
    data = (out / "ok/ok.glb").read_bytes()
    held = json.loads(data[20 : 20 + int.from_bytes(data[12:16], "little")])
    assert len(held["materials"]) == 1
    assert "root" in {node["name"] for node in held["nodes"]}
    assert not any(held["meshes"][0]["weights"])


def test_texture_sizes_are_in_range():
    assert all(int(value) in (0, 512, 1024, 2048) for value in option("texture_size").values)
