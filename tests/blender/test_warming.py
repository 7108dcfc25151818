"""The engine is started ahead of the first photo, and never by drawing alone."""

import time
from types import SimpleNamespace

import pytest

from tests.support.layout import draw
from tests.support.patched import Patched


@pytest.fixture
def warming(module):
    warming = module("operators.engine.warming")
    warming.close()
    yield warming
    warming.close()


@pytest.fixture
def timers(bpy, warming, monkeypatch):
    """The timers of a Blender with a window, which the wheel is not."""
    registered = []
    app = SimpleNamespace(
        background=False,
        timers=SimpleNamespace(
            register=lambda function, **how: registered.append(function),
            unregister=registered.remove,
            is_registered=lambda function: function in registered,
        ),
    )
    monkeypatch.setattr(warming, "bpy", Patched(bpy, app=app))
    return registered


@pytest.fixture
def engine(module):
    engine = module("operators.runtime").engine
    engine.stop()
    return engine


def test_drawing_the_tab_only_sets_a_timer_and_only_once(
    bpy, fake_engine, module, warming, timers, engine
):
    panel = module("panels.sidebar").EFFIGY_PT_photo
    for _ in range(3):
        draw(panel, bpy.context)
    assert engine._worker is None
    assert timers == [warming.warm_up]
    timers.clear()  # it ran
    assert warming.warm_up() is None
    worker = engine._worker
    assert worker.alive
    draw(panel, bpy.context)
    assert timers == [warming.watch]
    warming.warm_up()
    assert engine._worker is worker


def test_an_engine_is_warmed_up_once(fake_engine, module, warming, engine, monkeypatch):
    asked, submit = [], engine.submit
    monkeypatch.setattr(engine, "submit", lambda *what: asked.append(what[1]) or submit(*what))
    python = module("operators.runtime").engine_python().executable
    warming.warm_up()
    engine.warm_up(python)
    assert asked == ["warm_up"]
    engine.stop()
    engine.warm_up(python)
    assert asked == ["warm_up"] * 2


def test_a_photo_that_comes_too_early_says_what_it_waits_for(
    fake_engine, module, warming, engine, tmp_path
):
    warming.warm_up()
    python = module("operators.runtime").engine_python().executable
    data = {"photo": "/photos/ok.jpg", "out": str(tmp_path), "settings": {}}
    early = engine.submit(python, "reconstruct", data)
    assert early.message == "Starting the engine"
    early.wait()
    assert engine.submit(python, "reconstruct", data).message == "Waiting"


def test_the_first_photo_goes_to_the_warm_engine(bpy, fake_engine, photos, warming, engine):
    warming.warm_up()
    worker = engine._worker
    bpy.ops.effigy.reconstruct(filepath=str(photos("ok.jpg") / "ok.jpg"))
    assert engine._worker is worker
    assert worker.ready


def test_no_engine_starts_in_the_background_without_one_or_unwanted(
    bpy, fake_engine, module, warming, timers, engine, monkeypatch, tmp_path
):
    own = module("operators.runtime").own_preferences()
    own.keep_engine_ready = False
    try:
        warming.warm_up_once()
        warming.warm_up_again()
        warming.warm_up()
    finally:
        own.keep_engine_ready = True
    bpy.context.window_manager.effigy_job.begin()
    warming.warm_up()
    bpy.context.window_manager.effigy_job.end()
    monkeypatch.setenv("EFFIGY_PYTHON", str(tmp_path / "gone"))
    warming.warm_up_once()
    warming.warm_up()
    monkeypatch.setattr(warming, "bpy", bpy)  # the wheel itself has no window
    fake_engine()
    warming.warm_up_once()
    assert timers == []
    assert not bpy.app.timers.is_registered(warming.warm_up)
    assert engine._worker is None


def test_a_broken_engine_is_not_started_at_every_redraw(fake_engine, warming, timers, engine):
    fake_engine("dead")
    warming.warm_up()
    assert warming.warm_up() is None
    warming.warm_up_once()
    assert timers == [warming.watch]


def test_after_a_stopped_job_the_engine_gets_warm_again(
    bpy, fake_engine, photos, module, warming, timers, tmp_path
):
    jobs = module("operators.jobs.reconstruction")
    photo = photos("slow.jpg") / "slow.jpg"
    order = jobs.Order(
        [module("ml.results.plan").Task(photo, tmp_path / "out")], module("ml.settings").Settings()
    )
    job = jobs.make_job(order, lambda folder: None)
    job.step()
    job.cancel()
    assert timers == [warming.warm_up]


def watched(warming):
    """The end of :func:`watch`, as Blender's timer calls it."""
    end = time.monotonic() + 20
    while warming.watch() is not None:
        assert time.monotonic() < end
        time.sleep(0.02)


def said(bpy, module):
    """What the panel says of the engine."""
    drawn = draw(module("panels.sidebar").EFFIGY_PT_photo, bpy.context)
    return [text for kind, text, _ in drawn if kind == "label"]


def test_the_panel_says_what_the_engine_is_about(bpy, fake_engine, module, warming, timers, engine):
    assert said(bpy, module) == ["The engine starts with the first photo"]
    warming.warm_up()
    assert said(bpy, module) == ["The engine is starting..."]
    watched(warming)
    assert said(bpy, module) == ["The engine is ready"]
    engine.stop()
    assert said(bpy, module) == ["The engine starts with the first photo"]


def test_what_the_engine_is_about_takes_several_lines_in_long_languages(
    bpy, fake_engine, module, warming, timers, engine, monkeypatch
):
    long = "Der Rechenkern von Effigy wird erst mit dem ersten ausgewählten Foto gestartet"
    monkeypatch.setattr(module("panels.engine_hint"), "tr", lambda text: long)
    lines = said(bpy, module)
    assert " ".join(lines) == long
    assert len(lines) > 1


def test_a_broken_engine_is_named_before_the_first_photo(
    bpy, fake_engine, module, warming, timers, engine
):
    fake_engine("dead")
    state = bpy.context.window_manager.effigy_engine
    try:
        warming.warm_up()
        watched(warming)
        assert state.failed
        assert "No module named 'torch'" in state.outcome
        assert not any("ready" in text or "starts" in text for text in said(bpy, module))
    finally:
        state.tell("", failed=False)


def test_a_photo_meanwhile_hears_what_the_engine_says(
    bpy, fake_engine, photos, warming, timers, engine
):
    """Two must not read the engine's answers at once: the first would swallow the second's."""
    warming.warm_up()
    bpy.context.window_manager.effigy_job.begin()
    assert warming.watch() is None
    bpy.context.window_manager.effigy_job.end()
    bpy.ops.effigy.reconstruct(filepath=str(photos("ok.jpg") / "ok.jpg"))
    assert engine.state == "ready"
    assert engine.warmed_up()
