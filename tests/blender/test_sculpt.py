"""What is sculpted on a head's Basis stays: through rebuilding, pins, refitting and files."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from ml.head.layer import bump
from ml.head.storage import load_head_model
from ml.results.reconstruction import load_reconstruction, read_about
from tests.support.model_head import write_model_head

CHIN = 152


def points(obj, name="Basis"):
    flat = np.empty(3 * len(obj.data.vertices), np.float32)
    obj.data.shape_keys.key_blocks[name].points.foreach_get("co", flat)
    return flat.reshape(-1, 3)


def put(obj, name, places):
    obj.data.shape_keys.key_blocks[name].points.foreach_set("co", places.astype(np.float32).ravel())


def sculpt(obj, height=0.004, keys=True):
    """Draw the chin down as sculpting does, keys along; (V, 3) of what was moved."""
    model = load_head_model()
    centre = model.landmark_sets["dense"].on(model.shape.mean)[CHIN]
    share = bump(np.linalg.norm(model.shape.mean - centre, axis=1))
    moved = share[:, None] * np.float32([0, -height / 2, -height])
    for key in obj.data.shape_keys.key_blocks if keys else obj.data.shape_keys.key_blocks[:1]:
        put(obj, key.name, points(obj, key.name) + moved)
    return moved


@pytest.fixture
def ada(bpy, tmp_path):
    """A head of the head model, built from a result."""
    write_model_head(tmp_path / "Ada")
    bpy.ops.effigy.build(directory=str(tmp_path / "Ada"))
    return SimpleNamespace(obj=bpy.context.object, folder=tmp_path / "Ada")


def test_rebuilding_keeps_it(bpy, ada):
    sculpt(ada.obj)
    basis, jaw = points(ada.obj), points(ada.obj, "jawOpen")
    material = ada.obj.data.materials[0]
    material.roughness = 0.9
    assert bpy.ops.effigy.rebuild() == {"FINISHED"}
    np.testing.assert_allclose(points(ada.obj), basis, atol=4e-6)
    np.testing.assert_allclose(points(ada.obj, "jawOpen"), jaw, atol=1e-5)
    assert ada.obj.data.materials[0].roughness != pytest.approx(0.9)


def test_edit_mode_counts_as_sculpting(bpy, ada):
    before = points(ada.obj), points(ada.obj, "jawOpen")
    ada.obj.active_shape_key_index = 0
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="DESELECT")
    bpy.ops.object.mode_set(mode="OBJECT")
    for vertex in (100, 101, 102):
        ada.obj.data.vertices[vertex].select = True
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.transform.translate(value=(0, 0.003, 0))
    bpy.ops.object.mode_set(mode="OBJECT")
    moved = points(ada.obj) - before[0]
    assert np.abs(moved).max() > 0.002
    bpy.ops.effigy.rebuild()
    np.testing.assert_allclose(points(ada.obj) - before[0], moved, atol=4e-6)
    np.testing.assert_allclose(points(ada.obj, "jawOpen") - before[1], moved, atol=1e-5)


def test_keys_follow_a_basis_that_was_set_by_a_script(bpy, ada):
    jaw = points(ada.obj, "jawOpen")
    smile = points(ada.obj, "mouthSmileLeft")
    smile[50] += (0.002, 0, 0)  # sculpted on the key itself
    put(ada.obj, "mouthSmileLeft", smile)
    moved = sculpt(ada.obj, keys=False)
    basis = points(ada.obj)
    bpy.ops.effigy.refit()
    np.testing.assert_allclose(points(ada.obj), basis, atol=4e-6)
    np.testing.assert_allclose(points(ada.obj, "jawOpen"), jaw + moved, atol=2e-4)
    kept = points(ada.obj, "mouthSmileLeft")[50] - smile[50] - moved[50]
    assert np.abs(kept).max() < 2e-4


def test_a_refit_says_what_is_left_and_the_mesh_stays(bpy, ada):
    keys = ada.obj.data.shape_keys.key_blocks
    keys["mouthLeft"].value = 0.7
    keys["mouthLeft"].keyframe_insert("value", frame=1)
    identity = list(ada.obj["effigy"]["identity"])
    sculpt(ada.obj)
    basis = points(ada.obj)
    assert bpy.ops.effigy.refit() == {"FINISHED"}
    np.testing.assert_allclose(points(ada.obj), basis, atol=4e-6)
    assert np.abs(np.subtract(ada.obj["effigy"]["identity"], identity)).max() > 0.01
    mean, most = ada.obj["effigy_refit_left"]
    assert 0 < mean < most < 4.47
    assert keys["mouthLeft"].value == pytest.approx(0.7)
    assert keys.id_data.animation_data.action is not None
    # Beside the result, too: the same head is built from there.
    folder = ada.folder.with_name("Ada edited")
    about = read_about(folder)
    assert about["identity"] == list(ada.obj["effigy"]["identity"])
    bpy.ops.effigy.build(directory=str(folder))
    np.testing.assert_allclose(points(bpy.context.object), basis, atol=4e-6)
    np.testing.assert_array_equal(
        load_reconstruction(ada.folder).coefficients.identity, np.float32(identity)
    )
    # Refitting again finds nothing new: what was left is left.
    before = list(bpy.context.object["effigy"]["identity"])
    bpy.ops.effigy.rebuild()
    np.testing.assert_allclose(points(bpy.context.object), basis, atol=4e-6)
    assert list(bpy.context.object["effigy"]["identity"]) == before


def test_it_is_in_the_blend_file_where_the_result_is_gone(bpy, ada, tmp_path):
    sculpt(ada.obj)
    ada.folder.rename(tmp_path / "elsewhere")
    basis = points(ada.obj)
    assert bpy.ops.effigy.refit() == {"FINISHED"}
    path = tmp_path / "saved.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.open_mainfile(filepath=str(path))
    obj = bpy.data.objects["Ada"]
    bpy.context.view_layer.objects.active = obj
    put(obj, "Basis", points(obj) + np.float32([0, 0, 0]))
    bpy.ops.effigy.rebuild()
    np.testing.assert_allclose(points(obj), basis, atol=5e-6)
    with pytest.raises(RuntimeError, match=r"Ada.* is not a complete reconstruction"):
        bpy.ops.effigy.save_sculpt()


def test_removing_it_gives_the_photos_head_back(bpy, ada):
    basis, jaw = points(ada.obj), points(ada.obj, "jawOpen")
    sculpt(ada.obj)
    bpy.ops.effigy.save_sculpt()
    assert load_reconstruction(ada.folder.with_name("Ada edited")).sculpt is not None
    bpy.ops.effigy.remove_sculpt()
    np.testing.assert_allclose(points(ada.obj), basis, atol=4e-6)
    np.testing.assert_allclose(points(ada.obj, "jawOpen"), jaw, atol=1e-5)
    bpy.ops.effigy.rebuild()
    np.testing.assert_allclose(points(ada.obj), basis, atol=4e-6)


def test_vertices_that_came_leave_what_was_kept_last(bpy, ada):
    sculpt(ada.obj)
    basis = points(ada.obj)
    bpy.ops.effigy.save_sculpt()
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="SELECT")
    bpy.ops.mesh.subdivide()
    bpy.ops.object.mode_set(mode="OBJECT")
    for operator in (bpy.ops.effigy.refit, bpy.ops.effigy.save_sculpt):
        with pytest.raises(RuntimeError, match=r"other vertices.*Rebuild head"):
            operator()
    bpy.ops.effigy.rebuild()
    np.testing.assert_allclose(points(ada.obj), basis, atol=4e-6)


@pytest.mark.parametrize(
    ("change", "word"),
    [((-1, 1, 1), "mirrored"), ((2, 2, 2), "scaled"), ((-1, -1, 1), "turned")],
)
def test_a_transform_that_was_applied_is_no_sculpt(bpy, ada, change, word):
    basis = points(ada.obj)
    put(ada.obj, "Basis", basis * np.float32(change))
    with pytest.raises(RuntimeError, match=f"{word} as a whole.*transform the object"):
        bpy.ops.effigy.refit()
    bpy.ops.effigy.rebuild()
    np.testing.assert_allclose(points(ada.obj), basis, atol=4e-6)


@pytest.mark.parametrize("more", [False, True])
def test_a_move_that_was_applied_leaves_what_was_kept_last(bpy, ada, capfd, more):
    sculpt(ada.obj)
    basis = points(ada.obj)
    bpy.ops.effigy.save_sculpt()
    if more:
        sculpt(ada.obj, 0.002)
    put(ada.obj, "Basis", points(ada.obj) + np.float32([1, 0, 2]))
    capfd.readouterr()
    bpy.ops.effigy.rebuild()
    np.testing.assert_allclose(points(ada.obj), basis, atol=4e-6)
    said = capfd.readouterr().out
    assert said.count("Rebuilt Ada") == 1
    assert ("without what was sculpted on it last" in said) == more


def test_a_mirrored_or_scaled_object_keeps_its_sculpt(bpy, ada):
    ada.obj.scale = (-2, 2, 2)
    sculpt(ada.obj)
    basis = points(ada.obj)
    bpy.ops.effigy.rebuild()
    np.testing.assert_allclose(points(ada.obj), basis, atol=4e-6)
    assert tuple(ada.obj.scale) == (-2, 2, 2)


def test_pins_go_on_from_a_sculpted_head(bpy, ada, tmp_path):
    moved = sculpt(ada.obj)
    about = read_about(ada.folder)
    x, y = about["landmarks_478"][CHIN]
    photo = {name: about["photo"][name] for name in ("name", "sha256", "width", "height")}
    pin = {"landmark": CHIN, "position": [x, y + 10], "locked": False}
    pins = {"format": 1, "model": {n: about["model"][n] for n in ("id", "version")}}
    pins |= {"mirror": False, "expression": True, "photos": [photo | {"pins": [pin]}]}
    (tmp_path / "pins.json").write_text(json.dumps(pins))
    before = points(ada.obj)
    bpy.ops.effigy.apply_pins(filepath=str(tmp_path / "pins.json"), project=False)
    pinned = points(ada.obj)
    assert np.abs(pinned - before).max() > 0.001
    bpy.ops.effigy.rebuild()
    np.testing.assert_allclose(points(ada.obj), pinned, atol=1e-5)
    bpy.ops.effigy.remove_sculpt()
    np.testing.assert_allclose(points(ada.obj), pinned - moved, atol=1e-5)


def test_a_head_without_a_photo_can_be_refitted(bpy):
    bpy.ops.effigy.add_head()
    obj = bpy.context.object
    sculpt(obj)
    basis = points(obj)
    assert bpy.ops.effigy.refit() == {"FINISHED"}
    np.testing.assert_allclose(points(obj), basis, atol=4e-6)
    with pytest.raises(RuntimeError, match="made without a photo"):
        bpy.ops.effigy.save_sculpt()
