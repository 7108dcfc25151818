"""Jobs beside a window: ticks, progress, ESC, and one way out."""

import json
import time
from types import SimpleNamespace

import pytest

TIMER, ESC, MOVE = (SimpleNamespace(type=kind) for kind in ("TIMER", "ESC", "MOUSEMOVE"))


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
def context(bpy):
    manager = Window(bpy.context.window_manager, modal_handler_add=lambda operator: True)
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
            {name: methods[name] for name in ("start", "conclude")},
        )
        operator = kind()
        operator.directory, operator.recursive = str(photos(*names)), False
        operator.same_person = False
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
