"""Exports have clean transforms and a root bone where wanted; the scene stays as it was."""

import json
import struct
from math import radians

import numpy as np
import pytest

from ml.head.arkit import EXPRESSION_NAMES
from tests.support.reading_back import read_back

CLOSE = 5e-5  # metres


def export(bpy, obj, path, kind, **options):
    bpy.context.view_layer.objects.active = obj
    bpy.ops.effigy.export(filepath=str(path), format=kind, **options)


def world_keys(obj):
    """(K, V, 3) of every key in the world, by name."""
    matrix = np.array(obj.matrix_world)
    found = {}
    for key in obj.data.shape_keys.key_blocks:
        flat = np.empty(3 * len(obj.data.vertices), np.float32)
        key.points.foreach_get("co", flat)
        found[key.name] = flat.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]
    return found


def fbx_transforms(path):
    """Lcl Rotation and Lcl Scaling of the objects of an FBX file, by name; and its global settings.

    Blender leaves out what is 0 or 1.
    """
    from io_scene_fbx import parse_fbx

    root = parse_fbx.parse(str(path))[0]
    kinds = (b"Mesh", b"Null", b"LimbNode")
    models = {}
    for element in (each for part in root.elems if part.id == b"Objects" for each in part.elems):
        if element.id == b"Model" and element.props[2] in kinds:
            name = element.props[1].split(b"\x00")[0].decode()
            models[name] = (element.props[2], _properties(element))
    settings = next(part for part in root.elems if part.id == b"GlobalSettings")
    return models, _properties(settings)


def _properties(element):
    held = next(part for part in element.elems if part.id == b"Properties70")
    return {entry.props[0].decode(): tuple(entry.props[4:]) for entry in held.elems}


def placed(obj, scale=1.0):
    obj.location = (0.3, -0.2, 0.5)
    obj.rotation_euler = (0.4, radians(20), -0.7)
    obj.scale = [scale * value for value in obj.scale]


@pytest.mark.parametrize("rig", [False, True])
@pytest.mark.parametrize("move", ["none", "placed", "centimetres", "enlarged"])
def test_fbx_has_clean_transforms_and_comes_back_in_place(bpy, saved_head, tmp_path, rig, move):
    if move == "centimetres":
        bpy.context.scene.unit_settings.scale_length = 0.01
    bpy.ops.effigy.build(directory=str(saved_head.directory))
    head = bpy.context.object
    if rig:
        bpy.ops.effigy.rig(add=True)
    if move in ("placed", "enlarged"):
        placed(head.parent or head, 2.0 if move == "enlarged" else 1.0)
    bpy.context.view_layer.update()
    metres = bpy.context.scene.unit_settings.scale_length
    wanted = {name: points * metres for name, points in world_keys(head).items()}
    export(bpy, head, tmp_path / "a.fbx", "FBX")
    models, settings = fbx_transforms(tmp_path / "a.fbx")
    tops = [held for kind, held in models.values() if kind in (b"Mesh", b"Null")]
    assert len(tops) == 1 + rig
    for held in tops:
        assert held.get("Lcl Rotation", (0, 0, 0)) == pytest.approx((0, 0, 0), abs=1e-3)
        assert held.get("Lcl Scaling", (1, 1, 1)) == pytest.approx((1, 1, 1), abs=1e-5)
    assert settings["UnitScaleFactor"] == (100.0,)
    assert (settings["UpAxis"], settings["UpAxisSign"]) == ((1,), (1,))
    assert (settings["FrontAxis"], settings["FrontAxisSign"]) == ((2,), (1,))
    read, read_rig = read_back(bpy, tmp_path / "a.fbx")
    assert (read_rig is not None) == rig
    found = world_keys(read)
    assert set(found) == {"Basis", *EXPRESSION_NAMES}
    for name, points in found.items():
        assert np.abs(points - wanted[name]).max() <= CLOSE, name


@pytest.mark.parametrize("kind", [".glb", ".usdc"])
@pytest.mark.parametrize("metres", [1.0, 0.01])
def test_other_formats_are_in_metres_too(bpy, saved_head, tmp_path, kind, metres):
    bpy.context.scene.unit_settings.scale_length = metres
    bpy.ops.effigy.build(directory=str(saved_head.directory))
    head = bpy.context.object
    placed(head)
    bpy.context.view_layer.update()
    wanted = {name: points * metres for name, points in world_keys(head).items()}
    path = tmp_path / f"a{kind}"
    export(bpy, head, path, {".glb": "GLB", ".usdc": "USD"}[kind])
    found = world_keys(read_back(bpy, path)[0])
    for name in EXPRESSION_NAMES:
        assert farthest(found[name], wanted[name]) <= CLOSE, name


def state(bpy):
    """What an export must leave as it was."""
    kinds = ("objects", "meshes", "armatures", "actions", "materials", "images", "shape_keys")
    every = {kind: sorted(item.name for item in getattr(bpy.data, kind)) for kind in kinds}
    layer = bpy.context.view_layer
    scene = {
        obj.name: (
            tuple(map(tuple, obj.matrix_world)),
            obj.parent and obj.parent.name,
            obj.data and obj.data.name,
            sorted(each.name for each in obj.users_collection),
            obj.select_get(),
            [modifier.name for modifier in obj.modifiers],
            sorted(group.name for group in obj.vertex_groups) if obj.type == "MESH" else None,
        )
        for obj in layer.objects
    }
    keys = {
        key.name: [(block.name, block.value, block.slider_max) for block in key.key_blocks]
        for key in bpy.data.shape_keys
    }
    bones = {
        armature.name: [
            (bone.name, tuple(bone.head_local), tuple(map(tuple, bone.matrix_local)))
            for bone in armature.bones
        ]
        for armature in bpy.data.armatures
    }
    targets = [
        (curve.data_path, variable.targets[0].id.name)
        for key in bpy.data.shape_keys
        for curve in (key.animation_data.drivers if key.animation_data else ())
        for variable in curve.driver.variables
    ]
    return every, scene, keys, bones, targets, layer.objects.active.name, curves_of(bpy)


def curves_of(bpy):
    return {
        action.name: sorted(
            (curve.data_path, tuple(tuple(point.co) for point in curve.keyframe_points))
            for layer in action.layers
            for strip in layer.strips
            for bag in strip.channelbags
            for curve in bag.fcurves
        )
        for action in bpy.data.actions
    }


def animate(rig):
    """Keyframes of an expression, two bones and the rig itself."""
    eye, jaw = rig.pose.bones["eye.L"], rig.pose.bones["jaw"]
    for frame, value in ((1, 0.0), (10, 0.3)):
        rig["jawOpen"] = value
        rig.keyframe_insert('["jawOpen"]', frame=frame)
        eye.rotation_euler.x = jaw.rotation_euler.x = value
        eye.keyframe_insert("rotation_euler", frame=frame)
        jaw.keyframe_insert("rotation_euler", frame=frame)
        jaw.location = (0, value / 30, value / 20)
        jaw.keyframe_insert("location", frame=frame)
        rig.location.x = value
        rig.rotation_euler.z = value
        rig.keyframe_insert("location", frame=frame)
        rig.keyframe_insert("rotation_euler", frame=frame)


ALL_OPTIONS = {"neutral": True, "animation": True, "one_material": True, "root_bone": True}


@pytest.mark.parametrize("kind", ["GLB", "FBX", "USD"])
@pytest.mark.parametrize("options", [{}, ALL_OPTIONS])
def test_an_export_leaves_the_scene_as_it_was(bpy, rigged, tmp_path, kind, options):
    animate(rigged.rig)
    placed(rigged.rig, 2.0)
    bpy.context.scene.frame_start, bpy.context.scene.frame_end = 2, 3
    bpy.context.scene.frame_set(4)
    bpy.context.view_layer.objects.active = rigged.obj
    rigged.rig.select_set(True)
    before = state(bpy)
    moved = {path for curves in before[-1].values() for path, _ in curves}
    assert 'pose.bones["eye.L"].rotation_euler' in moved
    bpy.ops.effigy.export(filepath=str(tmp_path / "a"), format=kind, **options)
    assert state(bpy) == before
    scene = bpy.context.scene
    assert (scene.frame_start, scene.frame_current, scene.frame_end) == (2, 4, 3)


@pytest.mark.parametrize("kind", [".fbx", ".glb", ".usdc"])
@pytest.mark.parametrize("scale", [1.0, 2.0])
@pytest.mark.parametrize("metres", [1.0, 0.01])
def test_a_performance_comes_back_in_place(bpy, saved_head, tmp_path, shown, kind, scale, metres):
    bpy.context.scene.unit_settings.scale_length = metres
    bpy.ops.effigy.build(directory=str(saved_head.directory))
    head = bpy.context.object
    bpy.ops.effigy.rig(add=True)
    bpy.ops.effigy.expression(which="NEUTRAL")
    bpy.context.view_layer.update()
    placed(head.parent, scale)
    animate(head.parent)
    bpy.context.scene.frame_start, bpy.context.scene.frame_end = 1, 10
    bpy.context.scene.frame_set(1)
    wanted = {}
    for frame in (1, 6, 10):
        bpy.context.scene.frame_set(frame)
        wanted[frame] = metres * shown(head)
    bpy.context.scene.frame_set(1)
    path = tmp_path / f"a{kind}"
    export(bpy, head, path, {".fbx": "FBX", ".glb": "GLB", ".usdc": "USD"}[kind], animation=True)
    read, _ = read_back(bpy, path)
    start = min(int(action.frame_range[0]) for action in bpy.data.actions)
    for frame, points in wanted.items():
        bpy.context.scene.frame_set(start + frame - 1)
        found = shown(read)
        assert farthest(found, points) <= 2e-4, frame


def farthest(found, points):
    """How far the farthest point is from all that was wanted."""
    from scipy.spatial import KDTree

    return max(KDTree(points).query(found)[0].max(), KDTree(found).query(points)[0].max())


def glb_json(path):
    data = path.read_bytes()
    (length,) = struct.unpack("<I", data[12:16])
    return json.loads(data[20 : 20 + length])


def test_bones_under_a_root_have_names_that_engines_keep(bpy, rigged, tmp_path):
    animate(rigged.rig)
    export(bpy, rigged.obj, tmp_path / "a.glb", "GLB", root_bone=True, animation=True)
    held = glb_json(tmp_path / "a.glb")
    names = [held["nodes"][joint]["name"] for joint in held["skins"][0]["joints"]]
    assert set(names) == {"root", "neck", "head", "jaw", "eye_L", "eye_R"}
    below = {
        held["nodes"][child]["name"]
        for node in held["nodes"]
        if node["name"] == "root"
        for child in node["children"]
    }
    assert below == {"neck"}
    moved = {
        held["nodes"][channel["target"]["node"]]["name"]
        for animation in held["animations"]
        for channel in animation["channels"]
    }
    assert {"eye_L", "jaw"} <= moved
    read, rig = read_back(bpy, tmp_path / "a.glb")
    assert {group.name for group in read.vertex_groups} >= {"eye_L", "eye_R", "jaw"}
    assert [bone.name for bone in rig.data.bones if bone.parent is None] == ["root"]


def test_a_root_bone_needs_a_rig(bpy, built_head, tmp_path):
    with pytest.raises(RuntimeError, match=r"has no bones\. Add the rig first"):
        export(bpy, built_head, tmp_path / "a.glb", "GLB", root_bone=True)
    assert not (tmp_path / "a.glb").exists()
