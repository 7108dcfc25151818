"""The worker's protocol, with a fake pipeline and as a real process."""

import errno
import importlib.util
import io
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ml.errors import NoFaceFound
from ml.results.report import Row
from ml.worker import Worker
from tests.support import fake_pipeline
from tests.support.fake_pipeline import tiny_head

STRAY = """
import atexit, runpy
atexit.register(print, "stray")
runpy.run_module("ml.worker", run_name="__main__")
"""


def talk(*requests: object, pipeline=None, person_pipeline=None, log=None) -> list[dict]:
    lines = [item if isinstance(item, str) else json.dumps(item) for item in requests]
    answers = io.StringIO()
    Worker(io.StringIO("\n".join(lines) + "\n"), answers, pipeline, person_pipeline, log).run()
    return [json.loads(line) for line in answers.getvalue().splitlines()]


def reconstruct(tmp_path, number=7, **settings):
    data = {"photo": str(tmp_path / "me.jpg"), "out": str(tmp_path / "out"), "settings": settings}
    return {"id": number, "type": "reconstruct", "data": data}


def good_pipeline(photo, settings, progress):
    progress(0.25, "Finding the face")
    return (tiny_head(photo),)


def test_ready_progress_result(tmp_path):
    ready, progress, result = talk(reconstruct(tmp_path), pipeline=good_pipeline)
    assert ready["type"] == "ready"
    assert {"python", "torch", "effigy_version", "pid"} <= set(ready["data"])
    assert progress == {
        "id": 7,
        "type": "progress",
        "data": {"fraction": 0.25, "message": "Finding the face"},
    }
    assert result["type"] == "result"
    (row,) = [Row(**row) for row in result["data"]["rows"]]
    assert (row.photo, row.status, row.confidence) == (str(tmp_path / "me.jpg"), "ok", 0.75)
    assert list(row.heads) == [str(tmp_path / "out")]
    assert (tmp_path / "out/reconstruction.json").is_file()


def test_a_finished_photo_is_skipped_where_that_is_asked_for(tmp_path):
    def pipeline(photo, settings, progress):
        return (replace(tiny_head(photo), settings=settings),)

    (tmp_path / "me.jpg").write_bytes(b"a photo")
    asked = reconstruct(tmp_path, skip_existing=True), reconstruct(tmp_path, skip_existing=True)
    _, first, second = talk(*asked, pipeline=pipeline)
    statuses = [answer["data"]["rows"][0]["status"] for answer in (first, second)]
    assert statuses == ["ok", "skipped"]
    assert second["data"]["rows"][0]["heads"] == [str(tmp_path / "out")]
    other = reconstruct(tmp_path, skip_existing=True, level="high")
    _, third, fourth = talk(other, reconstruct(tmp_path, level="high"), pipeline=pipeline)
    for answer in (third, fourth):  # with other settings, and where it is not asked for
        assert answer["data"]["rows"][0]["status"] == "ok"


def test_several_photos_of_one_person(tmp_path):
    def pipeline(photos, settings, progress):
        progress(0.5, "Fitting")
        return fake_pipeline.fake_person(photos, settings)

    out = tmp_path / "out"
    names = [str(tmp_path / name) for name in ("a.jpg", "noface.jpg", "b.jpg")]
    data = {"photos": names, "out": str(out), "settings": {"texture_size": 0}, "preview": False}
    _, progress, result = talk({"id": 3, "type": "person", "data": data}, person_pipeline=pipeline)
    assert progress["data"] == {"fraction": 0.5, "message": "Fitting"}
    assert result["data"]["person"] == str(out)
    rows = [Row(**row) for row in result["data"]["rows"]]
    assert [(row.photo, row.status) for row in rows] == [
        (names[0], "ok"),
        (names[1], "failed"),
        (names[2], "ok"),
    ]
    assert list(rows[0].heads) == [str(out / "a")]
    assert (out / "person.json").is_file()


def test_settings_arrive(tmp_path):
    seen = []

    def pipeline(photo, settings, progress):
        seen.append((photo.name, settings.face, settings.level, settings.detail))
        return (tiny_head(photo),)

    talk(
        reconstruct(tmp_path, face="2", level="high", detail="off"),
        pipeline=pipeline,
    )
    assert seen == [("me.jpg", "2", "high", "off")]


def test_errors_are_answers_and_the_worker_goes_on(tmp_path):
    def pipeline(photo, settings, progress):
        if settings.face == "2":
            raise NoFaceFound("No face", "Try another")
        if settings.face == "3":
            raise ZeroDivisionError
        return (tiny_head(photo),)

    told = talk(
        reconstruct(tmp_path, 1, face="2"),
        reconstruct(tmp_path, 2, face="3"),
        reconstruct(tmp_path, 3, shape="round"),
        "not json",
        "[]",
        {"id": 5, "type": "sing", "data": {}},
        reconstruct(tmp_path, 6),
        pipeline=pipeline,
    )
    codes = [(item["id"], item["type"], item["data"].get("code")) for item in told[1:]]
    assert codes == [
        (1, "error", "no_face"),
        (2, "error", "unexpected"),
        (3, "error", "usage"),
        (None, "error", "usage"),
        (None, "error", "usage"),
        (5, "error", "usage"),
        (6, "result", None),
    ]
    assert told[1]["data"] == {"code": "no_face", "message": "No face", "hint": "Try another"}


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "error", "disk is full: OUT "),
        (
            PermissionError(errno.EACCES, "Permission denied", "w.bin"),
            "error",
            "w.bin is not allow",
        ),
        (MemoryError(), "error", "not enough memory for OUT"),
        (RuntimeError("can't allocate memory: 9 bytes"), "error", "not enough memory"),
        (ModuleNotFoundError("x", name="cv2"), "engine_unavailable", "This Python lacks cv2"),
        (ValueError("a fault of ours"), "unexpected", "a fault of ours"),
        (KeyError("a fault of ours"), "unexpected", "a fault of ours"),
    ],
)
def test_causes_are_called_what_they_are(tmp_path, error, code, words):
    def pipeline(photo, settings, progress):
        raise error

    (_, answer) = talk(reconstruct(tmp_path), pipeline=pipeline, log=Path("engine.log"))
    assert answer["data"]["code"] == code
    assert words.replace("OUT", str(tmp_path / "out")) in answer["data"]["message"]
    assert ("with the log engine.log" in answer["data"]["hint"]) == (code == "unexpected")


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("reconstruct", {"photo": "a.jpg"}),
        ("reconstruct", {"photo": "a\0.jpg", "out": "o"}),
        ("reconstruct", {"photo": "a\ud800.jpg", "out": "o"}),
        ("reconstruct", {"photo": 3, "out": "o"}),
        ("reconstruct", {"photo": "a", "out": "o", "settings": {"face": 3}}),
        ("reconstruct", {"photo": "a", "out": "o", "settings": {"texture_size": "big"}}),
        ("reconstruct", {"photo": "a", "out": "o", "settings": {"texture_size": True}}),
        ("reconstruct", {"photo": "a", "out": "o", "settings": {"level": "round"}}),
        ("reconstruct", {"photo": "a", "out": "o", "settings": [1]}),
        ("person", {"photos": [], "out": "o"}),
        ("person", {"photos": "a.jpg", "out": "o"}),
        ("reconstruct", [1]),
        (None, {}),
    ],
)
def test_a_wrong_request_is_called_so_and_answered_under_its_number(kind, data):
    never = dict.fromkeys(("pipeline", "person_pipeline"))
    (_, answer) = talk({"id": 4, "type": kind, "data": data}, **never)
    assert (answer["id"], answer["type"], answer["data"]["code"]) == (4, "error", "usage")


def test_check_names_what_this_python_lacks(monkeypatch):
    find = importlib.util.find_spec
    lacking = ("cv2", "numba")
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name in lacking else find(name)
    )
    (_, answer) = talk({"id": 1, "type": "check"})
    assert answer["data"]["code"] == "engine_unavailable"
    assert answer["data"]["message"] == "This Python lacks cv2, numba"
    assert "Install engine" in answer["data"]["hint"]


def test_check_loads_what_it_needs(monkeypatch):
    (_, answer) = talk({"id": 1, "type": "check"})
    assert {"torch", "cv2", "numba", "safetensors"} <= set(answer["data"]["packages"])
    monkeypatch.setitem(sys.modules, "cv2", None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    (_, answer) = talk({"id": 1, "type": "check"})
    assert (answer["type"], answer["data"]["code"]) == ("error", "engine_unavailable")


def in_a_process(tmp_path, *requests) -> subprocess.CompletedProcess:
    code = "import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); "
    code += "runpy.run_module('ml.worker', run_name='__main__', alter_sys=True)"
    root = str(Path(__file__).parents[2])
    command = [sys.executable, "-c", code, root, "--log", str(tmp_path / "logs/engine.log")]
    return subprocess.run(
        command,
        input="".join(json.dumps(item) + "\n" for item in requests),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )


def test_the_log_has_the_start_and_what_went_wrong_and_stays_small(tmp_path):
    log = tmp_path / "logs/engine.log"
    log.parent.mkdir()
    log.write_text("x" * (1 << 20))
    wrong = {"id": 1, "type": "sing", "data": {}}
    told = in_a_process(tmp_path, wrong).stdout.splitlines()
    assert [json.loads(line)["type"] for line in told] == ["ready", "error"]
    text = log.read_text()
    assert "started" in text
    assert "Unknown request 'sing'" in text
    assert (tmp_path / "logs/engine.log.1").stat().st_size == 1 << 20
    assert log.stat().st_size < 10_000


def test_without_a_place_for_its_log_the_engine_works(tmp_path):
    (tmp_path / "logs").write_text("a file")
    done = in_a_process(tmp_path, {"id": 1, "type": "sing", "data": {}})
    assert [json.loads(line)["type"] for line in done.stdout.splitlines()] == ["ready", "error"]
    assert "no log is written" in done.stderr


def test_a_photo_given_twice_is_one_of_a_persons(tmp_path):
    names = [str(tmp_path / name) for name in ("a.jpg", "b.jpg", "a.jpg", "x/../b.jpg")]
    (tmp_path / "x").mkdir()
    data = {"photos": names, "out": str(tmp_path / "out")}
    request = {"id": 1, "type": "person", "data": data}
    (_, result) = talk(request, person_pipeline=lambda p, s, _: fake_pipeline.fake_person(p, s))
    assert [row["photo"] for row in result["data"]["rows"]] == names[:2]


@pytest.mark.skipif(os.name != "posix", reason="signals are sent")
@pytest.mark.parametrize("end", ["nobody reads", "SIGINT", "SIGTERM", "SIGHUP"])
def test_it_ends_without_a_traceback(end):
    process = subprocess.Popen(
        [sys.executable, "-m", "ml.worker"],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert b"ready" in process.stdout.readline()
    if end.startswith("SIG"):
        process.send_signal(getattr(signal, end))
    else:
        process.stdout.close()
        process.stdin.write(b'{"id": 1, "type": "sing", "data": {}}\n')
        process.stdin.flush()
    assert process.wait(60) != 0
    assert b"Traceback" not in process.stderr.read()
    for stream in (process.stdin, process.stderr):
        stream.close()


def test_shutdown_ends_it(tmp_path):
    told = talk({"id": 1, "type": "shutdown"}, reconstruct(tmp_path), pipeline=good_pipeline)
    assert [item["type"] for item in told] == ["ready"]


@pytest.mark.parametrize("last_word", ["", '{"id": 1, "type": "shutdown", "data": {}}\n'])
def test_a_real_process_speaks_only_the_protocol(run_code, last_word):
    done = run_code(STRAY, input=last_word, capture_output=True, text=True, timeout=60)
    (ready,) = done.stdout.splitlines()
    assert json.loads(ready)["type"] == "ready"
    assert "stray" in done.stderr


def test_importing_the_core_is_cheap(run_code):
    code = (
        "import sys, ml, ml.errors, ml.data, ml.results.reconstruction, ml.results.report;"
        "import ml.head.arkit, ml.results.person;"
        "heavy = {'torch', 'cv2', 'numba', 'bpy', 'PIL', 'scipy'} & set(sys.modules);"
        "sys.exit(', '.join(heavy) or 0)"
    )
    run_code(code)
