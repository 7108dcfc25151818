"""Recordings of faces onto heads and back: values, rotations, frames, actions."""

import csv
from types import SimpleNamespace

import numpy as np
import pytest

from ml.head.arkit import EXPRESSION_NAMES
from ml.performance.columns import Layout
from ml.performance.performance import Performance
from ml.performance.read import read_performance
from ml.performance.write import write_performance
from tests.support.layout import draw

RATE, FRAMES = 24, 60


@pytest.fixture
def take(tmp_path):
    """A recording at the scene's own rate, and its file."""
    generator = np.random.default_rng(5)
    values = generator.uniform(0, 1, (FRAMES, 52))
    values[30, EXPRESSION_NAMES.index("jawOpen")] = 1.6  # beyond the slider
    performance = Performance(
        np.arange(FRAMES) / RATE,
        values,
        generator.uniform(-0.6, 0.6, (FRAMES, 3)),
        generator.uniform(-0.3, 0.3, (FRAMES, 2, 3)),
        float(RATE),
        start=36_061.25,
    )
    path = tmp_path / "take 7.csv"
    write_performance(performance, path, Layout.LIVE_LINK)
    return SimpleNamespace(performance=performance, path=path)


def curves(owner):
    """Written out again, so that the product's own function is not its own judge."""
    animation = owner.animation_data
    if animation is None or animation.action is None:
        return {}
    if hasattr(animation.action, "slots"):
        bag = animation.action.layers[0].strips[0].channelbag(animation.action_slot)
        found = bag.fcurves if bag else ()
    else:
        found = animation.action.fcurves
    return {(curve.data_path, curve.array_index): curve for curve in found}


def exported(bpy, path, layout="LIVE_LINK", **how):
    assert bpy.ops.effigy.export_performance(filepath=str(path), layout=layout, **how) == {
        "FINISHED"
    }
    return read_performance(path)


def largest(one, other):
    return float(np.abs(np.asarray(one) - np.asarray(other)).max())


@pytest.mark.parametrize("layout", [layout.name for layout in Layout])
@pytest.mark.parametrize("gaze", ["NONE", "KEYS", "BONES"])
def test_a_recording_comes_back_from_any_head(bpy, built_head, take, tmp_path, gaze, layout):
    """NONE: without a rig."""
    built_head.rotation_euler = (0.3, -0.2, 2.0)  # where it stands in the scene
    if gaze != "NONE":
        bpy.ops.effigy.rig()
    how = {} if gaze == "NONE" else {"gaze": gaze}
    bpy.ops.effigy.import_performance(filepath=str(take.path), **how)
    found, made = exported(bpy, tmp_path / "out.csv", layout), take.performance
    assert found.times == pytest.approx(made.times)
    assert (found.rate, found.start) == (RATE, pytest.approx(made.start))
    looks = np.array([name.startswith("eyeLook") for name in EXPRESSION_NAMES])
    kept = ~looks if gaze == "BONES" else np.ones(52, bool)
    assert largest(found.values[:, kept], made.values[:, kept]) < 1e-4
    if gaze == "BONES":
        assert found.values[:, looks].any()  # as the bones turn the eyes
    assert largest(found.head, made.head) < 1e-4
    assert largest(found.eyes, made.eyes) < 1e-4


@pytest.mark.parametrize("mode", ["XYZ", "YXZ", "QUATERNION", "AXIS_ANGLE"])
def test_every_rotation_mode_turns_the_same_way(bpy, rigged, take, tmp_path, mode):
    rigged.rig.pose.bones["head"].rotation_mode = mode
    bpy.ops.effigy.import_performance(filepath=str(take.path))
    assert largest(exported(bpy, tmp_path / "a.csv").head, take.performance.head) < 1e-4
    bpy.ops.effigy.rig(add=False)
    bpy.context.object.rotation_mode = mode
    bpy.ops.effigy.import_performance(filepath=str(take.path))
    found = exported(bpy, tmp_path / "b.csv")
    if mode != "AXIS_ANGLE":  # which has no delta
        assert largest(found.head, take.performance.head) < 1e-4
    assert largest(found.values, take.performance.values) < 1e-4


def one_pose(path, **columns):
    """A recording of two frames that are the same, as Live Link Face writes it."""
    names = [name[0].upper() + name[1:] for name in EXPRESSION_NAMES]
    names += [f"{who}{way}" for who in ("Head", "LeftEye") for way in ("Yaw", "Pitch", "Roll")]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["Timecode", "BlendShapeCount", *names])
        for number in range(2):
            writer.writerow([f"00:00:00:0{number}.0", 61, *(columns.get(n, 0) for n in names)])
    return path


@pytest.mark.parametrize("with_rig", [False, True])
@pytest.mark.parametrize(
    ("column", "axis", "way"), [("HeadYaw", 0, -1), ("HeadPitch", 2, 1), ("HeadRoll", 0, 1)]
)
def test_the_head_turns_as_the_recorded_one(
    bpy, built_head, tmp_path, shown, with_rig, column, axis, way
):
    """To its right, up, and to its left shoulder: the face is at -Y, its left at +X."""
    if with_rig:
        bpy.ops.effigy.rig()
    bpy.ops.effigy.expression(which="NEUTRAL")
    rest = shown(built_head)
    front = np.argmax(rest[:, 2]) if column == "HeadRoll" else np.argmin(rest[:, 1])
    bpy.ops.effigy.import_performance(filepath=str(one_pose(tmp_path / "a.csv", **{column: 0.2})))
    moved = shown(built_head)[front] - rest[front]
    assert moved[axis] * way > 0.01


def test_the_eyes_turn_as_the_recorded_ones(bpy, rigged, tmp_path, saved_head, shown):
    """Positive angles of Live Link Face's eyes: down, and to the subject's left."""
    rest = shown(rigged.obj)
    path = one_pose(tmp_path / "a.csv", LeftEyePitch=0.3, LeftEyeYaw=0.3, EyeLookDownLeft=1)
    bpy.ops.effigy.import_performance(filepath=str(path), gaze="BONES")
    mesh = saved_head.head.mesh
    pupil = np.unique(mesh.quads[mesh.part == mesh.part_names.index("pupil_left")])
    moved = (shown(rigged.obj) - rest)[pupil].mean(0)
    assert moved[0] > 0.003
    assert moved[2] < -0.003


@pytest.mark.parametrize(("fps", "base"), [(24, 1.0), (60, 1.0), (30, 1.001)])
def test_times_are_the_recordings_at_the_scenes_rate(bpy, built_head, take, fps, base):
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = fps, base
    bpy.ops.effigy.import_performance(filepath=str(take.path), first_frame=101)
    curve = curves(built_head.data.shape_keys)['key_blocks["jawOpen"].value', 0]
    assert curve.range()[0] == 101
    assert {point.interpolation for point in curve.keyframe_points} == {"LINEAR"}
    jaw = take.performance.values[:, EXPRESSION_NAMES.index("jawOpen")]
    frames = np.arange(101, curve.range()[1] + 1)
    wanted = np.interp((frames - 101) * base / fps, take.performance.times, jaw)
    assert largest([curve.evaluate(frame) for frame in frames], wanted) < 1e-5
    assert abs((frames[-1] - 101) * base / fps - take.performance.times[-1]) <= 0.5 * base / fps
    assert (scene.frame_current, scene.render.fps) == (1, fps)


@pytest.mark.parametrize("with_rig", [False, True])
def test_each_import_makes_one_action_and_keeps_the_others(bpy, built_head, take, with_rig):
    if with_rig:
        bpy.ops.effigy.rig()
    rig = built_head.parent
    owner, path = (rig, '["jawOpen"]') if with_rig else (built_head.data.shape_keys, None)
    if with_rig:
        rig.keyframe_insert(path, frame=3)
    else:
        owner.key_blocks["jawOpen"].keyframe_insert("value", frame=3)
    own = owner.animation_data.action
    for number in (1, 2):
        bpy.ops.effigy.import_performance(filepath=str(take.path))
        made = [action for action in bpy.data.actions if action.name.startswith("take 7")]
        each = 1 if hasattr(own, "slots") or with_rig else 2
        assert len(made) == number * each
        assert owner.animation_data.action in made
    assert own.use_fake_user
    assert own.frame_range[:] == (3, 3)
    assert all(action.users for action in bpy.data.actions)


def seen_at(bpy, shown, obj, frame):
    bpy.context.scene.frame_set(frame)
    return shown(obj)


def test_a_recording_does_not_add_to_the_one_before(bpy, built_head, take, shown):
    """Neither where the first was made without a rig, nor where the second keeps still."""
    bpy.ops.effigy.import_performance(filepath=str(take.path))
    bpy.ops.effigy.rig()
    bpy.context.scene.frame_set(20)
    jaw = EXPRESSION_NAMES.index("jawOpen")
    assert built_head.parent["jawOpen"] == pytest.approx(take.performance.values[19, jaw])
    bpy.ops.effigy.import_performance(filepath=str(take.path), gaze="BONES")
    again = seen_at(bpy, shown, built_head, 20)
    bpy.ops.effigy.import_performance(filepath=str(take.path), head_rotation=False)
    still = seen_at(bpy, shown, built_head, 20)
    for how, seen in (({"gaze": "BONES"}, again), ({"head_rotation": False}, still)):
        bpy.ops.effigy.rig(add=False)
        built_head.animation_data_clear()
        built_head.delta_rotation_euler = (0, 0, 0)
        bpy.ops.effigy.rig()
        bpy.ops.effigy.import_performance(filepath=str(take.path), **how)
        assert largest(seen_at(bpy, shown, built_head, 20), seen) < 1e-5
    assert largest(again, still) > 0.01


def test_a_key_with_a_driver_of_the_persons_own_is_left_alone(bpy, built_head, take):
    keys = built_head.data.shape_keys.key_blocks
    keys["jawOpen"].driver_add("value").driver.expression = "0.25"
    built_head.shape_key_remove(keys["tongueOut"])
    bpy.ops.effigy.import_performance(filepath=str(take.path))
    bpy.context.scene.frame_set(20)
    assert keys["jawOpen"].value == pytest.approx(0.25)
    assert ('key_blocks["jawOpen"].value', 0) not in curves(built_head.data.shape_keys)


def test_values_beyond_the_slider_are_seen(bpy, rigged, take):
    bpy.ops.effigy.import_performance(filepath=str(take.path))
    bpy.context.scene.frame_set(31)
    seen = rigged.obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    assert seen.data.shape_keys.key_blocks["jawOpen"].value == pytest.approx(1.6)


def test_a_library_override_acts_and_a_linked_head_does_not(bpy, rigged, take, tmp_path):
    """The mesh with its keys stays in the other file."""
    collection, name = rigged.obj.users_collection[0].name, rigged.obj.name
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "library.blend"))
    bpy.ops.wm.read_homefile(use_empty=True)
    with bpy.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (_, wanted):
        wanted.collections = [collection]
    linked, scene, layer = (
        bpy.data.collections[collection],
        bpy.context.scene,
        bpy.context.view_layer,
    )
    scene.collection.children.link(linked)
    layer.objects.active = linked.all_objects[name]
    with pytest.raises(RuntimeError, match=r"is in another file\. Make it local or a library"):
        bpy.ops.effigy.import_performance(filepath=str(take.path))
    override = linked.override_hierarchy_create(scene, layer)
    layer.objects.active = override.all_objects[name]
    bpy.ops.effigy.import_performance(filepath=str(take.path))
    found = exported(bpy, tmp_path / "out.csv")
    assert largest(found.head, take.performance.head) < 1e-4
    usual = [name != "jawOpen" for name in EXPRESSION_NAMES]  # whose slider cannot be widened
    assert largest(found.values[:, usual], take.performance.values[:, usual]) < 1e-4


def test_the_head_may_keep_still(bpy, rigged, take):
    bpy.ops.effigy.import_performance(filepath=str(take.path), head_rotation=False)
    assert not [path for path, _ in curves(rigged.rig) if path.startswith("pose.bones")]


def test_the_export_shows_what_is_seen(bpy, rigged, take, tmp_path):
    """Neck and driver, NLA and gaze of the keys; the scene stays at its frame."""
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 5, 8
    scene.frame_set(7)
    rigged.rig.pose.bones["neck"].rotation_euler.x = 0.2
    rigged.rig.driver_add('["jawOpen"]').driver.expression = "0.4"
    rigged.rig["eyeLookOutRight"] = rigged.rig["eyeLookUpLeft"] = 1.0
    found = exported(bpy, tmp_path / "out.csv", scene_range=True)
    assert len(found.times) == 4
    assert found.values[:, EXPRESSION_NAMES.index("jawOpen")] == pytest.approx(0.4)
    assert np.abs(found.head).max() == pytest.approx(0.2, abs=1e-4)
    assert found.eyes[2] == pytest.approx(np.array([[-0.38, 0, 0], [0, -0.5, 0]]))
    assert (scene.frame_current, found.start) == (7, 0)
    bpy.ops.effigy.import_performance(filepath=str(take.path))
    rigged.rig.animation_data_clear()
    assert len(exported(bpy, tmp_path / "out.csv").times) == 4  # no action: the scene's range
    assert largest(read_performance(tmp_path / "out.csv").eyes[0, 1], (0, -0.5, 0)) > 0.01


def test_a_strip_of_the_nla_keeps_its_timecode(bpy, rigged, take, tmp_path):
    bpy.ops.effigy.import_performance(filepath=str(take.path))
    animation = rigged.rig.animation_data
    strip = animation.nla_tracks.new().strips.new("moved", 201, animation.action)
    if hasattr(strip, "action_slot"):
        strip.action_slot = animation.action_slot
    animation.action = None
    found = exported(bpy, tmp_path / "out.csv")
    assert len(found.times) == FRAMES
    assert found.start == pytest.approx(take.performance.start)
    assert largest(found.values, take.performance.values) < 1e-4
    assert largest(found.eyes, take.performance.eyes) < 1e-4


def test_a_bad_file_changes_nothing(bpy, built_head, take):
    text = take.path.read_text().splitlines()
    take.path.write_text("\n".join([*text[:5], text[5].replace(",0.", ",zero.", 1), *text[6:]]))
    with pytest.raises(RuntimeError, match=r"Row 6 of .*take 7\.csv, column .* not a number"):
        bpy.ops.effigy.import_performance(filepath=str(take.path))
    with pytest.raises(RuntimeError, match="No recording was chosen"):
        bpy.ops.effigy.import_performance()
    take.path.write_text("\n".join(text))
    with pytest.raises(RuntimeError, match=r"no bones for its eyes\. Add the rig first"):
        bpy.ops.effigy.import_performance(filepath=str(take.path), gaze="BONES")
    with pytest.raises(RuntimeError, match="after frame 1,048,574"):
        bpy.ops.effigy.import_performance(filepath=str(take.path), first_frame=1_048_570)
    assert len(bpy.data.actions) == 0
    assert built_head.data.shape_keys.animation_data is None


def test_what_cannot_be_written_is_said(bpy, built_head, tmp_path):
    with pytest.raises(RuntimeError, match=r"There is no folder .*nowhere\. Make it"):
        bpy.ops.effigy.export_performance(filepath=str(tmp_path / "nowhere/a.csv"))
    with pytest.raises(RuntimeError, match="No file was chosen"):
        bpy.ops.effigy.export_performance()
    built_head.hide_set(True)
    with pytest.raises(RuntimeError, match=r"is hidden\. Show it"):
        bpy.ops.effigy.export_performance(filepath=str(tmp_path / "a.csv"))
    assert list(tmp_path.glob("*.csv")) == []


@pytest.mark.parametrize(("fps", "mark"), [(24, ":"), (30, ";")])
def test_the_slow_rates_of_television_come_back(bpy, built_head, tmp_path, fps, mark):
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base, scene.frame_end = fps, 1.001, 20
    found = exported(bpy, tmp_path / "a.csv")
    assert found.times == pytest.approx(np.arange(20) * 1.001 / fps, abs=1e-6)
    code = (tmp_path / "a.csv").read_text().splitlines()[3].split(",")[0]
    assert code == f"00:00:00{mark}02.000"


def test_the_file_gets_its_suffix(bpy, built_head, tmp_path):
    bpy.context.scene.frame_end = 2
    bpy.ops.effigy.export_performance(filepath=str(tmp_path / "Ada v1.2"))
    assert [path.name for path in tmp_path.glob("*.csv")] == ["Ada v1.2.csv"]


def test_one_undo_step_a_drop_and_buttons(bpy, module, built_head):
    kinds = module("operators.performance")
    operator = kinds.EFFIGY_OT_import_performance
    assert {"REGISTER", "UNDO"} <= operator.bl_options
    handler = kinds.EFFIGY_FH_performance
    assert handler.bl_file_extensions == ".csv"
    view = SimpleNamespace(type="VIEW_3D")
    dropped = SimpleNamespace(area=view, object=built_head)
    assert handler.poll_drop(dropped)
    assert not handler.poll_drop(SimpleNamespace(area=view, object=None))
    assert not handler.poll_drop(SimpleNamespace(area=None, object=built_head))
    drawn = draw(module("panels.performance").EFFIGY_PT_performance, bpy.context)
    assert [name for name, *_ in drawn] == [
        "effigy.import_performance",
        "effigy.export_performance",
        "effigy.live",
    ]
    asked = []
    manager = SimpleNamespace(fileselect_add=asked.append)
    given = SimpleNamespace(filepath="a.csv", execute=lambda context: "done")
    assert operator.invoke(given, SimpleNamespace(window_manager=manager), None) == "done"
    chosen = SimpleNamespace(filepath="")
    assert operator.invoke(chosen, SimpleNamespace(window_manager=manager), None) == {
        "RUNNING_MODAL"
    }
    assert asked == [chosen]
