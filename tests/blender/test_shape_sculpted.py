"""Shape sliders of a sculpted head: both stay, whatever is done to the head."""

from types import SimpleNamespace

import numpy as np
import pytest

from ml.head.levels import level_of
from ml.head.storage import load_head_model
from ml.pins.file import write_pins
from ml.pins.heads import no_pins
from ml.pins.pins import Pin
from ml.results.reconstruction import read_about
from tests.support.model_head import write_model_head

SLIDER = 6.0


def points(obj, name="Basis"):
    flat = np.empty(3 * len(obj.data.vertices), np.float32)
    obj.data.shape_keys.key_blocks[name].points.foreach_get("co", flat)
    return flat.reshape(-1, 3)


@pytest.fixture(params=["files", "gone"])
def ada(bpy, request, tmp_path):
    """A head that a slider moved, and then a hand; its result may be gone."""
    folder = tmp_path / "Ada"
    write_model_head(folder)
    bpy.ops.effigy.build(directory=str(folder))
    obj, about = bpy.context.object, read_about(folder)
    plain = points(obj)
    obj.effigy_shape.jaw_width = SLIDER
    top = plain[:, 2].max()
    moved = np.where(plain[:, 2:] > top - 0.05, np.float32([0, 0, 0.004]), 0)
    for key in obj.data.shape_keys.key_blocks:
        key.points.foreach_set("co", (points(obj, key.name) + moved).ravel())
    gone = request.param == "gone"
    if gone:
        folder.rename(tmp_path / "elsewhere")
    return SimpleNamespace(obj=obj, about=about, folder=folder, sculpted=plain + moved, gone=gone)


def assert_same(obj, places):
    np.testing.assert_allclose(points(obj), places, atol=1e-5)
    assert obj.effigy_shape.jaw_width == pytest.approx(SLIDER)


def test_rebuilding_levels_and_the_slider_itself(bpy, ada, module):
    obj, both = ada.obj, points(ada.obj)
    stored_head = module("operators.heads").stored_head
    bpy.ops.effigy.rebuild()
    assert_same(obj, both)
    bpy.ops.effigy.change_level(level="high")
    finer = level_of(load_head_model(), "high").points
    assert np.abs(points(obj) - finer.on(both)).max() < 1e-4
    assert (stored_head(obj).state is None) == ada.gone
    high = points(obj)
    bpy.ops.effigy.rebuild()
    assert_same(obj, high)
    obj.effigy_shape.jaw_width = 0.0
    assert np.abs(points(obj) - finer.on(ada.sculpted)).max() < 1e-4
    obj.effigy_shape.jaw_width = SLIDER
    bpy.ops.effigy.change_level(level="base")
    assert_same(obj, both)
    bpy.ops.effigy.remove_sculpt()
    obj.effigy_shape.jaw_width = 0.0
    kept = np.abs(points(obj) - ada.sculpted).max(1)
    assert kept.max() == pytest.approx(0.004, abs=1e-5)


def test_a_refit_leaves_the_slider_and_what_is_built_from_it_has_both(bpy, ada):
    obj, both = ada.obj, points(ada.obj)
    assert bpy.ops.effigy.refit() == {"FINISHED"}
    assert_same(obj, both)
    bpy.ops.effigy.rebuild()
    assert_same(obj, both)
    if not ada.gone:
        folder = ada.folder.with_name("Ada edited")
        assert read_about(folder)["shaped"]["sliders"] == {"jaw_width": SLIDER}
        bpy.ops.effigy.build(directory=str(folder))
        assert_same(bpy.context.object, both)
    obj.effigy_shape.jaw_width = 0.0
    np.testing.assert_allclose(points(obj), ada.sculpted, atol=2e-4)


def test_pins_and_a_file_that_is_opened_again(bpy, ada, tmp_path):
    x, y = ada.about["landmarks_478"][152]
    pins = no_pins([ada.about]).placed(0, Pin((x, y + 10), 152))
    write_pins(pins, load_head_model(), tmp_path / "pins.json")
    before = points(ada.obj)
    bpy.ops.effigy.apply_pins(filepath=str(tmp_path / "pins.json"), project=False)
    pinned = points(ada.obj)
    assert np.abs(pinned - before).max() > 0.001
    for level in ("low", "base"):
        bpy.ops.effigy.change_level(level=level)
    assert_same(ada.obj, pinned)
    path = str(tmp_path / "scene.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    obj = bpy.data.objects["Ada"]
    bpy.context.view_layer.objects.active = obj
    bpy.ops.effigy.rebuild()
    assert_same(obj, pinned)
