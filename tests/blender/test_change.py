"""A head's mesh at another level after the fact: all that was done to it stays."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from ml.data import Detail
from ml.head.levels import level_of
from ml.head.storage import load_head_model
from ml.results.reconstruction import load_reconstruction, read_about, save_reconstruction
from tests.support.model_head import write_model_head


def points(obj, name="Basis"):
    flat = np.empty(3 * len(obj.data.vertices), np.float32)
    obj.data.shape_keys.key_blocks[name].points.foreach_get("co", flat)
    return flat.reshape(-1, 3)


def in_head_space(places):
    x, y, z = places.T
    return np.stack([x, z, -y], -1)


@pytest.fixture
def ada(bpy, tmp_path):
    """A sculpted, animated head of the head model, with a key and a group of its own."""
    write_model_head(tmp_path / "Ada")
    bpy.ops.effigy.build(directory=str(tmp_path / "Ada"))
    obj = bpy.context.object
    keys = obj.data.shape_keys.key_blocks
    basis = points(obj)
    for key in keys:
        places = points(obj, key.name)
        places[:, 2] += 0.003 * (basis[:, 2] > 0.1)
        key.points.foreach_set("co", places.ravel())
    own = obj.shape_key_add(name="Wide", from_mix=False)
    own.points.foreach_set("co", (points(obj) * np.float32([1.1, 1, 1])).ravel())
    own.value = 0.4
    keys["mouthLeft"].value = 0.7
    keys["mouthLeft"].keyframe_insert("value", frame=1)
    driver = keys["mouthRight"].driver_add("value").driver
    driver.expression = "0.25"
    group = obj.vertex_groups.new(name="Hair")
    group.add(np.flatnonzero(basis[:, 2] > 0.05).tolist(), 0.75, "REPLACE")
    obj.location = (1, 2, 3)
    obj.modifiers.new("Smooth", "SMOOTH")
    obj.data.materials[0].roughness = 0.9
    return SimpleNamespace(obj=obj, folder=tmp_path / "Ada")


@pytest.mark.parametrize("level", ["low", "high"])
def test_everything_stays_on_another_mesh(bpy, ada, level):
    obj, keys = ada.obj, ada.obj.data.shape_keys.key_blocks
    before = {name: points(obj, name) for name in ("Basis", "jawOpen", "Wide")}
    action, materials = obj.data.shape_keys.animation_data.action, list(obj.data.materials)
    data = obj.data
    assert bpy.ops.effigy.change_level(level=level) == {"FINISHED"}
    other = level_of(load_head_model(), level)
    assert obj.data == data
    assert len(data.vertices) == len(other.points)
    assert len(data.polygons) == len(other.quads)
    for name, places in before.items():
        wanted = other.points.on(places)
        assert np.median(np.abs(points(obj, name) - wanted).max(1)) < 1e-5
        assert np.abs(points(obj, name) - wanted).max() < (0.004 if level == "low" else 1e-4)
    assert keys["mouthLeft"].value == pytest.approx(0.7)
    assert keys["Wide"].value == pytest.approx(0.4)
    assert data.shape_keys.animation_data.action == action
    assert len(data.shape_keys.animation_data.drivers) == 1
    assert list(data.materials) == materials
    assert materials[0].roughness == pytest.approx(0.9)
    top = int(np.argmax(points(obj)[:, 2]))
    assert obj.vertex_groups["Hair"].weight(top) == pytest.approx(0.75, abs=0.02)
    assert len(obj.vertex_groups) == len({group.name for group in obj.vertex_groups})
    assert tuple(obj.location) == (1, 2, 3)
    assert "Smooth" in obj.modifiers
    assert obj["effigy"]["level"] == level
    # Beside the result it is the same.
    folder = ada.folder.with_name("Ada edited")
    assert read_about(folder)["settings"]["level"] == level
    saved = load_reconstruction(folder).mesh
    np.testing.assert_allclose(in_head_space(points(obj)), saved.vertices, atol=4e-6)
    # And back: what the other mesh could not hold is there again.
    bpy.ops.effigy.change_level(level="base")
    np.testing.assert_allclose(points(obj), before["Basis"], atol=1e-5)
    bpy.ops.effigy.rebuild()
    np.testing.assert_allclose(points(obj), before["Basis"], atol=1e-5)


def test_a_rig_goes_along(bpy, ada):
    bpy.ops.effigy.rig()
    bpy.context.view_layer.objects.active = ada.obj
    bpy.ops.effigy.change_level(level="low")
    rig = ada.obj.parent
    assert rig["mouthLeft"] == pytest.approx(0.7)
    groups = [ada.obj.vertex_groups[name].index for name in ("neck", "head", "jaw")]
    weights = [
        sum(entry.weight for entry in vertex.groups if entry.group in groups)
        for vertex in ada.obj.data.vertices
    ]
    assert np.mean(np.array(weights) > 0.99) > 0.8


def test_uv_maps_of_ones_own_are_named(bpy, ada, capfd):
    ada.obj.data.uv_layers.new(name="Tattoo")
    bpy.ops.effigy.change_level(level="low")
    assert "without UV map Tattoo" in capfd.readouterr().out


def test_a_head_alone_in_its_file_changes_too(bpy, ada):
    for path in ada.folder.iterdir():
        path.unlink()
    assert bpy.ops.effigy.change_level(level="low") == {"FINISHED"}
    basis = points(ada.obj)
    bpy.ops.effigy.rebuild()
    np.testing.assert_allclose(points(ada.obj), basis, atol=1e-5)


def test_other_vertices_are_refused(bpy, ada):
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="SELECT")
    bpy.ops.mesh.subdivide()
    bpy.ops.object.mode_set(mode="OBJECT")
    with pytest.raises(RuntimeError, match=r"other vertices.*Rebuild head"):
        bpy.ops.effigy.change_level(level="high")


def written(source, target, **changes):
    """A result as the engine leaves it: the first with other images and detail."""
    head = load_reconstruction(source)
    save_reconstruction(replace(head, **changes), target)
    return target


def images_of(obj, kind):
    return {
        node.image
        for material in obj.data.materials
        for node in material.node_tree.nodes
        if node.type == "TEX_IMAGE" and node.image is not None and kind in node.image.name
    }


def test_texture_and_relief_come_and_go(bpy, ada, tmp_path):
    obj, basis = ada.obj, points(ada.obj)
    bpy.ops.effigy.change_texture(texture_size="0", detail="off")
    folder = ada.folder.with_name("Ada edited")
    assert "albedo.png" not in read_about(folder)["images"]
    assert "Detail" not in obj.data.shape_keys.key_blocks
    assert not images_of(obj, "")
    assert len(obj.data.shape_keys.animation_data.drivers) == 1
    bpy.ops.effigy.rebuild()
    np.testing.assert_allclose(points(obj), basis, atol=4e-6)
    assert not images_of(obj, "")
    obj.data.shape_keys.key_blocks["mouthLeft"].value = 0.7
    obj.data.materials[0].roughness = 0.8
    material = obj.data.materials[0]
    offsets = np.full(basis.shape, 0.0004, np.float32)
    detail = Detail("relief", offsets, np.full((8, 8, 3), 128, np.uint8))
    pictures = {"albedo": np.full((32, 32, 3), 9, np.uint8), "detail": detail}
    made = written(folder, tmp_path / "made", **pictures)
    bpy.ops.effigy.renew_texture(head=obj.name, directory=str(made))
    (albedo,) = images_of(obj, "albedo")
    assert tuple(albedo.size) == (32, 32)
    assert len(images_of(obj, "detail")) == 1
    assert obj.data.materials[0] == material
    assert material.roughness == pytest.approx(0.8)
    np.testing.assert_allclose(points(obj), basis, atol=4e-6)
    moved = in_head_space(points(obj, "Detail") - points(obj))
    np.testing.assert_allclose(moved, offsets, atol=1e-6)
    assert obj.data.shape_keys.key_blocks["mouthLeft"].value == pytest.approx(0.7)
    with pytest.raises(RuntimeError, match="this texture and relief already"):
        bpy.ops.effigy.change_texture(texture_size="SAME", detail="relief")


def test_what_was_made_for_another_head_is_refused(bpy, ada, tmp_path):
    made = written(ada.folder, tmp_path / "made")
    bpy.ops.effigy.change_level(level="low")
    with pytest.raises(RuntimeError, match="was changed meanwhile"):
        bpy.ops.effigy.renew_texture(head=ada.obj.name, directory=str(made))


def test_a_job_that_fails_or_stops_leaves_no_folder(module, tmp_path):
    job_type = module("operators.dress").DressJob
    for how in ("fails", "stops"):
        folder = tmp_path / how
        folder.mkdir()
        asked = []
        request = SimpleNamespace(fraction=0.0, message="", poll=lambda: False, cancel=list)
        data = {"folders": [str(folder)], "parts": ["texture"]}
        job = job_type(data, lambda *what, to=asked, of=request: to.append(what) or of, list)
        assert not job.step()
        assert asked == [("dress", data)]
        if how == "stops":
            job.cancel()
        else:
            request.poll = lambda: 1 / 0
            with pytest.raises(ZeroDivisionError):
                job.step()
        assert not folder.exists()
