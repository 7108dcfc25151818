"""The control board beside a rigged head: what it moves, keeps, and leaves when it goes."""

from dataclasses import replace

import numpy as np
import pytest

from ml.head.arkit import EXPRESSION_NAMES
from ml.performance.columns import Layout
from ml.performance.performance import Performance
from ml.performance.read import read_performance
from ml.performance.write import write_performance
from tests.support.layout import Layout as Drawn
from tests.support.reading_back import read_back

ALL = 0.0125  # metres to all of an expression


@pytest.fixture
def board(bpy, rigged):
    """The bones of a rig that has a board."""
    assert bpy.ops.effigy.control_board() == {"FINISHED"}
    return rigged.rig.pose.bones


@pytest.fixture
def pulls(module):
    return module("operators.scene.board").PULLS


def values(bpy, obj):
    bpy.context.view_layer.update()
    seen = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return {name: seen.data.shape_keys.key_blocks[name].value for name in EXPRESSION_NAMES}


def test_every_expression_has_one_control_and_moves_by_it_alone(bpy, rigged, board, pulls):
    assert set(pulls) == set(EXPRESSION_NAMES)
    for name, pull in pulls.items():
        board[pull.bone].location[pull.axis] = pull.sign * ALL / 2
        found = values(bpy, rigged.obj)
        both = {key for key, each in pulls.items() if each == pull}
        assert {key for key, value in found.items() if value > 1e-5} == both
        assert found[name] == pytest.approx(0.5, abs=1e-5)
        assert len(both) == (2 if name.startswith("eyeLook") else 1)
        board[pull.bone].location[pull.axis] = 0


def test_a_board_changes_nothing_until_it_is_moved(bpy, rigged, shown):
    rigged.rig["mouthSmileLeft"] = 0.4
    rigged.rig.update_tag()
    before = shown(rigged.obj)
    bpy.ops.effigy.control_board()
    assert np.abs(shown(rigged.obj) - before).max() < 1e-6
    assert bpy.context.mode == "OBJECT"
    assert bpy.context.object == rigged.rig
    drivers = rigged.obj.data.shape_keys.animation_data.drivers
    assert all(curve.driver.is_valid for curve in drivers)
    assert all(c.driver.is_simple_expression for c in drivers if c.driver.type == "SCRIPTED")


def test_controls_stop_where_they_do_no_more(bpy, rigged, board):
    board["board.jaw"].location = (5, 5, 5)
    found = values(bpy, rigged.obj)
    assert found["jawLeft"] == pytest.approx(1)
    assert found["jawOpen"] == 0
    jaw = board["board.jaw"]
    assert tuple(jaw.lock_location) == (False, False, True)
    assert jaw.custom_shape is not None
    rest = jaw.bone.matrix_local.translation
    assert (jaw.matrix.translation - rest)[:] == pytest.approx((ALL, 0, 0), abs=1e-6)


def test_left_is_the_subjects_left_and_up_is_up(bpy, rigged, board):
    for name, sign in (("L", 1), ("R", -1)):
        rest = board[f"board.corner.{name}"].bone.head_local - board["board"].bone.head_local
        assert sign * rest.x > 0.03
        assert board[f"board.corner.{name}"].bone.matrix_local.col[0][:3] == pytest.approx(
            (1, 0, 0), abs=1e-5
        )
    eyes = rigged.rig.data.bones["eye.L"].head_local
    assert board["board.eyes"].bone.head_local.z == pytest.approx(eyes.z, abs=1e-6)
    lowest = min(bone.bone.head_local.z for bone in board if bone.name.startswith("board."))
    assert board["board.jaw"].bone.head_local.z == lowest


def test_it_adds_to_the_sliders_and_to_lids_that_follow(bpy, rigged, board):
    rigged.rig["eyeBlinkLeft"], rigged.rig["jawOpen"] = 0.25, 0.25
    rigged.rig.update_tag()
    board["board.lid.L"].location.y = -ALL / 4
    board["board.jaw"].location.y = -ALL / 4
    found = values(bpy, rigged.obj)
    assert found["eyeBlinkLeft"] == pytest.approx(0.5, abs=1e-5)
    assert found["jawOpen"] == pytest.approx(0.5, abs=1e-5)
    board["eye.L"].rotation_euler.x = 0.3  # looks down
    assert 0.5 < values(bpy, rigged.obj)["eyeBlinkLeft"] < 1


def test_removing_it_leaves_the_face_as_it_is(bpy, rigged, board, shown):
    rigged.rig["mouthSmileLeft"] = 0.25
    board["board.corner.L"].location = (ALL / 2, ALL / 4, 0)
    board["board.lid.R"].location.y = -ALL
    rigged.rig.update_tag()
    before = shown(rigged.obj)
    shapes = [obj.name for obj in bpy.data.objects if obj.name.startswith("Effigy board")]
    assert len(shapes) == 2
    bpy.ops.effigy.control_board(add=False)
    assert np.abs(shown(rigged.obj) - before).max() < 1e-6
    assert not [bone.name for bone in rigged.rig.data.bones if bone.name.startswith("board")]
    assert not [obj.name for obj in bpy.data.objects if obj.name in shapes]
    assert "Control board" not in rigged.rig.data.collections
    drivers = [curve.driver for curve in rigged.obj.data.shape_keys.animation_data.drivers]
    assert sum(driver.type == "SUM" for driver in drivers) == 48  # those of the lids have more
    assert not [d for d in drivers if "board" in d.expression]
    assert rigged.rig["mouthSmileLeft"] == pytest.approx(0.5)
    assert rigged.rig["mouthStretchLeft"] == pytest.approx(0.5)
    rigged.rig["eyeBlinkRight"] = 0.0
    rigged.rig.update_tag()
    assert values(bpy, rigged.obj)["eyeBlinkRight"] == 0


def test_removing_the_rig_leaves_the_face_as_it_is(bpy, rigged, board, shown):
    board["board.jaw"].location.y = -ALL / 2
    before = shown(rigged.obj)
    bpy.ops.effigy.rig(add=False)
    assert np.abs(shown(rigged.obj) - before).max() < 1e-6
    assert rigged.obj.data.shape_keys.key_blocks["jawOpen"].value == pytest.approx(0.5)


def test_rebuilding_keeps_it_and_rest_puts_it_to_rest(bpy, rigged, board):
    board["board.jaw"].location.y = -ALL / 2
    bpy.ops.effigy.rebuild()
    bpy.ops.effigy.expression(which="PHOTO")
    assert rigged.rig.pose.bones["board.jaw"].location.y == 0  # the face is as in the photo
    rigged.rig.pose.bones["board.jaw"].location.y = -ALL / 2
    bpy.ops.effigy.expression(which="NEUTRAL")
    assert max(values(bpy, rigged.obj).values()) == 0


def test_a_head_of_another_expression_moves_the_sliders_alone(bpy, built_head, saved_head, module):
    """As pins and shape sliders do; what the board adds is not the photo's."""
    bpy.ops.effigy.rig()
    bpy.ops.effigy.control_board()
    rig, old = built_head.parent, saved_head.head
    rig.pose.bones["board.jaw"].location.x = ALL / 4
    bpy.context.view_layer.update()
    expression = old.coefficients.expression / 2
    new = replace(old, coefficients=replace(old.coefficients, expression=expression))
    module("operators.scene.follow").reshape_head(built_head, old, new)
    assert [rig[name] for name in EXPRESSION_NAMES] == pytest.approx(expression.tolist(), abs=1e-6)
    bpy.context.view_layer.update()
    keys = built_head.data.shape_keys.key_blocks
    assert keys["jawLeft"].value == pytest.approx(rig["jawLeft"] + 0.25, abs=1e-6)


def test_an_expression_goes_to_the_board_and_the_face_stays(bpy, rigged, board, shown):
    given = {"mouthSmileLeft": 0.6, "mouthFrownLeft": 0.2, "jawOpen": 1.25, "eyeLookDownLeft": 0.5,
             "eyeLookDownRight": 0.3}  # fmt: skip
    keys = rigged.obj.data.shape_keys.key_blocks
    keys["jawOpen"].slider_max = 2.0
    for name, value in given.items():
        rigged.rig[name] = value
    rigged.rig.update_tag()
    before = shown(rigged.obj)
    assert bpy.ops.effigy.sliders_to_board() == {"FINISHED"}
    assert np.abs(shown(rigged.obj) - before).max() < 1e-6
    assert board["board.corner.L"].location.y == pytest.approx(0.4 * ALL)
    assert board["board.eyes"].location.y == pytest.approx(-0.3 * ALL)
    left = {name: rigged.rig[name] for name in given}
    assert left == pytest.approx(
        {"mouthSmileLeft": 0.2, "mouthFrownLeft": 0.2, "jawOpen": 0.25, "eyeLookDownLeft": 0.2,
         "eyeLookDownRight": 0.0}, abs=1e-6)  # fmt: skip
    assert bpy.ops.effigy.sliders_to_board() == {"FINISHED"}
    assert np.abs(shown(rigged.obj) - before).max() < 1e-6


def test_a_pose_of_the_library_keeps_an_expression(bpy, rigged, board):
    """As the pose library does: an action of the bones' places, applied to the armature."""
    board["board.corner.L"].location.y = ALL
    board["board.brow.R"].location.y = -ALL / 2
    for bone in board:
        if bone.name.startswith("board."):
            bone.keyframe_insert("location", frame=1)
    pose = rigged.rig.animation_data.action
    pose.asset_mark()
    rigged.rig.animation_data.action = None
    bpy.ops.effigy.expression(which="NEUTRAL")
    assert max(values(bpy, rigged.obj).values()) == 0
    rigged.rig.pose.apply_pose_from_action(pose, evaluation_time=1)
    found = values(bpy, rigged.obj)
    assert found["mouthSmileLeft"] == pytest.approx(1)
    assert found["browDownRight"] == pytest.approx(0.5, abs=1e-5)
    assert sum(value > 1e-5 for value in found.values()) == 2


def test_it_adds_to_a_performance_which_exports_with_it(bpy, rigged, board, tmp_path):
    times = np.arange(60) / 24
    curve = 0.5 + 0.4 * np.sin(times)
    weights = np.zeros((60, 52))
    weights[:, EXPRESSION_NAMES.index("jawOpen")] = curve
    weights[:, EXPRESSION_NAMES.index("eyeBlinkLeft")] = 0.2
    rest = np.zeros((60, 3)), np.zeros((60, 2, 3))
    take = Performance(times, weights, *rest, 24.0)
    write_performance(take, tmp_path / "take.csv", Layout.LIVE_LINK)
    board["board.lid.L"].location.y = -ALL / 2
    board["board.cheek.R"].location.y = ALL
    bpy.ops.effigy.import_performance(filepath=str(tmp_path / "take.csv"))
    bpy.ops.effigy.export_performance(filepath=str(tmp_path / "again.csv"))
    again = read_performance(tmp_path / "again.csv").values
    assert np.abs(again[:, EXPRESSION_NAMES.index("jawOpen")] - curve).max() < 1e-4
    assert np.abs(again[:, EXPRESSION_NAMES.index("eyeBlinkLeft")] - 0.7).max() < 1e-4
    assert np.abs(again[:, EXPRESSION_NAMES.index("cheekSquintRight")] - 1).max() < 1e-4


def test_live_values_are_the_sliders_and_the_board_adds_to_them(bpy, rigged, board, module):
    board["board.jaw"].location.y = -ALL / 4
    frame = module("ml.performance.live").LiveFrame({"jawOpen": 0.5}, None, None)
    module("operators.live.live").show(rigged.obj, frame, turned=True)
    assert rigged.rig["jawOpen"] == pytest.approx(0.5)
    assert values(bpy, rigged.obj)["jawOpen"] == pytest.approx(0.75, abs=1e-5)


@pytest.mark.parametrize(
    ("how", "suffix"),
    [({"format": "GLB"}, ".glb"), ({"format": "FBX"}, ".fbx"), ({"format": "USD"}, ".usdc"),
     ({"profile": "UNITY"}, ".fbx"), ({"profile": "WEB"}, ".glb"), ({"profile": "VRM"}, ".vrm"),
     ({"profile": "ARKIT"}, ".usdz")],
)  # fmt: skip
def test_exported_animation_has_what_the_board_does(bpy, rigged, board, tmp_path, how, suffix):
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 1, 10
    for frame, place in ((1, 0.0), (10, -ALL)):
        board["board.jaw"].location.y = place
        board["board.jaw"].keyframe_insert("location", frame=frame)
    scene.frame_set(1)
    before = sorted(obj.name for obj in bpy.data.objects)
    path = tmp_path / f"a{suffix}"
    bpy.ops.effigy.export(filepath=str(path), animation=True, **how)
    assert sorted(obj.name for obj in bpy.data.objects) == before
    path = path.rename(path.with_suffix(".glb")) if suffix == ".vrm" else path
    obj, rig = read_back(bpy, path)
    assert not [bone.name for bone in rig.data.bones if bone.name.startswith("board")]
    start = min(int(action.frame_range[0]) for action in bpy.data.actions)
    for frame, wanted in ((1, 0.0), (4, 1 / 3), (10, 1.0)):
        bpy.context.scene.frame_set(start + frame - 1)
        found = obj.data.shape_keys.key_blocks["jawOpen"].value
        # Between keyframes Blender eases in and out.
        assert found == pytest.approx(wanted, abs=0.1 if 1 < frame < 10 else 1e-3), frame


@pytest.mark.parametrize("kind", [".glb", ".fbx", ".usdc"])
def test_a_still_file_has_the_expression_of_the_board(bpy, rigged, board, tmp_path, kind):
    board["board.jaw"].location.y = -ALL / 2
    formats = {".glb": "GLB", ".fbx": "FBX", ".usdc": "USD"}
    for neutral, wanted in ((False, 0.5), (True, 0.0)):
        path = tmp_path / f"{neutral}{kind}"
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
        bpy.ops.effigy.export(filepath=str(path), format=formats[kind], neutral=neutral)
        obj, _ = read_back(bpy, path)
        bpy.context.scene.frame_set(bpy.context.scene.frame_current)  # USD has it as a keyframe
        assert obj.data.shape_keys.key_blocks["jawOpen"].value == pytest.approx(wanted, abs=1e-4)
        bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))


def test_a_bone_of_the_name_is_refused_and_nothing_changes(bpy, rigged, module):
    with module("operators.scene.rig").edit_bones(rigged.rig) as edited:
        edited.new("board.jaw").tail = (0, 0, 1)
    before = set(rigged.rig.data.bones.keys())
    with pytest.raises(RuntimeError, match=r"a bone of its own called board\.jaw"):
        bpy.ops.effigy.control_board()
    assert set(rigged.rig.data.bones.keys()) == before


def test_it_survives_saving_and_two_heads_share_its_shapes(bpy, rigged, board, tmp_path, shown):
    bpy.ops.effigy.add_head(person="AVERAGE")
    bpy.ops.effigy.rig(add=True, names="MIXAMO")
    bpy.ops.effigy.control_board()
    shapes = [obj for obj in bpy.data.objects if obj.name.startswith("Effigy board")]
    assert len(shapes) == 2
    name = rigged.obj.name
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    obj = bpy.data.objects[name]
    rest = shown(obj)
    jaw = obj.parent.pose.bones["board.jaw"]
    assert jaw.custom_shape is not None
    jaw.location.y = -ALL
    assert np.abs(shown(obj) - rest).max() > 0.01


def test_the_panel_adds_shows_and_removes_it(bpy, rigged, module):
    for text, add in (("Add control board", True), ("Remove control board", False)):
        drawn = Drawn()
        module("panels.rig").draw_rig(drawn, rigged.obj)
        _, how, button = next(each for each in drawn.drawn if each[0] == "effigy.control_board")
        assert (how["text"], button.add) == (text, add)
        assert ("is_visible" in [each[1] for each in drawn.drawn]) is not add
        assert bpy.ops.effigy.sliders_to_board.poll() is not add
        bpy.ops.effigy.control_board(add=add)
    bpy.ops.effigy.rig(add=False)
    assert not bpy.ops.effigy.control_board.poll()
