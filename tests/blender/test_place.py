"""Where new heads stand, and that their cameras go with them."""

import numpy as np
import pytest


def box(bpy, obj):
    bpy.context.view_layer.update()
    corners = np.array([obj.matrix_world @ type(obj.location)(corner) for corner in obj.bound_box])
    return corners.min(0), corners.max(0)


def apart(bpy, one, other):
    (low, high), (low2, high2) = box(bpy, one), box(bpy, other)
    return bool((high <= low2).any() or (high2 <= low).any())


def build(bpy, saved_head):
    bpy.ops.effigy.build(directory=str(saved_head.directory))
    return bpy.context.object


def seen_from_camera(bpy, obj, camera):
    """(8, 3) corners of the head in the camera's own space, in metres."""
    bpy.context.view_layer.update()
    own = camera.matrix_world.normalized().inverted() @ obj.matrix_world
    return np.array([own @ type(obj.location)(corner) for corner in obj.bound_box])


def test_a_head_goes_to_the_3d_cursor(bpy, saved_head):
    bpy.context.scene.cursor.location = (1, 2, 3)
    assert tuple(build(bpy, saved_head).location) == (1, 2, 3)


def test_a_head_is_not_built_inside_another_object(bpy, saved_head):
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.object
    obj = build(bpy, saved_head)
    assert apart(bpy, obj, cube)
    assert obj.location.length < 2


def test_a_room_and_a_ground_are_no_obstacles(bpy, saved_head):
    bpy.ops.mesh.primitive_cube_add(size=6)
    bpy.ops.mesh.primitive_plane_add(size=20)
    assert build(bpy, saved_head).location.length == 0


def test_several_heads_stand_in_a_row_with_their_cameras(bpy, saved_head):
    made = [build(bpy, saved_head) for _ in range(3)]
    assert all(apart(bpy, a, b) for a, b in ((made[0], made[1]), (made[1], made[2])))
    assert {(obj.location.y, obj.location.z) for obj in made} == {(0, 0)}
    views = [seen_from_camera(bpy, obj, obj["effigy_camera"]) for obj in made]
    assert np.allclose(views[0], views[1], atol=1e-5)
    assert np.allclose(views[0], views[2], atol=1e-5)


@pytest.mark.parametrize("rig", [False, True])
def test_the_camera_follows_the_head(bpy, built_head, rig):
    camera = built_head["effigy_camera"]
    before = seen_from_camera(bpy, built_head, camera)
    if rig:
        bpy.ops.effigy.rig()
    mover = built_head.parent or built_head
    mover.location, mover.rotation_euler = (1, 2, 3), (0.1, 0.2, 0.3)
    assert np.allclose(seen_from_camera(bpy, built_head, camera), before, atol=1e-5)
    assert bpy.ops.effigy.photo_view() == {"FINISHED"}
    assert bpy.context.scene.camera == camera


def test_a_copy_of_a_head_gets_a_camera_of_its_own(bpy, built_head):
    before = seen_from_camera(bpy, built_head, built_head["effigy_camera"])
    bpy.ops.object.duplicate()
    copy = bpy.context.object
    copy.location.x = 4
    bpy.ops.effigy.photo_view()
    camera = bpy.context.scene.camera
    assert camera == copy["effigy_camera"] != built_head["effigy_camera"]
    assert np.allclose(seen_from_camera(bpy, copy, camera), before, atol=1e-5)
    bpy.ops.effigy.photo_view()
    assert bpy.context.scene.camera == camera


def test_the_camera_of_an_earlier_file_joins_its_head(bpy, built_head):
    camera = built_head["effigy_camera"]
    before = seen_from_camera(bpy, built_head, camera)
    camera.parent = None
    built_head.location.x = 2
    bpy.ops.effigy.photo_view()
    assert bpy.context.scene.camera == camera
    assert np.allclose(seen_from_camera(bpy, built_head, camera), before, atol=1e-5)


def test_a_head_has_its_size_in_a_scene_of_centimetres(bpy, built_head, saved_head):
    low, high = box(bpy, built_head)
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.context.scene.unit_settings.system = "METRIC"
    bpy.context.scene.unit_settings.scale_length = 0.01
    obj = build(bpy, saved_head)
    low2, high2 = box(bpy, obj)
    assert np.allclose(high2 - low2, 100 * (high - low), rtol=1e-4)
    camera = obj["effigy_camera"]
    assert camera.data.clip_end > camera.matrix_world.translation.length > 20
