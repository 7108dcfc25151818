"""The rig in use: expressions on the armature, the panel, and files that keep both."""

import numpy as np
import pytest

from ml.head.arkit import EXPRESSION_NAMES
from tests.support.layout import draw
from tests.support.reading_back import read_back

BONES = ("neck", "head", "jaw", "eye.L", "eye.R")


def test_properties_hold_the_keys_values_and_drive_them(bpy, built_head, saved_head):
    bpy.ops.effigy.rig()
    rig, keys = built_head.parent, built_head.data.shape_keys.key_blocks
    wanted = saved_head.head.coefficients.expression.tolist()
    assert [rig[name] for name in EXPRESSION_NAMES] == pytest.approx(wanted, abs=1e-6)
    limits = rig.id_properties_ui("mouthSmileLeft").as_dict()
    assert (limits["soft_min"], limits["soft_max"]) == (0, 1)
    assert rig.id_properties_ui("jawOpen").as_dict()["soft_max"] == pytest.approx(1.25)
    for number, name in enumerate(EXPRESSION_NAMES):
        rig[name] = number / 100
    rig.update_tag()
    bpy.context.view_layer.update()
    found = [keys[name].value for name in EXPRESSION_NAMES]
    assert found == pytest.approx([number / 100 for number in range(52)], abs=1e-6)


def test_a_driver_of_the_persons_own_stays(bpy, built_head):
    key = built_head.data.shape_keys.key_blocks["jawOpen"]
    key.driver_add("value").driver.expression = "0.3"
    bpy.ops.effigy.rig()
    drivers = built_head.data.shape_keys.animation_data.drivers
    assert "jawOpen" not in built_head.parent
    bpy.ops.effigy.rig(add=False)
    assert [curve.driver.expression for curve in drivers] == ["0.3"]


def test_drivers_need_no_script(bpy, rigged):
    drivers = rigged.obj.data.shape_keys.animation_data.drivers
    assert len(drivers) == 52
    following = [curve.driver for curve in drivers if curve.driver.type != "SUM"]
    assert all(driver.is_simple_expression for driver in following)
    assert all(curve.driver.is_valid for curve in drivers)


def test_expression_buttons_set_the_properties(bpy, rigged, saved_head):
    keys = rigged.obj.data.shape_keys.key_blocks
    wanted = saved_head.head.coefficients.expression.tolist()
    assert bpy.context.object == rigged.rig  # the rig stands for its head
    for which, values in (("PHOTO", wanted), ("NEUTRAL", [0.0] * 52)):
        bpy.ops.effigy.expression(which=which)
        assert [rigged.rig[n] for n in EXPRESSION_NAMES] == pytest.approx(values, abs=1e-6)
        bpy.context.view_layer.update()
        assert [keys[n].value for n in EXPRESSION_NAMES] == pytest.approx(values, abs=1e-6)


def test_the_panel_toggles_the_rig(bpy, built_head, module):
    panel = module("panels.sidebar").EFFIGY_PT_head
    for add, text in ((True, "Add rig"), (False, "Remove rig"), (True, "Add rig")):
        assert panel.poll(bpy.context)  # with the head active, and with its rig
        drawn = draw(panel, bpy.context)
        _, how, button = next(entry for entry in drawn if entry[0] == "effigy.rig")
        assert (button.add, how["text"]) == (add, text)
        assert "depress" not in how  # it is what a click does, not what is on
        bpy.ops.effigy.rig(add=button.add)


def test_the_sliders_are_the_rigs_properties(bpy, built_head, module):
    panel = module("panels.sidebar").EFFIGY_PT_expression
    for owner in (built_head.data.shape_keys, None):
        drawn = draw(panel, bpy.context)
        sliders = [entry for entry in drawn if not isinstance(entry[0], str)]
        assert len(sliders) == 52
        assert {entry[0].id_data for entry in sliders} == {owner or built_head.parent}
        bpy.ops.effigy.rig()


@pytest.mark.parametrize("pose", [0.0, 0.3])
def test_glb_keeps_keys_and_bones(bpy, rigged, saved_head, tmp_path, pose, bone_weights):
    rigged.rig.pose.bones["jaw"].rotation_euler.x = pose
    rest = {name: key_way(rigged.obj, name) for name in EXPRESSION_NAMES}
    bpy.ops.effigy.export(filepath=str(tmp_path / "head.glb"), format="GLB")
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=str(tmp_path / "head.glb"))
    obj = next(obj for obj in bpy.data.objects if obj.type == "MESH" and obj.data.shape_keys)
    assert {key.name for key in obj.data.shape_keys.key_blocks} >= set(EXPRESSION_NAMES)
    for name, way in rest.items():
        assert key_way(obj, name) == pytest.approx(way, abs=1e-5), name
    assert obj.parent.type == "ARMATURE"
    assert set(obj.parent.data.bones.keys()) == set(BONES)
    assert np.abs(bone_weights(obj).sum(1) - 1).max() <= 1e-3


def key_way(obj, name):
    """How far the key moves what it moves most; metres."""
    keys = obj.data.shape_keys.key_blocks
    flat = np.empty((2, 3 * len(obj.data.vertices)), np.float32)
    keys[0].points.foreach_get("co", flat[0])
    keys[name].points.foreach_get("co", flat[1])
    return float(np.linalg.norm((flat[1] - flat[0]).reshape(-1, 3), axis=1).max())


@pytest.mark.parametrize("kind", ["FBX", "USD"])
def test_other_formats_keep_the_keys_of_a_rigged_head(bpy, rigged, saved_head, tmp_path, kind):
    bpy.ops.effigy.export(filepath=str(tmp_path / "head"), format=kind)
    written = next(path for path in tmp_path.iterdir() if path.name.startswith("head."))
    obj, rig = read_back(bpy, written)
    assert len(obj.data.vertices) == len(saved_head.head.mesh.vertices)
    assert {key.name for key in obj.data.shape_keys.key_blocks} >= set(EXPRESSION_NAMES)
    assert len(rig.data.bones) >= len(BONES)


def test_a_hidden_rig_does_not_spoil_the_export(bpy, rigged, tmp_path):
    rigged.rig.hide_set(True)
    bpy.context.view_layer.objects.active = rigged.obj
    bpy.ops.effigy.export(filepath=str(tmp_path / "head.glb"), format="GLB")
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=str(tmp_path / "head.glb"))
    obj = next(obj for obj in bpy.data.objects if obj.type == "MESH" and obj.data.shape_keys)
    assert {key.name for key in obj.data.shape_keys.key_blocks} >= set(EXPRESSION_NAMES)


def test_the_rig_survives_saving(bpy, rigged, tmp_path, shown):
    name, path = rigged.obj.name, str(tmp_path / "head.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    obj = bpy.data.objects[name]
    rest = shown(obj)
    obj.parent["jawOpen"] = 1.0
    obj.parent.update_tag()
    assert np.abs(shown(obj) - rest).max() > 0.01
    assert obj.data.shape_keys.key_blocks["jawOpen"].value == 1
