"""Shape sliders in Blender: the head follows in place, and everything done to it stays."""

import json

import numpy as np
import pytest

from ml.head.storage import load_head_model
from ml.pins.file import write_pins
from ml.pins.heads import no_pins
from ml.pins.pins import Pin
from ml.results.nobody import random_identity
from ml.results.reconstruction import read_about
from ml.results.record import head_of_record
from ml.results.shaped import Shaped
from ml.shape_sliders.shape import identity_of, shape_of, with_shape
from ml.shape_sliders.sliders import SLIDERS
from tests.support.layout import draw
from tests.support.model_head import write_model_head


@pytest.fixture
def source(tmp_path):
    """The folder of a head's result."""
    directory = tmp_path / "Ada"
    write_model_head(directory)
    return directory


@pytest.fixture
def head(bpy, source):
    bpy.ops.effigy.build(directory=str(source))
    return bpy.context.object


def points(obj, name="Basis"):
    flat = np.empty(3 * len(obj.data.vertices), np.float32)
    obj.data.shape_keys.key_blocks[name].points.foreach_get("co", flat)
    x, y, z = flat.reshape(-1, 3).T
    return np.stack([x, z, -y], -1)


def expected(source, **shape):
    """The head that the core makes with these sliders, likeness or mix."""
    about = read_about(source)
    shaped = Shaped(shape_of(about).identity, **shape)
    return head_of_record(with_shape(about, shaped)).mesh


def test_a_slider_gives_the_head_that_the_core_gives(head, source):
    before = points(head)
    head.effigy_shape.jaw_width = 8.0
    head.effigy_shape.age = 60.0
    assert head.effigy_shape.jaw_width == pytest.approx(8.0)
    mesh = expected(source, sliders={"jaw_width": 8.0, "age": 60.0})
    assert np.abs(points(head) - before).max() > 0.003
    np.testing.assert_allclose(points(head), mesh.vertices, atol=1e-5)
    flat = np.empty(3 * len(head.data.vertices), np.float32)
    head.data.vertices.foreach_get("co", flat)
    x, y, z = flat.reshape(-1, 3).T
    np.testing.assert_allclose(np.stack([x, z, -y], -1), mesh.vertices, atol=1e-5)
    for name in ("eyeBlinkLeft", "jawOpen", "mouthClose"):
        key = mesh.shape_keys[mesh.expression_names.index(name)]
        np.testing.assert_allclose(points(head, name), mesh.vertices + key, atol=1e-5)


def test_what_was_done_to_the_head_stays_and_the_slider_goes_back(bpy, head):
    keys = head.data.shape_keys.key_blocks
    keys["eyeBlinkLeft"].keyframe_insert("value", frame=1)
    keys["mouthLeft"].value = 0.7
    own = head.shape_key_add(name="Mine", from_mix=False)
    own.points[20].co.z += 0.003
    keys["Basis"].points[10].co.y += 0.002
    before, mine, camera = points(head), points(head, "Mine"), head["effigy_camera"].matrix_basis
    place = camera.copy()
    head.effigy_shape.nose_length = -5.0
    moved = points(head) - before
    assert np.abs(moved).max() > 0.002
    np.testing.assert_allclose(points(head, "Mine") - mine, moved, atol=1e-6)
    assert keys["mouthLeft"].value == pytest.approx(0.7)
    assert head.data.shape_keys.animation_data.action is not None
    assert head["effigy_camera"].matrix_basis == place
    assert bpy.ops.effigy.reset_shape(slider="nose_length") == {"FINISHED"}
    np.testing.assert_allclose(points(head), before, atol=2e-6)
    assert "shaped" not in head["effigy"]


def test_reset_takes_all_back(bpy, head):
    before = points(head)
    head.effigy_shape.likeness = 150.0
    head.effigy_shape.forehead = 3.0
    assert bpy.ops.effigy.random_shape(seed=3) == {"FINISHED"}
    assert bpy.ops.effigy.reset_shape() == {"FINISHED"}
    np.testing.assert_allclose(points(head), before, atol=5e-6)
    assert head.effigy_shape.likeness == 100.0
    with pytest.raises(RuntimeError, match="no shape slider 'jaw'"):
        bpy.ops.effigy.reset_shape(slider="jaw")


def test_likeness_of_a_built_head(head, source):
    head.effigy_shape.likeness = 0.0
    mesh = expected(source, likeness=0.0)
    np.testing.assert_allclose(points(head), mesh.vertices, atol=1e-5)
    head.effigy_shape.likeness = 500.0
    assert head.effigy_shape.likeness == 150.0


def test_a_random_person_and_a_mix_of_two_heads(bpy, head, source):
    assert bpy.ops.effigy.random_shape(seed=3, mix=40.0) == {"FINISHED"}
    mesh = expected(source, other=random_identity(3), mix=40.0)
    np.testing.assert_allclose(points(head), mesh.vertices, atol=1e-5)
    assert not bpy.ops.effigy.mix_heads.poll()
    bpy.ops.effigy.add_head(person="RANDOM", seed=8)
    other = bpy.context.object
    head.select_set(True)
    bpy.context.view_layer.objects.active = head
    assert bpy.ops.effigy.mix_heads(mix=50.0) == {"FINISHED"}
    mesh = expected(source, other=random_identity(8), mix=50.0)
    np.testing.assert_allclose(points(head), mesh.vertices, atol=1e-5)
    head.effigy_shape.mix = 100.0
    np.testing.assert_allclose(points(head), points(other), atol=1e-5)


def test_a_head_without_a_photo_has_sliders_too(bpy):
    bpy.ops.effigy.add_head()
    obj = bpy.context.object
    before = points(obj)
    obj.effigy_shape.ear_size = 10.0
    assert np.abs(points(obj) - before).max() > 0.003
    assert obj["effigy"]["directory"] == ""


def test_a_saved_file_keeps_the_sliders_and_they_go_on(bpy, head, source, tmp_path):
    head.effigy_shape.chin_height = 6.0
    name, shaped = head.name, points(head)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    again = bpy.data.objects[name]
    assert again.effigy_shape.chin_height == pytest.approx(6.0)
    np.testing.assert_allclose(points(again), shaped, atol=1e-6)
    again.effigy_shape.neck = 12.0
    mesh = expected(source, sliders={"chin_height": 6.0, "neck": 12.0})
    np.testing.assert_allclose(points(again), mesh.vertices, atol=1e-5)


@pytest.mark.parametrize("gone", [False, True])
def test_rebuilding_keeps_the_sliders(bpy, head, source, gone):
    head.effigy_shape.eye_spacing = 4.0
    head.data.shape_keys.key_blocks["Basis"].points[10].co.y += 0.01  # what is sculpted stays
    shaped = points(head)
    if gone:
        source.rename(source.with_name("elsewhere"))
    assert bpy.ops.effigy.rebuild() == {"FINISHED"}
    np.testing.assert_allclose(points(head), shaped, atol=1e-5)
    assert head.effigy_shape.eye_spacing == pytest.approx(4.0)
    head.effigy_shape.eye_spacing = 0.0
    wanted = head_of_record(read_about(source.with_name("elsewhere") if gone else source)).mesh
    wanted.vertices[10] += (0, 0, -0.01)
    np.testing.assert_allclose(points(head), wanted.vertices, atol=1e-5)


def test_the_relief_of_a_head_stays(head):
    before = points(head, "Detail") - points(head)
    head.effigy_shape.jaw_width = 8.0
    np.testing.assert_allclose(points(head, "Detail") - points(head), before, atol=2e-6)
    assert head["effigy"]["detail"] == "relief"


def test_bones_follow(bpy, head):
    bpy.ops.effigy.rig(add=True)
    rig = head.parent
    eye = rig.data.bones["eye.L"].head_local.copy()
    head.effigy_shape.eye_spacing = 6.0
    moved = rig.data.bones["eye.L"].head_local - eye
    assert 0.002 < moved.x < 0.0035  # half of what the pupils move apart
    assert bpy.context.mode == "OBJECT"
    assert bpy.context.object == rig


def test_pins_hold_under_the_sliders(bpy, head, source, tmp_path):
    """Pins say where the photo's face is, sliders how the head differs from that."""
    model, about = load_head_model(), read_about(source)
    x, y = about["landmarks_478"][152]
    pins = no_pins([about]).placed(0, Pin((x, y + 10), 152))
    write_pins(pins, model, tmp_path / "pins.json")
    head.effigy_shape.jaw_width = 8.0
    bpy.ops.effigy.apply_pins(filepath=str(tmp_path / "pins.json"), project=False)
    assert head.effigy_shape.jaw_width == pytest.approx(8.0)
    both = points(head)
    bpy.ops.effigy.reset_shape()
    assert np.abs(points(head) - both).max() > 0.003
    pinned = points(head)
    bpy.ops.effigy.build(directory=str(source))
    plain = bpy.context.object
    bpy.ops.effigy.apply_pins(filepath=str(tmp_path / "pins.json"), project=False)
    np.testing.assert_allclose(points(plain), pinned, atol=1e-5)
    plain.effigy_shape.jaw_width = 8.0
    np.testing.assert_allclose(points(plain), both, atol=1e-5)


def test_new_texture_after_pins_keeps_the_sliders(bpy, head, source):
    """The engine knows nothing of sliders: its result is of the head without them."""
    head.effigy_shape.jaw_width = 8.0
    shaped = points(head)
    done = bpy.ops.effigy.renew_pinned(head=head.name, directory=str(source))
    assert done == {"FINISHED"}
    np.testing.assert_allclose(points(head), shaped, atol=1e-5)
    assert head.effigy_shape.jaw_width == pytest.approx(8.0)


def test_a_result_with_sliders_is_built_with_them(bpy, source):
    about = read_about(source)
    sliders = {"mouth_width": 5.0}
    changed = with_shape(about, Shaped(shape_of(about).identity, sliders))
    head = head_of_record(changed)
    assert identity_of(shape_of(changed)) == pytest.approx(head.coefficients.identity, abs=1e-6)
    (source / "reconstruction.json").write_text(json.dumps(changed))
    bpy.ops.effigy.build(directory=str(source))
    assert bpy.context.object.effigy_shape.mouth_width == pytest.approx(5.0)


def test_exports_have_the_shape(bpy, head, tmp_path):
    head.effigy_shape.ear_angle = 8.0
    width = np.ptp(points(head)[:, 0])
    bpy.ops.effigy.export(filepath=str(tmp_path / "head.glb"), format="GLB", neutral=True)
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=str(tmp_path / "head.glb"))
    found = max(
        (obj for obj in bpy.data.objects if obj.type == "MESH"),
        key=lambda obj: len(obj.data.vertices),
    )
    flat = np.empty(3 * len(found.data.vertices), np.float32)
    found.data.vertices.foreach_get("co", flat)
    assert np.ptp(flat.reshape(-1, 3)[:, 0]) == pytest.approx(width, abs=1e-4)


def test_a_mesh_with_other_vertices_or_in_edit_mode_is_left_alone(bpy, head, module):
    shape = module("operators.shape.head")
    bpy.ops.object.mode_set(mode="EDIT")
    with pytest.raises(Exception, match="Object Mode"):
        shape.set_shape(head, shape.shape_on(head))
    labels = [text for kind, text, _ in draw_shape(bpy, module) if kind == "label"]
    assert any("Object Mode" in text for text in labels)
    bpy.ops.mesh.select_all(action="SELECT")
    bpy.ops.mesh.subdivide()
    bpy.ops.object.mode_set(mode="OBJECT")
    with pytest.raises(Exception, match="Rebuild head"):
        shape.set_shape(head, shape.shape_on(head))
    assert "shaped" not in head["effigy"]


def test_a_head_of_another_model_has_no_sliders(bpy, head, module):
    head["effigy"]["model"]["version"] = "1"
    drawn = draw_shape(bpy, module)
    assert [kind for kind, _, _ in drawn if kind != "label"] == []
    assert "was made with" in " ".join(text for _, text, _ in drawn)


def draw_shape(bpy, module):
    return draw(module("panels.shape").EFFIGY_PT_shape, bpy.context)


def test_the_panel_has_every_slider_and_a_button_for_those_that_were_moved(bpy, head, module):
    head.effigy_shape.nose_tip = 2.0
    drawn = draw_shape(bpy, module)
    paths = [path for owner, path, _ in drawn if owner == head.effigy_shape]
    assert set(paths) == {*SLIDERS, "likeness"}
    buttons = [how.slider for name, _, how in drawn if name == "effigy.reset_shape"]
    assert buttons == ["", "nose_tip"]
    bpy.ops.effigy.random_shape(seed=1)
    assert "mix" in [path for _, path, _ in draw_shape(bpy, module)]


def test_other_objects_have_sliders_that_do_nothing(bpy):
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.object
    cube.effigy_shape.jaw_width = 5.0
    assert cube.effigy_shape.jaw_width == 0.0
    assert not bpy.ops.effigy.random_shape.poll()


def test_undo_brings_slider_and_head_back(bpy, head):
    name, before = head.name, points(head)
    bpy.ops.ed.undo_push(message="before")
    head.effigy_shape.jaw_width = 8.0
    bpy.ops.ed.undo_push(message="slider")
    bpy.ops.ed.undo()
    again = bpy.data.objects[name]
    assert again.effigy_shape.jaw_width == 0.0
    np.testing.assert_allclose(points(again), before, atol=1e-7)
    again.effigy_shape.jaw_width = 8.0
    assert again.effigy_shape.jaw_width == pytest.approx(8.0)
    assert np.abs(points(again) - before).max() > 0.003


def test_a_copy_has_sliders_of_its_own(bpy, head):
    twin = head.copy()
    twin.data = head.data.copy()
    bpy.context.collection.objects.link(twin)
    before = points(head)
    twin.effigy_shape.jaw_width = 8.0
    assert head.effigy_shape.jaw_width == 0.0
    np.testing.assert_array_equal(points(head), before)
    assert np.abs(points(twin) - before).max() > 0.003
