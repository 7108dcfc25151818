"""The command in a second run, and its exports: one that fails is not the photo's failure."""

import json

import pytest


@pytest.fixture
def command(bpy, fake_engine, module):
    return module("operators.command_line")


def test_a_failed_export_is_named_and_the_photo_stays_ok(
    command, photos, module, monkeypatch, tmp_path, capsys
):
    export, out = module("operators.export_formats"), tmp_path / "out"
    absent = export.Writer(".usdc", "", "wm.no_such_export", {})
    monkeypatch.setitem(export.WRITERS, "USD", absent)
    photo = photos("ok.jpg") / "ok.jpg"
    words = ["reconstruct", str(photo), "--out", str(out), "--usd", "--blend"]
    assert command.run(words) == command.SOME_FAILED
    (row,) = json.loads((out / "report.json").read_text())
    assert (row["status"], row["heads"]) == ("ok", [str(out / "ok")])
    said = capsys.readouterr()
    assert f"{out}/ok/ok.usdc was not written: This Blender cannot write .usdc" in said.err
    assert f"Not written: {out}/ok/ok.usdc" in said.err
    assert (out / "ok/ok.blend").is_file()  # the next format is written all the same


def test_a_second_run_skips_what_is_finished_but_no_person(command, photos, tmp_path, capsys):
    folder, out = photos("ok1.jpg", "ok2.jpg"), tmp_path / "out"
    words = ["batch", str(folder), "--out", str(out), "--skip-existing"]
    for status in ("ok", "skipped"):
        assert command.run(words) == command.OK
        rows = json.loads((out / "report.json").read_text())
        assert [row["status"] for row in rows] == [status] * 2
    assert command.run([*words, "--same-person"]) == command.WRONG_USAGE
    assert "--same-person does not go with --skip-existing" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("head", "head.usdc"),
        ("head.USD", "head.USD"),
        ("head.usda", "head.usda"),
        ("v1.2", "v1.2.usdc"),
    ],
)
def test_usd_has_the_suffix_that_was_asked_for(bpy, built_head, tmp_path, given, wanted):
    bpy.ops.effigy.export(filepath=str(tmp_path / given), format="USD")
    written = [path.name for path in tmp_path.glob("*.*") if path.is_file()]
    assert [name for name in written if not name.endswith(".provenance.json")] == [wanted]
    binary = (tmp_path / wanted).read_bytes().startswith(b"PXR-USDC")
    assert binary is not wanted.endswith("usda")


def test_baked_maps_are_an_option_of_the_command(command, photos, module, monkeypatch, tmp_path):
    export, given = module("operators.export"), []

    def note(obj, size, packing):
        given.append((size, packing))
        return []

    monkeypatch.setattr(export, "use_baked_material", note)
    photo, out = photos("ok.jpg") / "ok.jpg", tmp_path / "out"
    words = ["reconstruct", str(photo), "--out", str(out), "--glb"]
    assert command.run(words) == command.OK
    assert given == []
    assert command.run([*words, "--bake", "4096"]) == command.OK
    assert given == [(4096, "ORM")]
    assert command.run([*words, "--bake", "3"]) == command.WRONG_USAGE


def test_a_profile_is_an_option_of_the_command(command, photos, tmp_path):
    photo, out = photos("ok.jpg") / "ok.jpg", tmp_path / "out"
    words = ["reconstruct", str(photo), "--out", str(out), "--profile", "vrm", "--glb"]
    assert command.run(words) == command.OK
    about = json.loads((out / "ok/ok-vrm.vrm.json").read_text())
    assert about["profile"] == "VRM"
    assert (out / "ok/ok-vrm.vrm").is_file()
    assert (out / "ok/ok.glb").is_file()
    assert not (out / "ok/ok.glb.json").exists()


def test_names_of_bones_are_an_option_of_the_command(bpy, command, photos, tmp_path):
    photo, out = photos("ok.jpg") / "ok.jpg", tmp_path / "out"
    words = ["reconstruct", str(photo), "--out", str(out), "--blend", "--bone-names", "mixamo"]
    assert command.run(words) == command.OK
    bpy.ops.wm.open_mainfile(filepath=str(out / "ok/ok.blend"))
    (rig,) = (obj for obj in bpy.data.objects if obj.type == "ARMATURE")
    assert {"mixamorig:Neck", "mixamorig:Head", "mixamorig:LeftEye"} <= set(rig.data.bones.keys())
    assert command.run([*words[:-1], "biped"]) == command.WRONG_USAGE
