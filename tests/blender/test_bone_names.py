"""The bones of a rig under the names of other rigs; whatever refers to them follows."""

import numpy as np
import pytest

from ml.performance.columns import Layout
from ml.performance.performance import Performance
from ml.performance.read import read_performance
from ml.performance.write import write_performance
from tests.support.layout import draw
from tests.support.reading_back import read_back

NAMES = {
    "EFFIGY": ("neck", "head", "jaw", "eye.L", "eye.R"),
    "RIGIFY": ("spine.004", "spine.006", "jaw", "eye.L", "eye.R"),
    "MIXAMO": tuple(f"mixamorig:{name}" for name in ("Neck", "Head", "Jaw", "LeftEye", "RightEye")),
}
AIMING = {"eyes.target", "gaze.L", "gaze.R"}


def curves(action):
    if not hasattr(action, "slots"):
        return list(action.fcurves)
    bags = (bag for layer in action.layers for strip in layer.strips for bag in strip.channelbags)
    return [curve for bag in bags for curve in bag.fcurves]


def moved_bones(action):
    return {c.data_path.split('"')[1] for c in curves(action) if c.data_path.startswith("pose.")}


def new_action(bpy, name, bone, owner=None):
    """An action that moves a bone and that nothing uses."""
    action = bpy.data.actions.new(name)
    action.use_fake_user = True
    path = f'pose.bones["{bone}"].rotation_euler'
    if hasattr(action, "slots"):
        slot = action.slots.new("OBJECT", owner or "Somebody")
        strip = action.layers.new("Layer").strips.new(type="KEYFRAME")
        places = strip.channelbag(slot, ensure=True).fcurves
    else:
        places = action.fcurves
    places.new(path, index=0).keyframe_points.insert(1, 0.25)
    return action


@pytest.mark.parametrize("scheme", ["RIGIFY", "MIXAMO"])
def test_all_that_refers_to_bones_follows_there_and_back(bpy, rigged, shown, scheme):
    obj, rig = rigged.obj, rigged.rig
    bones = rig.pose.bones
    bones["jaw"].rotation_euler.x = 0.2
    bones["head"].rotation_euler.z = 0.3
    bones["head"].keyframe_insert("rotation_euler", frame=1)
    bones["eyes.target"].location = (0, 0, -0.15)
    own = bones["jaw"].constraints.new("COPY_ROTATION")
    own.name, own.target, own.subtarget, own.influence = "Mine", rig, "head", 0.2
    hat = bpy.data.objects.new("Hat", None)
    hat.parent, hat.parent_type, hat.parent_bone = rig, "BONE", "head"
    bpy.context.scene.collection.objects.link(hat)
    pose = new_action(bpy, "Pose", "jaw")
    before = shown(obj), hat.matrix_world.copy()
    drivers = {
        curve.data_path: curve.driver.expression
        for curve in obj.data.shape_keys.animation_data.drivers
    }
    for names in (scheme, "EFFIGY"):
        assert bpy.ops.effigy.bone_names(names=names) == {"FINISHED"}
        assert set(rig.data.bones.keys()) == set(NAMES[names]) | AIMING
        assert set(NAMES[names]) <= {group.name for group in obj.vertex_groups}
        assert not (set(NAMES["EFFIGY"] + NAMES[scheme]) - set(NAMES[names])) & {
            group.name for group in obj.vertex_groups
        }
        _, head, jaw, left, _ = NAMES[names]
        assert moved_bones(rig.animation_data.action) == {head}
        assert moved_bones(pose) == {jaw}
        assert bones[jaw].constraints["Mine"].subtarget == head
        assert hat.parent_bone == head
        turns = {
            target.bone_target
            for curve in obj.data.shape_keys.animation_data.drivers
            for variable in curve.driver.variables
            for target in variable.targets
            if curve.data_path.endswith('BlinkLeft"].value') and target.bone_target
        }
        assert turns == {left}
        bpy.context.scene.frame_set(1)
        assert np.abs(shown(obj) - before[0]).max() < 1e-6
        assert np.abs(np.array(hat.matrix_world) - np.array(before[1])).max() < 1e-6
    assert drivers == {
        curve.data_path: curve.driver.expression
        for curve in obj.data.shape_keys.animation_data.drivers
    }


@pytest.mark.parametrize("scheme", ["RIGIFY", "MIXAMO"])
def test_what_finds_bones_by_name_finds_them(bpy, rigged, module, saved_head, scheme, tmp_path):
    obj, rig = rigged.obj, rigged.rig
    bpy.ops.effigy.bone_names(names=scheme)
    groups = {group.name: group.index for group in obj.vertex_groups}
    bpy.ops.effigy.rebuild()
    assert set(rig.data.bones.keys()) == set(NAMES[scheme]) | AIMING
    assert {group.name for group in obj.vertex_groups} == set(groups)
    turns = module("operators.scene.turns")
    found = list(turns.bone_channels(rig, "head", np.eye(3)[None]))
    assert found[0].path == f'pose.bones["{NAMES[scheme][1]}"].rotation_euler'
    rig.pose.bones[NAMES[scheme][1]].rotation_euler.z = 0.5
    rig.pose.bones[NAMES[scheme][3]].rotation_euler.x = 0.25
    bpy.context.view_layer.update()
    assert np.abs(turns.head_turn(obj, rig) - np.eye(3)).max() > 0.4
    assert np.abs(turns.eye_turns(rig)[0] - np.eye(3)).max() > 0.2
    names = {group.name for group in obj.vertex_groups} - set(NAMES[scheme])
    bpy.ops.effigy.rig(add=False)
    assert {group.name for group in obj.vertex_groups} == names
    bpy.ops.effigy.rig(add=True, names=scheme)
    assert set(obj.parent.data.bones.keys()) == set(NAMES[scheme]) | AIMING
    path = str(tmp_path / "head.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    scene = module("operators.scene.bone_names")
    assert scene.scheme_of(bpy.context.object) == scheme


@pytest.mark.parametrize("scheme", ["RIGIFY", "MIXAMO"])
@pytest.mark.parametrize("gaze", ["KEYS", "BONES"])
def test_a_performance_moves_renamed_bones(bpy, rigged, tmp_path, scheme, gaze):
    turned = np.linspace(0, 0.4, 60)
    heads, eyes = np.outer(turned, (1, 0, 0)), np.full((60, 2, 3), (0.1, 0.2, 0.0))
    take = Performance(np.arange(60) / 24, np.zeros((60, 52)), heads, eyes, 24.0)
    write_performance(take, tmp_path / "take.csv", Layout.LIVE_LINK)
    bpy.ops.effigy.bone_names(names=scheme)
    bpy.ops.effigy.import_performance(filepath=str(tmp_path / "take.csv"), gaze=gaze)
    moved = moved_bones(rigged.rig.animation_data.action)
    assert moved == {NAMES[scheme][1], *(NAMES[scheme][3:] if gaze == "BONES" else ())}
    bpy.ops.effigy.export_performance(filepath=str(tmp_path / "again.csv"))
    again = read_performance(tmp_path / "again.csv")
    assert np.abs(again.head - heads).max() < 1e-4
    assert np.abs(again.eyes - eyes).max() < 1e-4


def test_actions_of_other_armatures_are_left_alone(bpy, rigged):
    """A body beside the head has bones of the same names, and actions for them."""
    data = bpy.data.armatures.new("Body")
    body = bpy.data.objects.new("Body", data)
    bpy.context.scene.collection.objects.link(body)
    bpy.context.view_layer.objects.active = body
    bpy.ops.object.mode_set(mode="EDIT")
    for name in ("head", "spine.006"):
        bone = data.edit_bones.new(name)
        bone.tail = (0, 0, 1)
    bpy.ops.object.mode_set(mode="OBJECT")
    used, unused = new_action(bpy, "Walk", "head"), new_action(bpy, "Nod", "head")
    body.animation_data_create().action = used
    if hasattr(used, "slots"):
        body.animation_data.action_slot = used.slots[0]
    ours = new_action(bpy, "Talk", "head", rigged.rig.name)
    bpy.context.view_layer.objects.active = rigged.rig
    bpy.ops.effigy.bone_names(names="RIGIFY")
    assert moved_bones(used) == {"head"}
    assert moved_bones(unused) == {"head"}
    if hasattr(ours, "slots"):
        assert moved_bones(ours) == {"spine.006"}
    # Given to the rig it is the rig's: choosing the names again renames it.
    rigged.rig.animation_data_create().action = unused
    bpy.ops.effigy.bone_names(names="RIGIFY")
    assert moved_bones(unused) == {"spine.006"}
    assert moved_bones(used) == {"head"}


def test_a_name_of_a_bone_that_is_taken_is_refused_and_nothing_changes(bpy, rigged, module):
    with module("operators.scene.rig").edit_bones(rigged.rig) as edited:
        edited.new("mixamorig:Jaw").tail = (0, 0, 1)
    with pytest.raises(RuntimeError, match="a bone of its own called mixamorig:Jaw"):
        bpy.ops.effigy.bone_names(names="MIXAMO")
    assert set(NAMES["EFFIGY"]) <= set(rigged.rig.data.bones.keys())


def test_names_are_switched_in_the_panel(bpy, rigged, module):
    from tests.support import layout

    menus = []

    class Noting(layout.Layout):
        def operator_menu_enum(self, name, prop, text="", translate=True):
            assert not translate
            menus.append((name, prop, text))

    for names, label in (("EFFIGY", "Effigy"), ("MIXAMO", "Mixamo")):
        bpy.ops.effigy.bone_names(names=names)
        module("panels.rig").draw_rig(Noting(), rigged.obj)
        assert menus[-1] == ("effigy.bone_names", "names", f"Bone names: {label}")
    bpy.ops.effigy.rig(add=False)
    assert not bpy.ops.effigy.bone_names.poll()
    assert draw(module("panels.sidebar").EFFIGY_PT_head, bpy.context)


@pytest.mark.parametrize("scheme", sorted(NAMES))
def test_profiles_have_their_own_names_whatever_the_rig_calls_bones(bpy, rigged, tmp_path, scheme):
    bpy.ops.effigy.bone_names(names=scheme)
    for profile, suffix, wanted in (
        ("UNITY", ".fbx", {"Neck", "Head", "Jaw", "LeftEye", "RightEye"}),
        ("UNREAL", ".fbx", {"neck_01", "head", "jaw", "eye_l", "eye_r"}),
        ("WEB", ".glb", {name.replace(".", "_") for name in NAMES[scheme]}),
    ):
        bpy.ops.effigy.export(filepath=str(tmp_path / f"{profile}{suffix}"), profile=profile)
        assert set(NAMES[scheme]) <= set(rigged.rig.data.bones.keys())
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
        _, rig = read_back(bpy, tmp_path / f"{profile}{suffix}")
        assert wanted <= set(rig.data.bones.keys())
        bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
        rigged.rig = next(obj for obj in bpy.data.objects if obj.type == "ARMATURE")
        bpy.context.view_layer.objects.active = rigged.rig
