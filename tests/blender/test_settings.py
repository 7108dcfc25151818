"""The one list of options, as Blender's settings, the sidebar and the command offer it."""

import json
from dataclasses import asdict

import pytest

from ml.settings import OPTIONS, Settings, option
from tests.support.layout import draw


@pytest.fixture
def settings(bpy):
    return bpy.context.scene.effigy


def test_untouched_settings_are_the_defaults(settings):
    assert asdict(settings.chosen()) == asdict(Settings())


@pytest.mark.parametrize("item", OPTIONS, ids=lambda item: item.name)
def test_every_option_is_a_property_with_its_choices(settings, item):
    rna = settings.bl_rna.properties[item.name]
    assert (rna.name, rna.description) == (item.label, item.help)
    if not item.choices:
        setattr(settings, item.name, True)
        assert getattr(settings.chosen(), item.name) is True
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
    drawn = draw(module("panels.sidebar").EFFIGY_PT_settings, bpy.context)
    assert {item.name for item in OPTIONS} <= {entry[1] for entry in drawn}


@pytest.mark.parametrize("flag", ["--out", "--output"])
def test_the_command_takes_every_option(bpy, fake_engine, photos, module, tmp_path, flag):
    wanted = Settings("2", "face-alignment", True, 512, "low", "fast", "pytorch3d")
    words = "--face 2 --landmarks face-alignment --allow-download --texture-size 512 --level low"
    words += " --detail fast --renderer pytorch3d"
    photo, out = photos("ok.jpg") / "ok.jpg", tmp_path / "out"
    command = module("operators.command_line")
    assert command.run(["reconstruct", str(photo), flag, str(out), *words.split()]) == command.OK
    assert json.loads((out / "ok/request.json").read_text())["settings"] == asdict(wanted)


@pytest.mark.parametrize("name", ["level", "detail", "renderer", "face"])
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


def test_texture_sizes_are_in_range():
    assert all(int(value) in (0, 512, 1024, 2048) for value in option("texture_size").values)
