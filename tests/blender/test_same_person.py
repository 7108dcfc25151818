"""Several photos: of one person into one head, of many people into many."""

import json
from types import SimpleNamespace

import numpy as np
import pytest


@pytest.fixture
def order(bpy, fake_engine, photos, tmp_path):
    """Runs the operator on photos with these names, as the file browser gives them."""

    def run(*names, **options):
        folder, out = photos(*names), tmp_path / "out"
        files = [{"name": name} for name in names]
        arguments = {"directory": f"{folder}/", "files": files, "output": str(out)}
        return bpy.ops.effigy.reconstruct(**arguments, **options)

    return run


def heads(bpy):
    return [obj for obj in bpy.data.objects if obj.type == "MESH"]


def test_one_person_becomes_one_head_with_a_camera_a_photo(bpy, order, tmp_path):
    assert order("a.jpg", "b.jpg", "c.jpg", same_person=True) == {"FINISHED"}
    (head,) = heads(bpy)
    assert bpy.context.object == head
    assert head["effigy"]["photo"]["name"] == "c.jpg"
    assert head["effigy"]["directory"] == str(tmp_path / "out/c")
    (collection,) = head.users_collection
    cameras = {obj.name for obj in collection.objects if obj.type == "CAMERA"}
    assert cameras == {"a camera", "b camera", "c camera"}
    for camera in (obj for obj in collection.objects if obj.type == "CAMERA"):
        assert camera.data.background_images[0].image.name.startswith(camera.name[0])
    sent = json.loads((tmp_path / "out/request.json").read_text())
    assert [path.rsplit("/", 1)[1] for path in sent["photos"]] == ["a.jpg", "b.jpg", "c.jpg"]
    assert sent["settings"]["face"] == "prominent"
    report = json.loads((tmp_path / "out/report.json").read_text())
    assert [row["status"] for row in report] == ["ok"] * 3


def test_each_photos_expression_can_be_applied(bpy, order):
    order("a.jpg", "b.jpg", "c.jpg", same_person=True)
    key = heads(bpy)[0].data.shape_keys.key_blocks["jawOpen"]
    # The engine opened the jaw by a quarter from photo to photo; the last one was built.
    for photo, value in ((1, 0.0), (2, 0.25), (0, 0.5)):
        assert bpy.ops.effigy.expression(which="PHOTO", photo=photo) == {"FINISHED"}
        assert key.value == pytest.approx(value)
    with pytest.raises(RuntimeError, match=r"has no photo 3\. Choose one from 0 to 2"):
        bpy.ops.effigy.expression(which="PHOTO", photo=3)


def test_each_photos_expression_reaches_a_rig(bpy, order):
    order("a.jpg", "b.jpg", same_person=True)
    bpy.ops.effigy.rig(add=True)
    bpy.ops.effigy.expression(which="PHOTO", photo=1)
    assert heads(bpy)[0].parent["jawOpen"] == pytest.approx(0.0)


def test_the_view_of_each_photo_is_its_own_camera(bpy, order):
    order("a.jpg", "b.jpg", same_person=True)
    seen = []
    for photo in (0, 1):
        bpy.ops.effigy.photo_view(photo=photo, match_render=True)
        seen.append(bpy.context.scene.camera)
        assert bpy.context.scene.render.resolution_x == 600
    assert [camera.name for camera in seen] == ["b camera", "a camera"]
    # The engine moved the head a metre away from photo to photo.
    away = [np.linalg.norm(camera.matrix_world.translation) for camera in seen]
    assert away[0] - away[1] == pytest.approx(1, abs=0.05)
    bpy.data.objects.remove(seen[1])
    with pytest.raises(RuntimeError, match="camera of b was deleted"):
        bpy.ops.effigy.photo_view(photo=1)


def test_each_camera_sees_what_its_photo_saw(bpy, order, module, tmp_path):
    from bpy_extras.object_utils import world_to_camera_view
    from mathutils import Vector

    order("a.jpg", "b.jpg", "c.jpg", same_person=True)
    for photo, name in enumerate(("c", "a", "b")):
        bpy.ops.effigy.photo_view(photo=photo, match_render=True)
        bpy.context.view_layer.update()
        head = module("ml.results.reconstruction").load_reconstruction(tmp_path / "out" / name)
        points = head.mesh.landmarks_478
        for point, pixel in zip(points, head.camera.project(points), strict=True):
            place = Vector((float(point[0]), -float(point[2]), float(point[1])))
            x, y, _ = world_to_camera_view(bpy.context.scene, bpy.context.scene.camera, place)
            assert np.abs(np.array([600 * x, 800 * (1 - y)]) - pixel).max() < 0.5


def test_the_photos_survive_saving_and_rebuilding(bpy, order, tmp_path):
    order("a.jpg", "b.jpg", same_person=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "person.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "person.blend"))
    bpy.ops.effigy.rebuild()
    bpy.ops.effigy.expression(which="PHOTO", photo=1)
    key = heads(bpy)[0].data.shape_keys.key_blocks["jawOpen"]
    assert key.value == pytest.approx(0.0)
    assert bpy.ops.effigy.photo_view(photo=1) == {"FINISHED"}


def test_a_head_of_one_photo_has_no_list_of_photos(bpy, built_head, module):
    panel = module("panels.sidebar").EFFIGY_PT_photos
    assert not panel.poll(bpy.context)
    assert "effigy_photos" not in built_head


def test_a_head_of_several_photos_lists_them(bpy, order, module):
    order("a.jpg", "b.jpg", same_person=True)
    assert module("panels.sidebar").EFFIGY_PT_photos.poll(bpy.context)
    names = module("operators.scene.metadata").photo_names(bpy.context.object)
    assert names == ["b.jpg", "a.jpg"]


def test_photos_without_a_face_are_named_and_left_out(bpy, order, module, tmp_path):
    assert order("a.jpg", "noface.jpg", same_person=True) == {"FINISHED"}
    assert len(heads(bpy)) == 1
    rows = json.loads((tmp_path / "out/report.json").read_text())
    assert [row["status"] for row in rows] == ["ok", "failed"]
    reported = []
    operator = SimpleNamespace(report=lambda kind, text: reported.append((kind, text)))
    result = module("ml.results.report").Row
    finished = SimpleNamespace(
        error=None,
        rows=[result(**row) for row in rows],
        write_report=lambda: reports.pop(0),
        order=SimpleNamespace(out=tmp_path),
    )
    reports = ["report.json", None]
    for words in ("Report: report.json", f"The report cannot be written to {tmp_path}"):
        module("operators.jobs.reconstruction").conclude_several(operator, finished)
        kind, text = reported.pop()
        assert kind == {"WARNING"}
        assert text.endswith("No head from noface.jpg")
        assert words in text
        assert "None" not in text


@pytest.mark.parametrize("same_person", [True, False])
def test_where_no_photo_can_be_used_that_is_an_error(bpy, order, tmp_path, same_person):
    with pytest.raises(RuntimeError, match="2 photos: 2 failed"):
        order("noface.jpg", "noface2.jpg", same_person=same_person)
    assert heads(bpy) == []
    assert len(json.loads((tmp_path / "out/report.json").read_text())) == 2


def test_without_an_engine_nothing_is_reported_as_done(bpy, order, fake_engine, tmp_path):
    fake_engine("dead")
    with pytest.raises(RuntimeError, match="No module named 'torch'"):
        order("a.jpg", "b.jpg", same_person=True)
    assert not (tmp_path / "out/report.json").exists()


def test_several_photos_of_several_people_become_several_heads(bpy, order, tmp_path):
    assert order("a.jpg", "b.jpg", "noface.jpg") == {"FINISHED"}
    assert {obj["effigy"]["directory"] for obj in heads(bpy)} == {
        str(tmp_path / "out" / name) for name in "ab"
    }
    assert len(json.loads((tmp_path / "out/report.json").read_text())) == 3


def test_a_folder_of_photos_of_one_person(bpy, fake_engine, photos, tmp_path):
    folder = photos("a.jpg", "b.jpg")
    out = str(tmp_path / "out")
    assert bpy.ops.effigy.batch(directory=str(folder), output=out, same_person=True)
    (head,) = heads(bpy)
    assert len(bpy.data.collections["photos"].children) == 1
    assert len(head["effigy_photos"]) == 1


def test_results_of_several_photos_get_a_folder_of_their_own(bpy, fake_engine, photos, home):
    folder = photos("a.jpg", "b.jpg", "c.jpg")
    files = [{"name": name} for name in ("a.jpg", "b.jpg", "c.jpg")]
    for _ in range(2):
        bpy.ops.effigy.reconstruct(directory=f"{folder}/", files=files, same_person=True)
    found = {obj["effigy"]["directory"] for obj in heads(bpy)}
    assert found == {f"~/Effigy/{name}/c" for name in ("a_and_2_more", "a_and_2_more_2")}
    assert (home / "Effigy/a_and_2_more_2/person.json").exists()


def test_a_photo_that_is_not_there_stops_before_the_engine_is_asked(bpy, fake_engine, photos):
    folder = photos("a.jpg")
    files = [{"name": name} for name in ("a.jpg", "gone.jpg")]
    with pytest.raises(RuntimeError, match=r"no photo .*gone\.jpg"):
        bpy.ops.effigy.reconstruct(directory=f"{folder}/", files=files, same_person=True)


@pytest.mark.parametrize("given", [None, False])
def test_the_sidebars_choice_holds_where_photos_are_dropped(
    bpy, fake_engine, photos, module, tmp_path, given
):
    """Blender without a window never calls invoke, so its methods run on a stand-in."""
    operator_type = module("operators.reconstruct").EFFIGY_OT_reconstruct
    bases = (module("operators.jobs.asking").AskingOperator,)
    wanted = ("start", "conclude", "_invoke", "_photos", "_directory", "_task")
    methods = {name: vars(operator_type)[name] for name in wanted}
    operator = type("Reconstruct", bases, {**methods, "report": lambda self, kind, text: None})()
    operator.directory, operator.filepath = f"{photos('a.jpg', 'b.jpg')}/", ""
    operator.files = [SimpleNamespace(name=name) for name in ("a.jpg", "b.jpg")]
    operator.output, operator.preview = str(tmp_path / "out"), False
    operator.build_heads, operator.confirmed, operator.asked = True, False, False
    operator.same_person = given
    operator.properties = SimpleNamespace(is_property_set=lambda name: given is not None)
    bpy.context.scene.effigy.same_person = True
    assert operator._invoke(bpy.context) == {"FINISHED"}
    assert len(heads(bpy)) == (1 if given is None else 2)


def test_one_photo_chosen_among_files_is_one_photo(bpy, order, tmp_path):
    assert order("a.jpg", same_person=True) == {"FINISHED"}
    assert heads(bpy)[0]["effigy"]["directory"] == str(tmp_path / "out")


def test_a_persons_folder_can_be_built_again_without_the_engine(bpy, order, tmp_path):
    order("a.jpg", "b.jpg", same_person=True)
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.effigy.build(directory=str(tmp_path / "out"))
    assert heads(bpy)[0]["effigy"]["photo"]["name"] == "b.jpg"
    (tmp_path / "out/person.json").write_text("{")
    with pytest.raises(RuntimeError, match="is damaged"):
        bpy.ops.effigy.build(directory=str(tmp_path / "out"))


def test_the_command_line_builds_one_head(bpy, fake_engine, photos, module, tmp_path, capsys):
    folder, out = photos("a.jpg", "noface.jpg", "b.jpg"), tmp_path / "out"
    command = module("operators.command_line")
    named = [str(folder / name) for name in ("a.jpg", "noface.jpg", "b.jpg")]
    done = command.run(["reconstruct", *named, "--out", str(out), "--same-person", "--blend"])
    assert done == command.SOME_FAILED
    assert (out / "out.blend").is_file()
    assert "noface.jpg: failed" in capsys.readouterr().out
    assert command.run(["batch", str(folder), "--out", str(out), "--same-person"]) == 1
    wrong = ["--same-person", "--face", "all"]
    assert command.run(["reconstruct", *named, "--out", str(out), *wrong]) == 2
    assert command.run(["reconstruct", named[0], named[2], "--output", str(out), wrong[0]]) == 0


def test_escape_stops_a_person(bpy, fake_engine, photos, module, tmp_path):
    folder = photos("a.jpg", "b.jpg")
    jobs, plan = module("operators.jobs.reconstruction"), module("ml.results.plan").plan
    tasks = plan([folder / name for name in ("a.jpg", "b.jpg")], tmp_path / "out")
    settings = bpy.context.scene.effigy.chosen()
    order = jobs.Order(tasks, settings, tmp_path / "out", same_person=True)
    job = jobs.make_job(order, lambda directory: pytest.fail("a head of a stopped job"))
    assert not job.step()
    job.cancel()
    assert [row.status for row in job.rows] == ["cancelled"] * 2
    rows = json.loads((tmp_path / "out/report.json").read_text())
    assert [row["status"] for row in rows] == ["cancelled"] * 2


def test_all_faces_cannot_be_one_person(bpy, order, tmp_path):
    bpy.context.scene.effigy.face = "ALL"
    with pytest.raises(RuntimeError, match=r"cannot be the same person\. Choose"):
        order("a.jpg", "b.jpg", same_person=True)
    assert not (tmp_path / "out").exists()
