"""Rebuilding from a .blend file that was sent without the results beside it."""

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ml.data import Detail, HeadCoefficients
from ml.head.mesh import person_mesh, person_of
from ml.head.storage import load_head_model
from ml.results.person import SamePerson, save_index
from ml.results.reconstruction import save_reconstruction
from tests.support.synthetic_head import synthetic_reconstruction


def person_in(directory, seed=1, relief=True, level="low"):
    """Save a head that Effigy Head made, as the pipeline does, and return it."""
    random, model = np.random.default_rng(seed), load_head_model()
    coefficients = HeadCoefficients(
        random.normal(size=model.identity_count).astype(np.float32),
        random.uniform(0, 1, len(model.expression_names)).astype(np.float32),
    )
    mesh = person_mesh(model, person_of(model, coefficients), level)
    head = synthetic_reconstruction(name=f"{directory.name}.jpg")
    head = replace(head, mesh=mesh, coefficients=coefficients)
    head = replace(head, provenance=replace(head.provenance, level=level))
    if relief:
        offsets = random.normal(size=mesh.vertices.shape).astype(np.float32) / 1000
        normals = np.full((32, 32, 3), (128, 128, 255), np.uint8)
        head = replace(head, detail=Detail("relief", offsets, normals))
    save_reconstruction(head, directory)
    return head


def state_of(obj):
    """All that rebuilding makes: places of every key, groups, and images by material."""
    keys = {}
    for key in obj.data.shape_keys.key_blocks:
        flat = np.empty(3 * len(key.points), np.float32)
        key.points.foreach_get("co", flat)
        keys[key.name] = flat.reshape(-1, 3)
    images = {
        material.name: {node.image for node in material.node_tree.nodes if node.type == "TEX_IMAGE"}
        for material in obj.data.materials
    }
    weights = {
        (obj.vertex_groups[entry.group].name, vertex.index): entry.weight
        for vertex in obj.data.vertices
        for entry in vertex.groups
    }
    values = {key.name: key.value for key in obj.data.shape_keys.key_blocks}
    return SimpleNamespace(keys=keys, images=images, weights=weights, values=values)


def assert_the_same(obj, before):
    now = state_of(obj)
    assert now.keys.keys() == before.keys.keys()
    for name, places in before.keys.items():
        assert np.abs(now.keys[name] - places).max() <= (1e-6 if name == "Basis" else 3e-6), name
    assert now.images == before.images
    assert all(image.packed_file for images in now.images.values() for image in images)
    assert now.weights.keys() == before.weights.keys()
    assert all(now.weights[at] == pytest.approx(before.weights[at]) for at in now.weights)
    assert now.values == pytest.approx(before.values)


def edit(bpy, obj, how):
    """Move all vertices, or delete some, as a person does in Edit Mode."""
    bpy.context.view_layer.objects.active = obj
    obj.active_shape_key_index = 0
    obj.data.polygons.foreach_set("select", np.arange(len(obj.data.polygons)) % 7 == 0)
    bpy.ops.object.mode_set(mode="EDIT")
    if how == "deleted":
        bpy.ops.mesh.delete(type="FACE")
    else:
        bpy.ops.mesh.select_all(action="SELECT")
        bpy.ops.transform.translate(value=(0.1, 0, 0.05))
    bpy.ops.object.mode_set(mode="OBJECT")


@pytest.fixture
def sent(bpy, tmp_path):
    """Builds the result in a folder, saves, and opens the file after all but it was deleted."""

    def send(directory, rig=False):
        bpy.ops.effigy.build(directory=str(directory))
        obj = bpy.context.object
        obj.data.shape_keys.key_blocks["jawOpen"].keyframe_insert("value", frame=1)
        if rig:
            bpy.ops.effigy.rig()
        name, path = obj.name, tmp_path / "sent" / "head.blend"
        path.parent.mkdir()
        bpy.ops.wm.save_as_mainfile(filepath=str(path))
        shutil.rmtree(directory)
        bpy.ops.wm.open_mainfile(filepath=str(path))
        obj = bpy.data.objects[name]
        bpy.context.view_layer.objects.active = obj
        return obj

    return send


@pytest.mark.parametrize(("how", "rig"), [("moved", False), ("deleted", False), ("deleted", True)])
def test_a_file_alone_gives_the_photos_head_again(bpy, sent, tmp_path, how, rig):
    head = person_in(tmp_path / "Ada")
    obj = sent(tmp_path / "Ada", rig)
    before, camera, place = state_of(obj), obj["effigy_camera"], obj.matrix_world.copy()
    actions, images = set(bpy.data.actions), set(bpy.data.images)
    record = obj["effigy"].to_dict()
    edit(bpy, obj, how)
    assert bpy.ops.effigy.rebuild() == {"FINISHED"}
    assert_the_same(obj, before)
    basis = state_of(obj).keys["Basis"]
    assert np.abs(basis[:, [0, 2, 1]] * [1, 1, -1] - head.mesh.vertices).max() <= 1e-6
    assert set(bpy.data.images) == images
    assert (obj["effigy_camera"], obj.matrix_world) == (camera, place)
    assert camera.data.background_images[0].image.packed_file is not None
    assert obj["effigy"].to_dict() == record
    assert {action for action in bpy.data.actions if action.users} == actions
    if rig:
        assert obj.parent.animation_data.action in actions
        assert obj.vertex_groups.get("jaw") is not None
    else:
        assert obj.data.shape_keys.animation_data.action in actions
    assert obj.data.shape_keys.key_blocks["Detail"].value == 1.0


@pytest.mark.parametrize("level", ["base", "high"])
def test_other_levels_are_made_anew_too(bpy, sent, tmp_path, level, module):
    head = person_in(tmp_path / "Ada", relief=False, level=level).mesh
    obj = sent(tmp_path / "Ada")
    anew = module("operators.heads").stored_head(obj).mesh
    assert np.abs(anew.vertices - head.vertices).max() <= 1e-6
    assert np.abs(anew.shape_keys - head.shape_keys).max() <= 3e-6
    for name in ("quads", "uv", "uv_quads", "part"):
        assert np.array_equal(getattr(anew, name), getattr(head, name))
    assert anew.masks.keys() == head.masks.keys()


def test_a_head_that_does_not_hold_the_rigs_data_is_rigged_alone(bpy, sent, tmp_path, shown):
    """Heads of earlier files do not."""
    person_in(tmp_path / "Ada", relief=False)
    obj = sent(tmp_path / "Ada")
    before, joints = shown(obj), obj["effigy_rig_data"]["joints"].to_dict()
    del obj["effigy_rig_data"]
    assert bpy.ops.effigy.rig() == {"FINISHED"}
    assert np.abs(shown(obj) - before).max() < 1e-5
    x, y, z = joints["head"]
    assert obj.parent.data.bones["head"].head_local[:] == pytest.approx((x, -z, y), abs=1e-6)


def test_cameras_of_further_photos_stay(bpy, sent, tmp_path):
    out = tmp_path / "out"
    heads = tuple(person_in(out / name, relief=False) for name in ("a", "b"))
    save_index(SamePerson((Path("a.jpg"), Path("b.jpg")), heads), [out / "a", out / "b"], out)
    obj = sent(out)
    cameras = [obj["effigy_camera"], obj["effigy_camera_1"]]
    before, others = state_of(obj), [other.to_dict() for other in obj["effigy_photos"]]
    edit(bpy, obj, "deleted")
    assert bpy.ops.effigy.rebuild() == {"FINISHED"}
    assert_the_same(obj, before)
    assert [obj["effigy_camera"], obj["effigy_camera_1"]] == cameras
    assert all(camera.data.background_images[0].image.packed_file for camera in cameras)
    assert [other.to_dict() for other in obj["effigy_photos"]] == others
    assert bpy.ops.effigy.photo_view(photo=1) == {"FINISHED"}


def warnings_of(bpy, module):
    """What rebuilding the active head reports."""
    reports = []
    stand_in = SimpleNamespace(report=lambda kind, text: reports.append((kind, text)))
    module("operators.build").EFFIGY_OT_rebuild.run(stand_in, bpy.context)
    return reports


def test_a_relief_that_is_only_in_its_key_is_taken_from_there(bpy, sent, tmp_path, module):
    """Heads of earlier files have it nowhere else, and lose it where vertices are deleted."""
    person_in(tmp_path / "Ada")
    obj = sent(tmp_path / "Ada")
    before = state_of(obj)
    del obj["effigy_detail_data"]
    edit(bpy, obj, "moved")
    assert warnings_of(bpy, module) == [({"INFO"}, "Rebuilt Ada from this file alone")]
    assert_the_same(obj, before)
    del obj["effigy_detail_data"]
    edit(bpy, obj, "deleted")
    [(kind, text)] = warnings_of(bpy, module)
    assert kind == {"WARNING"}
    assert text.startswith("Rebuilt Ada from this file alone, without its relief. ")
    assert f"lay in {tmp_path / 'Ada'}, or reconstruct Ada.jpg again" in text
    assert "Detail" not in obj.data.shape_keys.key_blocks


def test_images_that_were_deleted_are_named(bpy, sent, tmp_path, module):
    person_in(tmp_path / "Ada")
    obj = sent(tmp_path / "Ada")
    obj.data.materials.clear()
    [(kind, text)] = warnings_of(bpy, module)
    assert kind == {"WARNING"}
    assert "without a texture, the normal map of its relief." in text
    assert obj.data.materials[0].name.startswith("Ada skin")


@pytest.mark.parametrize("earlier", [False, True])
def test_the_record_of_another_head_model_is_refused(bpy, sent, tmp_path, earlier):
    person_in(tmp_path / "Ada", relief=False)
    obj = sent(tmp_path / "Ada")
    record = obj["effigy"].to_dict()
    record["model"]["version"] = "1.0.0"
    if earlier:
        for group in ("model", "photo"):
            record |= {f"{group}_{name}": value for name, value in record.pop(group).items()}
        record["photo_size"] = [record.pop("photo_width"), record.pop("photo_height")]
    obj["effigy"] = record
    before = state_of(obj)
    with pytest.raises(RuntimeError, match=r"effigy-head 1\.0\.0, .*Reconstruct the photo"):
        bpy.ops.effigy.rebuild()
    assert np.array_equal(state_of(obj).keys["Basis"], before.keys["Basis"])


@pytest.mark.parametrize("damage", ["short", "nan", "missing"])
def test_a_damaged_record_is_refused_in_words(bpy, sent, tmp_path, damage):
    person_in(tmp_path / "Ada", relief=False)
    obj = sent(tmp_path / "Ada")
    record = obj["effigy"].to_dict()
    if damage == "missing":
        del record["expression"]["jawOpen"]
    else:
        record["identity"] = [float("nan")] * 160 if damage == "nan" else [0.5] * 3
    obj["effigy"] = record
    with pytest.raises(RuntimeError, match=r"recorded of the head of Ada\.jpg is incomplete"):
        bpy.ops.effigy.rebuild()


@pytest.mark.parametrize("left", ["empty folder", "another photo"])
def test_what_else_lies_in_the_place_of_the_files_is_not_taken(bpy, sent, tmp_path, left, module):
    head = person_in(tmp_path / "Ada", relief=False)
    obj = sent(tmp_path / "Ada")
    if left == "empty folder":
        (tmp_path / "Ada").mkdir()
    else:
        other = person_in(tmp_path / "Ada", seed=2, relief=False)
        other = replace(other, provenance=replace(other.provenance, photo_sha256="cd" * 32))
        save_reconstruction(other, tmp_path / "Ada")
    found = module("operators.heads").stored_head(obj)
    assert found.state is None
    assert np.abs(found.mesh.vertices - head.mesh.vertices).max() <= 1e-6


@pytest.mark.parametrize("path", ["/home/jane/Ada/{}", r"C:\\heads\\Ada\\{}", "//textures/{}"])
def test_images_of_earlier_files_are_known_by_their_names(bpy, module, built_head, path):
    """They had the path of the result's own file."""
    images = module("operators.scene.images")
    albedo = images.image_in_file(built_head.data, images.ALBEDO)
    assert albedo.name == "Ada albedo"
    assert images.image_in_file(built_head.data, images.NORMALS) is None
    albedo.name, albedo.filepath_raw = "Renamed", path.format("albedo.png")
    assert images.image_in_file(built_head.data, images.ALBEDO) == albedo
    albedo.filepath_raw = path.format("other albedo.png")
    assert images.image_in_file(built_head.data, images.ALBEDO) is None
