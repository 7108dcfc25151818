"""Building and rigging in scenes as people leave them."""

from types import SimpleNamespace

import numpy as np
import pytest


def build(bpy, saved_head, **how):
    assert bpy.ops.effigy.build(directory=str(saved_head.directory), **how) == {"FINISHED"}
    return next(obj for obj in bpy.data.objects if obj.type == "MESH" and "effigy" in obj)


@pytest.fixture
def active_collection(bpy):
    """Makes a collection and has new objects go there, as the outliner does."""

    def make():
        collection = bpy.data.collections.new("Mine")
        bpy.context.scene.collection.children.link(collection)
        layer = bpy.context.view_layer
        layer.active_layer_collection = layer.layer_collection.children["Mine"]
        return collection, layer.active_layer_collection

    return make


@pytest.mark.parametrize("state", ["hidden", "excluded", "unselectable", "instanced"])
def test_the_active_collection_may_be_in_any_state(bpy, saved_head, active_collection, state):
    collection, place = active_collection()
    collection.hide_viewport = state == "hidden"
    place.exclude = state == "excluded"
    collection.hide_select = state == "unselectable"
    obj = build(bpy, saved_head)
    assert bpy.context.object == obj
    assert bpy.ops.effigy.rig() == {"FINISHED"}
    assert bpy.ops.effigy.rig(add=False) == {"FINISHED"}
    assert collection.hide_viewport == (state == "hidden")
    assert place.exclude == (state == "excluded")


@pytest.mark.parametrize("name", ["hide_viewport", "hide_select", "exclude"])
def test_a_named_collection_may_be_out_of_sight(bpy, saved_head, active_collection, name):
    collection, place = active_collection()
    setattr(place if name == "exclude" else collection, name, True)
    obj = build(bpy, saved_head, collection="Mine")
    assert obj.users_collection[0] in collection.children_recursive
    assert getattr(place if name == "exclude" else collection, name) is True


def test_a_collection_of_another_file_is_left_alone(bpy, saved_head, tmp_path):
    path = str(tmp_path / "library.blend")
    bpy.data.libraries.write(path, {bpy.data.collections.new("People")}, fake_user=True)
    bpy.ops.wm.read_homefile(use_empty=True)
    with bpy.data.libraries.load(path, link=True) as (_, wanted):
        wanted.collections = ["People"]
    bpy.context.scene.collection.children.link(wanted.collections[0])
    obj = build(bpy, saved_head, collection="People")
    parents = [one for one in bpy.data.collections if obj.users_collection[0] in set(one.children)]
    assert [(one.name, one.library) for one in parents] == [("People", None)]


def test_an_object_that_cannot_be_selected_stays_so(bpy, saved_head):
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.object
    cube.hide_select = True
    build(bpy, saved_head)
    assert cube.hide_select


@pytest.mark.parametrize(
    ("system", "scale"),
    [("METRIC", 1.0), ("METRIC", 0.01), ("METRIC", 0.001), ("IMPERIAL", 0.3048), ("NONE", 0.5)],
)
@pytest.mark.parametrize("rig", [False, True])
def test_a_head_has_its_true_size_in_every_unit(bpy, saved_head, shown, system, scale, rig):
    units = bpy.context.scene.unit_settings
    units.system, units.scale_length = system, scale
    obj = build(bpy, saved_head)
    if rig:
        bpy.ops.effigy.rig()
        bpy.ops.effigy.rig(add=False)
    seen, rest = shown(obj), saved_head.head.mesh.vertices_expressed
    metre = 1.0 if system == "NONE" else 1 / scale
    wanted = (rest.max(0) - rest.min(0)) * metre
    assert np.allclose(sorted(seen.max(0) - seen.min(0)), sorted(wanted), rtol=0.05)


def test_a_changed_frame_is_not_changed_back(bpy, saved_head, active_collection):
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.object
    for frame in (1, 20):
        cube.location.x = frame
        cube.keyframe_insert("location", frame=frame)
    bpy.context.scene.frame_set(20)
    obj = build(bpy, saved_head)
    bpy.ops.effigy.rig()
    assert bpy.context.scene.frame_current == 20
    assert cube.location.x == 20
    assert obj.parent is not None


@pytest.mark.parametrize("local", [False, True])
def test_a_new_head_is_brought_into_a_local_view(module, local):
    """Without a window Blender's local view shows nothing: stand-ins note what is asked of it."""
    done = []
    space = SimpleNamespace(type="VIEW_3D", local_view=object() if local else None)
    head = SimpleNamespace(
        name="Ada",
        select_set=lambda state: done.append(("select", state)),
        local_view_set=lambda where, state: done.append(("local", where is space, state)),
    )

    class Objects(dict):
        active = None

    layer = SimpleNamespace(objects=Objects(Ada=head))
    context = SimpleNamespace(
        mode="OBJECT", space_data=space, selected_objects=[], view_layer=layer
    )
    module("operators.heads").make_active(context, head)
    assert done == [("local", True, True)] * local + [("select", True)]
    assert layer.objects.active is head


@pytest.mark.parametrize("mode", ["SCULPT", "WEIGHT_PAINT", "EDIT"])
def test_other_modes_refuse_in_words_and_change_nothing(bpy, built_head, mode):
    bpy.ops.object.mode_set(mode=mode)
    for name in ("rig", "rebuild", "export"):
        assert not getattr(bpy.ops.effigy, name).poll()
    assert bpy.context.mode != "OBJECT"
    bpy.ops.object.mode_set(mode="OBJECT")


def test_pose_mode_of_the_rig_is_left_as_it_is(bpy, rigged):
    bpy.ops.object.mode_set(mode="POSE")
    assert bpy.ops.effigy.expression(which="PHOTO") == {"FINISHED"}
    assert bpy.context.mode == "POSE"
    assert not bpy.ops.effigy.rig.poll()
    bpy.ops.object.mode_set(mode="OBJECT")
