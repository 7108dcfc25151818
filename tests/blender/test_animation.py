"""Keyframes and drivers of expressions go with the rig and come back."""

import pytest


@pytest.fixture
def animated(built_head):
    """The head with its jaw keyed: 0 at frame 1, 1 at frame 11, linear, and repeated."""
    key = built_head.data.shape_keys.key_blocks["jawOpen"]
    for frame, value in ((1, 0.0), (11, 1.0)):
        key.value = value
        key.keyframe_insert("value", frame=frame)
    curve = curves(built_head.data.shape_keys)[0]
    for point in curve.keyframe_points:
        point.interpolation = "LINEAR"
    curve.modifiers.new("CYCLES").cycles_after = 3
    return built_head


def curves(owner):
    """Written out again, so that the product's own function is not its own judge."""
    animation = owner.animation_data
    if animation is None or animation.action is None:
        return []
    if not hasattr(animation.action, "slots"):
        return list(animation.action.fcurves)
    (layer,) = animation.action.layers
    bag = layer.strips[0].channelbag(animation.action_slot)
    return list(bag.fcurves) if bag else []


def performance(bpy, obj):
    """The jaw as it is seen over time; the cycle begins anew after frame 11."""
    found = []
    for frame in (1, 3, 6, 11, 14):
        bpy.context.scene.frame_set(frame)
        seen = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
        found.append(seen.data.shape_keys.key_blocks["jawOpen"].value)
    return [round(value, 4) for value in found]


def test_the_rig_takes_the_keyframes_over_and_gives_them_back(bpy, animated):
    before = performance(bpy, animated)
    assert before == [0, 0.2, 0.5, 1, 0.3]
    bpy.ops.effigy.rig()
    assert performance(bpy, animated) == before
    assert [curve.data_path for curve in curves(animated.parent)] == ['["jawOpen"]']
    assert not curves(animated.data.shape_keys)
    bpy.ops.effigy.rig(add=False)
    assert performance(bpy, animated) == before
    assert [curve.data_path for curve in curves(animated.data.shape_keys)] == [
        'key_blocks["jawOpen"].value'
    ]
    assert all(action.users for action in bpy.data.actions)
    assert len(bpy.data.actions) == 1


def test_keyframes_of_bones_are_kept_when_the_rig_goes(bpy, rigged):
    rigged.rig.pose.bones["jaw"].keyframe_insert("rotation_euler", frame=1)
    rigged.rig.keyframe_insert('["mouthSmileLeft"]', frame=1)
    action = rigged.rig.animation_data.action
    bpy.ops.effigy.rig(add=False)
    assert action.users == 1
    assert action.use_fake_user
    (curve,) = curves(rigged.obj.data.shape_keys)
    assert curve.data_path == 'key_blocks["mouthSmileLeft"].value'


def test_a_driver_on_the_rigs_property_comes_back(bpy, rigged):
    driver = rigged.rig.driver_add('["jawOpen"]').driver
    driver.expression = "0.4"
    bpy.ops.effigy.rig(add=False)
    (curve,) = rigged.obj.data.shape_keys.animation_data.drivers
    assert curve.data_path == 'key_blocks["jawOpen"].value'
    assert curve.driver.expression == "0.4"


def test_an_action_that_another_head_uses_stays_whole(bpy, animated):
    bpy.ops.object.duplicate()
    copy = bpy.context.object
    keys = copy.data.shape_keys
    action = animated.data.shape_keys.animation_data.action
    keys.animation_data.action = action
    if hasattr(action, "slots"):
        keys.animation_data.action_slot = action.slots[0]
    before = performance(bpy, animated)
    bpy.ops.effigy.rig()
    assert copy.parent is not None
    assert performance(bpy, copy) == before
    assert performance(bpy, animated) == before


def test_drivers_of_what_is_not_there_are_not_copied(bpy, module):
    def keyed(name, *keys):
        obj = bpy.data.objects.new(name, bpy.data.meshes.new(name))
        for key in ("Basis", *keys):
            obj.shape_key_add(name=key)
        return obj.data.shape_keys

    source, target = keyed("one", "jawOpen", "tongueOut"), keyed("other", "jawOpen")
    for key in source.key_blocks[1:]:
        key.driver_add("value")
    module("operators.scene.animation").copy_animation(source, target)
    paths = [curve.data_path for curve in target.animation_data.drivers]
    assert paths == ['key_blocks["jawOpen"].value']
