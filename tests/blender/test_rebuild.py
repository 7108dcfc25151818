"""Rebuilding a head: the photo's mesh again, without what the person added."""

import numpy as np
import pytest


def points(obj, name):
    flat = np.empty(3 * len(obj.data.vertices), np.float32)
    obj.data.shape_keys.key_blocks[name].points.foreach_get("co", flat)
    return flat.reshape(-1, 3)


@pytest.fixture
def adorned(bpy, built_head):
    """The head with a key, a group, a UV map, a material, a modifier and keyframes of its own."""
    built_head.data.shape_keys.key_blocks["jawOpen"].keyframe_insert("value", frame=1)
    key = built_head.shape_key_add(name="Ears", from_mix=False)
    key.points[5].co.x += 0.5
    built_head.vertex_groups.new(name="Hair").add([1, 2], 0.5, "REPLACE")
    built_head.data.uv_layers.new(name="Tattoo")
    built_head.data.materials.append(bpy.data.materials.new("Gold skin"))
    built_head.data.polygons[3].material_index = 9
    skin = built_head.data.materials[0]
    built_head.data.materials[0] = bpy.data.materials.new("Marble")
    bpy.data.materials.remove(skin)
    built_head.modifiers.new("Smooth", "SMOOTH")
    return built_head


@pytest.mark.parametrize("rig", [False, True])
def test_what_the_person_added_stays(bpy, adorned, rig):
    names = {image.name for image in bpy.data.images}
    if rig:
        bpy.ops.effigy.rig()
    action = bpy.data.actions[0]
    basis, jaw = points(adorned, "Basis"), points(adorned, "jawOpen")
    for name in ("Basis", "Ears"):
        moved = points(adorned, name) + np.float32(0.25)
        adorned.data.shape_keys.key_blocks[name].points.foreach_set("co", moved.ravel())
    bpy.context.view_layer.update()
    assert bpy.ops.effigy.rebuild() == {"FINISHED"}
    assert np.allclose(points(adorned, "Basis"), basis)
    assert np.array_equal(points(adorned, "jawOpen"), jaw)
    offset = points(adorned, "Ears") - basis
    assert offset[5, 0] == pytest.approx(0.5, abs=1e-6)
    assert np.abs(np.delete(offset, 5, 0)).max() < 1e-6
    assert adorned.vertex_groups["Hair"].weight(2) == 0.5
    assert "Tattoo" in adorned.data.uv_layers
    assert adorned.data.materials[0].name == "Marble"
    assert adorned.data.materials[9].name == "Gold skin"
    assert adorned.data.polygons[3].material_index == 9
    assert action.users == 1
    assert "Smooth" in adorned.modifiers
    assert {image.name for image in bpy.data.images} == names
    assert len(bpy.data.meshes) == 1
    made = [material.name for material in adorned.data.materials]
    assert made[1:3] == ["Ada mouth", "Ada eye"]


def test_an_edited_mesh_is_replaced_and_says_what_is_lost(bpy, adorned, module):
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="SELECT")
    bpy.ops.mesh.subdivide()
    bpy.ops.object.mode_set(mode="OBJECT")
    heads, rebuild = module("operators.heads"), module("operators.build")
    lost = rebuild._lost(adorned, heads.stored_head(adorned))
    assert sorted(lost) == [
        "UV map Tattoo",
        "material Gold skin",
        "material Marble",
        "shape key Ears",
        "vertex group Hair",
    ]
    action = bpy.data.actions[0]
    assert bpy.ops.effigy.rebuild() == {"FINISHED"}
    assert adorned.data.shape_keys.animation_data.action == action
    assert rebuild._lost(adorned, heads.stored_head(adorned)) == []
    assert bpy.data.materials["Marble"] is not None
    assert adorned.data.materials[0].name == "Ada skin"
