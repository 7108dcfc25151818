"""Detail in Blender: a slider that is live, adds to every key, and goes through exports."""

from dataclasses import replace

import numpy as np
import pytest

from ml.data import Detail
from ml.results.reconstruction import save_reconstruction
from tests.support.reading_back import read_back
from tests.support.synthetic_head import synthetic_reconstruction


@pytest.fixture
def detailed(bpy, tmp_path):
    """A built head with detail, and what it was built from."""
    plain = synthetic_reconstruction()
    skin = np.unique(plain.mesh.quads[plain.mesh.part == 0])
    offsets = np.zeros_like(plain.mesh.vertices)
    offsets[skin] = 0.001 * np.random.default_rng(2).normal(size=(len(skin), 3))
    normals = np.full((32, 32, 3), (128, 128, 255), np.uint8)
    normals[:16, :, 0] = 160
    displacement = np.full((32, 32, 3), 32768, np.uint16)
    head = replace(plain, detail=Detail("relief", offsets, normals, displacement))
    save_reconstruction(head, tmp_path / "Ada")
    bpy.ops.effigy.build(directory=str(tmp_path / "Ada"))
    return bpy.context.object, head


def key_of(obj):
    return obj.data.shape_keys.key_blocks["Detail"]


def in_head_space(vectors):
    return np.stack([vectors[:, 0], vectors[:, 2], -vectors[:, 1]], 1)


def skin_material(obj):
    return next(m for m in obj.data.materials if " skin" in m.name)


def normal_node(obj):
    return next(n for n in skin_material(obj).node_tree.nodes if n.type == "NORMAL_MAP")


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0, 1.5])
def test_strength_is_live_and_adds_to_the_expression(detailed, shown, strength):
    obj, head = detailed
    key_of(obj).value = strength
    wanted = head.mesh.vertices_expressed + strength * head.detail.offsets
    assert np.abs(in_head_space(shown(obj)) - wanted).max() <= 1e-5


def test_the_person_at_rest_has_no_detail(detailed):
    obj, head = detailed
    flat = np.empty(3 * len(obj.data.vertices), np.float32)
    obj.data.shape_keys.key_blocks["Basis"].points.foreach_get("co", flat)
    assert np.abs(in_head_space(flat.reshape(-1, 3)) - head.mesh.vertices).max() <= 1e-5


def test_normal_map_follows_the_slider(bpy, detailed):
    obj, _ = detailed
    node = normal_node(obj)
    shader = next(n for n in skin_material(obj).node_tree.nodes if n.type == "BSDF_PRINCIPLED")
    group = shader.inputs["Normal"].links[0].from_node
    assert group.inputs["Normal"].links[0].from_node == node
    image = node.inputs["Color"].links[0].from_node.image
    assert image.colorspace_settings.name == "Non-Color"
    assert image.packed_file is not None
    assert node.inputs["Strength"].default_value == 1.0
    key_of(obj).value = 0.25
    bpy.context.view_layer.update()
    graph = bpy.context.evaluated_depsgraph_get()
    evaluated = skin_material(obj).evaluated_get(graph).node_tree
    strength = next(n for n in evaluated.nodes if n.type == "NORMAL_MAP").inputs["Strength"]
    assert strength.default_value == pytest.approx(0.25)


def test_expressions_leave_detail_alone(bpy, detailed):
    obj, _ = detailed
    key_of(obj).value = 0.7
    for which in ("NEUTRAL", "PHOTO"):
        bpy.ops.effigy.expression(which=which)
        assert key_of(obj).value == pytest.approx(0.7)


def test_a_rig_leaves_detail_its_own(bpy, detailed, shown):
    obj, head = detailed
    bpy.ops.effigy.rig(add=True)
    key_of(obj).value = 0.0
    smooth = shown(obj)
    key_of(obj).value = 1.0
    moved = np.linalg.norm(shown(obj) - smooth, axis=1)
    assert np.allclose(moved, np.linalg.norm(head.detail.offsets, axis=1), atol=1e-5)
    assert "Detail" not in obj.parent


def test_rebuilding_brings_detail_back(bpy, detailed):
    obj, _ = detailed
    key_of(obj).value = 0.0
    bpy.ops.effigy.rebuild()
    assert key_of(obj).value == 1.0
    assert normal_node(obj).inputs["Strength"].default_value == 1.0


@pytest.mark.parametrize("one", [False, True])
def test_glb_has_detail_as_a_target_and_as_a_texture(bpy, detailed, tmp_path, one):
    _, head = detailed
    path = tmp_path / "head.glb"
    bpy.ops.effigy.export(filepath=str(path), format="GLB", one_material=one)
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=str(path))
    obj = next(obj for obj in bpy.data.objects if obj.type == "MESH")
    keys = obj.data.shape_keys.key_blocks
    assert keys["Detail"].value == pytest.approx(1.0)
    flat = [np.empty(3 * len(obj.data.vertices), np.float32) for _ in range(2)]
    for name, values in zip(("Basis", "Detail"), flat, strict=True):
        keys[name].points.foreach_get("co", values)
    moved = np.linalg.norm((flat[1] - flat[0]).reshape(-1, 3), axis=1)
    longest = np.linalg.norm(head.detail.offsets, axis=1).max()
    assert moved.max() == pytest.approx(longest, abs=1e-5)
    assert any(n.type == "NORMAL_MAP" for m in obj.data.materials for n in m.node_tree.nodes)


@pytest.mark.parametrize("kind", ["FBX", "USD"])
def test_other_formats_keep_the_key(bpy, detailed, tmp_path, kind):
    bpy.ops.effigy.export(filepath=str(tmp_path / "head"), format=kind)
    written = next(path for path in tmp_path.iterdir() if path.name.startswith("head."))
    obj, _ = read_back(bpy, written)
    assert "Detail" in obj.data.shape_keys.key_blocks


def test_without_detail_there_is_no_slider(built_head, module):
    assert "Detail" not in built_head.data.shape_keys.key_blocks
    assert module("operators.scene.detail").detail_key(built_head) is None
    assert built_head["effigy"]["detail"] == "off"
