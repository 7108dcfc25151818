"""Node groups of skin and teeth: shared, versioned, neutral, and gone from exports."""

from dataclasses import replace

import numpy as np
import pytest

from tests.support.reading_back import read_back
from tests.support.synthetic_head import synthetic_mesh


@pytest.fixture
def groups(module):
    return module("operators.scene.surface_groups")


def trees(bpy, groups):
    return [tree for tree in bpy.data.node_groups if groups.MARK in tree]


def test_heads_share_one_group_of_each_kind(bpy, saved_head, groups):
    for _ in range(2):
        bpy.ops.effigy.build(directory=str(saved_head.directory))
    assert sorted(tree.name for tree in trees(bpy, groups)) == ["Effigy skin", "Effigy teeth"]
    skin = [m for m in bpy.data.materials if groups.group_node(m, groups.SKIN) is not None]
    assert len(skin) == 2
    sliders = {socket.name for socket in groups.group_node(skin[0], groups.SKIN).inputs}
    assert {"Tone", "Redness", "Oil", "Age", "Pores"} <= sliders


def test_a_group_of_another_version_stays_as_it_was(bpy, built_head, saved_head, groups):
    (old,) = [tree for tree in trees(bpy, groups) if tree.name == "Effigy skin"]
    old[groups.MARK] = "Effigy skin 0"
    count = len(old.nodes)
    bpy.ops.effigy.build(directory=str(saved_head.directory))
    marks = sorted(tree[groups.MARK] for tree in trees(bpy, groups))
    assert marks == ["Effigy skin 0", "Effigy skin 1", "Effigy teeth 1"]
    assert len(old.nodes) == count
    # Its sliders are found all the same.
    assert groups.group_node(material_of(built_head, "skin"), groups.SKIN).node_tree == old


def material_of(obj, kind):
    return next(m for m in obj.data.materials if m.name.partition(".")[0].endswith(f" {kind}"))


def test_a_head_that_is_appended_keeps_its_group(bpy, built_head, groups, tmp_path):
    groups.group_node(material_of(built_head, "skin"), groups.SKIN).inputs["Tone"].default_value = 1
    path = tmp_path / "a.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.read_homefile(use_empty=True)
    with bpy.data.libraries.load(str(path)) as (held, wanted):
        wanted.objects = [name for name in held.objects if name == "Ada"]
    obj = wanted.objects[0]
    node = groups.group_node(material_of(obj, "skin"), groups.SKIN)
    assert node.inputs["Tone"].default_value == 1
    assert "effigy_oil" in obj.data.attributes


def test_a_failed_build_leaves_no_group(bpy, saved_head, groups, module, monkeypatch):
    def fail(*_):
        raise module("ml.errors").HeadError("no", "no")

    monkeypatch.setattr(module("operators.scene.collection"), "add_part_groups", fail)
    with pytest.raises(RuntimeError):
        bpy.ops.effigy.build(directory=str(saved_head.directory))
    assert trees(bpy, groups) == []


@pytest.mark.parametrize("kind", ["GLB", "FBX", "USD"])
def test_exports_have_the_photo_without_baking(bpy, built_head, tmp_path, kind):
    before = [material.name for material in built_head.data.materials]
    path = tmp_path / f"a.{ {'USD': 'usdc'}.get(kind, kind.lower()) }"
    bpy.ops.effigy.export(filepath=str(path), format=kind)
    assert [material.name for material in built_head.data.materials] == before
    assert len(bpy.data.materials) == len(before)
    obj, _ = read_back(bpy, path)
    names = [slot.material.name.replace("_", " ") for slot in obj.material_slots]
    assert "Ada skin" in names
    tree = obj.material_slots[names.index("Ada skin")].material.node_tree
    shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    node = shader.inputs["Base Color"].links[0].from_node
    assert tuple(node.image.size) == (64, 64)
    assert shader.inputs["Roughness"].default_value == pytest.approx(0.55, abs=0.01)


def test_hollows_are_found_and_regions_fade(module):
    attributes, mesh = module("operators.scene.skin_attributes"), synthetic_mesh(24)
    found = attributes.skin_attributes(mesh)
    skin = np.unique(mesh.quads[mesh.part == 0])
    assert found[attributes.CAVITY][skin].max() == 0  # a ball is hollow nowhere
    thin, ears = found[attributes.THIN][skin], mesh.masks["ears"][skin] > 0.9
    assert thin[ears].min() > thin.mean()
    dent = skin[np.argmax(mesh.vertices[skin][:, 2])]
    near = np.exp(-(((mesh.vertices - mesh.vertices[dent]) / 0.012) ** 2).sum(1))
    pushed = mesh.vertices - near[:, None] * np.float32([0, 0, 0.02])
    dented = attributes.skin_attributes(replace(mesh, vertices=pushed))[attributes.CAVITY]
    assert np.argmax(dented) == dent
    assert dented[dent] > 0.2


def test_attributes_are_right_after_a_rebuild(bpy, built_head):
    layer = built_head.data.attributes["effigy_thin"]
    wanted = np.array([each.value for each in layer.data])
    assert np.ptp(wanted) > 0.1
    layer.data.foreach_set("value", np.zeros(len(wanted), np.float32))
    bpy.ops.effigy.rebuild()
    found = [each.value for each in built_head.data.attributes["effigy_thin"].data]
    assert found == pytest.approx(wanted.tolist())
