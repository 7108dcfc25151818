"""The rig's bones: where they stand, what they hold, how they come and go."""

import numpy as np
import pytest

from ml.results.reconstruction import save_reconstruction
from tests.support.synthetic_head import (
    JAW_OPEN,
    JOINTS,
    eye_vertices,
    without_rig_data,
)

BONES = ("neck", "head", "jaw", "eye.L", "eye.R")
AIMING = ("eyes.target", "gaze.L", "gaze.R")


def to_blender(place):
    return (place[0], -place[2], place[1])


def test_bones_stand_at_the_joints(rigged):
    bones = rigged.rig.data.bones
    assert set(bones.keys()) == {*BONES, *AIMING}
    parents = [bones[n].parent.name if bones[n].parent else None for n in (*BONES, *AIMING)]
    assert parents == [None, "neck", "head", "head", "head", None, "head", "head"]
    assert [bones[name].use_deform for name in (*BONES, *AIMING)] == [True] * 5 + [False] * 3
    for name, start, end in (
        ("neck", "neck", "head"),
        ("head", "head", None),
        ("jaw", "jaw", "chin"),
        ("eye.L", "eye_left", None),
        ("eye.R", "eye_right", None),
    ):
        assert bones[name].head_local[:] == pytest.approx(to_blender(JOINTS[start]), abs=1e-6)
        if end is not None:
            assert bones[name].tail_local[:] == pytest.approx(to_blender(JOINTS[end]), abs=1e-6)
    up, ahead = (bones[name].tail_local - bones[name].head_local for name in ("head", "eye.L"))
    assert up.normalized()[:] == pytest.approx((0, 0, 1), abs=1e-6)
    assert ahead[:] == pytest.approx((0, -0.025, 0), abs=1e-6)
    for bone in bones:  # their own X axis, about which jaw and eyes turn, points to the left
        if bone.name != "eyes.target":  # it lies along that
            assert bone.matrix_local.col[0][:3] == pytest.approx((1, 0, 0), abs=1e-5), bone.name


def test_every_vertex_is_held_wholly(rigged, saved_head, bone_weights):
    weights, mesh = bone_weights(rigged.obj), saved_head.head.mesh
    assert np.abs(weights.sum(1) - 1).max() <= 1e-6
    for side, name in (("left", "eye.L"), ("right", "eye.R")):
        assert (weights[eye_vertices(mesh, side), BONES.index(name)] == 1).all()
        assert (weights[:, BONES.index(name)] > 0).sum() == len(eye_vertices(mesh, side))
    for name in ("neck", "head", "jaw"):
        wanted = mesh.masks[f"bone_{name}"]
        assert np.abs(weights[:, BONES.index(name)] - wanted).max() <= 1.01 / 255
        assert ((wanted > 0.1) & (wanted < 0.9)).any()


def test_a_rig_changes_nothing_that_is_seen(bpy, built_head, shown):
    built_head.modifiers.new("Smooth", "SMOOTH").iterations = 0
    before = shown(built_head)
    collection, camera = built_head.users_collection[0], built_head["effigy_camera"]
    stands = camera.matrix_world.copy()
    assert bpy.ops.effigy.rig() == {"FINISHED"}
    assert np.abs(shown(built_head) - before).max() <= 1e-6
    assert camera.matrix_world == stands
    rig = built_head.parent
    assert rig.users_collection == (collection,)
    assert bpy.context.object == rig
    assert built_head.modifiers[0].object == rig  # before what smooths


@pytest.mark.parametrize("with_parent", [False, True])
def test_adding_and_removing_keep_the_heads_place(bpy, built_head, with_parent, shown):
    built_head.location, built_head.rotation_euler = (1, 2, 3), (0.1, 0.2, 0.3)
    built_head.scale = (2, 2, 2)
    if with_parent:
        built_head.parent = bpy.data.objects.new("Stand", None)
        bpy.context.scene.collection.objects.link(built_head.parent)
        built_head.parent.location = (0, 0, 5)
    parent, before = built_head.parent, shown(built_head)
    place, world = built_head.matrix_basis.copy(), built_head.matrix_world.copy()
    bpy.ops.effigy.rig()
    assert np.abs(shown(built_head) - before).max() <= 1e-5
    assert built_head.matrix_basis == place
    rig = built_head.parent
    assert np.abs(np.array(rig.matrix_world) - np.array(world)).max() <= 1e-6
    rig.location.x += 0.5
    moved = shown(built_head)
    assert np.abs(moved - before - [0.5, 0, 0]).max() <= 1e-5
    bpy.ops.effigy.rig(add=False)
    assert built_head.parent == parent
    assert np.abs(shown(built_head) - moved).max() <= 1e-5


def test_turning_the_jaw_opens_the_mouth_as_its_key_does(bpy, rigged, saved_head, shown):
    rest = shown(rigged.obj)
    rigged.rig["jawOpen"] = 1.0
    rigged.rig.update_tag()
    by_key = shown(rigged.obj) - rest
    rigged.rig["jawOpen"] = 0.0
    rigged.rig.update_tag()
    rigged.rig.pose.bones["jaw"].rotation_euler.x = JAW_OPEN
    by_bone = shown(rigged.obj) - rest
    assert np.linalg.norm(by_key, axis=1).max() > 0.01
    assert by_key[:, 2].min() < -0.01  # down
    assert np.abs(by_bone - by_key).max() <= 1e-3
    still = saved_head.head.mesh.masks["bone_jaw"] == 0
    assert np.abs(by_bone[still]).max() <= 1e-6


def test_the_neck_carries_the_head_and_the_eyes(bpy, rigged, saved_head, shown):
    rest = shown(rigged.obj)
    rigged.rig.pose.bones["neck"].rotation_euler.z = 0.5
    moved = shown(rigged.obj)
    pivot = np.array(to_blender(JOINTS["neck"]))
    for vertices in (eye_vertices(saved_head.head.mesh, "left"), np.arange(len(rest))):
        before, after = (np.linalg.norm(x[vertices] - pivot, axis=1) for x in (rest, moved))
        assert np.abs(before - after).max() <= 1e-5  # the whole turned as one, nothing stayed
    assert np.linalg.norm((moved - rest)[:, :2], axis=1).max() > 0.05


def test_an_eye_turns_alone(bpy, rigged, saved_head, shown):
    rigged.rig.pose.bones["eyes.target"]["lids"] = 0.0
    rest = shown(rigged.obj)
    rigged.rig.pose.bones["eye.L"].rotation_euler.x = 0.5
    way = shown(rigged.obj) - rest
    moved = np.flatnonzero(np.linalg.norm(way, axis=1) > 1e-6)
    eye = eye_vertices(saved_head.head.mesh, "left")
    assert set(moved) <= set(eye)
    front = eye[np.argmin(rest[eye, 1])]
    assert way[front, 2] < -0.002  # looks down


def test_removing_leaves_the_keys_as_they_are_and_nothing_else(bpy, rigged):
    groups = {group.name for group in rigged.obj.vertex_groups} - set(BONES)
    rigged.rig["jawOpen"] = 0.7
    name = rigged.rig.data.name
    assert bpy.ops.effigy.rig(add=False) == {"FINISHED"}
    bpy.context.view_layer.update()
    keys = rigged.obj.data.shape_keys
    assert keys.key_blocks["jawOpen"].value == pytest.approx(0.7)
    assert not len(keys.animation_data.drivers if keys.animation_data else ())
    assert {group.name for group in rigged.obj.vertex_groups} == groups
    assert len(rigged.obj.modifiers) == 0
    assert rigged.obj.parent is None
    assert name not in bpy.data.armatures
    assert not [obj for obj in bpy.data.objects if obj.type == "ARMATURE"]
    assert bpy.context.object == rigged.obj
    keys.key_blocks["jawOpen"].value = 0.2  # nothing drives it back
    bpy.context.view_layer.update()
    assert keys.key_blocks["jawOpen"].value == pytest.approx(0.2)


def test_the_operator_can_be_undone_and_repeated(bpy, rigged, module):
    operator = module("operators.rig").EFFIGY_OT_rig
    assert {"REGISTER", "UNDO"} <= operator.bl_options  # Blender has no undo without a window
    assert bpy.ops.effigy.rig(add=True) == {"FINISHED"}
    assert len([obj for obj in bpy.data.objects if obj.type == "ARMATURE"]) == 1
    for add in (False, False, True):
        assert bpy.ops.effigy.rig(add=add) == {"FINISHED"}
    assert rigged.obj.parent.type == "ARMATURE"


def test_a_rig_deleted_by_hand_can_be_had_again(bpy, rigged):
    for obj in bpy.context.selected_objects:
        obj.select_set(False)
    rigged.rig.select_set(True)
    bpy.ops.object.delete()
    bpy.context.view_layer.objects.active = rigged.obj
    assert [obj for obj in bpy.data.objects if obj.type == "ARMATURE"] == []
    bpy.ops.effigy.rig()
    assert len(rigged.obj.modifiers) == 1
    rig, key = rigged.obj.parent, rigged.obj.data.shape_keys.key_blocks["jawOpen"]
    rig["jawOpen"] = 0.4
    rig.update_tag()
    bpy.context.view_layer.update()
    assert key.value == pytest.approx(0.4)


def test_a_copy_of_the_head_may_share_the_rig(bpy, rigged):
    copy = rigged.obj.copy()
    copy.data = rigged.obj.data.copy()
    bpy.context.scene.collection.objects.link(copy)
    bpy.context.view_layer.objects.active = copy
    bpy.ops.effigy.rig(add=False)
    assert rigged.obj.parent == rigged.rig
    assert not copy.modifiers


def test_rebuilding_keeps_rig_pose_and_modifiers(bpy, rigged, saved_head, bone_weights):
    rigged.rig.pose.bones["neck"].rotation_euler.z = 0.5
    rigged.obj.modifiers.new("Smooth", "SMOOTH").iterations = 0
    before = bone_weights(rigged.obj)
    rigged.rig.hide_viewport = True
    bpy.context.view_layer.objects.active = rigged.obj
    assert bpy.ops.effigy.rebuild() == {"FINISHED"}
    assert rigged.obj.parent == rigged.rig
    assert [m.type for m in rigged.obj.modifiers] == ["ARMATURE", "SMOOTH"]
    assert np.array_equal(bone_weights(rigged.obj), before)
    assert rigged.rig.pose.bones["neck"].rotation_euler.z == pytest.approx(0.5)
    assert rigged.rig["jawOpen"] == pytest.approx(1.25)  # as in the photo, again
    bpy.ops.effigy.expression(which="NEUTRAL")
    bpy.context.view_layer.update()
    assert rigged.obj.data.shape_keys.key_blocks["jawOpen"].value == 0


def test_rebuilding_moves_the_bones_to_new_joints(bpy, rigged, saved_head, tmp_path):
    from dataclasses import replace

    head = saved_head.head
    joints = dict(head.mesh.joints) | {"jaw": np.float32([0, -0.02, 0.03])}
    save_reconstruction(replace(head, mesh=replace(head.mesh, joints=joints)), saved_head.directory)
    rigged.rig.hide_viewport = True
    bpy.context.view_layer.objects.active = rigged.obj
    bpy.ops.effigy.rebuild()
    found = rigged.rig.data.bones["jaw"].head_local[:]
    assert found == pytest.approx((0, -0.03, -0.02), abs=1e-6)
    assert set(rigged.rig.data.bones.keys()) == {*BONES, *AIMING}
    assert rigged.rig.hide_viewport
    assert bpy.context.object == rigged.obj
    assert rigged.rig.name not in bpy.context.scene.collection.objects


def test_a_reconstruction_of_old_says_what_to_do(bpy, built_head, saved_head):
    save_reconstruction(without_rig_data(saved_head.head), saved_head.directory)
    bpy.ops.effigy.build(directory=str(saved_head.directory))
    with pytest.raises(RuntimeError, match=r"of Ada.* has no joints.*Reconstruct the photo again"):
        bpy.ops.effigy.rig()
    assert [obj for obj in bpy.data.objects if obj.type == "ARMATURE"] == []


def test_an_edited_mesh_is_not_rigged(bpy, built_head, saved_head):
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="SELECT")
    bpy.ops.mesh.subdivide()
    bpy.ops.object.mode_set(mode="OBJECT")
    with pytest.raises(RuntimeError, match="Rebuild the head first"):
        bpy.ops.effigy.rig()
