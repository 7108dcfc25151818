"""Pins are dragged: keys and mouse, what is drawn for them, and the photo behind the pinnable."""

from types import SimpleNamespace

import numpy as np
import pytest

from ml.pins.heads import no_pins
from ml.results.reconstruction import read_about
from tests.support.pinned_head import CHIN


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


def test_the_stage_leaves_no_trace_and_maps_the_photo(bpy, pinnable, source, module):
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
    space.region_3d.view_matrix = pinnable.matrix_world.copy()
    names = {
        each.name for kind in (bpy.data.objects, bpy.data.meshes, bpy.data.cameras) for each in kind
    }
    stage = module("operators.pins.stage").Stage(bpy.context, pinnable, space)
    assert pinnable.hide_get()
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
    assert not pinnable.hide_get()
    left = {
        each.name for kind in (bpy.data.objects, bpy.data.meshes, bpy.data.cameras) for each in kind
    }
    assert left == names
