"""Heads that are not this file's alone: operators say so in one sentence, and change nothing."""

import pytest


def link(bpy, path, *, override):
    bpy.ops.wm.read_homefile(use_empty=True)
    with bpy.data.libraries.load(str(path), link=True) as (_, target):
        target.objects = ["Ada"]
    obj = bpy.data.objects["Ada"]
    if override:
        obj = obj.override_create()
    bpy.context.scene.collection.objects.link(obj)
    bpy.context.view_layer.objects.active = obj
    return obj


@pytest.mark.parametrize("operator", ["rig", "rebuild"])
@pytest.mark.parametrize("override", [False, True])
def test_a_head_of_another_file(bpy, built_head, tmp_path, operator, override):
    path = tmp_path / "ada.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    link(bpy, path, override=override)
    with pytest.raises(RuntimeError, match="mesh of Ada is in another file: make it local"):
        getattr(bpy.ops.effigy, operator)()
    assert not bpy.data.armatures


@pytest.mark.parametrize("operator", ["rig", "rebuild"])
def test_a_twin_shares_its_mesh(bpy, built_head, operator):
    bpy.ops.object.duplicate(linked=True)
    with pytest.raises(RuntimeError, match="shares its mesh with Ada: make it single user"):
        getattr(bpy.ops.effigy, operator)()
    assert not bpy.data.armatures
    bpy.ops.object.make_single_user(object=True, obdata=True)
    assert getattr(bpy.ops.effigy, operator)() == {"FINISHED"}


def test_an_instance_of_a_head(bpy, built_head):
    collection = built_head.users_collection[0]
    bpy.ops.object.collection_instance_add(collection=collection.name)
    with pytest.raises(RuntimeError, match="instance of a head"):
        bpy.ops.effigy.rig()
