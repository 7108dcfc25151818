"""Bones that only aim or control are in no file; what they do to the others is."""

import json

import numpy as np
import pytest
from scipy.spatial import KDTree

from tests.support.reading_back import read_back

KINDS = [("GLB", ".glb"), ("FBX", ".fbx"), ("USD", ".usdc")]
PROFILES = [("UNITY", ".fbx"), ("UNREAL", ".fbx"), ("GODOT", ".glb"), ("WEB", ".glb"),
            ("VRM", ".vrm"), ("VRCHAT", ".fbx"), ("ARKIT", ".usdz")]  # fmt: skip
HELPERS = ("gaze", "eyes", "board")


def look_about(bpy, rig):
    """The eyes follow their target from one side to the other, in ten frames."""
    scene, target = bpy.context.scene, rig.pose.bones["eyes.target"]
    scene.frame_start, scene.frame_end = 1, 10
    for frame, place in ((1, (0.1, 0.0, 0.0)), (10, (-0.1, 0.0, 0.1))):
        target.location = place
        target.keyframe_insert("location", frame=frame)
    scene.frame_set(1)


def farthest(found, points):
    return max(KDTree(points).query(found)[0].max(), KDTree(found).query(points)[0].max())


def check(bpy, path, wanted, shown):
    """The file's mesh moves as ``wanted``, by frame, and its armature has no helper."""
    if path.suffix == ".vrm":
        path = path.rename(path.with_suffix(".glb"))
    read, rig = read_back(bpy, path)
    assert not [bone.name for bone in rig.data.bones if bone.name.startswith(HELPERS)]
    start = min(int(action.frame_range[0]) for action in bpy.data.actions)
    for frame, points in wanted.items():
        bpy.context.scene.frame_set(start + frame - 1)
        assert farthest(shown(read), points) <= 2e-4, frame


def frames(bpy, obj, shown):
    found = {}
    for frame in (1, 5, 10):
        bpy.context.scene.frame_set(frame)
        found[frame] = shown(obj)
    assert np.abs(found[1] - found[10]).max() > 1e-3
    bpy.context.scene.frame_set(1)
    return found


@pytest.mark.parametrize(("kind", "suffix"), KINDS)
def test_eyes_that_follow_their_target_do_so_in_a_file(bpy, rigged, tmp_path, shown, kind, suffix):
    look_about(bpy, rigged.rig)
    wanted = frames(bpy, rigged.obj, shown)
    path = tmp_path / f"a{suffix}"
    bpy.ops.effigy.export(filepath=str(path), format=kind, animation=True)
    check(bpy, path, wanted, shown)


@pytest.mark.parametrize(("profile", "suffix"), PROFILES)
def test_they_do_so_in_every_profile(bpy, rigged, tmp_path, shown, profile, suffix):
    look_about(bpy, rigged.rig)
    wanted = frames(bpy, rigged.obj, shown)
    path = tmp_path / f"a{suffix}"
    bpy.ops.effigy.export(filepath=str(path), profile=profile, animation=True)
    about = json.loads((tmp_path / f"a{suffix}.json").read_text())
    assert not [name for name in about["bones"] if name.startswith(HELPERS)]
    check(bpy, path, wanted, shown)


@pytest.mark.parametrize(("kind", "suffix"), KINDS)
def test_bones_of_the_persons_own_are_written(bpy, rigged, tmp_path, module, kind, suffix):
    with module("operators.scene.rig").edit_bones(rigged.rig) as edited:
        hat = edited.new("hat")
        hat.head, hat.tail, hat.use_deform = (0, 0, 0.2), (0, 0, 0.3), False
        hat.parent = edited["head"]
    bpy.ops.effigy.export(filepath=str(tmp_path / f"a{suffix}"), format=kind)
    assert not rigged.rig.data.bones["hat"].use_deform
    assert not rigged.rig.data.bones["eyes.target"].use_deform
    _, rig = read_back(bpy, tmp_path / f"a{suffix}")
    assert "hat" in rig.data.bones


def test_a_glb_has_no_actions_of_other_heads(bpy, rigged, tmp_path):
    look_about(bpy, rigged.rig)
    other = rigged.rig.animation_data.action.copy()
    other.name, other.use_fake_user = "Of somebody else", True
    bpy.ops.effigy.export(filepath=str(tmp_path / "a.glb"), format="GLB", animation=True)
    read_back(bpy, tmp_path / "a.glb")
    assert len(bpy.data.actions) >= 1
    assert not [action for action in bpy.data.actions if "somebody" in action.name]
