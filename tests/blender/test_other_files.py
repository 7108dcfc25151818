"""Heads that come from another .blend file find their results there."""

import json
import shutil

import pytest


@pytest.fixture
def other(bpy, saved_head, tmp_path, module, monkeypatch):
    """A .blend file with a head, whose results lie beside it, in another folder."""
    monkeypatch.setattr(module("operators.opened"), "_earlier", [])
    folder = tmp_path / "other"
    folder.mkdir()
    shutil.move(saved_head.directory, folder / "Ada")
    bpy.ops.effigy.build(directory=str(folder / "Ada"))
    path = folder / "heads.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    assert bpy.context.object["effigy"]["directory"] == "//Ada"
    return path


@pytest.fixture
def append(bpy):
    def bring(path, link=False):
        with bpy.data.libraries.load(str(path), link=link) as (_, wanted):
            wanted.objects = ["Ada"]
        (obj,) = wanted.objects
        bpy.context.scene.collection.objects.link(obj)
        bpy.context.view_layer.objects.active = obj
        return obj

    return bring


@pytest.mark.parametrize("saved", [False, True])
def test_an_appended_head_is_rebuilt_and_remembers_its_files(
    bpy, other, append, module, tmp_path, saved
):
    bpy.ops.wm.read_homefile(use_empty=True)
    if saved:
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "mine.blend"))
    append(other)
    assert bpy.ops.effigy.rebuild() == {"FINISHED"}
    append(other)  # and one that is not rebuilt before it is saved
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "mine.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "mine.blend"))
    metadata = module("operators.scene.metadata")
    heads = [obj for obj in bpy.data.objects if metadata.is_head(obj)]
    assert [obj["effigy"]["directory"] for obj in heads] == ["//other/Ada"] * 2
    assert {metadata.directory_of(obj) for obj in heads} == {other.parent / "Ada"}


def test_a_pasted_head_is_rebuilt(bpy, other, append, module):
    heads = module("operators.heads")
    # Pasting reads a file of Blender's own, which does not lie beside the results.
    clipboard = other.parent.parent / "copybuffer.blend"
    bpy.data.libraries.write(str(clipboard), {bpy.context.object}, path_remap="NONE")
    bpy.ops.wm.read_homefile(use_empty=True)
    obj = append(clipboard)
    assert obj["effigy"]["directory"] == "//Ada"
    assert heads.locate(obj) == other.parent / "Ada"


def test_a_linked_heads_path_is_that_of_its_own_file(bpy, other, append, module, tmp_path):
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "mine.blend"))
    obj = append(other, link=True)
    metadata = module("operators.scene.metadata")
    assert metadata.directory_of(obj) == other.parent / "Ada"
    assert metadata.directory_of(obj.override_create()) == other.parent / "Ada"


def test_another_head_in_the_same_place_is_not_taken(bpy, other, append, tmp_path, module):
    bpy.ops.wm.read_homefile(use_empty=True)
    mine = tmp_path / "Ada"
    shutil.copytree(other.parent / "Ada", mine)
    about = mine / "reconstruction.json"
    about.write_text(about.read_text().replace("ab" * 32, "cd" * 32))
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "mine.blend"))
    obj = append(other)
    assert module("operators.heads").locate(obj) == other.parent / "Ada"


@pytest.mark.parametrize("pinned", [False, True])
def test_the_like_beside_a_file_that_was_open_before_is_not_taken(
    bpy, other, append, tmp_path, module, pinned
):
    """The same photo's head by other settings; pins of the head alone do not make it another."""
    locate = module("operators.heads").locate
    bpy.ops.wm.read_homefile(use_empty=True)
    obj = append(other)
    if pinned:
        record = obj["effigy"].to_dict()
        estimate = {"identity": record["identity"]}
        record["identity"] = [value + 0.5 for value in record["identity"]]
        obj["effigy"] = record | {"pinned": json.dumps({"pins": {}, "estimate": estimate})}
    assert locate(obj) == other.parent / "Ada"
    about = json.loads((other.parent / "Ada/reconstruction.json").read_text())
    about["identity"] = [value + 1 for value in about["identity"]]
    (other.parent / "Ada/reconstruction.json").write_text(json.dumps(about))
    assert locate(obj) != other.parent / "Ada"


def test_gone_files_of_a_relative_path_are_not_needed(bpy, other, append, tmp_path, module):
    bpy.ops.wm.read_homefile(use_empty=True)
    obj = append(other)
    shutil.rmtree(other.parent / "Ada")
    assert module("operators.heads").stored_head(obj).state is None
    assert bpy.ops.effigy.rebuild() == {"FINISHED"}
    assert obj["effigy"]["directory"] == "//Ada"
