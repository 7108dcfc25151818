"""Jobs beside a window: ticks, progress, ESC, and one way out."""

import inspect
import json
import os
import time
from types import SimpleNamespace

import numpy as np
import pytest

from tests.support.patched import Patched

TIMER, ESC, MOVE, RELEASED = (
    SimpleNamespace(type=kind, value=value)
    for kind, value in (
        ("TIMER", "NOTHING"),
        ("ESC", "PRESS"),
        ("MOUSEMOVE", "NOTHING"),
        ("ESC", "RELEASE"),
    )
)


class Operator:
    """Stands for an operator instance, which Python cannot make outside Blender."""

    def __init__(self):
        self.reports = []

    def report(self, kind, text):
        self.reports.append((kind, text))


class Window:
    """Stands for a context or a window manager, which only take true operators as modal."""

    def __init__(self, real, **own):
        self._real = real
        vars(self).update(own)

    def __getattr__(self, name):
        return getattr(self._real, name)


@pytest.fixture
def tools():
    """The names of the modal operators that run; fill it to start one."""
    return ["EFFIGY_OT_batch", "ADDON_OT_runs_all_day"]


@pytest.fixture
def context(bpy, tools):
    class OneWindow:
        screen = SimpleNamespace(areas=[])
        workspace = bpy.data.workspaces[0]

        @property
        def view_layer(self):
            return bpy.context.view_layer

        @property
        def modal_operators(self):
            return [SimpleNamespace(bl_idname=name) for name in tools]

    manager = Window(
        bpy.context.window_manager,
        modal_handler_add=lambda operator: True,
        windows=[OneWindow()],
    )
    return Window(bpy.context, window_manager=manager)


@pytest.fixture
def run(context, module, fake_engine, photos, tmp_path):
    """Begins a modal batch over photos with these names, as the sidebar would."""

    def begin(*names):
        batch = module("operators.batch")
        methods = vars(batch.EFFIGY_OT_batch)
        kind = type(
            "Batch",
            (Operator, module("operators.jobs.operator").JobOperator),
            {name: methods[name] for name in ("start", "conclude", "_photos")},
        )
        operator = kind()
        operator.directory, operator.recursive = str(photos(*names)), False
        operator.same_person, operator.build_heads = False, True
        operator.output = str(tmp_path / "out")
        assert operator._begin(context) == {"RUNNING_MODAL"}
        return operator

    return begin


def tick_until(operator, context, finished):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        done = operator.modal(context, TIMER)
        if finished(done):
            return done
        assert done == {"PASS_THROUGH"}
        time.sleep(0.02)
    raise AssertionError("the job never got there")


def status_of(rows):
    return [row["status"] for row in rows]


def read_report(tmp_path):
    return json.loads((tmp_path / "out/report.json").read_text())


def test_a_job_ticks_to_its_end(context, run, tmp_path):
    operator = run("ok1.jpg", "ok2.jpg")
    state = context.window_manager.effigy_job
    assert state.running
    seen = []

    def finished(done):
        seen.append((state.fraction, state.message))
        return done == {"FINISHED"}

    tick_until(operator, context, finished)
    assert not state.running
    assert sorted(fraction for fraction, _ in seen) == [fraction for fraction, _ in seen]
    assert any("2/2 ok2.jpg" in message for _, message in seen)
    assert status_of(read_report(tmp_path)) == ["ok", "ok"]
    assert operator.reports[-1][1].startswith("2 photos: 2 ok")


def test_the_report_of_many_photos_is_written_once_and_their_rows_as_they_come(
    context, run, module, tmp_path, monkeypatch
):
    job = module("operators.jobs.reconstruction")
    written, write_report = [], job.write_report
    monkeypatch.setattr(
        job, "write_report", lambda *a, **k: written.append(1) or write_report(*a, **k)
    )
    operator, log = run("ok1.jpg", "ok2.jpg", "ok3.jpg"), tmp_path / "out/report.jsonl"
    tick_until(
        operator, context, lambda done: log.exists() and len(log.read_text().splitlines()) == 2
    )
    assert not written
    tick_until(operator, context, lambda done: done == {"FINISHED"})
    assert len(written) == 1
    assert status_of(map(json.loads, log.read_text().splitlines())) == ["ok"] * 3


def test_escape_stops_and_keeps_what_is_finished(bpy, context, run, module, tmp_path):
    operator = run("a_ok.jpg", "slow.jpg", "z_ok.jpg")
    state = context.window_manager.effigy_job
    tick_until(operator, context, lambda done: "Still fitting" in state.message)
    assert operator.modal(context, MOVE) == {"PASS_THROUGH"}
    assert operator.modal(context, ESC) == {"CANCELLED"}
    assert not state.running
    assert status_of(read_report(tmp_path)) == ["ok", "cancelled", "cancelled"]
    assert len([obj for obj in bpy.data.objects if obj.type == "MESH"]) == 1
    assert operator.reports[-1][0] == {"WARNING"}
    assert module("operators.runtime").engine._worker is None


def test_escape_that_leaves_another_tool_is_not_meant_for_the_job(context, run, tools):
    operator = run("slow.jpg")
    state = context.window_manager.effigy_job
    assert operator.modal(context, RELEASED) == {"PASS_THROUGH"}  # the tool took the press
    tools.append("TRANSFORM_OT_translate")
    assert operator.modal(context, ESC) == {"PASS_THROUGH"}
    assert state.running
    tools.remove("TRANSFORM_OT_translate")
    assert operator.modal(context, ESC) == {"CANCELLED"}


def meshes(bpy):
    return [obj for obj in bpy.data.objects if obj.type == "MESH"]


def test_no_head_is_built_while_another_tool_runs(bpy, context, run, tools, tmp_path):
    operator = run("ok1.jpg", "ok2.jpg")
    state = context.window_manager.effigy_job
    tools.append("TRANSFORM_OT_translate")
    # The engine goes on meanwhile.
    waiting = "2 finished heads wait for the end of the running tool"
    tick_until(operator, context, lambda done: state.message == waiting)
    assert not meshes(bpy)
    tools.remove("TRANSFORM_OT_translate")
    tick_until(operator, context, lambda done: done == {"FINISHED"})
    assert len(meshes(bpy)) == 2
    assert status_of(read_report(tmp_path)) == ["ok", "ok"]


def test_a_batch_leaves_the_selection_alone(bpy, context, run):
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.object
    operator = run("ok1.jpg", "ok2.jpg")
    tick_until(operator, context, lambda done: done == {"FINISHED"})
    assert bpy.context.object == cube
    assert bpy.context.selected_objects == [cube]


def test_a_selection_or_view_that_the_person_changed_is_theirs(bpy, module):
    attention = module("operators.jobs.attention").Attention
    bpy.ops.mesh.primitive_cube_add()
    region = SimpleNamespace(view_matrix=[[1.0, 2.0]], view_perspective="PERSP")
    space = SimpleNamespace(type="VIEW_3D", region_3d=region)
    context = Window(bpy.context, space_data=space)
    idle, several = attention(context, single=True), attention(context, single=False)
    assert idle.may_select(context)
    assert idle.may_frame(context)
    assert not several.may_select(context)
    region.view_perspective = "CAMERA"
    assert not idle.may_frame(context)
    region.view_perspective, region.view_matrix = "PERSP", [[1.0, 3.0]]
    assert not idle.may_frame(context)
    bpy.ops.mesh.primitive_cube_add()
    assert not idle.may_select(context)
    idle.selected(context)
    assert idle.may_select(context)


def test_no_head_is_built_in_edit_mode_and_stopping_keeps_the_result(bpy, context, run, tmp_path):
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.object.mode_set(mode="EDIT")
    operator = run("ok.jpg")
    state = context.window_manager.effigy_job
    tick_until(operator, context, lambda done: "waits for Object Mode" in state.message)
    assert operator.modal(context, ESC) == {"CANCELLED"}
    assert len(meshes(bpy)) == 1
    assert status_of(read_report(tmp_path)) == ["ok"]


@pytest.mark.parametrize("mode", ["SCULPT", "WEIGHT_PAINT", "TEXTURE_PAINT"])
def test_no_head_is_built_while_another_window_paints_or_sculpts(bpy, context, run, mode):
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.object
    operator = run("ok.jpg")
    state = context.window_manager.effigy_job
    painting = SimpleNamespace(
        screen=SimpleNamespace(areas=[]),
        workspace=bpy.data.workspaces[0],
        modal_operators=[],
        view_layer=SimpleNamespace(objects=SimpleNamespace(active=SimpleNamespace(mode=mode))),
    )
    context.window_manager.windows.append(painting)
    tick_until(operator, context, lambda done: "waits for Object Mode" in state.message)
    context.window_manager.windows.remove(painting)
    tick_until(operator, context, lambda done: done == {"FINISHED"})
    assert meshes(bpy)[0] == cube


def test_no_head_is_built_during_a_render(bpy, context, run, module, monkeypatch):
    running = ["RENDER"]
    app = Patched(bpy.app, is_job_running=lambda name: name in running)
    monkeypatch.setattr(module("operators.jobs.operator"), "bpy", Patched(bpy, app=app))
    operator = run("ok.jpg")
    state = context.window_manager.effigy_job
    tick_until(operator, context, lambda done: "waits for the end of the render" in state.message)
    assert not meshes(bpy)
    running.clear()
    tick_until(operator, context, lambda done: done == {"FINISHED"})


@pytest.fixture
def told(context):
    """What the workspace of the only window was given to draw in the status bar."""
    given = []
    (window,) = context.window_manager.windows
    window.workspace = SimpleNamespace(status_text_set=given.append)
    return given


def in_status_bar(draw, context):
    """What a function draws in the status bar: labels as (text, icon), templates by name."""
    drawn = []

    class Bar:
        def label(self, text, icon="NONE", text_ctxt="", translate=True):
            drawn.append((text, icon))

        def __getattr__(self, name):
            return lambda: drawn.append(name)

    draw(SimpleNamespace(layout=Bar()), context)
    return drawn


def test_progress_and_its_key_stand_in_whatever_workspace_is_shown(bpy, context, run, told):
    operator = run("ok.jpg")
    tick_until(operator, context, lambda done: done == {"FINISHED"})
    state = context.window_manager.effigy_job
    assert inspect.isfunction(told[0])  # Blender draws with nothing else
    state.show(0.42, "Making the texture")
    drawn = in_status_bar(told[0], context)
    assert drawn[:2] == [("Stop", "EVENT_ESC"), ("Effigy 42%: Making the texture", "NONE")]
    assert {"template_reports_banner", "template_status_info"} <= set(drawn)


def test_another_tools_keys_stay_in_the_status_bar(bpy, context, run, tools, told):
    operator = run("slow.jpg")
    tools.append("TRANSFORM_OT_translate")
    operator.modal(context, TIMER)
    set_before = len(told)
    operator.modal(context, TIMER)
    assert len(told) == set_before
    drawn = in_status_bar(told[-1], context)
    assert drawn[0] == "template_input_status"
    assert ("Stop", "EVENT_ESC") not in drawn
    tools.remove("TRANSFORM_OT_translate")
    operator.modal(context, TIMER)
    assert len(told) == set_before + 1
    operator.cancel(context)


def test_blender_has_its_status_bar_back_after_a_job_and_after_disabling(bpy, context, run):
    import addon_utils
    from bl_ui.space_statusbar import STATUSBAR_HT_header

    operator = run("ok.jpg")
    own = STATUSBAR_HT_header._draw_orig
    assert STATUSBAR_HT_header.draw != own
    tick_until(operator, context, lambda done: done == {"FINISHED"})
    assert STATUSBAR_HT_header.draw == own
    bpy.data.workspaces[0].status_text_set(lambda header, context: None)
    addon_utils.disable("bl_ext.user_default.effigy")
    addon_utils.enable("bl_ext.user_default.effigy")
    assert STATUSBAR_HT_header.draw == own


def test_the_stop_button_does_what_escape_does(bpy, context, run, tmp_path):
    operator = run("slow.jpg")
    assert bpy.ops.effigy.stop() == {"FINISHED"}
    assert operator.modal(context, TIMER) == {"CANCELLED"}
    assert status_of(read_report(tmp_path)) == ["cancelled"]
    assert [kind for kind, _ in operator.reports] == [{"WARNING"}]
    assert not bpy.ops.effigy.stop.poll()


def test_an_engine_that_dies_at_once_ends_the_job_with_its_words(context, run, fake_engine):
    fake_engine("dead")
    operator = run("ok.jpg")
    tick_until(operator, context, lambda done: done == {"CANCELLED"})
    kind, text = operator.reports[-1]
    assert kind == {"ERROR"}
    assert "No module named 'torch'" in text
    assert not context.window_manager.effigy_job.running


def test_only_one_job_at_a_time(context, run, module):
    first = run("slow.jpg")
    errors = module("ml.errors")
    with pytest.raises(errors.HeadError, match="already at work"):
        first._begin(context)
    first.cancel(context)
    assert not context.window_manager.effigy_job.running


def test_a_fault_of_our_own_leaves_no_timer_behind(context, run, monkeypatch):
    operator = run("ok.jpg")

    def broken():
        raise ZeroDivisionError

    monkeypatch.setattr(operator._modal.job, "step", broken)
    with pytest.raises(ZeroDivisionError):
        operator.modal(context, TIMER)
    assert not context.window_manager.effigy_job.running


def test_several_heads_wait_in_good_english(bpy, context, run):
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.object.mode_set(mode="EDIT")
    operator = run("ok.jpg", "fine.jpg")
    state = context.window_manager.effigy_job
    wanted = "2 finished heads wait for Object Mode"
    tick_until(operator, context, lambda done: state.message == wanted)


def test_a_picture_of_the_work_is_shown_and_taken_away(context, module, tmp_path):
    path = tmp_path / "now.npy"
    job = SimpleNamespace(fraction=0.0, message="", preview=path, step=lambda: False)
    state = context.window_manager.effigy_job
    before = len(context.blend_data.images)
    run = module("operators.jobs.operator").ModalRun(context, job)
    assert state.icon == 0
    for number, shape in enumerate([(40, 60, 4), (60, 30, 4)], start=1):
        picture = np.zeros(shape, np.uint8)
        picture[0, :, number] = picture[..., 3] = 255
        np.save(path, picture)
        os.utime(path, ns=(number, number))
        assert not run.tick(TIMER)
        (preview,) = run._preview._pictures.values()
        assert state.icon == preview.icon_id  # 0 without a window
        assert tuple(preview.image_size) == shape[1::-1]
        pixels = np.array(preview.image_pixels_float[:]).reshape(shape)
        np.testing.assert_allclose(pixels[::-1] * 255, picture, atol=1)
    for damaged in (b"half of a file", None):
        path.unlink() if damaged is None else path.write_bytes(damaged)
        assert not run.tick(TIMER)
        assert tuple(preview.image_size) == (30, 60)
    state.icon = 7
    run.finish()
    assert (state.running, state.icon) == (False, 0)
    assert not run._preview._pictures
    assert len(context.blend_data.images) == before
