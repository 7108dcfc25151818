"""Pins in Blender: the head follows them in place, and everything done to it stays."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from ml.head.mesh import person_mesh
from ml.head.storage import load_head_model
from ml.pins.file import read_pins, write_pins
from ml.pins.heads import no_pins, pinned_by
from ml.pins.settle import people_of, settled
from ml.results.reconstruction import read_about, save_reconstruction
from tests.support.model_head import write_model_head


def points(obj, name):
    flat = np.empty(3 * len(obj.data.vertices), np.float32)
    obj.data.shape_keys.key_blocks[name].points.foreach_get("co", flat)
    return flat.reshape(-1, 3)


def in_head_space(places):
    x, y, z = places.T
    return np.stack([x, z, -y], -1)


def test_a_file_of_pins_gives_the_head_that_the_core_gives(bpy, pinnable, source):
    solution = settled(source.solver, source.pins)
    mesh = person_mesh(source.solver.model, people_of(source.solver, solution)[0])
    done = bpy.ops.effigy.apply_pins(filepath=str(source.file), project=False)
    assert done == {"FINISHED"}
    np.testing.assert_allclose(in_head_space(points(pinnable, "Basis")), mesh.vertices, atol=1e-5)
    jaw = mesh.vertices + mesh.shape_keys[mesh.expression_names.index("jawOpen")]
    np.testing.assert_allclose(in_head_space(points(pinnable, "jawOpen")), jaw, atol=1e-5)
    camera = solution.cameras[0]
    place = -camera.rotation.T @ camera.translation
    found = in_head_space(np.array(pinnable["effigy_camera"].matrix_basis.translation)[None])[0]
    np.testing.assert_allclose(found, place, atol=1e-5)


def test_animation_and_edits_stay(bpy, pinnable, source):
    keys = pinnable.data.shape_keys.key_blocks
    keys["eyeBlinkLeft"].keyframe_insert("value", frame=1)
    keys["mouthLeft"].value = 0.7
    before = points(pinnable, "Basis")
    sculpted = before.copy()
    sculpted[10] += (0.0, 0.002, 0.0)
    keys["Basis"].points.foreach_set("co", sculpted.ravel())
    own = pinnable.shape_key_add(name="Ears", from_mix=False)
    own.points.foreach_set("co", (sculpted + np.float32([0.01, 0, 0])).ravel())
    pinnable.modifiers.new("Smooth", "SMOOTH")
    material = pinnable.data.materials[0]
    action = pinnable.data.shape_keys.animation_data.action
    bpy.ops.effigy.apply_pins(filepath=str(source.file), project=False)
    moved = points(pinnable, "Basis") - before
    assert np.abs(moved).max() > 0.002
    offset = points(pinnable, "Ears") - points(pinnable, "Basis")
    np.testing.assert_allclose(offset, np.tile([0.01, 0, 0], (len(offset), 1)), atol=1e-6)
    assert keys["mouthLeft"].value == pytest.approx(0.7)
    assert pinnable.data.shape_keys.animation_data.action == action
    assert pinnable.data.materials[0] == material
    assert "Smooth" in pinnable.modifiers
    # The sculpted vertex kept its dent: its neighbours' movement and its own differ by that.
    solution = settled(source.solver, source.pins)
    mesh = person_mesh(source.solver.model, people_of(source.solver, solution)[0])
    dent = in_head_space(points(pinnable, "Basis"))[10] - mesh.vertices[10]
    np.testing.assert_allclose(dent, (0, 0, -0.002), atol=1e-5)


def test_a_camera_that_was_moved_by_hand_stays(bpy, pinnable, source):
    camera = pinnable["effigy_camera"]
    camera.location.x += 1
    place = camera.location.copy()
    bpy.ops.effigy.apply_pins(filepath=str(source.file), project=False)
    assert camera.location == place


def test_pins_are_stored_on_the_head_and_taken_back(bpy, pinnable, source, tmp_path):
    before = points(pinnable, "Basis")
    bpy.ops.effigy.apply_pins(filepath=str(source.file), project=False)
    bpy.ops.effigy.save_pins(filepath=str(tmp_path / "again.json"))
    assert read_pins(tmp_path / "again.json", load_head_model()) == source.pins
    path = tmp_path / "saved.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.open_mainfile(filepath=str(path))
    obj = bpy.data.objects["Ada"]
    pinned = points(obj, "Basis")
    # Without the pins' own result, rebuilding makes the pinned head from its record.
    bpy.context.view_layer.objects.active = obj
    bpy.ops.effigy.rebuild()
    np.testing.assert_allclose(points(obj, "Basis"), pinned, atol=1e-5)
    none = tmp_path / "none.json"
    write_pins(no_pins([read_about(source.directory)]), load_head_model(), none)
    bpy.ops.effigy.apply_pins(filepath=str(none), project=False)
    np.testing.assert_allclose(points(obj, "Basis"), before, atol=1e-5)


def test_texture_and_relief_are_renewed_in_place(bpy, pinnable, source, tmp_path):
    bpy.ops.effigy.apply_pins(filepath=str(source.file), project=False)
    solver, model = source.solver, source.solver.model
    solution = settled(solver, source.pins)
    person = people_of(solver, solution)[0]
    made = write_model_head(tmp_path / "made")
    detail = replace(made.detail, offsets=np.full_like(made.detail.offsets, 0.0005))
    again = replace(
        made,
        mesh=person_mesh(model, person),
        coefficients=solution.coefficients(0),
        camera=solution.cameras[0],
        detail=detail,
        albedo=np.full((16, 16, 3), 7, np.uint8),
        pinned=pinned_by(source.pins, solver.estimate, solution, model),
    )
    save_reconstruction(again, tmp_path / "pinned")
    pinned, images = points(pinnable, "Basis"), {image.name for image in bpy.data.images}
    bpy.ops.effigy.renew_pinned(head=pinnable.name, directory=str(tmp_path / "pinned"))
    np.testing.assert_allclose(points(pinnable, "Basis"), pinned, atol=1e-5)
    relief = points(pinnable, "Detail") - points(pinnable, "Basis")
    np.testing.assert_allclose(
        relief, np.tile([0.0005, -0.0005, 0.0005], (len(relief), 1)), atol=1e-5
    )
    assert {image.name for image in bpy.data.images} == images
    albedo = bpy.data.images["Ada albedo"]
    assert tuple(albedo.size) == (16, 16)
    assert albedo.users
    # What was made for other pins is refused.
    bpy.ops.effigy.apply_pins(filepath=str(source.file), project=False)
    other = json.loads(source.file.read_text())
    other["photos"][0]["pins"].pop()
    source.file.write_text(json.dumps(other))
    bpy.ops.effigy.apply_pins(filepath=str(source.file), project=False)
    with pytest.raises(RuntimeError, match="has other pins by now"):
        bpy.ops.effigy.renew_pinned(head=pinnable.name, directory=str(tmp_path / "pinned"))


def test_the_engine_is_asked_and_the_answer_awaited(module, tmp_path):
    job_type, asked, done = module("operators.pins.job").PinsJob, [], []
    request = SimpleNamespace(fraction=0.5, message="Making", result=None, ready=False)
    request.poll = lambda: request.ready
    job = job_type({"out": "x"}, lambda *what: asked.append(what) or request, done.append)
    assert not job.step()
    assert (job.fraction, job.message) == (0.5, "Making")
    request.ready = True
    request.result = {"folder": str(tmp_path), "copies": [str(tmp_path / "photo.jpg")]}
    job.waits_for = lambda: "Object Mode"
    assert not job.step()
    assert job.message == "The texture waits for Object Mode"
    job.waits_for = lambda: ""
    assert job.step()
    assert asked == [("follow_pins", {"out": "x"})]
    assert done == [tmp_path]
    assert job.copies == (tmp_path / "photo.jpg",)


@pytest.mark.parametrize("copies", [(), ("photo.jpg",)])
def test_it_is_said_where_a_copy_took_the_photos_place(module, copies):
    said = []
    operator = SimpleNamespace(_head="Ada", report=lambda kind, text: said.append(text))
    apply = module("operators.pins.apply").EFFIGY_OT_apply_pins
    apply.conclude(operator, None, SimpleNamespace(copies=copies))
    assert ("from photo.jpg: the photo itself was not found" in said[0]) == bool(copies)


def test_the_path_of_the_photo_stays_out_of_the_blend_file(bpy, source):
    path = source.directory / "reconstruction.json"
    about = json.loads(path.read_text())
    about["photo"]["path"] = "/somebody/ada.jpg"
    path.write_text(json.dumps(about))
    bpy.ops.effigy.build(directory=str(source.directory))
    assert "path" not in bpy.context.object["effigy"]["photo"].to_dict()


def test_errors_name_the_cause(bpy, pinnable, source, tmp_path):
    source.file.write_text("{}")
    with pytest.raises(RuntimeError, match="holds no pins that can be read"):
        bpy.ops.effigy.apply_pins(filepath=str(source.file), project=False)
    with pytest.raises(RuntimeError, match="has no pins"):
        bpy.ops.effigy.save_pins(filepath=str(tmp_path / "x.json"))
    with pytest.raises(RuntimeError, match="Without a window, use Apply pins"):
        bpy.ops.effigy.edit_pins()
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="SELECT")
    bpy.ops.mesh.subdivide()
    bpy.ops.object.mode_set(mode="OBJECT")
    write_pins(source.pins, load_head_model(), source.file)
    with pytest.raises(RuntimeError, match="other vertices"):
        bpy.ops.effigy.apply_pins(filepath=str(source.file), project=False)
