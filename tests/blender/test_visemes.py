"""Viseme keys of a head in Blender: composed of its own keys, added, made anew and removed."""

import numpy as np
import pytest

from ml.speech.lips import lip_opening
from ml.speech.sets import SETS
from tests.support.layout import draw


@pytest.fixture
def head(bpy):
    """A person of the shipped model: with lips."""
    bpy.ops.effigy.add_head(person="RANDOM", seed=5)
    return bpy.context.object


def points(obj, name):
    flat = np.empty(3 * len(obj.data.vertices), np.float32)
    obj.data.shape_keys.key_blocks[name].points.foreach_get("co", flat)
    x, y, z = flat.reshape(-1, 3).T
    return np.stack([x, z, -y], -1)


@pytest.mark.parametrize("which", SETS)
def test_a_set_is_added_at_rest_and_removed(bpy, head, which):
    before = list(head.data.shape_keys.key_blocks.keys())
    assert bpy.ops.effigy.add_visemes(which=which) == {"FINISHED"}
    keys = head.data.shape_keys.key_blocks
    assert list(keys.keys()) == [*before, *SETS[which].shapes]
    assert {keys[name].value for name in SETS[which].shapes} == {0.0}
    assert bpy.ops.effigy.add_visemes(which=which, add=False) == {"FINISHED"}
    assert list(head.data.shape_keys.key_blocks.keys()) == before
    assert "effigy_visemes" not in head


def test_lips_meet_at_the_key_and_an_open_shape_is_the_sum_of_its_expressions(bpy, head, module):
    bpy.ops.effigy.add_visemes(which="OCULUS")
    rest = points(head, "Basis")
    wanted = rest + sum(
        weight * (points(head, name) - rest)
        for name, weight in SETS["OCULUS"].shapes["viseme_aa"].items()
    )
    np.testing.assert_allclose(points(head, "viseme_aa"), wanted, atol=1e-6)
    np.testing.assert_array_equal(points(head, "viseme_sil"), rest)
    mouth = module("operators.speech.keys").mouth_of(head)
    shut = lip_opening(points(head, "viseme_PP"), mouth.lips)
    assert 1000 * shut.max() == pytest.approx(-0.1, abs=0.01)


def test_what_was_sculpted_on_an_expression_is_in_its_visemes_after_adding_again(bpy, head):
    bpy.ops.effigy.add_visemes(which="VRM")
    head.data.shape_keys.key_blocks["aa"].value = 0.4
    before = points(head, "aa")
    jaw = head.data.shape_keys.key_blocks["jawOpen"]
    jaw.points[100].co.z += 0.01
    bpy.ops.effigy.add_visemes(which="VRM")
    share = SETS["VRM"].shapes["aa"]["jawOpen"]
    assert (points(head, "aa") - before)[100, 1] == pytest.approx(0.01 * share, abs=1e-5)
    assert head.data.shape_keys.key_blocks["aa"].value == pytest.approx(0.4)


def test_keys_of_the_persons_own_are_left_alone(bpy, head):
    head.shape_key_add(name="aa", from_mix=False)
    count = len(head.data.shape_keys.key_blocks)
    with pytest.raises(RuntimeError, match="of its own called aa"):
        bpy.ops.effigy.add_visemes(which="VRM")
    assert bpy.ops.effigy.add_visemes(which="VRM", add=False) == {"FINISHED"}
    assert len(head.data.shape_keys.key_blocks) == count


def test_visemes_follow_sliders_and_stay_when_the_head_is_rebuilt(bpy, head):
    bpy.ops.effigy.add_visemes(which="OCULUS")
    before = points(head, "viseme_O") - points(head, "Basis")
    head.effigy_shape.jaw_width = 8.0
    np.testing.assert_allclose(points(head, "viseme_O") - points(head, "Basis"), before, atol=2e-6)
    assert bpy.ops.effigy.rebuild() == {"FINISHED"}
    np.testing.assert_allclose(points(head, "viseme_O") - points(head, "Basis"), before, atol=2e-6)


def test_a_head_with_other_vertices_is_refused_with_the_remedy(bpy, head):
    bpy.ops.object.mode_set(mode="EDIT")
    assert not bpy.ops.effigy.add_visemes.poll()
    bpy.ops.mesh.select_all(action="SELECT")
    bpy.ops.mesh.subdivide()
    bpy.ops.object.mode_set(mode="OBJECT")
    with pytest.raises(RuntimeError, match="Rebuild head"):
        bpy.ops.effigy.add_visemes(which="VRM")


def test_a_head_whose_lips_are_not_known_gets_the_visemes_too(bpy, built_head, module):
    assert bpy.ops.effigy.add_visemes(which="OCULUS") == {"FINISHED"}
    assert module("operators.speech.keys").mouth_of(built_head).lips is None
    assert "viseme_PP" in built_head.data.shape_keys.key_blocks


def test_undo_takes_a_set_back(bpy, head):
    name = head.name
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.effigy.add_visemes(which="OCULUS")
    bpy.ops.ed.undo_push(message="visemes")
    bpy.ops.ed.undo()
    again = bpy.data.objects[name]
    assert "viseme_PP" not in again.data.shape_keys.key_blocks
    assert "effigy_visemes" not in again


def test_visemes_are_in_a_glb(bpy, head, tmp_path):
    bpy.ops.effigy.add_visemes(which="OCULUS")
    bpy.ops.effigy.export(filepath=str(tmp_path / "head.glb"), format="GLB", neutral=True)
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=str(tmp_path / "head.glb"))
    named = {
        key.name
        for mesh in bpy.data.meshes
        if mesh.shape_keys
        for key in mesh.shape_keys.key_blocks
    }
    assert set(SETS["OCULUS"].shapes) <= named


def test_the_panel_adds_and_removes(bpy, head, module):
    def buttons():
        drawn = draw(module("panels.speech").EFFIGY_PT_speech, bpy.context)
        return [(how.which, how.add) for name, _, how in drawn if name == "effigy.add_visemes"]

    assert buttons() == [("OCULUS", True), ("MICROSOFT", True), ("VRM", True)]
    bpy.ops.effigy.add_visemes(which="MICROSOFT")
    assert buttons() == [("OCULUS", True), ("MICROSOFT", False), ("VRM", True)]
