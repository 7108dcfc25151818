"""The eyes of a rig look at a bone in front of the face, and their lids follow."""

import numpy as np
import pytest

from tests.support.synthetic_head import eye_vertices

SIDES = (("left", "eye.L"), ("right", "eye.R"))


def target(rig):
    return rig.pose.bones["eyes.target"]


def ahead(bpy, rig, name="eye.L"):
    """(3,) where the bone points."""
    bpy.context.view_layer.update()
    return np.array(rig.pose.bones[name].vector.normalized())


def test_at_rest_the_target_changes_nothing(bpy, rigged, shown):
    before = shown(rigged.obj)
    assert ahead(bpy, rigged.rig) == pytest.approx((0, -1, 0), abs=1e-5)
    target(rigged.rig)["track"] = 0.0
    rigged.rig.update_tag()
    assert np.abs(shown(rigged.obj) - before).max() < 1e-6


def test_both_eyes_look_where_the_target_goes(bpy, rigged, saved_head, shown):
    target(rigged.rig)["lids"] = 0.0
    rest = shown(rigged.obj)
    bone = target(rigged.rig)
    bone.location = bone.bone.matrix_local.to_3x3().inverted() @ type(bone.location)((0.2, 0, -0.1))
    looking = ahead(bpy, rigged.rig)
    wanted = np.array([0.2, -0.4, -0.1])
    assert looking == pytest.approx(wanted / np.linalg.norm(wanted), abs=2e-3)
    assert ahead(bpy, rigged.rig, "eye.R") == pytest.approx(looking, abs=1e-4)
    moved = shown(rigged.obj) - rest
    for side, _ in SIDES:
        eye = eye_vertices(saved_head.head.mesh, side)
        front = eye[np.argmin(rest[eye, 1])]
        assert moved[front, 0] > 0.002
        assert moved[front, 2] < -0.001


def test_it_can_be_switched_off_and_the_eyes_own_turn_counts(bpy, rigged):
    bone = target(rigged.rig)
    bone.location = (0, 0, 0.2)
    assert np.abs(ahead(bpy, rigged.rig) - [0, -1, 0]).max() > 0.2
    bone["track"] = 0.0
    rigged.rig.update_tag()
    assert ahead(bpy, rigged.rig) == pytest.approx((0, -1, 0), abs=1e-5)
    rigged.rig.pose.bones["eye.L"].rotation_euler.x = 0.3
    assert ahead(bpy, rigged.rig)[2] == pytest.approx(-np.sin(0.3), abs=1e-3)


def test_it_follows_the_head_or_stays(bpy, rigged):
    rigged.rig.pose.bones["head"].rotation_euler.y = 0.5
    bpy.context.view_layer.update()
    rest = target(rigged.rig).bone.head_local
    assert (target(rigged.rig).head - rest).length > 0.05
    target(rigged.rig)["follow_head"] = 0.0
    rigged.rig.update_tag()
    bpy.context.view_layer.update()
    assert (target(rigged.rig).head - rest).length < 1e-5


def test_keys_can_be_set_on_it(bpy, rigged):
    bone = target(rigged.rig)
    bone.keyframe_insert("location", frame=1)
    bone.location = (0, 0, -0.2)
    bone.keyframe_insert("location", frame=11)
    found = []
    for frame in (1, 11):
        bpy.context.scene.frame_set(frame)
        found.append(ahead(bpy, rigged.rig))
    assert np.abs(found[0] - found[1]).max() > 0.2
    bpy.ops.effigy.rig(add=False)
    assert [action for action in bpy.data.actions if action.use_fake_user]


def test_driven_lids_follow_the_eyes_and_not_the_other_way(bpy, rigged):
    drivers = rigged.obj.data.shape_keys.animation_data.drivers
    paths = {f'key_blocks["{key}{side}"].value' for key in ("eyeBlink", "eyeWide") for side in
             ("Left", "Right")}  # fmt: skip
    following = [c.driver for c in drivers if c.data_path in paths]
    assert len(following) == 4
    assert all(len(d.variables) == 3 and d.is_simple_expression for d in following)
    assert all(d.is_valid for d in following)


def test_a_recording_takes_the_eyes_over(bpy, rigged, module):
    look_freely = module("operators.scene.gaze").look_freely
    target(rigged.rig).location = (0, 0, 0.2)
    look_freely(rigged.rig)
    assert ahead(bpy, rigged.rig) == pytest.approx((0, -1, 0), abs=1e-5)
    look_freely(None)


def test_an_export_leaves_constraints_on_the_rig_itself(bpy, rigged, tmp_path):
    bpy.ops.effigy.export(filepath=str(tmp_path / "head.glb"), format="GLB")
    for bone in rigged.rig.pose.bones:
        for constraint in bone.constraints:
            ends = getattr(constraint, "targets", None) or [constraint]
            assert all(end.target == rigged.rig for end in ends)
