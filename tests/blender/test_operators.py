"""What the operators do, and that a failure says so and leaves nothing behind."""

import errno
import json
import os

import numpy as np
import pytest

from ml.head.arkit import EXPRESSION_NAMES
from ml.results.reconstruction import save_reconstruction
from tests.support.synthetic_head import write_synthetic


def counts(bpy):
    data = bpy.data
    kinds = (data.objects, data.meshes, data.materials, data.images, data.cameras, data.collections)
    return [len(kind) for kind in kinds]


def key_points(obj, name):
    flat = np.empty(3 * len(obj.data.vertices), np.float32)
    obj.data.shape_keys.key_blocks[name].points.foreach_get("co", flat)
    return flat


def test_reconstruct_builds_the_head_of_the_photo(bpy, fake_engine, photos, tmp_path):
    folder = photos("ok.jpg")
    bpy.context.scene.effigy.face = "NUMBER"
    bpy.context.scene.effigy.face_number = 2
    bpy.context.scene.effigy.level = "high"
    bpy.context.scene.effigy.detail = "off"
    done = bpy.ops.effigy.reconstruct(
        filepath=str(folder / "ok.jpg"), output=str(tmp_path / "out"), preview=True
    )
    assert done == {"FINISHED"}
    assert bpy.context.object["effigy"]["photo"]["name"] == "ok.jpg"
    assert bpy.context.object["effigy"]["directory"] == str(tmp_path / "out")
    sent = json.loads((tmp_path / "out/request.json").read_text())
    assert sent["photo"] == str(folder / "ok.jpg")
    assert sent["settings"] == {
        "face": "2",
        "likeness": 100,
        "landmarks": "effigy",
        "allow_download": False,
        "texture_size": 1024,
        "level": "high",
        "detail": "off",
        "clip": "face",
        "clip_folder": "",
        "renderer": "builtin",
        "skip_existing": False,
        "hair": True,
        "bust": True,
        "consent": "",
        "device": "auto",
    }
    assert sent["preview"] is True


def test_several_faces_become_several_heads(bpy, fake_engine, photos, tmp_path):
    folder = photos("several.jpg")
    bpy.ops.effigy.reconstruct(filepath=str(folder / "several.jpg"), output=str(tmp_path / "out"))
    assert len([obj for obj in bpy.data.objects if obj.type == "MESH"]) == 2


def test_results_go_to_a_folder_of_their_own_by_default(bpy, fake_engine, photos, home):
    (home / "Documents").mkdir()
    folder = photos("ok.jpg")
    for _ in range(2):
        bpy.ops.effigy.reconstruct(filepath=str(folder / "ok.jpg"))
    heads = home / "Documents/Effigy"
    found = {obj["effigy"]["directory"] for obj in bpy.data.objects if obj.type == "MESH"}
    # Without the person's name.
    assert found == {"~/Documents/Effigy/ok", "~/Documents/Effigy/ok_2"}
    assert (heads / "ok_2/reconstruction.json").exists()
    assert bpy.ops.effigy.rebuild() == {"FINISHED"}


@pytest.mark.parametrize(
    ("name", "folder"), [("...jpg", "photo"), ("aux.jpg", "photo_aux"), ("a. .jpg", "a")]
)
def test_no_photos_name_leads_elsewhere(bpy, fake_engine, photos, home, name, folder):
    bpy.ops.effigy.reconstruct(filepath=str(photos(name) / name))
    (found,) = home.glob("**/reconstruction.json")
    assert found.parent == home / "Effigy" / folder


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("noface.jpg", "No face in noface.jpg. Try another"),
        ("crash.jpg", "The engine stopped unexpectedly"),
        ("garbage.jpg", "unreadable line"),
    ],
)
def test_a_failed_reconstruction_is_an_error_and_changes_nothing(
    bpy, fake_engine, photos, tmp_path, name, message
):
    folder, before = photos(name), counts(bpy)
    with pytest.raises(RuntimeError, match=message):
        bpy.ops.effigy.reconstruct(filepath=str(folder / name), output=str(tmp_path / "out"))
    assert counts(bpy) == before


@pytest.mark.parametrize("path", ["", "/nowhere/photo.jpg"])
def test_a_photo_that_is_not_there(bpy, fake_engine, path):
    with pytest.raises(RuntimeError, match="Choose an image file"):
        bpy.ops.effigy.reconstruct(filepath=path)


def test_no_engine_at_all(bpy, fake_engine, photos, monkeypatch, tmp_path):
    monkeypatch.setenv("EFFIGY_PYTHON", str(tmp_path / "gone"))
    with pytest.raises(RuntimeError, match="set in EFFIGY_PYTHON does not exist"):
        bpy.ops.effigy.reconstruct(filepath=str(photos("ok.jpg") / "ok.jpg"))


def test_build_refuses_a_folder_without_a_reconstruction(bpy, tmp_path):
    before = counts(bpy)
    with pytest.raises(RuntimeError, match="not a complete reconstruction"):
        bpy.ops.effigy.build(directory=str(tmp_path))
    assert counts(bpy) == before


def test_what_the_system_refuses_is_reported_in_words(bpy, built_head, saved_head, monkeypatch):
    closed, stat = saved_head.directory, os.stat

    def refuse(path, *arguments, **how):
        if isinstance(path, str | os.PathLike) and str(path).startswith(f"{closed}{os.sep}"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return stat(path, *arguments, **how)

    monkeypatch.setattr(os, "stat", refuse)
    with pytest.raises(RuntimeError, match=f"Access to {closed}.* is not allowed") as refused:
        bpy.ops.effigy.build(directory=str(closed))
    assert "Traceback" not in str(refused.value)
    assert bpy.ops.effigy.rebuild() == {"FINISHED"}  # the file alone is enough


def test_build_leaves_nothing_behind_when_an_image_is_damaged(bpy, saved_head):
    (saved_head.directory / "photo.jpg").write_bytes(b"\xff\xd8 no more")
    before = counts(bpy)
    with pytest.raises(RuntimeError, match=r"photo.jpg is damaged"):
        bpy.ops.effigy.build(directory=str(saved_head.directory))
    assert counts(bpy) == before


@pytest.mark.parametrize(
    ("damage", "message"),
    [("twice", "mesh is damaged"), ("outside", "array 'quads' has indices 0 to 1000000")],
)
def test_build_leaves_nothing_behind_when_the_mesh_is_damaged(bpy, saved_head, damage, message):
    path = saved_head.directory / "reconstruction.npz"
    arrays = dict(np.load(path))
    arrays["quads"][1] = arrays["quads"][0] if damage == "twice" else 10**6
    np.savez(path, **arrays)
    before = counts(bpy)
    with pytest.raises(RuntimeError, match=message):
        bpy.ops.effigy.build(directory=str(saved_head.directory))
    assert counts(bpy) == before


def test_build_into_a_named_collection(bpy, saved_head):
    for _ in range(2):
        bpy.ops.effigy.build(directory=str(saved_head.directory), collection="People")
    assert len(bpy.data.collections["People"].children) == 2


def test_rebuild_restores_what_was_edited_and_keeps_the_rest(bpy, built_head, saved_head):
    built_head.location = (1, 2, 3)
    built_head.modifiers.new("Smooth", "SMOOTH")
    before = {name: key_points(built_head, name) for name in ("Basis", "jawOpen", "tongueOut")}
    for key in built_head.data.shape_keys.key_blocks:
        key.points.foreach_set("co", np.zeros_like(before["Basis"]))
    built_head.vertex_groups.clear()
    built_head.data.materials.clear()
    assert bpy.ops.effigy.rebuild() == {"FINISHED"}
    for name, points in before.items():
        assert np.array_equal(key_points(built_head, name), points), name
    assert tuple(built_head.location) == (1, 2, 3)
    assert [modifier.type for modifier in built_head.modifiers] == ["SMOOTH"]
    assert len(built_head.data.materials) == 9
    assert built_head.vertex_groups["eye_left"].weight(_first_vertex(saved_head, 2)) == 1.0
    assert len(bpy.data.meshes) == 1
    assert len([obj for obj in bpy.data.objects if obj.type == "MESH"]) == 1


def _first_vertex(saved_head, part):
    mesh = saved_head.head.mesh
    return int(mesh.quads[mesh.part == part][0, 0])


@pytest.mark.parametrize(
    ("operator", "image"),
    # Rebuilding keeps the camera, and with it the photo.
    [("build", "albedo.png"), ("build", "photo.jpg"), ("rebuild", "albedo.png")],
)
def test_a_result_that_is_replaced_while_its_images_are_read_is_refused(
    bpy, module, built_head, saved_head, monkeypatch, operator, image
):
    """The swap comes between the mesh and the images, which would then be another person's."""
    collection = module("operators.scene.collection")
    load = collection.load_image

    def swapped(path, name, made):
        if path.name == image:
            save_reconstruction(saved_head.head, saved_head.directory)
        return load(path, name, made)

    how = {"directory": str(saved_head.directory)} if operator == "build" else {}
    before, points = counts(bpy), key_points(built_head, "Basis")
    monkeypatch.setattr(collection, "load_image", swapped)
    with pytest.raises(RuntimeError, match="was replaced while it was read"):
        getattr(bpy.ops.effigy, operator)(**how)
    assert counts(bpy) == before
    assert np.array_equal(key_points(built_head, "Basis"), points)
    monkeypatch.undo()
    assert getattr(bpy.ops.effigy, operator)(**how) == {"FINISHED"}


def test_a_head_whose_camera_was_deleted_can_be_rebuilt(bpy, built_head):
    bpy.data.objects.remove(built_head["effigy_camera"])
    assert bpy.ops.effigy.rebuild() == {"FINISHED"}
    with pytest.raises(RuntimeError, match=r"camera of Ada was deleted.*\n?.*File, Import"):
        bpy.ops.effigy.photo_view()


def test_a_camera_deleted_in_the_viewport_is_gone(bpy, built_head):
    camera = built_head["effigy_camera"]
    built_head.select_set(False)
    camera.select_set(True)
    bpy.ops.object.delete()
    with pytest.raises(RuntimeError, match="camera of Ada was deleted"):
        bpy.ops.effigy.photo_view()


def test_rebuild_will_not_take_another_persons_head(bpy, built_head, saved_head):
    about = saved_head.directory / "reconstruction.json"
    about.write_text(about.read_text().replace("ab" * 32, "cd" * 32))
    (saved_head.directory / "albedo.png").unlink()
    images = set(bpy.data.images)
    assert bpy.ops.effigy.rebuild() == {"FINISHED"}  # from the file alone
    assert built_head["effigy"]["photo"]["sha256"] == "ab" * 32
    assert set(bpy.data.images) == images


def test_expression_neutral_and_as_in_the_photo(bpy, built_head, saved_head):
    keys = built_head.data.shape_keys.key_blocks
    bpy.ops.effigy.expression(which="NEUTRAL")
    assert [key.value for key in keys] == [0.0] * 53
    bpy.ops.effigy.expression(which="PHOTO")
    wanted = saved_head.head.coefficients.expression.tolist()
    assert [keys[name].value for name in EXPRESSION_NAMES] == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("name", ["rebuild", "expression", "export", "photo_view", "rig"])
def test_head_operators_want_a_head(bpy, name):
    bpy.ops.mesh.primitive_cube_add()
    operator = getattr(bpy.ops.effigy, name)
    assert not operator.poll()
    with pytest.raises(RuntimeError, match="Select a head made by Effigy"):
        operator()


def test_photo_view_uses_the_photos_camera_and_size(bpy, built_head):
    camera = built_head["effigy_camera"]
    bpy.context.scene.camera = None
    camera.data.lens = 10
    bpy.ops.effigy.photo_view(match_render=True)
    render = bpy.context.scene.render
    assert bpy.context.scene.camera == camera
    assert (render.resolution_x, render.resolution_y) == (600, 800)
    assert camera.data.lens == pytest.approx(1100 * 36 / 600)


def test_batch_keeps_going_and_reports(bpy, fake_engine, photos, tmp_path):
    folder = photos("a/ok.png", "crash.jpg", "noface.jpeg", "ok.JPG", "z_ok.txt", "several.png")
    done = bpy.ops.effigy.batch(directory=str(folder), recursive=True, output=str(tmp_path / "out"))
    assert done == {"FINISHED"}
    rows = json.loads((tmp_path / "out/report.json").read_text())
    statuses = {row["photo"].removeprefix(f"{folder}/"): row["status"] for row in rows}
    assert statuses == {
        "a/ok.png": "ok",
        "crash.jpg": "failed",
        "noface.jpeg": "failed",
        "ok.JPG": "ok",
        "several.png": "ok",
    }
    failed = next(row for row in rows if row["photo"].endswith("noface.jpeg"))
    assert (failed["error"], failed["hint"]) == ("No face in noface.jpeg", "Try another")
    assert len(bpy.data.collections["photos"].children) == 4
    directories = {head for row in rows for head in row["heads"]}
    assert {str(tmp_path / "out/ok"), str(tmp_path / "out/ok_jpg")} <= directories


def test_finished_photos_are_skipped_where_that_is_set(bpy, fake_engine, photos, home):
    bpy.context.scene.effigy.skip_existing = True
    folder = photos("ok1.jpg", "ok2.jpg")
    files = [{"name": name} for name in ("ok1.jpg", "ok2.jpg")]
    for _ in range(2):
        bpy.ops.effigy.reconstruct(filepath=str(folder / "ok1.jpg"))
        bpy.ops.effigy.reconstruct(directory=f"{folder}/", files=files)
    found = sorted(path.relative_to(home) for path in home.rglob("reconstruction.json"))
    assert list(map(str, found)) == [
        "Effigy/ok1/reconstruction.json",
        "Effigy/ok1_and_1_more/ok1/reconstruction.json",
        "Effigy/ok1_and_1_more/ok2/reconstruction.json",
    ]
    rows = json.loads((home / "Effigy/ok1_and_1_more/report.json").read_text())
    assert [row["status"] for row in rows] == ["skipped"] * 2


def test_batch_stops_where_no_photo_can_succeed(bpy, fake_engine, photos, tmp_path):
    fake_engine("dead")
    folder = photos("ok1.jpg", "ok2.jpg")
    with pytest.raises(RuntimeError, match="No module named 'torch'"):
        bpy.ops.effigy.batch(directory=str(folder), output=str(tmp_path / "out"))


def test_batch_wants_a_folder_with_photos(bpy, fake_engine, tmp_path):
    with pytest.raises(RuntimeError, match="No folder was chosen"):
        bpy.ops.effigy.batch(directory="")
    with pytest.raises(RuntimeError, match="No photo was found"):
        bpy.ops.effigy.batch(directory=str(tmp_path))


def test_check_engine_passes_the_engines_word_on(bpy, fake_engine):
    assert bpy.ops.effigy.check_engine() == {"FINISHED"}
    fake_engine("dead")
    with pytest.raises(RuntimeError, match="No module named 'torch'"):
        bpy.ops.effigy.check_engine()


def test_writing_a_second_head_beside_the_first(bpy, built_head, tmp_path):
    write_synthetic(tmp_path / "Bob", name="Bob.jpg")
    bpy.ops.effigy.build(directory=str(tmp_path / "Bob"))
    assert bpy.context.object.name == "Bob"
    assert built_head.name == "Ada"
