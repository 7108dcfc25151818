"""What a batch does to the scene: no head twice, one step to undo, or no heads at all."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support.layout import Layout
from tests.support.patched import Patched
from tests.support.synthetic_head import write_synthetic


def heads(bpy):
    return [obj for obj in bpy.context.scene.objects if obj.type == "MESH"]


@pytest.fixture
def results(tmp_path):
    """The folders of three results."""
    folders = [tmp_path / f"result{number}" for number in range(3)]
    for folder in folders:
        write_synthetic(folder, name=f"{folder.name}.jpg")
    return folders


@pytest.fixture
def builder(bpy, module):
    """Makes a builder of several heads."""
    building, attention = module("operators.jobs.building"), module("operators.jobs.attention")

    def make():
        watched = attention.Attention(bpy.context, single=False)
        return building.Builder(bpy.context, watched, collection="People", several=True)

    return make


def test_a_second_batch_builds_no_head_twice(bpy, fake_engine, photos, tmp_path):
    folder = photos("ok1.jpg", "ok2.jpg")
    given = {"directory": str(folder), "output": str(tmp_path / "out")}
    bpy.ops.effigy.batch(**given)
    first = heads(bpy)
    first[0].location.x, first[0].name = 5, "Mine"
    bpy.ops.effigy.batch(**given)
    assert heads(bpy) == first
    bpy.data.objects.remove(first[1])
    bpy.ops.effigy.batch(**given)
    assert len(heads(bpy)) == 2


@pytest.mark.parametrize("same_person", [False, True])
def test_a_photo_that_is_chosen_twice_is_done_once(bpy, fake_engine, photos, tmp_path, same_person):
    folder, out = photos("ok1.jpg", "ok2.jpg"), tmp_path / "out"
    files = [{"name": name} for name in ("ok1.jpg", "ok2.jpg", "./ok1.jpg")]
    bpy.ops.effigy.reconstruct(
        directory=str(folder), files=files, output=str(out), same_person=same_person
    )
    rows = json.loads((out / "report.json").read_text())
    assert [(Path(row["photo"]).name, row["status"]) for row in rows] == [
        ("ok1.jpg", "ok"),
        ("ok2.jpg", "ok"),
    ]


def test_what_was_in_the_scene_is_said(bpy, results, builder):
    build = builder()
    build(results[0])
    assert build.remark() == ""
    again = builder()
    for folder in results:
        again(folder)
    assert len(heads(bpy)) == 3
    assert "1 head was in the scene already" in again.remark()
    # In another scene there is none.
    bpy.context.window.scene = bpy.data.scenes.new("Second")
    other = builder()
    other(results[0])
    assert len(heads(bpy)) == 1


def test_the_heads_of_a_batch_are_one_step_to_undo(bpy, results, builder, module, monkeypatch):
    app = SimpleNamespace(background=False)  # the wheel only has undo where it is asked for
    monkeypatch.setattr(module("operators.jobs.building"), "bpy", Patched(bpy, app=app))
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.ed.undo_push(message="Cube")
    build = builder()
    for folder in results:
        build(folder)
    assert len(heads(bpy)) == 4
    second = builder()
    bpy.data.objects.remove(heads(bpy)[-1])
    bpy.ops.ed.undo_push(message="Delete")
    second(results[2])
    bpy.ops.ed.undo()
    assert len(heads(bpy)) == 3
    bpy.ops.ed.undo()
    assert len(heads(bpy)) == 4
    bpy.ops.ed.undo()
    assert [obj.name for obj in heads(bpy)] == ["Cube"]
    bpy.ops.ed.redo()
    assert len(heads(bpy)) == 4


def test_undo_between_two_heads_does_not_stop_the_next(bpy, results, builder, module, monkeypatch):
    app = SimpleNamespace(background=False)
    monkeypatch.setattr(module("operators.jobs.building"), "bpy", Patched(bpy, app=app))
    bpy.ops.ed.undo_push(message="Before")
    build = builder()
    build(results[0])
    bpy.ops.ed.undo()
    build(results[1])
    assert [obj.name for obj in heads(bpy)] == ["result1"]


def test_heads_go_to_the_scene_of_their_job(bpy, results, builder):
    home = bpy.context.scene
    build = builder()
    home.name = "Renamed"
    bpy.context.window.scene = bpy.data.scenes.new("Second")
    build(results[0])
    assert not heads(bpy)
    assert len([obj for obj in home.objects if obj.type == "MESH"]) == 1
    bpy.data.scenes.remove(home)
    build(results[1])  # the open one is all that is left
    assert len(heads(bpy)) == 1


def test_only_results(bpy, fake_engine, photos, tmp_path):
    folder, out = photos("ok1.jpg", "ok2.jpg"), tmp_path / "out"
    done = bpy.ops.effigy.batch(directory=str(folder), output=str(out), build_heads=False)
    assert done == {"FINISHED"}
    files = [{"name": name} for name in ("ok1.jpg", "ok2.jpg")]
    bpy.ops.effigy.reconstruct(
        directory=f"{folder}/", files=files, output=str(tmp_path / "second"), build_heads=False
    )
    assert not heads(bpy)
    assert len(list(tmp_path.glob("*/ok*/reconstruction.json"))) == 4
    # One photo is one head.
    bpy.ops.effigy.reconstruct(
        filepath=str(folder / "ok1.jpg"), output=str(tmp_path / "third"), build_heads=False
    )
    assert len(heads(bpy)) == 1


@pytest.fixture
def asking(bpy, module, monkeypatch):
    """A batch operator outside of Blender, in a Blender with a window, and what it did."""
    batch, asking = module("operators.batch"), module("operators.jobs.asking")
    methods = {
        n: vars(batch.EFFIGY_OT_batch)[n] for n in ("start", "_invoke", "_photos", "answers")
    }
    done = []
    methods["run_modal"] = lambda self, context: done.append("run") or {"FINISHED"}
    methods["report"] = lambda self, kind, text: done.append(text)
    kind = type("Batch", (asking.AskingOperator,), {**methods, "bl_idname": "effigy.batch"})
    operator, app = kind(), SimpleNamespace(background=False)
    called = SimpleNamespace(
        effigy=SimpleNamespace(batch=lambda *how, **given: done.append((how, given)))
    )
    monkeypatch.setattr(asking, "bpy", Patched(bpy, app=app, ops=called))
    operator.directory = operator.output = operator.question = ""
    operator.recursive = operator.same_person = operator.asked = operator.confirmed = False
    operator.build_heads, operator.layout = True, Layout()
    manager = Patched(
        bpy.context.window_manager,
        fileselect_add=lambda operator: done.append("browser"),
        invoke_props_dialog=lambda operator, width: done.append("dialog") or {"RUNNING_MODAL"},
    )
    return operator, Patched(bpy.context, window_manager=manager), done


def test_without_a_folder_the_file_browser_asks(bpy, fake_engine, photos, asking):
    operator, context, done = asking
    assert operator._invoke(context) == {"RUNNING_MODAL"}
    operator.directory = str(photos("ok.jpg"))  # as the browser sets it
    assert operator.execute(context) == {"FINISHED"}
    assert done[0] == "browser"
    how, given = done[1]
    assert how == ("INVOKE_DEFAULT",)
    assert (given["directory"], given["confirmed"]) == (operator.directory, False)
    operator.asked = False
    operator._invoke(context)
    assert done[2:] == ["run"]
    assert bpy.context.scene.effigy.photo_folder == operator.directory


def test_many_heads_are_asked_for_with_an_estimate(bpy, fake_engine, photos, asking):
    operator, context, done = asking
    operator.directory = str(photos(*(f"ok{number}.jpg" for number in range(50))))
    operator._invoke(context)
    assert done == ["dialog"]
    assert "Heads of 50 photos take about 1.2 GB of memory" in operator.question
    operator.draw(context)
    assert [path for _, path, _ in (entry for entry in drawn_of(operator))] == ["build_heads"]
    operator.build_heads = False
    operator.execute(context)
    _, given = done[1]
    assert (given["confirmed"], given["build_heads"]) == (True, False)
    operator.build_heads, operator.confirmed = True, True
    operator._invoke(context)
    bpy.context.scene.effigy.level, operator.confirmed = "low", False
    operator._invoke(context)
    assert done[2:] == ["run", "run"]


def drawn_of(operator):
    return [entry for entry in operator.layout.drawn if entry[0] != "label"]


def test_the_file_browser_shows_thumbnails_pictures_and_the_settings(bpy, asking, module):
    operator, context, _ = asking
    rna = bpy.ops.effigy.reconstruct.get_rna_type().properties
    modes = bpy.types.FileSelectParams.bl_rna.properties["display_type"].enum_items
    (mode,) = rna["display_type"].enum_items
    assert mode.value == modes["THUMBNAIL"].value
    pattern = rna["filter_glob"].default
    shown = set(pattern.split(";"))
    assert {"*.heic", "*.avif", "*.jpg"} <= shown
    assert shown == {f"*{extension}" for extension in module("ml.file_types").PICTURE_EXTENSIONS}
    assert len(pattern) < 256  # Blender cuts the rest off
    operator.same_person = False
    operator.draw(context)
    assert {"level", "texture_size", "detail"} <= {path for _, path, _ in drawn_of(operator)}
