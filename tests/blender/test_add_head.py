"""Heads without a photo: added, rebuilt, rigged and exported like others."""

from types import SimpleNamespace

import numpy as np
import pytest

from ml.head.arkit import EXPRESSION_NAMES
from ml.results.nobody import average_head, random_head
from tests.support.layout import draw


def places(obj):
    """(V, 3) of the mesh at rest, in head space."""
    flat = np.empty(3 * len(obj.data.vertices), np.float32)
    obj.data.shape_keys.key_blocks["Basis"].points.foreach_get("co", flat)
    x, y, z = flat.reshape(-1, 3).T
    return np.stack([x, z, -y], axis=-1)


def counts(bpy):
    data = bpy.data
    kinds = (data.objects, data.meshes, data.materials, data.images, data.cameras, data.collections)
    return [len(kind) for kind in kinds]


def test_the_average_head_is_at_rest_and_has_all_expressions(bpy):
    assert bpy.ops.effigy.add_head(level="low") == {"FINISHED"}
    obj = bpy.context.object
    assert np.abs(places(obj) - average_head("low").mesh.vertices).max() <= 1e-6
    keys = obj.data.shape_keys.key_blocks
    assert [key.name for key in keys] == ["Basis", *EXPRESSION_NAMES]
    assert not any(key.value for key in keys)
    assert (len(bpy.data.cameras), len(bpy.data.images)) == (0, 0)
    assert obj.name == "Head"


def test_a_random_head_is_the_one_of_its_seed(bpy):
    bpy.ops.effigy.add_head(person="RANDOM", seed=12, variation=0.5, level="low")
    expected = random_head(12, 0.5, "low").mesh.vertices
    assert np.abs(places(bpy.context.object) - expected).max() <= 1e-6
    assert bpy.context.object.name == "Head 12"


def test_each_press_of_the_menu_gives_another_person(bpy, module):
    """Blender without a window executes what it should invoke, so a stand-in is invoked."""
    invoke = module("operators.add_head").EFFIGY_OT_add_head.invoke

    def press(*given):
        properties = SimpleNamespace(is_property_set=lambda name: name in given)
        operator = SimpleNamespace(properties=properties, seed=7, execute=lambda context: "done")
        assert invoke(operator, bpy.context, None) == "done"
        return operator.seed

    assert len({press() for _ in range(8)}) > 4
    assert press("seed") == 7


@pytest.mark.parametrize("saved", [False, True])
def test_it_is_rebuilt_rigged_and_exported_like_a_photos(bpy, tmp_path, saved):
    bpy.ops.effigy.add_head(person="RANDOM", seed=3, level="low")
    obj, before = bpy.context.object, places(bpy.context.object)
    if saved:
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    for key in obj.data.shape_keys.key_blocks:
        key.points.foreach_set("co", np.zeros(3 * len(before), np.float32))
    assert bpy.ops.effigy.rebuild() == {"FINISHED"}
    assert np.abs(places(obj) - before).max() <= 1e-6
    assert bpy.ops.effigy.rig() == {"FINISHED"}
    target = tmp_path / "head.glb"
    done = bpy.ops.effigy.export(
        filepath=str(target), format="GLB", one_material=True, root_bone=True
    )
    assert done == {"FINISHED"}
    assert target.stat().st_size > 1e5


def test_nothing_asks_for_its_photo(bpy, module):
    bpy.ops.effigy.add_head(level="low")
    drawn = draw(module("panels.sidebar").EFFIGY_PT_expression, bpy.context)
    assert [button.which for name, _, button in drawn if name == "effigy.expression"] == ["NEUTRAL"]
    drawn = draw(module("panels.sidebar").EFFIGY_PT_head, bpy.context)
    assert ("label", "No photo", "IMAGE_DATA") in drawn
    assert not bpy.ops.effigy.photo_view.poll()
    # The expression of no photo is rest.
    assert bpy.ops.effigy.expression(which="PHOTO") == {"FINISHED"}
    assert not any(key.value for key in bpy.context.object.data.shape_keys.key_blocks)


def test_nothing_is_left_where_it_fails(bpy, module, monkeypatch):
    collection = module("operators.scene.collection")

    def fail(*_):
        raise MemoryError

    monkeypatch.setattr(collection, "place_head", fail)
    before = counts(bpy)
    with pytest.raises(RuntimeError, match="memory"):
        bpy.ops.effigy.add_head(level="low")
    assert counts(bpy) == before
