"""A file for each program has its names, order, bones and scale; and a JSON file says so."""

import json
import struct

import numpy as np
import pytest

from ml.head.arkit import EXPRESSION_NAMES
from tests.support.reading_back import read_back

CLOSE = 5e-5  # metres
SUFFIX = {"FBX": ".fbx", "GLB": ".glb", "USD": ".usdc"}
BONES = {
    "UNITY": {"Root", "Neck", "Head", "Jaw", "LeftEye", "RightEye"},
    "UNREAL": {"root", "neck_01", "head", "jaw", "eye_l", "eye_r"},
    "GODOT": {"Root", "Neck", "Head", "Jaw", "LeftEye", "RightEye"},
    "WEB": {"root", "neck", "head", "jaw", "eye_L", "eye_R"},
    "VRCHAT": {"Root", "Neck", "Head", "Jaw", "LeftEye", "RightEye"},
    "ARKIT": {"root", "neck", "head", "jaw", "eye_L", "eye_R"},
}
BLINK = {"UNREAL": "EyeBlinkLeft", "VRCHAT": "EyeClosedLeft"}


@pytest.fixture
def profiles(module):
    return module("operators.export_profiles").PROFILES


def world_keys(obj):
    """(V, 3) of every key in the world, by name."""
    matrix = np.array(obj.matrix_world)
    found = {}
    for key in obj.data.shape_keys.key_blocks:
        flat = np.empty(3 * len(obj.data.vertices), np.float32)
        key.points.foreach_get("co", flat)
        found[key.name] = flat.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]
    return found


def farthest(found, points):
    from scipy.spatial import KDTree

    return max(KDTree(points).query(found)[0].max(), KDTree(found).query(points)[0].max())


def write(bpy, obj, folder, name, profiles, **options):
    profile = profiles[name]
    path = folder / f"a{profile.suffix or SUFFIX[profile.format]}"
    bpy.context.view_layer.objects.active = obj
    bpy.ops.effigy.export(filepath=str(path), profile=name, **options)
    return path, json.loads((folder / f"{path.name}.json").read_text())


@pytest.mark.parametrize("name", sorted(BONES))
def test_each_profile_comes_back_as_its_program_wants(bpy, rigged, tmp_path, profiles, name):
    wanted = world_keys(rigged.obj)
    path, about = write(bpy, rigged.obj, tmp_path, name, profiles)
    obj, rig = read_back(bpy, path)
    keys = list(obj.data.shape_keys.key_blocks.keys())[1:]
    renamed = profiles[name].keys
    assert set(keys) == {renamed.get(each, each) for each in EXPRESSION_NAMES}
    assert BLINK.get(name, "eyeBlinkLeft") in keys
    in_order = [new for old, new in renamed.items() if old in EXPRESSION_NAMES]
    assert not renamed or profiles[name].format == "USD" or keys == in_order
    assert set(rig.data.bones.keys()) == BONES[name]
    found = world_keys(obj)
    for old in ("jawOpen", "mouthSmileLeft", "browInnerUp"):
        assert farthest(found[renamed.get(old, old)], wanted[old]) <= CLOSE, old
    assert not any(key.value for key in obj.data.shape_keys.key_blocks)
    assert about["profile"] == name
    assert list(about["shape_keys"].values())[: len(in_order)] == [
        old for old in renamed if old in EXPRESSION_NAMES
    ]
    assert set(about["bones"]) == BONES[name]
    assert about["meshes"][0]["vertices"] == len(wanted["jawOpen"])
    most = max(sum(g.group in deforming(obj, rig) for g in v.groups) for v in obj.data.vertices)
    assert most <= about["max_influences"]
    assert len(obj.material_slots) == 1


def deforming(obj, rig):
    return {group.index for group in obj.vertex_groups if group.name in rig.data.bones}


def glb_json(path):
    data = path.read_bytes()
    (length,) = struct.unpack("<I", data[12:16])
    return json.loads(data[20 : 20 + length])


REQUIRED = {"hips", "spine", "head"} | {
    f"{side}{part}"
    for side in ("left", "right")
    for part in ("UpperLeg", "LowerLeg", "Foot", "UpperArm", "LowerArm", "Hand")
}


def test_vrm_has_its_expressions_and_a_humanoid(bpy, rigged, tmp_path, profiles):
    wanted = world_keys(rigged.obj)
    rigged.obj.name = "head"  # as a bone is called
    rigged_eyes = {bone.name: bone.head_local.copy() for bone in rigged.rig.data.bones}
    path, about = write(bpy, rigged.obj, tmp_path, "VRM", profiles)
    assert sorted(each.name for each in tmp_path.glob("a.*")) == ["a.vrm", "a.vrm.json"]
    held = glb_json(path)
    vrm = held["extensions"]["VRMC_vrm"]
    assert "VRMC_vrm" in held["extensionsUsed"]
    assert vrm["specVersion"] == "1.0"
    bones = vrm["humanoid"]["humanBones"]
    assert set(bones) >= REQUIRED | {"neck", "jaw", "leftEye", "rightEye"}
    assert held["nodes"][bones["leftEye"]["node"]]["name"] == "leftEye"
    assert "mesh" not in held["nodes"][bones["head"]["node"]]
    eyes = [rigged_eyes[name] for name in ("eye.L", "eye.R")]
    between = (eyes[0] + eyes[1]) / 2 - rigged_eyes["head"]
    assert vrm["lookAt"]["offsetFromHeadBone"] == pytest.approx(
        (0, between.z, -between.y), abs=1e-5
    )
    presets = vrm["expressions"]["preset"]
    assert set(presets) >= {"happy", "blink", "aa", "ih", "ou", "ee", "oh", "lookUp"}
    (bind, _) = presets["blink"]["morphTargetBinds"]
    targets = held["meshes"][held["nodes"][bind["node"]]["mesh"]]["extras"]["targetNames"]
    assert targets[bind["index"]] == "eyeBlinkLeft"
    assert all(each["morphTargetBinds"] for each in presets.values())
    assert set(about["expressions"]) == set(presets)
    path = path.rename(tmp_path / "b.glb")
    obj, rig = read_back(bpy, path)
    assert farthest(world_keys(obj)["jawOpen"], wanted["jawOpen"]) <= CLOSE
    left = rig.matrix_world @ rig.data.bones["leftHand"].head_local
    assert left.x > 0.3  # the subject's left
    assert rig.data.bones["neck"].parent.name == "chest"


def test_vrm_needs_bones_and_one_mesh(bpy, built_head, tmp_path, profiles):
    with pytest.raises(RuntimeError, match="Add the rig first"):
        write(bpy, built_head, tmp_path, "VRM", profiles)
    bpy.ops.effigy.rig(add=True)
    with pytest.raises(RuntimeError, match="holds one mesh alone"):
        write(bpy, built_head, tmp_path, "VRM", profiles, levels=True)
    assert list(tmp_path.glob("a*")) == []


def test_a_profile_leaves_names_and_actions_as_they_were(bpy, rigged, tmp_path, profiles):
    obj, rig = rigged.obj, rigged.rig
    rig["jawOpen"] = 0.4
    rig.keyframe_insert('["jawOpen"]', frame=1)
    own = obj.shape_key_add(name="Mine", from_mix=False)
    own.value = 0.5
    own.keyframe_insert("value", frame=3)
    before = list(obj.data.shape_keys.key_blocks.keys()), sorted(bpy.data.objects.keys())
    bones = sorted(bone.name for bone in rig.data.bones)
    write(bpy, obj, tmp_path, "VRCHAT", profiles, animation=True)
    assert (list(obj.data.shape_keys.key_blocks.keys()), sorted(bpy.data.objects.keys())) == before
    assert sorted(bone.name for bone in rig.data.bones) == bones
    curves = [
        curve.data_path
        for action in bpy.data.actions
        for layer in action.layers
        for strip in layer.strips
        for bag in strip.channelbags
        for curve in bag.fcurves
    ]
    assert sorted(curves) == ['["jawOpen"]', 'key_blocks["Mine"].value']
    driver = obj.data.shape_keys.animation_data.drivers[0]
    assert driver.driver.variables[0].targets[0].id == rig


def test_a_name_that_is_taken_is_named(bpy, built_head, tmp_path, profiles):
    built_head.shape_key_add(name="EyeClosedLeft", from_mix=False)
    with pytest.raises(RuntimeError, match="a shape key of its own called EyeClosedLeft"):
        write(bpy, built_head, tmp_path, "VRCHAT", profiles)
    assert "eyeBlinkLeft" in built_head.data.shape_keys.key_blocks


@pytest.mark.parametrize(("name", "first"), [("UNITY", "Average_LOD0"), ("WEB", "Average_LOD0")])
def test_levels_lie_in_one_file(bpy, tmp_path, profiles, name, first):
    bpy.ops.effigy.add_head(person="AVERAGE")
    head = bpy.context.object
    head.name = "Average"
    bpy.ops.effigy.rig(add=True)
    path, about = write(bpy, head, tmp_path, name, profiles, levels=True)
    read_back(bpy, path)
    meshes = {
        obj.name: obj for obj in bpy.data.objects if obj.type == "MESH" and obj.data.shape_keys
    }
    assert set(meshes) == {"Average_LOD0", "Average_LOD1", "Average_LOD2"}
    faces = [len(meshes[f"Average_LOD{number}"].data.polygons) for number in range(3)]
    assert faces[0] > 2 * faces[1] > 2 * faces[2]
    assert {each["name"] for each in about["meshes"]} == set(meshes)
    for obj in meshes.values():
        assert "eyeBlinkLeft" in obj.data.shape_keys.key_blocks
        assert len(obj.vertex_groups) >= 5
    assert len({obj.material_slots[0].material.name for obj in meshes.values()}) == 1
    assert first in meshes


def test_an_export_leaves_actions_of_other_armatures_alone(bpy, rigged, tmp_path, profiles):
    """Their bones may be called as the file calls the head's."""
    body = bpy.data.objects.new("Body", bpy.data.armatures.new("Body"))
    bpy.context.scene.collection.objects.link(body)
    body.keyframe_insert("location", frame=1)
    (curve, *_) = [
        each
        for layer in body.animation_data.action.layers
        for strip in layer.strips
        for bag in strip.channelbags
        for each in bag.fcurves
    ]
    curve.data_path = 'pose.bones["Head"].location'
    write(bpy, rigged.obj, tmp_path, "UNITY", profiles)
    assert curve.data_path == 'pose.bones["Head"].location'


@pytest.mark.parametrize(
    ("profile", "kind", "suffix"),
    [("NONE", "USD", ".usdc"), ("NONE", "USD", ".usdz"), ("NONE", "FBX", ".fbx"),
     ("NONE", "GLB", ".glb"), ("ARKIT", "USD", ".usdz"), ("WEB", "GLB", ".glb"),
     ("UNITY", "FBX", ".fbx")],
)  # fmt: skip
def test_every_texture_of_a_file_is_in_it(bpy, rigged, tmp_path, profile, kind, suffix):
    (size,) = {image.size[0] for image in bpy.data.images if "albedo" in image.name}
    path = tmp_path / f"a{suffix}"
    bpy.ops.effigy.export(filepath=str(path), format=kind, profile=profile, one_material=True)
    obj, _ = read_back(bpy, path)
    (slot,) = obj.material_slots
    nodes = [node for node in slot.material.node_tree.nodes if node.type == "TEX_IMAGE"]
    # Colour, and how rough it is; Blender's FBX exporter writes no channels of images.
    assert len(nodes) >= (1 if kind == "FBX" else 2)
    assert all(node.image is not None and node.image.size[0] >= size for node in nodes), [
        node.image and (node.image.filepath, *node.image.size) for node in nodes
    ]


@pytest.mark.parametrize("name", ["UNITY", "UNREAL", "WEB", "ARKIT", "VRM"])
def test_a_profile_is_at_rest_whatever_the_pose(bpy, rigged, tmp_path, profiles, shown, name):
    wanted = shown(rigged.obj)
    rigged.rig.pose.bones["head"].rotation_euler.x = 0.4
    rigged.rig.pose.bones["eyes.target"].location.x = 0.2
    path, _ = write(bpy, rigged.obj, tmp_path, name, profiles)
    assert rigged.rig.pose.bones["head"].rotation_euler.x == pytest.approx(0.4)
    path = path.rename(path.with_suffix(".glb")) if name == "VRM" else path
    obj, _ = read_back(bpy, path)
    bpy.context.scene.frame_set(1)
    assert farthest(shown(obj), wanted) <= CLOSE


def test_usdz_for_apple_stands_upright_about_y(bpy, rigged, tmp_path, profiles, module):
    """usdchecker --arkit, by Apple, refuses files whose up axis is another."""
    _, about = write(bpy, rigged.obj, tmp_path, "ARKIT", profiles)
    assert (about["up"], about["forward"]) == ("Y", "Z")
    plain = tmp_path / "a.usda"
    bpy.ops.effigy.export(filepath=str(plain), format="USD")
    assert 'upAxis = "Z"' in plain.read_text(encoding="utf-8")
    writer, options = module("operators.export_formats").WRITERS["USD"], profiles["ARKIT"].options
    writer.write(plain, None, options)
    assert 'upAxis = "Y"' in plain.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "suffix"), [("UNITY", ".fbx"), ("WEB", ".glb"), ("ARKIT", ".usdz")]
)
def test_an_animation_is_written_whole(bpy, rigged, tmp_path, profiles, name, suffix):
    """Not only what the scene plays: 12 keyframes of which the scene plays 5."""
    scene, rig = bpy.context.scene, rigged.rig
    scene.frame_start, scene.frame_end = 1, 5
    for frame in range(3, 15):
        rig["jawOpen"] = frame / 15
        rig.keyframe_insert('["jawOpen"]', frame=frame)
    path, about = write(bpy, rigged.obj, tmp_path, name, profiles, animation=True)
    assert (scene.frame_start, scene.frame_end) == (1, 5)
    span = about["animation"]
    assert (span["start"], span["end"], span["fps"]) == (3, 14, 24)
    obj, _ = read_back(bpy, path)
    action = next(a for a in bpy.data.actions if a.frame_range[1] - a.frame_range[0] > 1)
    assert action.frame_range[1] - action.frame_range[0] == pytest.approx(11)
    for number in (0, 6, 11):
        bpy.context.scene.frame_set(int(action.frame_range[0]) + number)
        found = obj.data.shape_keys.key_blocks["jawOpen"].value
        assert found == pytest.approx((3 + number) / 15, abs=1e-3)
