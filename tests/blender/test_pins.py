"""Pins in Blender: the head follows them in place, and everything done to it stays."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from ml.head.mesh import person_mesh
from ml.head.storage import load_head_model
from ml.pins.file import read_pins, write_pins
from ml.pins.heads import estimate_of, no_pins, pinned_by
from ml.pins.pins import Pin
from ml.pins.settle import people_of, settled
from ml.pins.solve import Solver
from ml.results.reconstruction import read_about, save_reconstruction
from tests.support.model_head import write_model_head

CHIN, JAW = 152, 172


@pytest.fixture
def source(tmp_path):
    """The folder of a head's result, and a file of pins that lower its chin."""
    directory = tmp_path / "Ada"
    write_model_head(directory)
    about, model = read_about(directory), load_head_model()
    solver = Solver(model, estimate_of([about], model))
    vertices = solver.vertices(solver.solve(no_pins([about])), 0)
    places = solver.estimate.views[0].camera.project(model.landmark_sets["dense"].on(vertices))
    pins = no_pins([about])
    for landmark, right, down in ((CHIN, 0, 12), (JAW, -8, 2)):
        x, y = map(float, places[landmark])
        pins = pins.placed(0, Pin((x + right, y + down), landmark))
    write_pins(pins, model, tmp_path / "pins.json")
    pins = read_pins(tmp_path / "pins.json", model)
    return SimpleNamespace(
        directory=directory, file=tmp_path / "pins.json", pins=pins, solver=solver, places=places
    )


@pytest.fixture
def head(bpy, source):
    bpy.ops.effigy.build(directory=str(source.directory))
    return bpy.context.object


def points(obj, name):
    flat = np.empty(3 * len(obj.data.vertices), np.float32)
    obj.data.shape_keys.key_blocks[name].points.foreach_get("co", flat)
    return flat.reshape(-1, 3)


def in_head_space(places):
    x, y, z = places.T
    return np.stack([x, z, -y], -1)


def test_a_file_of_pins_gives_the_head_that_the_core_gives(bpy, head, source):
    solution = settled(source.solver, source.pins)
    mesh = person_mesh(source.solver.model, people_of(source.solver, solution)[0])
    done = bpy.ops.effigy.apply_pins(filepath=str(source.file), project=False)
    assert done == {"FINISHED"}
    np.testing.assert_allclose(in_head_space(points(head, "Basis")), mesh.vertices, atol=1e-5)
    jaw = mesh.vertices + mesh.shape_keys[mesh.expression_names.index("jawOpen")]
    np.testing.assert_allclose(in_head_space(points(head, "jawOpen")), jaw, atol=1e-5)
    camera = solution.cameras[0]
    place = -camera.rotation.T @ camera.translation
    found = in_head_space(np.array(head["effigy_camera"].matrix_basis.translation)[None])[0]
    np.testing.assert_allclose(found, place, atol=1e-5)


def test_animation_and_edits_stay(bpy, head, source):
    keys = head.data.shape_keys.key_blocks
    keys["eyeBlinkLeft"].keyframe_insert("value", frame=1)
    keys["mouthLeft"].value = 0.7
    before = points(head, "Basis")
    sculpted = before.copy()
    sculpted[10] += (0.0, 0.002, 0.0)
    keys["Basis"].points.foreach_set("co", sculpted.ravel())
    own = head.shape_key_add(name="Ears", from_mix=False)
    own.points.foreach_set("co", (sculpted + np.float32([0.01, 0, 0])).ravel())
    head.modifiers.new("Smooth", "SMOOTH")
    material = head.data.materials[0]
    action = head.data.shape_keys.animation_data.action
    bpy.ops.effigy.apply_pins(filepath=str(source.file), project=False)
    moved = points(head, "Basis") - before
    assert np.abs(moved).max() > 0.002
    offset = points(head, "Ears") - points(head, "Basis")
    np.testing.assert_allclose(offset, np.tile([0.01, 0, 0], (len(offset), 1)), atol=1e-6)
    assert keys["mouthLeft"].value == pytest.approx(0.7)
    assert head.data.shape_keys.animation_data.action == action
    assert head.data.materials[0] == material
    assert "Smooth" in head.modifiers
    # The sculpted vertex kept its dent: its neighbours' movement and its own differ by that.
    solution = settled(source.solver, source.pins)
    mesh = person_mesh(source.solver.model, people_of(source.solver, solution)[0])
    dent = in_head_space(points(head, "Basis"))[10] - mesh.vertices[10]
    np.testing.assert_allclose(dent, (0, 0, -0.002), atol=1e-5)


def test_a_camera_that_was_moved_by_hand_stays(bpy, head, source):
    camera = head["effigy_camera"]
    camera.location.x += 1
    place = camera.location.copy()
    bpy.ops.effigy.apply_pins(filepath=str(source.file), project=False)
    assert camera.location == place


def test_pins_are_stored_on_the_head_and_taken_back(bpy, head, source, tmp_path):
    before = points(head, "Basis")
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


def test_texture_and_relief_are_renewed_in_place(bpy, head, source, tmp_path):
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
    pinned, images = points(head, "Basis"), {image.name for image in bpy.data.images}
    bpy.ops.effigy.renew_pinned(head=head.name, directory=str(tmp_path / "pinned"))
    np.testing.assert_allclose(points(head, "Basis"), pinned, atol=1e-5)
    relief = points(head, "Detail") - points(head, "Basis")
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
        bpy.ops.effigy.renew_pinned(head=head.name, directory=str(tmp_path / "pinned"))


def test_the_engine_is_asked_and_the_answer_awaited(module, tmp_path):
    job_type, asked, done = module("operators.pins.job").PinsJob, [], []
    request = SimpleNamespace(fraction=0.5, message="Making", result=None, ready=False)
    request.poll = lambda: request.ready
    job = job_type({"out": "x"}, lambda *what: asked.append(what) or request, done.append)
    assert not job.step()
    assert (job.fraction, job.message) == (0.5, "Making")
    request.ready, request.result = True, {"folder": str(tmp_path)}
    job.waits_for = lambda: "Object Mode"
    assert not job.step()
    assert job.message == "The texture waits for Object Mode"
    job.waits_for = lambda: ""
    assert job.step()
    assert asked == [("follow_pins", {"out": "x"})]
    assert done == [tmp_path]


def test_errors_name_the_cause(bpy, head, source, tmp_path):
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


def event(kind, value="PRESS", **more):
    return SimpleNamespace(
        **({"ctrl": False, "shift": False, "oskey": False} | more), type=kind, value=value
    )


@pytest.fixture
def controls(module, source):
    session = module("ml.pins.session").Session
    about = read_about(source.directory)
    shipped = module("ml.pins.shipped")
    return module("operators.pins.controls").Controls(
        session(shipped.solver_for([about]), shipped.stored_pins([about]))
    )


def test_keys_and_mouse(controls, source):
    chin = tuple(map(float, source.places[CHIN]))
    lower = (chin[0], chin[1] + 15)

    def pins():
        return controls.session.pins.photos[0].pins

    assert controls.take(event("WHEELUPMOUSE"), chin, 8) == "passes"
    controls.take(event("MOUSEMOVE", "NOTHING"), chin, 8)
    assert controls.hovered.pin.landmark == CHIN
    controls.take(event("LEFTMOUSE"), chin, 8)
    controls.take(event("MOUSEMOVE", "NOTHING"), lower, 8)
    controls.take(event("LEFTMOUSE", "RELEASE"), lower, 8)
    assert [pin.landmark for pin in pins()] == [CHIN]
    assert pins()[0].position == lower
    # Locked, it stays.
    controls.take(event("L"), lower, 8)
    controls.take(event("LEFTMOUSE"), lower, 8)
    assert "locked" in controls.message
    controls.take(event("X"), lower, 8)
    assert len(pins()) == 1
    controls.take(event("Z", ctrl=True), lower, 8)
    assert not pins()[0].locked
    controls.take(event("Z", ctrl=True), lower, 8)
    assert not pins()
    controls.take(event("Z", ctrl=True), lower, 8)
    assert controls.message == "Nothing to undo"
    controls.take(event("Z", ctrl=True, shift=True), lower, 8)
    controls.take(event("MOUSEMOVE", "NOTHING"), lower, 8)
    controls.take(event("RIGHTMOUSE"), lower, 8)
    assert not pins()
    for key, name in (("M", "mirror"), ("E", "expression")):
        before = getattr(controls.session.pins, name)
        controls.take(event(key), None, 8)
        assert getattr(controls.session.pins, name) != before
    controls.take(event("A"), None, 8)
    assert controls.session.every
    controls.take(event("H"), None, 8)
    assert controls.look == "head"
    assert "Enter: keep" in controls.hints()
    assert controls.take(event("RET"), None, 8) == "kept"


def test_escape_lets_a_point_go_back_first(controls, source):
    chin = tuple(map(float, source.places[CHIN]))
    controls.take(event("LEFTMOUSE"), chin, 8)
    controls.take(event("MOUSEMOVE", "NOTHING"), (chin[0], chin[1] + 9), 8)
    assert controls.take(event("ESC"), chin, 8) == "goes on"
    assert not controls.session.changed
    assert controls.take(event("ESC"), chin, 8) == "left"


def test_skin_takes_pins_and_the_background_does_not(controls, source):
    cheek = tuple(map(float, (source.places[50] + source.places[187]) / 2))
    controls.take(event("LEFTMOUSE"), cheek, 2)
    controls.take(event("LEFTMOUSE", "RELEASE"), cheek, 2)
    assert controls.session.pins.photos[0].pins[0].landmark is None
    controls.take(event("LEFTMOUSE"), (3.0, 3.0), 2)
    assert controls.message == "There is no skin here"
    controls.take(event("LEFTMOUSE"), None, 2)
    assert "Numpad 0" in controls.message


def test_markers_are_dark_round_light(module, controls):
    overlay, markers = module("operators.pins.overlay"), controls.session.markers()
    places = np.array([marker.position for marker in markers])
    corners, colours = overlay.discs(markers, places, markers[0], 1.0)
    assert len(corners) == len(colours)
    inside = overlay.colour_of(markers[1], hovered=False)
    assert sum(inside[:3]) > 2
    assert colours[0, :3].sum() < 0.3
    # Each lies about its place, the dark disc farther out than the light one.
    first = len(corners) // len(markers)
    reach = np.abs(corners[:first, :2] - places[0]).reshape(2, -1).max(1)
    assert reach[0] > reach[1] > 2


def test_the_stage_leaves_no_trace_and_maps_the_photo(bpy, head, source, module):
    space = SimpleNamespace(
        region_3d=SimpleNamespace(
            view_perspective="PERSP",
            view_matrix=np.eye(4),
            view_camera_zoom=0.0,
            view_camera_offset=(0.0, 0.0),
        ),
        use_local_camera=False,
        camera=None,
        local_view=None,
    )
    space.region_3d.view_matrix = head.matrix_world.copy()
    names = {
        each.name for kind in (bpy.data.objects, bpy.data.meshes, bpy.data.cameras) for each in kind
    }
    stage = module("operators.pins.stage").Stage(bpy.context, head, space)
    assert head.hide_get()
    camera = source.solver.estimate.views[0].camera
    stage.show_photo(0)
    stage.show(
        source.solver.vertices(source.solver.solve(no_pins([read_about(source.directory)])), 0),
        camera,
        "both",
    )
    bpy.context.view_layer.update()
    scene = bpy.context.scene
    wide, high = scene.render.resolution_x, scene.render.resolution_y
    depsgraph = bpy.context.evaluated_depsgraph_get()
    lens = stage.camera.calc_matrix_camera(depsgraph, x=wide, y=high)
    space.region_3d.perspective_matrix = lens @ stage.camera.matrix_world.inverted()
    region = SimpleNamespace(width=wide, height=high)
    place = np.array([[123.0, 456.0]])
    there = stage.to_region(region, camera, place)[0]
    back, share = stage.to_photo(region, camera, tuple(there))
    # A region's pixels go up, a photo's down.
    np.testing.assert_allclose(back, place[0], atol=0.01)
    assert share == pytest.approx(camera.height / high, rel=1e-3)
    stage.close()
    assert not head.hide_get()
    left = {
        each.name for kind in (bpy.data.objects, bpy.data.meshes, bpy.data.cameras) for each in kind
    }
    assert left == names
